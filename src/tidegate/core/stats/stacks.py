"""Profiles as arrays: what was seen of all columns in one, so that a thousand of them cost little more than one.

The bins of all columns lie one after the other, as their `Layout` says. A column of which nothing came is zero everywhere.
"""

import functools
import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tidegate.core.stats import logspace
from tidegate.core.vocabulary import profiles


class Stack(NamedTuple):
    """What was seen of K columns, over one stretch of time. Not to be changed."""

    rows: int
    there: logspace.Bools
    """(K,): which were seen at all."""
    counts: logspace.Ints
    """(all bins,), in as few bytes as hold them."""
    missing: logspace.Ints
    """(2, K): nulls, and what is broken."""
    sums: logspace.Floats
    """(2, K): of the numbers, and of their squares."""
    ends: logspace.Floats
    """(2, K): the least and the most."""


class Layout:
    """Where the bins of each column are."""

    def __init__(self, frames: Mapping[str, profiles.Frame]) -> None:
        self.frames = dict(frames)
        self.names = tuple(frames)
        self.place = {name: at for at, name in enumerate(self.names)}
        self.bins = np.array([one.bins for one in frames.values()], np.int64)
        self.numeric = np.array([one.numeric for one in frames.values()], bool)
        self.outputs = np.array([profiles.is_output(name) for name in frames], bool)
        self.starts = np.concatenate([[0], self.bins.cumsum()]).astype(np.int64)
        """(K + 1,): where each begins, and where the last ends."""
        self._met: tuple[tuple[str, ...], logspace.Ints, logspace.Ints] = ((), *np.zeros((2, 0), np.int64))

    @property
    def width(self) -> int:
        """How many bins there are."""
        return int(self.starts[-1])

    def per(self, found: np.ufunc, counts: logspace.Ints) -> logspace.Ints:
        """(K,): a reduction of the bins of each column."""
        reduced: logspace.Ints = (
            found.reduceat(counts.astype(np.int64), self.starts[:-1]) if self.names else np.zeros(0, np.int64)
        )
        return reduced

    @functools.cached_property
    def empty(self) -> Stack:
        """What was seen where nothing was."""
        some = len(self.names)
        ends = np.array([[np.inf], [-np.inf]]).repeat(some, axis=1)
        return Stack(
            0, np.zeros(some, bool), np.zeros(self.width, np.uint8), np.zeros((2, some), np.int64), np.zeros((2, some)), ends
        )

    @functools.cached_property
    def _grid(self) -> logspace.Ints:
        """(K, W): where the bins of each column of numbers are; behind its last the place behind all."""
        at = np.arange(int(self.bins[self.numeric].max(initial=1)))
        found: logspace.Ints = np.where(at < self.bins[:, None], self.starts[:-1, None] + at, self.width)
        return found

    def numbers(self, one: Stack, columns: logspace.Ints) -> logspace.Floats:
        """(C, W): the counts of these columns of numbers, with bins of nothing behind those that have fewer."""
        return np.append(one.counts, one.counts.dtype.type(0)).astype(np.float64)[self._grid[columns]]

    def classes(self, one: Stack, columns: logspace.Ints) -> logspace.Floats:
        """(C, bins + 2): the counts of columns of equally many bins, nulls and what is broken being classes of their own."""
        at = self.starts[columns][:, None] + np.arange(self.bins[columns[0]])
        return np.concatenate([one.counts[at].astype(np.float64), one.missing[:, columns].T], axis=1)

    def of_one_size(self, columns: logspace.Ints) -> Iterator[logspace.Ints]:
        """Which of these have equally many bins, so that their classes are an array."""
        bins = self.bins[columns]
        yield from (np.flatnonzero(bins == one) for one in np.unique(bins))

    def inputs(self, one: Stack) -> Stack:
        """A stack without what the model said."""
        if not (one.there & self.outputs).any():
            return one
        none, said = self.empty, self.outputs
        return Stack(
            one.rows,
            one.there & ~said,
            np.where(said.repeat(self.bins), one.counts.dtype.type(0), one.counts),
            np.where(said, none.missing, one.missing),
            np.where(said, none.sums, one.sums),
            np.where(said, none.ends, one.ends),
        )

    def column(self, one: Stack, name: str) -> profiles.Column:
        """One of the columns by itself."""
        at = self.place[name]
        counts = one.counts[self.starts[at] : self.starts[at + 1]].tolist()
        nulls, broken = one.missing[:, at].tolist()
        return profiles.Column(tuple(counts), nulls, broken, *one.sums[:, at].tolist(), *one.ends[:, at].tolist())

    def stacked(self, rows: int, seen: Mapping[str, Any]) -> Stack:
        """What was seen, by column as `profiles.Column` has it; columns that have no frame here are left out.

        Raises ValueError where bins are others.
        """
        at, bins = self._places(tuple(seen))
        columns = [column for name, column in seen.items() if name in self.place]
        if sum(len(column.counts) for column in columns) != len(bins):
            raise ValueError("a profile was counted by other frames")
        told = itertools.chain.from_iterable(column.counts for column in columns)
        found = _copied(self.empty)._replace(rows=rows, counts=np.zeros(self.width, np.int64))
        found.counts[bins] = np.fromiter(told, np.int64, len(bins))
        found.there[at] = True
        found.missing[:, at] = np.array([(column.nulls, column.broken) for column in columns], np.int64).reshape(-1, 2).T
        found.sums[:, at] = np.array([(column.total, column.squares) for column in columns]).reshape(-1, 2).T
        found.ends[:, at] = np.array([(column.least, column.most) for column in columns]).reshape(-1, 2).T
        return found._replace(counts=_narrow(found.counts))

    def _places(self, names: tuple[str, ...]) -> tuple[logspace.Ints, logspace.Ints]:
        """Which columns these are, and where the bins of each are, one after the other."""
        if self._met[0] != names:
            at = np.array([self.place[name] for name in names if name in self.place], np.int64)
            bins = [np.arange(self.starts[one], self.starts[one + 1]) for one in at]
            self._met = (names, at, np.concatenate([np.zeros(0, np.int64), *bins]))
        return self._met[1:]

    def total(self, several: Sequence[Stack]) -> Stack:
        """The sum of stacks."""
        if len(several) == 1:
            return several[0]
        found = _copied(self.empty)._replace(counts=np.zeros(self.width, np.int64))
        for one in several:
            np.add(found.counts, one.counts, out=found.counts)
            np.logical_or(found.there, one.there, out=found.there)
            np.add(found.missing, one.missing, out=found.missing)
            np.add(found.sums, one.sums, out=found.sums)
            np.minimum(found.ends[0], one.ends[0], out=found.ends[0])
            np.maximum(found.ends[1], one.ends[1], out=found.ends[1])
        return found._replace(rows=sum(one.rows for one in several), counts=_narrow(found.counts))


def _copied(one: Stack) -> Stack:
    return Stack(one.rows, one.there.copy(), one.counts.copy(), one.missing.copy(), one.sums.copy(), one.ends.copy())


def _narrow(counts: logspace.Ints) -> logspace.Ints:
    """The same in as few bytes as hold them: many hours are in memory at once."""
    return counts.astype(np.min_scalar_type(int(counts.max(initial=0))))
