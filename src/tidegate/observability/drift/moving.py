"""What has moved, window by window: the windows of an endpoint held against their references, each series calibrated on itself.

A `Track` is one way of looking: windows of one length, held against the same time of earlier weeks (`core.stats.seasons`) or
against the data that came with the model, by some of the effects of `core.stats.drift`. Everything is made from the hourly
profiles: a track that is begun anew comes to the same. Inputs are those of all versions; predictions are those of the version
that owns the endpoint, and of others made of the same bundle, so that their reference begins anew with another model only.

Called by `lookout`. Reads no clock; profiles come from a `Shelf`.
"""

import collections
import datetime as dt
import functools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from tidegate.core.stats import calibration, drift, seasons
from tidegate.core.vocabulary import alarms, profiles
from tidegate.observability.drift import drifting
from tidegate.observability.recording import baselines, oddness, profiling

HISTORY = (calibration.WEEKS + 5) * seasons.WEEK
"""How far back a track begins: what is usual, and what the first of it is held against."""
GRACE = 120.0
"""Seconds after a window in which the recorder may still count what came in it."""
WAIT = 900.0
"""Seconds after which a window is looked at though nothing of a later hour was counted."""
FORGET = seasons.WEEK
"""A run of which nothing has come for so long is over."""
MOVES = ("ks", "tv", "tail")
FAULTS = ("nulls", "broken", "new", "same")
_PATIENT = {"nulls": False, "broken": False}
"""What means something without a history."""
_SHELF = 64
TRAINING = "training"


class Plan(msgspec.Struct, frozen=True):
    """One way of looking at an endpoint."""

    kind: str
    effects: tuple[str, ...]
    length: int
    """Seconds of a window."""
    step: int
    """From the beginning of one window to that of the next."""
    against: str
    """week, day or none (`core.stats.seasons`), or training."""
    rows: int = profiles.FEWEST
    holidays: tuple[str, ...] = ()
    limit: float = drift.LIMITS["ks"][1]
    """How much of a distribution is elsewhere, at least, where that is an alarm."""

    @property
    def learning(self) -> int:
        """How long windows begin that say what is usual for good: those that end in a version's first four weeks. In seconds."""
        return seasons.TRAILING - self.length + self.step if self.against == TRAINING else 0


class Shelf:
    """Profiles of an endpoint by time, added up from its hours."""

    def __init__(
        self, connection: sqlite3.Connection, endpoint: str, versions: frozenset[int], baseline: profiles.Baseline
    ) -> None:
        """`versions`: whose predictions are meant. `baseline`: of the data that came with their model."""
        self.frames = profiling.frames(connection, endpoint)
        self.importances = baseline.importances
        self._baseline = baseline
        self._connection, self._endpoint, self._versions = connection, endpoint, versions
        self._kept: collections.OrderedDict[tuple[int, int], profiles.Profile] = collections.OrderedDict()

    @functools.cached_property
    def training(self) -> profiles.Profile:
        """What came with the model, in the frames of the endpoint; without rows where there is nothing."""
        return baselines.fitted(self._baseline, self.frames)

    def window(self, since: int, until: int) -> profiles.Profile:
        """Everything of this time."""
        key = (since, until)
        if key not in self._kept:
            self._kept[key] = self._read(since, until)
            while len(self._kept) > _SHELF:
                self._kept.popitem(last=False)
        return self._kept[key]

    def _read(self, since: int, until: int) -> profiles.Profile:
        if until - since > seasons.DAY and not (since % seasons.DAY or until % seasons.DAY):
            return profiling.merged([self.window(day, day + seasons.DAY) for day in range(since, until, seasons.DAY)])
        hours = profiling.hours(self._connection, self._endpoint, since, until)
        return profiling.merged([one if version in self._versions else profiling.inputs(one) for version, _, one in hours])

    def rows(self, since: int, until: int) -> int:
        """How many rows came in this time."""
        return profiling.rows(self._connection, self._endpoint, since, until)

    def odd(self, since: int, until: int, names: Sequence[str], most: int) -> list[str]:
        """Ids of the oddest requests of this time, of these columns first."""
        return oddness.examples(self._connection, self._endpoint, (since, until), names, most)

    def reach(self) -> tuple[int, int]:
        """(first, last) hour of which there is anything; (0, 0): none."""
        return profiling.reach(self._connection, self._endpoint)

    def begun(self) -> int:
        """The day on which the bundle answered first; 0: it has not."""
        firsts = [profiling.reach(self._connection, self._endpoint, one)[0] for one in self._versions]
        return seasons.floor(min(filter(None, firsts), default=0), seasons.DAY)


class Open(NamedTuple):
    """A column that has moved."""

    column: drifting.Column
    effect: drifting.Effect
    since: int
    begin: int
    """Of the window that it is told by."""


