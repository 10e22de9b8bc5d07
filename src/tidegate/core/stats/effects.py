"""By how much columns have moved, all at once: the effects that `drift` names, of every column of two stacks.

A column of which either side has too few rows is left out. Where an effect is within what is normal its bound is not sought: it
could not be above it.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Set
from typing import NamedTuple

import numpy as np

from tidegate.core.stats import drift, excess, intervals, logspace, stacks

_OF_NUMBERS = ("ks", "tail")
_TAIL, _FEW = 0.01, 0.001
_NULLS_TIMES = 2.0
"""A share of nulls that has not at least doubled is no warning; an alarm it may be."""
Both = tuple[stacks.Stack, stacks.Stack]
"""(reference, window)"""


class Found(NamedTuple):
    """One effect, of C columns."""

    columns: logspace.Ints
    """(C,): which of the layout."""
    size: logspace.Floats
    low: logspace.Floats
    """`drift.UNBOUNDED` where the size is within what is normal."""
    slight: logspace.Bools
    """Whether it is too little for a warning by another rule."""


def effects(
    layout: stacks.Layout, both: Both, alpha: logspace.Floats, wanted: Set[str] = frozenset(drift.LIMITS)
) -> dict[str, Found]:
    """How the window differs from the reference, by the effects that are wanted. `alpha` (K,): of a bound that is too high."""
    pair = _Pair(layout, both, alpha)
    return {name: found for name, found in _effects(pair, wanted) if name in wanted}


def told(layout: stacks.Layout, found: Mapping[str, Found]) -> dict[str, list[drift.Effect]]:
    """The same by column."""
    by: dict[str, list[drift.Effect]] = {}
    for name, one in found.items():
        for column, *rest in zip(one.columns.tolist(), one.size.tolist(), one.low.tolist(), one.slight.tolist(), strict=True):
            by.setdefault(layout.names[column], []).append(drift.Effect(name, *rest))
    return by


def shared(layout: stacks.Layout, both: Both) -> logspace.Floats:
    """(K,): the chance of a bound that is too high, of each column. The outputs of a model that both have are looks at one thing
    and share it (Bonferroni), so that more classes bring no more false alarms.
    """
    outputs = layout.outputs & both[0].there & both[1].there
    return np.where(layout.outputs, drift.ALPHA / max(1, int(outputs.sum())), drift.ALPHA)


def new(layout: stacks.Layout, both: Both) -> tuple[logspace.Ints, logspace.Ints]:
    """(K,): entries (of the reference, of the window) of values that the frames have not, and of numbers outside of what all but
    a thousandth of the reference are in.
    """
    last = layout.starts[1:] - 1
    were, came = (one.counts[last].astype(np.int64) for one in both)
    numeric = np.flatnonzero(layout.numeric)
    known, seen = (layout.numbers(one, numeric) for one in both)
    outside = _outside(known)
    were[numeric], came[numeric] = (np.where(outside, one, 0).sum(1) for one in (known, seen))
    return were, came


class _Pair:
    """Two stacks, and what all effects need of them."""

    def __init__(self, layout: stacks.Layout, both: Both, alpha: logspace.Floats) -> None:
        self.layout, self.both, self.alpha = layout, both, alpha
        self.valued = np.array([layout.per(np.add, one.counts) for one in both])
        """(2, K)"""
        self.seen = self.valued + np.array([one.missing.sum(0) for one in both])
        there = both[0].there & both[1].there
        self.enough = there & (self.seen.min(0) >= drift.FEWEST)
        self.filled = self.enough & (self.valued.min(0) >= drift.FEWEST)


def _effects(pair: _Pair, wanted: Set[str]) -> Iterator[tuple[str, Found]]:
    if not wanted.isdisjoint(_OF_NUMBERS):
        yield from _of_numbers(pair, wanted)
    if "tv" in wanted:
        yield "tv", _tv(pair)
    if "nulls" in wanted:
        yield "nulls", _nulls(pair)
    if "new" in wanted:
        yield "new", _more(pair, "new", *new(pair.layout, pair.both))
    if "broken" in wanted:
        yield "broken", _more(pair, "broken", *(one.missing[1] for one in pair.both))
    if "same" in wanted:
        yield "same", _same(pair)


def _of_numbers(pair: _Pair, wanted: Set[str]) -> Iterator[tuple[str, Found]]:
    columns = np.flatnonzero(pair.layout.numeric & pair.filled)
    known, seen = (pair.layout.numbers(one, columns) for one in pair.both)
    alpha, nothing = pair.alpha[columns], np.zeros(len(columns), bool)
    below = known.cumsum(1), seen.cumsum(1)
    if "ks" in wanted:
        n, m = pair.valued[:, columns]
        size = np.abs(below[0] / n[:, None] - below[1] / m[:, None]).max(1, initial=0.0)
        low = size - np.sqrt(np.log(2 / alpha) / 2) * (1 / np.sqrt(n) + 1 / np.sqrt(m))
        yield "ks", Found(columns, size, low, nothing)
    if "tail" in wanted:
        above = known[:, ::-1].cumsum(1), seen[:, ::-1].cumsum(1)
        (size, low), (other, bound) = (_beyond(*one, alpha) for one in (below, above))
        more = (bound > low) | ((bound == low) & (other > size))
        yield "tail", Found(columns, np.where(more, other, size), np.where(more, bound, low), nothing)


def _beyond(
    reference: logspace.Floats, window: logspace.Floats, alpha: logspace.Floats
) -> tuple[logspace.Floats, logspace.Floats]:
    """(size, bound) of how many times as many are in the first bins, as many bins as hold a hundredth of the reference at least.
    Both (C, W): how many are in so many bins.
    """
    n, m = reference[:, -1:], window[:, -1:]
    bins = (reference < _TAIL * n).sum(1)[:, None]
    known, seen = np.take_along_axis(reference, bins, 1), np.take_along_axis(window, bins, 1)
    size = ((seen / m) / (known / n))[:, 0]
    counts = np.concatenate([known, n, seen, m], axis=1).astype(np.int64)

    def bound(at: logspace.Ints) -> logspace.Floats:
        had, of, has, among = counts[at].T
        return intervals.share_at_least(has, among, alpha[at] / 2) / intervals.share_at_most(had, of, alpha[at] / 2)

    return size, _bounds("tail", size, bound)


def _bounds(name: str, size: logspace.Floats, bound: Callable[[logspace.Ints], logspace.Floats]) -> logspace.Floats:
    """The bounds of those that are not within what is normal."""
    low = np.full(len(size), drift.UNBOUNDED)
    at = np.flatnonzero(size > drift.LIMITS[name][0])
    low[at] = bound(at)
    return low


def _outside(reference: logspace.Floats) -> logspace.Bools:
    """(C, W): which bins are at the ends, and hold together with what is beyond them no more than a thousandth."""
    few = _FEW * reference.sum(1, keepdims=True)
    found: logspace.Bools = (reference.cumsum(1) <= few) | (reference[:, ::-1].cumsum(1)[:, ::-1] <= few)
    return found


def _tv(pair: _Pair) -> Found:
    """By how many classes there are, since so many sets of them there are."""
    columns = np.flatnonzero(~pair.layout.numeric & pair.enough)
    size, low = np.zeros(len(columns)), np.zeros(len(columns))
    for some in pair.layout.of_one_size(columns):
        known, seen = (pair.layout.classes(one, columns[some]) for one in pair.both)
        shares = known / known.sum(1, keepdims=True), seen / seen.sum(1, keepdims=True)
        size[some] = np.abs(shares[0] - shares[1]).sum(1) / 2
        low[some] = excess.most(known, seen, pair.alpha[columns[some]]).low
    return Found(columns, size, low, np.zeros(len(columns), bool))


def _nulls(pair: _Pair) -> Found:
    were, came = (one.missing[0] for one in pair.both)
    found = _more(pair, "nulls", were, came)
    doubled = (came * pair.seen[0].astype(float) >= _NULLS_TIMES * were * pair.seen[1])[found.columns]
    return found._replace(slight=~doubled)


def _more(pair: _Pair, name: str, reference: logspace.Ints, window: logspace.Ints) -> Found:
    columns = np.flatnonzero(pair.enough)
    (n, m), known, seen, alpha = pair.seen[:, columns], reference[columns], window[columns], pair.alpha[columns]
    size = seen / m - known / n

    def bound(at: logspace.Ints) -> logspace.Floats:
        above = intervals.share_at_least(seen[at], m[at], alpha[at])
        return above - intervals.share_at_most(known[at], n[at], alpha[at])

    return Found(columns, size, _bounds(name, size, bound), np.zeros(len(columns), bool))


def _same(pair: _Pair) -> Found:
    """Constant: numbers by the least and the most of them, since many different ones may be in one bin."""
    columns = np.flatnonzero(pair.filled)
    known, seen = pair.both
    most = pair.layout.per(np.maximum, seen.counts)
    alike = (most == pair.valued[1]) & ~(pair.layout.numeric & (seen.ends[0] < seen.ends[1]))
    size, low = alike[columns].astype(float), np.full(len(columns), drift.UNBOUNDED)
    for at in np.flatnonzero(size):
        begin, end = pair.layout.starts[columns[at] : columns[at] + 2]
        bin_ = begin + int(seen.counts[begin:end].argmax())
        share = (int(known.counts[bin_]) + 1) / (pair.valued[0, columns[at]] + 1)
        if share < 1 and pair.valued[1, columns[at]] * math.log(share) < math.log(pair.alpha[columns[at]]):
            low[at] = 1.0
    return Found(columns, size, low, np.zeros(len(columns), bool))
