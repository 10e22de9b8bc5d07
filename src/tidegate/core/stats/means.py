"""The difference of two arms' means with an asymptotic confidence sequence: an interval that holds at all times at once.

Waudby-Smith et al. (2103.06476): mean +- sigma sqrt(2 (n r^2 + 1) / (n r)^2 log(sqrt(n r^2 + 1) / alpha)), the tightest at about
t* units by r^2 = (-2 log alpha + log(-2 log alpha + 1)) / t*. For a difference n is the units of both arms, and sigma^2 is
n times the variance of the difference, as if each unit had brought its share of it.

Asymptotic: it needs some units before it says anything (`BURN_IN`), and a mean that few units dominate takes many more. Sums
cannot be winsorised afterwards: who posts a heavy-tailed metric clips it before. Weights of a ramp are compared apart and
averaged by their units, never pooled: pooling would compare different times of day.
"""

import math
import statistics
from collections.abc import Iterable

import msgspec

from tidegate.core.stats import power as power_of
from tidegate.core.vocabulary import sums

BURN_IN = 50
"""Units of each arm without which the interval is the whole line."""
TIGHTEST = 5_000.0
"""Units, both arms', at which the interval is the tightest it can be for its kind."""
LEVEL = 0.05


class Difference(msgspec.Struct, frozen=True):
    """Candidate minus stable, over the weights at which both have enough units."""

    candidate: tuple[int, float]
    """(units, mean)."""
    stable: tuple[int, float]
    difference: float
    interval: tuple[float, float]
    """(-inf, inf) as long as no weight has BURN_IN units in both arms."""


def radius(units: float, alpha: float, tightest: float = TIGHTEST) -> float:
    """The interval's half-width after `units` values, in standard deviations of one."""
    log = -2 * math.log(alpha)
    tuned = (log + math.log(log + 1)) / tightest
    spread = units * tuned + 1
    return math.sqrt(2 * spread / (units * units * tuned) * (math.log(spread) / 2 - math.log(alpha)))


def difference(arms: Iterable[sums.Values], alpha: float = LEVEL, tightest: float = TIGHTEST) -> Difference:
    """The difference of one metric from its values by weight: `arms` are of one metric, each weight once."""
    told = [one for one in arms if one.candidate.count and one.stable.count]
    ready = [one for one in told if min(one.candidate.count, one.stable.count) >= BURN_IN]
    shown = ready or told
    units = sum(_units(one) for one in shown)
    both = [_whole([one.candidate for one in shown]), _whole([one.stable for one in shown])]
    found = sum(_units(one) / units * (mean(one.candidate) - mean(one.stable)) for one in shown)
    interval = (-math.inf, math.inf)
    if ready:
        # The variance of a weighted sum of independent differences.
        spread = sum((_units(one) / units) ** 2 * (_error(one.candidate) + _error(one.stable)) for one in ready)
        half = math.sqrt(spread * units) * radius(units, alpha, tightest)
        interval = (found - half, found + half)
    return Difference(both[0], both[1], found, interval)


def needed(effect: float, deviations: tuple[float, float], split: float, alpha: float = LEVEL, power: float = 0.8) -> int:
    """Units of both arms together until a difference of `effect` is told from none in `power` of all tests, looked at as often as
    one likes; -1 where no number that could be had is enough.

    `deviations` are the standard deviations of one unit's value in (candidate, stable); `split` is the candidate's share. The
    difference as it is seen lies within its quantile of the effect, and the interval around it has to leave 0 out.
    """
    spread = math.sqrt(deviations[0] ** 2 / split + deviations[1] ** 2 / (1 - split))
    quantile = statistics.NormalDist().inv_cdf(power)

    def told(units: int) -> bool:
        return effect >= spread * (radius(units, alpha) + quantile / math.sqrt(units))

    return power_of.least(told, math.ceil(BURN_IN / min(split, 1 - split)))


def mean(values: sums.Moments) -> float:
    """Their mean; 0 where there are none."""
    return values.total / values.count if values.count else 0.0


def variance(values: sums.Moments) -> float:
    """Their sample variance; 0 below two."""
    if values.count < 2:
        return 0.0
    return max(0.0, values.squares - values.total * values.total / values.count) / (values.count - 1)


def _error(values: sums.Moments) -> float:
    return variance(values) / values.count


def _units(one: sums.Values) -> int:
    return one.candidate.count + one.stable.count


def _whole(parts: list[sums.Moments]) -> tuple[int, float]:
    count = sum(part.count for part in parts)
    return count, sum(part.total for part in parts) / count if count else 0.0
