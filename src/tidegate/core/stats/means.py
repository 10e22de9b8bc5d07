"""The difference of a metric's means between two arms of known probability, with an interval that holds however often one looks.

Each unit gives W = (X - m) (A / rho - (1 - A) / (1 - rho)), whose mean is the difference whatever the traffic does; the interval
is the asymptotic confidence sequence over the W (statistics.md 1.3 and A.1.12; Waudby-Smith et al., arXiv 2103.06476).
"""

import math

from tidegate.core.vocabulary import sums

BURN_IN = 50
"""Units of each arm without which the interval is everything."""
TIGHTEST = 5_000
"""Units at which the interval is tightest."""


def half_width(units: int, alpha: float, tightest: int = TIGHTEST) -> float:
    """Half of the interval's width, in standard deviations of W, after so many units."""
    scale = (-2 * math.log(alpha) + math.log(-2 * math.log(alpha) + 1)) / tightest
    grown = units * scale + 1
    return math.sqrt(2 * grown / (units * units * scale) * math.log(math.sqrt(grown) / alpha))


def difference(candidate: sums.Moments, stable: sums.Moments, rho: float, alpha: float) -> tuple[float, float, float]:
    """(candidate's mean less stable's, lower end, upper end) at level 1 - alpha; infinite ends before the burn-in.

    `rho` is the chance with which a unit was drawn for the candidate, 0 < rho < 1.
    """
    if min(candidate.count, stable.count) < BURN_IN:
        told = _mean(candidate) - _mean(stable) if candidate.count and stable.count else 0.0
        return told, -math.inf, math.inf
    units = candidate.count + stable.count
    centre = (candidate.total + stable.total) / units
    one, zero = _about(candidate, centre), _about(stable, centre)
    mean = one[0] / (rho * units) - zero[0] / ((1 - rho) * units)
    square = one[1] / (rho * rho * units) + zero[1] / ((1 - rho) ** 2 * units)
    reach = half_width(units, alpha) * math.sqrt(max(0.0, square - mean * mean))
    return mean, mean - reach, mean + reach


def _about(arm: sums.Moments, centre: float) -> tuple[float, float]:
    """(sum, sum of squares) of an arm's values less `centre`."""
    return arm.total - arm.count * centre, max(0.0, arm.squares - 2 * centre * arm.total + arm.count * centre * centre)


def _mean(arm: sums.Moments) -> float:
    return arm.total / arm.count
