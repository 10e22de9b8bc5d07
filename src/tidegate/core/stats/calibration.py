"""What is usual of statistics, and when they are more: series of windows, each calibrated on its own history.

A window is *over* where a lower bound on the effect passes its absolute limit and the effect itself is more than 1.5 times the
99th percentile of what it was in the eight weeks before, at the same time of day; of an effect that is 1 at most, beyond
1 - (1 - q)^1.5, which is 1.5 q where q is small, and can always be passed. Two of three windows in a row that are over
begin a *run*; it lasts for as long as two of three are. What is seen in a run enters the history when the run has ended: else a
shift that stays would be usual after a day, and nobody would hear of it.

Thousands of series are taken in at once: those of one way of looking at all columns.
"""

import collections
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tidegate.core.stats import logspace, seasons

WEEKS = 8
FACTOR = 1.5
QUANTILE = 0.99
LEAST = 7
"""Windows of history below which nothing is known of what is usual."""
OF, NEEDED = 3, 2
Key = tuple[str, str]
"""(column, effect)"""


class Looked(NamedTuple):
    """One window of a series."""

    begin: int
    size: float
    low: float
    over: bool


class Rule(NamedTuple):
    """When windows of a series are over."""

    limit: float
    """What the lower bound has to pass."""
    share: bool = True
    """Whether the effect is 1 at most."""
    patient: bool = True
    """Whether nothing is over before there is a history."""


