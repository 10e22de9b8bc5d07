"""Profiles of an endpoint by time, on a shelf: hours as they were counted, days and windows added up from them.

What one look has read is there for all tracks; sums of days last from look to look. Called by `moving` and `lookout`.
"""

import collections
import functools
import sqlite3
from collections.abc import Sequence

from tidegate.core.stats import seasons, stacks
from tidegate.core.vocabulary import profiles
from tidegate.observability.profiling import baselines, oddness, profiled

_WINDOWS = 2 * seasons.TRAILING // seasons.HOUR
"""Windows that are in memory in one look: the hours that a window is held against, and their sums."""
_DAYS = 64
"""Days whose sums last."""


class Days:
    """Sums of days of an endpoint that last from look to look. Each is made anew when what it is made of was changed."""

    def __init__(self) -> None:
        self._kept: collections.OrderedDict[int, tuple[int, stacks.Stack]] = collections.OrderedDict()
        self._made_of: object = None

    def begin(self, made_of: object) -> None:
        """Forget them where what all of them depend on has changed."""
        if made_of != self._made_of:
            self._kept.clear()
        self._made_of = made_of

    def get(self, day: int, mark: int) -> stacks.Stack | None:
        """The sum of a day, if it was made of what is marked so."""
        found = self._kept.get(day)
        if found is None or found[0] != mark:
            return None
        self._kept.move_to_end(day)
        return found[1]

    def put(self, day: int, mark: int, made: stacks.Stack) -> None:
        """Keep it, and the latest others."""
        self._kept[day] = (mark, made)
        while len(self._kept) > _DAYS:
            self._kept.popitem(last=False)


class Shelf:
    """Profiles of an endpoint by time, added up from its hours, for one look."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        endpoint: str,
        versions: frozenset[int],
        baseline: profiles.Baseline,
        days: Days | None = None,
    ) -> None:
        """`versions`: whose predictions are meant. `baseline`: of the data that came with their model."""
        self.layout = stacks.Layout(profiled.frames(connection, endpoint))
        self.importances = baseline.importances
        self._baseline = baseline
        self._connection, self._endpoint, self._versions = connection, endpoint, versions
        self._days = days or Days()
        self._days.begin((self.layout.frames, versions))
        self._kept: collections.OrderedDict[tuple[int, int], stacks.Stack] = collections.OrderedDict()

    @property
    def frames(self) -> dict[str, profiles.Frame]:
        """How its columns are told apart, by name."""
        return self.layout.frames

    @functools.cached_property
    def training(self) -> stacks.Stack:
        """What came with the model, in the frames of the endpoint; without rows where there is nothing."""
        known = baselines.fitted(self._baseline, self.layout.frames)
        return self.layout.stacked(known.rows, known.columns)

    def window(self, since: int, until: int) -> stacks.Stack:
        """Everything of this time."""
        key = (since, until)
        if key not in self._kept:
            self._kept[key] = self._read(since, until)
            while len(self._kept) > _WINDOWS:
                self._kept.popitem(last=False)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _read(self, since: int, until: int) -> stacks.Stack:
        step = seasons.HOUR if (since % seasons.DAY or until % seasons.DAY) else seasons.DAY
        if until - since > step:
            return self.layout.total([self.window(at, at + step) for at in range(since, until, step)])
        told = profiled.stored(self._connection, self._endpoint, since, until)
        if step == seasons.HOUR:
            return self.layout.total([self._stack(version, one) for version, _, one in told] or [self.layout.empty])
        mark = hash(tuple(told))
        found = self._days.get(since, mark)
        if found is None:
            hours = dict.fromkeys(hour for _, hour, _ in told)
            found = self.layout.total([self.window(at, at + seasons.HOUR) for at in hours] or [self.layout.empty])
            self._days.put(since, mark, found)
        return found

    def _stack(self, version: int, told: bytes) -> stacks.Stack:
        found = profiled.stacked(self.layout, told)
        return found if version in self._versions else self.layout.inputs(found)

    def rows(self, since: int, until: int) -> int:
        """How many rows came in this time."""
        return profiled.rows(self._connection, self._endpoint, since, until)

    def odd(self, since: int, until: int, names: Sequence[str], most: int) -> list[str]:
        """Ids of the oddest requests of this time, of these columns first."""
        return oddness.examples(self._connection, self._endpoint, (since, until), names, most)

    def reach(self) -> tuple[int, int]:
        """(first, last) hour of which there is anything; (0, 0): none."""
        return profiled.reach(self._connection, self._endpoint)

    def begun(self) -> int:
        """The day on which the bundle answered first; 0: it has not."""
        firsts = [profiled.reach(self._connection, self._endpoint, one)[0] for one in self._versions]
        return seasons.floor(min(filter(None, firsts), default=0), seasons.DAY)
