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
    """Of the set that is bounded best; of many pairs of laws at once, by pair."""

    low: logspace.Floats
    """(...)"""
    chosen: logspace.Bools
    """(..., K): which classes are in it: those that the second law has more of."""


def most(reference: logspace.Floats, other: logspace.Floats, alpha: float | logspace.Floats) -> Excess:
    """Counts (..., K) of equal classes, K > 1, each with two observations at least: what is wrong with chance `alpha` at most.

    `alpha`: (...), or one for all.
    """
    n, m = reference.sum(-1, keepdims=True), other.sum(-1, keepdims=True)
    p, q = reference / n, other / m
    order = np.argsort(p - q, axis=-1, kind="stable")
    known, seen = (np.take_along_axis(one, order, -1).cumsum(-1)[..., :-1] for one in (p, q))
    wrong = np.log(1 / np.asarray(alpha))[..., None] + _sets(p.shape[-1])
    low = seen - known - _deviation((known, n), (seen, m), wrong)
    best = low.argmax(-1)
    chosen = np.zeros(p.shape, bool)
    np.put_along_axis(chosen, order, np.arange(p.shape[-1]) <= best[..., None], -1)
    return Excess(low.max(-1), chosen)


def share(chosen: logspace.Bools, reference: logspace.Floats, other: logspace.Floats) -> logspace.Floats:
    """By how much more of a set (..., K) was seen in the second of these counts (..., K); 0 where it has none."""
    n, m = reference.sum(-1), other.sum(-1)
    had, has = (np.where(chosen, one, 0).sum(-1) for one in (reference, other))
    found: logspace.Floats = np.where(m > 0, has / np.maximum(m, 1) - had / n, 0.0)
    return found


@functools.lru_cache(maxsize=256)
def _sets(classes: int) -> logspace.Floats:
    """(K - 1,): the logarithm of how many times less a set of 1, 2, ... classes may be wrong than all together."""
    sizes = np.arange(1, classes)
    ways = [math.lgamma(classes + 1) - math.lgamma(s + 1) - math.lgamma(classes - s + 1) for s in sizes]
    weights = 1.0 / np.minimum(sizes, classes - sizes) ** 2
    found: logspace.Floats = np.array(ways) - np.log(weights / weights.sum())
    return found


def _deviation(
    reference: tuple[logspace.Floats, logspace.Floats], other: tuple[logspace.Floats, logspace.Floats], wrong: logspace.Floats
) -> logspace.Floats:
    """How far an excess may be above the truth, by set. Both: (shares, observations)."""
    far, wide = wrong - math.log(_DEVIATION), wrong - math.log(_SPREAD)
    variance = np.zeros(reference[0].shape)
    for shares, count in (reference, other):
        seen = np.clip(shares * (1 - shares), 0, None) * count / (count - 1)
        variance += np.minimum(0.5, np.sqrt(seen) + np.sqrt(2 * wide / (count - 1))) ** 2 / count
    each = np.maximum(1 / reference[1], 1 / other[1]) * far / 3
    noise = 1 / reference[1] + 1 / other[1]
    found: logspace.Floats = np.minimum(np.sqrt(far / 2 * noise), each + np.sqrt(each**2 + 2 * variance * far))
    return found