class Series:
    """Of many statistics, one each. Windows come in order of their beginning; those of which nothing can be said are left out."""

    def __init__(self, frozen: int = 0) -> None:
        """`frozen`: so many seconds from the first window of a series on are its history for good (against a reference that never
        moves); 0: the weeks before.
        """
        self._frozen = frozen
        self._keys: list[Key] = []
        self._place: dict[Key, int] = {}
        self._rules: list[Rule] = []
        self._limits = np.zeros(0)
        self._first = np.zeros(0, np.int64)
        """When each began; -1 before."""
        self._since = np.zeros(0, np.int64)
        """When the run began that is under way; -1: none is."""
        self._recent = np.zeros((OF, 3, 0))
        """The last windows of each, the latest first: (begin, size, low). It began at -1 where there was none."""
        self._over = np.zeros((OF, 0), bool)
        self._history: dict[int, collections.deque[tuple[int, logspace.Floats]]] = collections.defaultdict(collections.deque)
        """By time of day, (begin, size by series): not a number where it is none of what is usual."""
        self._waiting: dict[int, list[tuple[logspace.Floats, float]]] = {}
        """By series, what has been seen since a window was over: the row of its time, and the size."""

    def places(self, keys: Sequence[Key], rule: Rule) -> logspace.Ints:
        """Which series these are; those that are none yet are begun by this rule."""
        fresh = [key for key in keys if key not in self._place]
        self._place |= {key: len(self._keys) + at for at, key in enumerate(fresh)}
        self._keys += fresh
        self._rules += [rule] * len(fresh)
        more = len(fresh)
        self._limits = np.append(self._limits, [rule.limit] * more)
        self._first, self._since = (np.append(one, np.full(more, -1)) for one in (self._first, self._since))
        self._recent = np.concatenate([self._recent, np.full((OF, 3, more), -1.0)], axis=2)
        self._over = np.concatenate([self._over, np.zeros((OF, more), bool)], axis=1)
        return np.array([self._place[key] for key in keys], np.int64)

    def put(self, begin: int, at: logspace.Ints, sizes: logspace.Floats, lows: logspace.Floats) -> None:
        """Take a window of these series in, each once."""
        if not len(at):
            return
        self._first[at] = np.where(self._first[at] < 0, begin, self._first[at])
        self._expire(begin)
        over = lows > self._limits[at]
        over[over] = sizes[over] > self._most(begin, at[over])
        self._recent[1:, :, at], self._over[1:, at] = self._recent[:-1, :, at], self._over[:-1, at]
        self._recent[0, :, at] = np.stack([np.full(len(at), begin), sizes, lows], axis=1)
        self._over[0, at] = over
        overs: logspace.Bools = self._over[:, at]
        begun = np.where(overs, self._recent[:, 0, at], np.inf).min(0, initial=np.inf)
        run = overs.sum(0) >= NEEDED
        self._since[at[~run]] = -1
        fresh = run & (self._since[at] < 0)
        self._since[at[fresh]] = begun[fresh].astype(np.int64)
        self._learn(begin, at, sizes, overs.sum(0) > 0)

    def learn(self, begin: int, at: logspace.Ints, sizes: logspace.Floats) -> None:
        """Take in what a window was that is not one of the series, as what is usual."""
        self._row(begin)[at] = sizes

    def usual(self, begin: int, key: Key) -> float:
        """What the effect has to pass in this window; infinite where nothing is known and patience is needed."""
        return float(self._most(begin, np.array([self._place[key]]))[0])

    def worst(self, key: Key) -> Looked | None:
        """The latest of the last windows that was over."""
        return next((one for one in self._windows(self._place[key]) if one.over), None)

    def runs(self, begin: int) -> dict[Key, int]:
        """Since when, of those of which a run is under way whose last window began then."""
        found = np.flatnonzero((self._since >= 0) & (self._recent[0, 0] == begin))
        return {self._keys[at]: int(self._since[at]) for at in found.tolist()}

    def latest(self, begin: int) -> list[tuple[Key, Looked]]:
        """The last windows of those whose last window began then."""
        found = np.flatnonzero(self._recent[0, 0] == begin).tolist()
        return [(self._keys[at], next(self._windows(at))) for at in found]

    def _windows(self, at: int) -> Iterator[Looked]:
        """Latest first."""
        for (begin, size, low), over in zip(self._recent[:, :, at].tolist(), self._over[:, at].tolist(), strict=True):
            if begin >= 0:
                yield Looked(int(begin), size, low, over)

    def _most(self, begin: int, at: logspace.Ints) -> logspace.Floats:
        """`usual` of these."""
        if not len(at):
            return np.zeros(0)
        known = [_some(row, at) for _, row in self._history[begin % seasons.DAY]]
        several = np.stack(known, axis=1) if known else np.zeros((len(at), 0))
        return np.array(
            [self._usual(self._rules[one], row[~np.isnan(row)]) for one, row in zip(at.tolist(), several, strict=True)]
        )

    @staticmethod
    def _usual(rule: Rule, known: logspace.Floats) -> float:
        if len(known) < LEAST:
            return math.inf if rule.patient else 0.0
        most = max(0.0, float(np.quantile(known, QUANTILE)))
        return 1 - (1 - min(1.0, most)) ** FACTOR if rule.share else FACTOR * most

    def _learn(self, begin: int, at: logspace.Ints, sizes: logspace.Floats, over: logspace.Bools) -> None:
        """What is seen waits while any of the last windows was over, and is what is usual then."""
        row = self._row(begin)
        first = self._first[at]
        counts = begin < first + self._frozen if self._frozen else np.ones(len(at), bool)
        now, later = (counts & one for one in (~over, over))
        row[at[now]] = sizes[now]
        for one, size in zip(at[later].tolist(), sizes[later].tolist(), strict=True):
            self._waiting.setdefault(one, []).append((row, size))
        for one in self._waiting.keys() & set(at[~over].tolist()) if self._waiting else ():
            for when, size in self._waiting.pop(one):
                when[one] = size

    def _row(self, begin: int) -> logspace.Floats:
        row = np.full(len(self._keys), math.nan)
        self._history[begin % seasons.DAY].append((begin, row))
        return row

    def _expire(self, begin: int) -> None:
        known = self._history[begin % seasons.DAY]
        while known and not self._frozen and known[0][0] < begin - WEEKS * seasons.WEEK:
            known.popleft()


def _some(row: logspace.Floats, at: logspace.Ints) -> logspace.Floats:
    """Of a row that was made before some of these series were, not a number."""
    return np.where(at < len(row), row[np.minimum(at, len(row) - 1)], math.nan)
