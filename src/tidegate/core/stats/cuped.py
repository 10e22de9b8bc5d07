"""A metric adjusted by what its units were like before: the same difference with less noise (CUPED; Deng et al., WSDM 2013).

A unit with the covariate x enters as y - theta (x - mean of x), a unit without one as y, as if it had the mean. The mean of x is
that of both arms of a weight, so the arms' difference has the same expectation whatever theta is. Theta is the slope of y on x
within the arms, all of them pooled: what least squares gives for y on the arm and the covariate. The variance shrinks by
1 - r^2, r the correlation of y with the covariate (0 where it is missing).

The adjusted values have moments like any others, so `means` takes them from here: asymptotically, since theta is estimated from
the units themselves (as in GrowthBook's sequential tests). The covariate has to be of the time before the test. If it is not, or
if the arms are no random split, it differs between the arms itself: `unlike` asks.
"""

import math
from collections.abc import Sequence

import msgspec

from tidegate.core.stats import means
from tidegate.core.vocabulary import sums

ALPHA = 0.001
"""Chance with which a covariate of a proper test is called different between the arms."""


class Adjusted(msgspec.Struct, frozen=True):
    """A metric's values by weight, as if each unit had posted its adjusted one."""

    values: tuple[sums.Values, ...]
    theta: float
    units: int
    """Units of both arms that have the covariate."""


def adjusted(values: Sequence[sums.Values]) -> Adjusted:
    """One metric's values by weight, adjusted by their crossed sums; as they are where no unit has the covariate."""
    centred = [_centre(one) for one in values]
    slopes = [_slope(arm, mean) for one, mean in zip(values, centred, strict=True) for arm in (one.candidate, one.stable)]
    spread = sum(square for _, square in slopes)
    theta = sum(product for product, _ in slopes) / spread if spread > 0 else 0.0
    found = tuple(
        msgspec.structs.replace(one, candidate=_moments(one.candidate, theta, mean), stable=_moments(one.stable, theta, mean))
        for one, mean in zip(values, centred, strict=True)
    )
    return Adjusted(found, theta, sum(one.candidate.crossed.count + one.stable.crossed.count for one in values))


def narrower(values: Sequence[sums.Values], alpha: float) -> float:
    """By which share of itself the adjustment makes the interval of the difference narrower; 0 while there is none."""
    before, after = (means.difference(one, alpha).interval for one in (values, adjusted(values).values))
    width = before[1] - before[0]
    return 1 - (after[1] - after[0]) / width if math.isfinite(width) and width > 0 else 0.0


def unlike(values: Sequence[sums.Values], covariate: Sequence[sums.Values]) -> means.Difference | None:
    """How the covariate differs between the arms where it must not, or the share of `values`' units that have it; None: neither
    does. `covariate`: its own values by weight.
    """
    having = [msgspec.structs.replace(one, candidate=_having(one.candidate), stable=_having(one.stable)) for one in values]
    for one in (covariate, having):
        found = means.difference(one, ALPHA / 2)
        if found.interval[0] > 0 or found.interval[1] < 0:
            return found
    return None


def _centre(one: sums.Values) -> float:
    both = one.candidate.crossed, one.stable.crossed
    count = sum(arm.count for arm in both)
    return sum(arm.covariate for arm in both) / count if count else 0.0


def _sums(arm: sums.Moments, mean: float) -> tuple[float, float, float]:
    """Sums of z, of z squared and of z y over an arm's units, z = x - mean, and 0 where x is missing."""
    told = arm.crossed
    first = told.covariate - mean * told.count
    second = told.squares - 2 * mean * told.covariate + mean * mean * told.count
    return first, max(0.0, second), told.products - mean * told.total


def _slope(arm: sums.Moments, mean: float) -> tuple[float, float]:
    """An arm's own sums of products and of squares of z, about its means."""
    if not arm.count:
        return 0.0, 0.0
    first, second, product = _sums(arm, mean)
    return product - first * arm.total / arm.count, max(0.0, second - first * first / arm.count)


def _moments(arm: sums.Moments, theta: float, mean: float) -> sums.Moments:
    first, second, product = _sums(arm, mean)
    squares = arm.squares - 2 * theta * product + theta * theta * second
    return msgspec.structs.replace(arm, total=arm.total - theta * first, squares=max(0.0, squares))


def _having(arm: sums.Moments) -> sums.Moments:
    return sums.Moments(arm.count, arm.crossed.count, arm.crossed.count)
