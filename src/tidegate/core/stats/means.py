"""The difference of two arms' means with an asymptotic confidence sequence: an interval that holds at all times at once.

Waudby-Smith et al. (2103.06476): mean +- sigma sqrt(2 (n r^2 + 1) / (n r)^2 log(sqrt(n r^2 + 1) / alpha)), the tightest at about
t* units by r^2 = (-2 log alpha + log(-2 log alpha + 1)) / t*. For a difference n is the units of both arms, and sigma^2 is
n times the variance of the difference, as if each unit had brought its share of it.

Asymptotic: it needs some units before it says anything (`BURN_IN`), and a mean that few units dominate takes many more. No arm
is believed to vary less than both do within themselves: fifty of the candidate's units of which none has bought yet, beside
thousands of stable's of which some have, would be a certain loser. Sums cannot be winsorised afterwards: who posts a
heavy-tailed metric clips it before. Weights of a ramp are compared apart and averaged by their units, never pooled: pooling
would compare different times of day.
"""

import math
import statistics
from collections.abc import Callable, Iterable

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
    """(-inf, inf) as long as no weight has BURN_IN units in both arms, or all values are alike."""


def radius(units: float, alpha: float, tightest: float = TIGHTEST) -> float:
    """The interval's half-width after `units` values, in standard deviations of one."""
    log = -2 * math.log(alpha)
    tuned = (log + math.log(log + 1)) / tightest
    spread = units * tuned + 1
    return math.sqrt(2 * spread / (units * units * tuned) * (math.log(spread) / 2 - math.log(alpha)))


def difference(arms: Iterable[sums.Values], alpha: float = LEVEL, tightest: float = TIGHTEST) -> Difference:
    """The difference of one metric from its values by weight: `arms` are of one metric, each weight once."""
    told, ready = _ready(arms)
    shown = ready or told
    units = sum(map(_units, shown))
    found = sum(_units(one) / units * (mean(one.candidate) - mean(one.stable)) for one in shown)
    interval = (-math.inf, math.inf)
    if ready:
        half = math.sqrt(sum(_errors(ready))) * _scale(units, alpha, tightest)
        # Where no value differs from another yet, nothing is known of how much they do.
        interval = (found - half, found + half) if half else interval
    return Difference(*_wholes(shown), found, interval)


def relative(arms: Iterable[sums.Values], alpha: float = LEVEL, tightest: float = TIGHTEST) -> Difference:
    """The same difference as a share of stable's mean: -0.05 is 5 % less. The interval holds each q for which candidate -
    (1 + q) stable has 0 in its own (Fieller 1954); (-inf, inf) unless stable's mean is surely above 0: a share of 0 is none.
    As `difference`, it says nothing while all values of each arm are alike.
    """
    told, ready = _ready(arms)
    shown = ready or told
    units = sum(map(_units, shown))
    one, two = (sum(_units(each) / units * mean(arm(each)) for each in shown) for arm in _ARMS)
    interval = (-math.inf, math.inf)
    if ready and two > 0:
        scale, ratio = _scale(units, alpha, tightest), one / two
        off1, off2 = (scale * math.sqrt(error) / two for error in _errors(ready))
        square = 1 - off2 * off2
        root = math.hypot(off1 * math.sqrt(square), ratio * off2) if square > 0 else 0.0
        if 0 < root < math.inf:  # 0: nothing is known of how much values differ
            interval = ((ratio - root) / square - 1, (ratio + root) / square - 1)
    return Difference(*_wholes(shown), one / two - 1 if two > 0 else 0.0, interval)


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


_ARMS: tuple[Callable[[sums.Values], sums.Moments], ...] = (lambda one: one.candidate, lambda one: one.stable)


def _ready(arms: Iterable[sums.Values]) -> tuple[list[sums.Values], list[sums.Values]]:
    """The weights that have values in both arms, and those of them with enough to say something."""
    told = [one for one in arms if one.candidate.count and one.stable.count]
    return told, [one for one in told if min(one.candidate.count, one.stable.count) >= BURN_IN]


def _errors(ready: list[sums.Values]) -> tuple[float, float]:
    """The variances of both arms' means: of sums of independent ones, by their weights."""
    units = sum(map(_units, ready))
    one, two = (sum((_units(each) / units) ** 2 * _error(each, arm(each)) for each in ready) for arm in _ARMS)
    return one, two


def _scale(units: int, alpha: float, tightest: float) -> float:
    """The half-width of a difference's interval over its standard error."""
    return math.sqrt(units) * radius(units, alpha, tightest)


def _error(one: sums.Values, arm: sums.Moments) -> float:
    """The variance of an arm's mean, as Welch's, but it varies no less than both arms do within themselves."""
    within = sum((each(one).count - 1) * variance(each(one)) for each in _ARMS) / (_units(one) - 2)
    return max(variance(arm), within) / arm.count


def _units(one: sums.Values) -> int:
    return one.candidate.count + one.stable.count


def _wholes(shown: list[sums.Values]) -> tuple[tuple[int, float], tuple[int, float]]:
    """(units, mean) of both arms over all weights."""
    one, two = (_whole([arm(each) for each in shown]) for arm in _ARMS)
    return one, two


def _whole(parts: list[sums.Moments]) -> tuple[int, float]:
    count = sum(part.count for part in parts)
    return count, sum(part.total for part in parts) / count if count else 0.0
