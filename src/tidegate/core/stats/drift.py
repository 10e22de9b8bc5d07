"""Has a column moved, and by how much at least? Effects with lower bounds, from profiles over one frame.

No p-values: with many rows the smallest difference is significant, with few the largest statistic is chance.
A bound from below answers both: few rows raise no alarm, and many only one that means something.

    ks     numbers: the largest difference of the distribution functions at the frame's edges; Dvoretzky-Kiefer-Wolfowitz for
           both samples, D - sqrt(log(2/a)/2) (1/sqrt n + 1/sqrt m)
    tv     categories, nulls and new values being classes of their own: the total variation distance; its bound is that of the set
           of classes of which there are more for sure (`excess`)
    nulls  the share of nulls that came: the window's lower limit less the reference's upper one (`intervals.share`)
    new    the same of values that the frame has not, and of numbers outside of what all but a thousandth of the reference are in
    broken the same of what is no value of its type
    tail   numbers: how many times as many lie beyond about the 1st or the 99th percentile of the reference, whichever is more:
           the window's lower limit over the reference's upper one; `ks` does not see tails
    same   the share of the commonest bin where all values are in it, and it is chance with less than a: else 0

All are one-sided in size, not in direction: a column that loses its nulls has moved as well (`ks` and `tv` tell). Where an effect
is within what is normal its bound is not sought: it could not be above it. Worked out by `effects`, for all columns at once.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from tidegate.core.vocabulary import profiles

ALPHA = 0.001
"""Chance of a bound that is too high, for each column and window; of all that a model says together."""
FEWEST = profiles.FEWEST
Limits = Mapping[str, tuple[float, float]]
LIMITS: Limits = {
    "ks": (0.05, 0.1),
    "tv": (0.05, 0.1),
    "tail": (2.0, 3.0),
    "nulls": (0.01, 0.05),
    "new": (0.05, 0.1),
    "broken": (0.001, 0.01),
    "same": (0.5, 0.9),
}
"""(warning, alarm) by effect, held against the lower bound."""
UNBOUNDED = -1.0
"""The lower bound that is said of what is within what is normal: every effect is above it."""
_DECILES = 10
_OUTLIER = 3.0
"""Standard deviations of the reference."""


class Effect(NamedTuple):
    """By how much a column has moved, by one way of looking."""

    name: str
    size: float
    low: float
    """At least so much, with probability 1 - `alpha`."""
    slight: bool = False
    """Whether it is too little for a warning by another rule."""

    def level(self, limits: Limits = LIMITS) -> int:
        """0 within what is normal, 1 a warning, 2 an alarm."""
        warning, alarm = limits[self.name]
        return 2 if self.low > alarm else 1 if self.low > warning and not self.slight else 0

    def weight(self, limits: Limits = LIMITS) -> float:
        """How much it is, whatever its unit: 1 where its bound is at the limit of an alarm."""
        return max(0.0, self.low) / limits[self.name][1]


def limits(share: float, warning: float = 0.0) -> Limits:
    """The limits where a distribution that is elsewhere by `share` is an alarm, and by `warning` (0: half of it) a warning."""
    both = (warning or share / 2, share)
    return {**LIMITS, "ks": both, "tv": both}


class Described(NamedTuple):
    """One column in numbers, for people; quantiles are interpolated within their bin. NaN where there are no numbers."""

    mean: float = math.nan
    sd: float = math.nan
    q25: float = math.nan
    median: float = math.nan
    q75: float = math.nan
    least: float = math.nan
    most: float = math.nan


def described(frame: profiles.Frame, one: profiles.Column) -> Described:
    """A column of numbers in numbers."""
    if not frame.numeric or not one.valued:
        return Described()
    mean = one.total / one.valued
    variance = max(0.0, one.squares / one.valued - mean * mean)
    low, middle, high = (quantile(frame, one, share) for share in (0.25, 0.5, 0.75))
    return Described(mean, math.sqrt(variance), low, middle, high, one.least, one.most)


def quantile(frame: profiles.Frame, one: profiles.Column, share: float) -> float:
    """Where so much of the numbers lie below: in its bin in proportion, at the ends between the least and the most seen."""
    edges = [one.least, *(min(max(edge, one.least), one.most) for edge in frame.edges), one.most]
    below = np.concatenate([[0], np.cumsum(one.counts)])
    wanted = share * below[-1]
    at = min(int(np.searchsorted(below, wanted, side="left")), len(one.counts)) or 1
    inside = (wanted - below[at - 1]) / max(1, one.counts[at - 1])
    return float(edges[at - 1] + inside * (edges[at] - edges[at - 1]))


def moved(frame: profiles.Frame, reference: profiles.Column, window: profiles.Column) -> float:
    """How far the numbers have moved, in quartile ranges of the reference: Wasserstein's distance between the outer edges.

    0 where either has no numbers; infinite where the reference has no range.
    """
    if not (frame.numeric and reference.valued and window.valued):
        return 0.0
    one, two = (np.cumsum(each.counts)[:-1] / each.valued for each in (reference, window))
    gaps = np.abs(one - two)
    distance = float((gaps[1:] + gaps[:-1]) / 2 @ np.diff(frame.edges))
    known = described(frame, reference)
    width = known.q75 - known.q25
    return distance / width if width > 0 else math.inf if distance else 0.0


def psi(reference: profiles.Column, window: profiles.Column) -> float:
    """The population stability index over ten bins of about equal share of the reference, nulls being one more, less what it is
    by chance: (B - 1) (1/n + 1/m), B the bins; 0 at least. For people who are used to it: nothing is decided by it.
    """
    groups = np.minimum((np.cumsum(reference.counts) - reference.counts[0]) * _DECILES // max(1, reference.valued), _DECILES - 1)
    one, two = (
        np.append(np.bincount(groups, np.array(each.counts, np.float64), _DECILES), each.nulls) for each in (reference, window)
    )
    used = (one + two) > 0
    one, two = one[used], two[used]
    n, m = one.sum(), two.sum()
    if not n or not m:
        return 0.0
    shares = (one + 0.5) / (n + len(one) / 2), (two + 0.5) / (m + len(two) / 2)
    found = float(((shares[1] - shares[0]) * np.log(shares[1] / shares[0])).sum())
    return max(0.0, found - (len(one) - 1) * float(1 / n + 1 / m))


def outliers(frame: profiles.Frame, reference: profiles.Column, window: profiles.Column) -> float:
    """The share of the window's numbers in bins that lie wholly beyond three standard deviations from the reference's mean."""
    known = described(frame, reference)
    if not window.valued or not known.sd > 0:
        return 0.0
    low, high = known.mean - _OUTLIER * known.sd, known.mean + _OUTLIER * known.sd
    edges = (-math.inf, *frame.edges, math.inf)
    beyond = [edges[at + 1] <= low or edges[at] >= high for at in range(frame.bins)]
    return float(sum(count for count, far in zip(window.counts, beyond, strict=True) if far) / window.valued)