class Track:
    """One endpoint, looked at in one way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.subject = TRAINING if plan.against == TRAINING else ""
        """What its alarm is about."""
        self.series: dict[tuple[str, str], calibration.Series] = {}
        self.latest = (0, 0)
        """The window that was looked at last."""
        self.windows = 0
        self._next = 0
        self._wanted = frozenset(plan.effects)
        self._told: tuple[object, tuple[Open, ...]] = (None, ())

    def look(self, shelf: Shelf, now: float) -> None:
        """Take in every window that has ended."""
        first, last = shelf.reach()
        if not first:
            return
        length, step = self.plan.length, self.plan.step
        first = shelf.begun() if self.plan.learning else seasons.floor(first, step)
        begin, learnt = self._next or first, first + self.plan.learning
        while first:
            begin = max(begin, seasons.floor(now - HISTORY, step)) if begin >= learnt else begin
            end = begin + length
            if end + GRACE > now or (last < end and now < end + WAIT):
                break
            if not self._suspended(begin):
                self._take(shelf, begin)
            begin += step
        self._next = begin

    def is_ahead(self, now: float) -> bool:
        """Whether it has passed a window that has not ended by this time: the clock stood ahead, and was set back."""
        return self._next - self.plan.step + self.plan.length > now

    def _suspended(self, begin: int) -> bool:
        return any(
            holiday(day, self.plan.holidays) for day in range(begin // seasons.DAY, -((begin + self.plan.length) // -seasons.DAY))
        )

    def _take(self, shelf: Shelf, begin: int) -> None:
        seen = self._seen(shelf, begin, self.plan.length)
        if seen.rows < self.plan.rows:
            return
        known = self._known(shelf, begin)
        if known.rows < self.plan.rows:
            return
        self.windows += 1
        self.latest = (begin, begin + self.plan.length)
        names = seen.columns.keys() & known.columns.keys()
        outputs = profiles.outputs(names)
        for name, frame in shelf.frames.items():
            if name not in names:
                continue
            for one in self._effects(shelf, begin, frame, known.columns[name], drift.shared(name, outputs)):
                if one.name in self.plan.effects:
                    self._of(name, one.name).put(begin, one.size, one.low)

    def _effects(
        self, shelf: Shelf, begin: int, frame: profiles.Frame, known: profiles.Column, alpha: float
    ) -> tuple[drift.Effect, ...]:
        seen = self._seen(shelf, begin, self.plan.length).columns[frame.name]
        return drift.effects(frame, known, seen, alpha, self._wanted)

    def _seen(self, shelf: Shelf, begin: int, length: int) -> profiles.Profile:
        """A window, or a part of one."""
        return shelf.window(begin, begin + length)

    def both(self, shelf: Shelf) -> tuple[profiles.Profile, profiles.Profile]:
        """The window that was looked at last, and what it was held against."""
        begin, end = self.latest
        return self._seen(shelf, begin, end - begin), self._known(shelf, begin)

    def _known(self, shelf: Shelf, begin: int) -> profiles.Profile:
        """What a window is held against: quality, before there is a season, against whatever there is."""
        if self.plan.against == TRAINING:
            return shelf.training
        stretches = [
            one
            for one in seasons.before(begin, self.plan.length, self.plan.against)
            if self.plan.against == "none" or not self._suspended(one[0])
        ]
        found = profiling.merged([shelf.window(*one) for one in stretches])
        if found.rows < self.plan.rows and self.plan.kind == alarms.Kind.QUALITY:
            return shelf.window(begin - seasons.TRAILING, begin)
        return found

    def _of(self, column: str, effect: str) -> calibration.Series:
        key = (column, effect)
        if key not in self.series:
            warning, alarm = drift.limits(self.plan.limit)[effect]
            self.series[key] = calibration.Series(
                warning if profiles.is_output(column) else alarm,
                share=effect != "tail",
                patient=_PATIENT.get(effect, True),
                frozen=self.plan.learning,
            )
        return self.series[key]

    def runs(self, now: float) -> dict[tuple[str, str], int]:
        """(column, effect) -> since when, of what has moved by the window that was looked at last."""
        if self.latest[1] < now - FORGET:
            return {}
        return {
            key: one.since
            for key, one in self.series.items()
            if one.since is not None and one.last is not None and one.last.begin == self.latest[0]
        }

    def open(self, shelf: Shelf, now: float) -> tuple[Open, ...]:
        """The columns that have moved, each by its largest effect that did, as it was in the latest window that was over."""
        runs = self.runs(now)
        if self._told[0] != (self.latest, runs):
            self._told = ((self.latest, runs), tuple(self._open(shelf, runs)))
        return self._told[1]

    def _open(self, shelf: Shelf, runs: dict[tuple[str, str], int]) -> Iterator[Open]:
        for name in dict.fromkeys(column for column, _ in runs):
            mine = {effect: since for (column, effect), since in runs.items() if column == name}
            begin = max(worst.begin for effect in mine if (worst := self.series[name, effect].worst))
            seen, known = self._seen(shelf, begin, self.plan.length), self._known(shelf, begin)
            outputs = profiles.outputs(seen.columns.keys() & known.columns.keys())
            limits = drift.limits(self.plan.limit)
            told = drifting.column(shelf.frames[name], seen.columns[name], known.columns[name], limits, outputs)
            moved = next(one for one in told.effects if one.name in mine)
            yield Open(told, moved, min(mine.values()), begin)


def holiday(day: int, holidays: tuple[str, ...]) -> bool:
    """Whether a day (since 1970, UTC) is one of these: 2026-12-25, or 12-25 of every year."""
    if not holidays:
        return False
    told = dt.datetime.fromtimestamp(day * seasons.DAY, dt.UTC).strftime("%Y-%m-%d")
    return told in holidays or told[5:] in holidays
