"""What is usual of a statistic, and when it is more: one series of windows, calibrated on its own history.

A window is *over* where a lower bound on the effect passes its absolute limit and the effect itself is more than 1.5 times the
99th percentile of what it was in the eight weeks before, at the same time of day; of an effect that is 1 at most, beyond
1 - (1 - q)^1.5, which is 1.5 q where q is small, and can always be passed. Two of three windows in a row that are over
begin a *run*; it lasts for as long as two of three are. What is seen in a run enters the history when the run has ended: else a
shift that stays would be usual after a day, and nobody would hear of it.
"""

import collections
import math
from typing import NamedTuple

import numpy as np

from tidegate.core.stats import seasons

WEEKS = 8
FACTOR = 1.5
QUANTILE = 0.99
LEAST = 7
"""Windows of history below which nothing is known of what is usual."""
OF, NEEDED = 3, 2


class Looked(NamedTuple):
    """One window of a series."""

    begin: int
    size: float
    low: float
    over: bool


class Series:
    """One statistic. Windows come in order of their beginning; those of which nothing can be said are left out."""

    def __init__(self, limit: float, *, share: bool = True, patient: bool = True, frozen: int = 0) -> None:
        """`limit`: what the lower bound has to pass. `share`: whether the effect is 1 at most. `patient`: whether nothing is over
        before there is a history.

        `frozen`: so many seconds from the first window on are the history for good (against a reference that never moves);
        0: the weeks before.
        """
        self._limit, self._share, self._patient, self._frozen = limit, share, patient, frozen
        self._first = -1
        self._history: dict[int, collections.deque[tuple[int, float]]] = collections.defaultdict(collections.deque)
        self._recent: collections.deque[Looked] = collections.deque(maxlen=OF)
        self._waiting: list[Looked] = []
        self.since: int | None = None
        """When the run began that is under way."""

    @property
    def last(self) -> Looked | None:
        """The window that came last."""
        return self._recent[-1] if self._recent else None

    @property
    def worst(self) -> Looked | None:
        """The latest of the last windows that was over."""
        return next((one for one in reversed(self._recent) if one.over), None)

    def usual(self, begin: int) -> float:
        """What the effect has to pass in this window; infinite where nothing is known and patience is needed."""
        known = [size for _, size in self._history[begin % seasons.DAY]]
        if len(known) < LEAST:
            return math.inf if self._patient else 0.0
        most = max(0.0, float(np.quantile(known, QUANTILE)))
        return 1 - (1 - min(1.0, most)) ** FACTOR if self._share else FACTOR * most

    def put(self, begin: int, size: float, low: float) -> bool:
        """Take a window in; whether a run is under way."""
        self._first = begin if self._first < 0 else self._first
        self._expire(begin)
        found = Looked(begin, size, low, low > self._limit and size > self.usual(begin))
        self._recent.append(found)
        self._waiting.append(found)
        overs = [one for one in self._recent if one.over]
        if len(overs) >= NEEDED:
            self.since = overs[0].begin if self.since is None else self.since
        else:
            self.since = None
        if not overs:
            self._learn()
        return self.since is not None

    def learn(self, begin: int, size: float) -> None:
        """Take in what a window was that is not one of the series, as what is usual."""
        self._history[begin % seasons.DAY].append((begin, size))

    def _learn(self) -> None:
        for one in self._waiting:
            if not self._frozen or one.begin < self._first + self._frozen:
                self._history[one.begin % seasons.DAY].append((one.begin, one.size))
        self._waiting.clear()

    def _expire(self, begin: int) -> None:
        if self._frozen:
            return
        known = self._history[begin % seasons.DAY]
        while known and known[0][0] < begin - WEEKS * seasons.WEEK:
            known.popleft()
