"""By how much more one law has of some set of classes than another has, at least, whichever set is chosen after looking.

The total variation distance is the largest such excess over all sets, so each bound is one of it. A set of s among K classes has
its own share of the chance to be wrong, 1 / C(K, s) times a share of s that falls with the square of min(s, K - s), and all of
them add up to 1: few classes that moved cost little, however many there are. The excess of one set is a sum of n + m independent
terms, of which Hoeffding's and Bernstein's inequalities are the bound, whichever is nearer; Bernstein's by standard deviations
that are bounded from above themselves (Maurer and Pontil 2009, theorem 10), or 1/2.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from tidegate.core.stats import logspace

_DEVIATION, _SPREAD = 0.8, 0.1
"""How the chance of one set is spent: on its excess, and on each of the two standard deviations."""


class Excess(NamedTuple):
    """Of the set that is bounded best."""

    low: float
    chosen: logspace.Bools
    """Which classes are in it: those that the second law has more of."""


def most(reference: logspace.Floats, other: logspace.Floats, alpha: float) -> Excess:
    """Counts (K,) of equal classes, K > 1, each with two observations at least: what is wrong with chance `alpha` at most."""
    n, m = reference.sum(), other.sum()
    p, q = reference / n, other / m
    order = np.argsort(p - q, kind="stable")
    known, seen = p[order].cumsum()[:-1], q[order].cumsum()[:-1]
    wrong = math.log(1 / alpha) + _sets(len(p))
    low = seen - known - _deviation((known, n), (seen, m), wrong)
    best = int(low.argmax())
    chosen = np.zeros(len(p), bool)
    chosen[order[: best + 1]] = True
    return Excess(float(low[best]), chosen)


def share(chosen: logspace.Bools, reference: logspace.Floats, other: logspace.Floats) -> float:
    """By how much more of a set was seen in the second of these counts."""
    return float(other[chosen].sum() / other.sum() - reference[chosen].sum() / reference.sum())


@functools.lru_cache(maxsize=256)
def _sets(classes: int) -> logspace.Floats:
    """(K - 1,): the logarithm of how many times less a set of 1, 2, ... classes may be wrong than all together."""
    sizes = np.arange(1, classes)
    ways = [math.lgamma(classes + 1) - math.lgamma(s + 1) - math.lgamma(classes - s + 1) for s in sizes]
    weights = 1.0 / np.minimum(sizes, classes - sizes) ** 2
    found: logspace.Floats = np.array(ways) - np.log(weights / weights.sum())
    return found


def _deviation(
    reference: tuple[logspace.Floats, float], other: tuple[logspace.Floats, float], wrong: logspace.Floats
) -> logspace.Floats:
    """How far an excess may be above the truth, by set. Both: (shares, observations)."""
    far, wide = wrong - math.log(_DEVIATION), wrong - math.log(_SPREAD)
    variance = np.zeros(len(wrong))
    for shares, count in (reference, other):
        seen = np.clip(shares * (1 - shares), 0, None) * count / (count - 1)
        variance += np.minimum(0.5, np.sqrt(seen) + np.sqrt(2 * wide / (count - 1))) ** 2 / count
    each = max(1 / reference[1], 1 / other[1]) * far / 3
    noise = 1 / reference[1] + 1 / other[1]
    found: logspace.Floats = np.minimum(np.sqrt(far / 2 * noise), each + np.sqrt(each**2 + 2 * variance * far))
    return found
