"""What has moved, window by window: the windows of an endpoint held against their references, each series calibrated on itself.

A `Track` is one way of looking: windows of one length, held against the same time of earlier weeks (`core.stats.seasons`) or
against the data that came with the model, by some of the effects of `core.stats.drift`. Everything is made from the hourly
profiles: a track that is begun anew comes to the same. Inputs are those of all versions; predictions are those of the version
that owns the endpoint, and of others made of the same bundle, so that their reference begins anew with another model only.

Called by `lookout`. Reads no clock; profiles come from `shelving`.
"""

import datetime as dt
import itertools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec
import numpy as np

from tidegate.core.stats import calibration, drift, effects, logspace, seasons, stacks
from tidegate.core.vocabulary import alarms, profiles
from tidegate.observability.drift import drifting, shelving

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
        return seasons.TRAILING - self.length + self.step if self.against == drifting.TRAINING else 0


class Open(NamedTuple):
    """A column that has moved."""

    column: drifting.Column
    effect: drifting.Weighed
    since: int
    begin: int
    """Of the window that it is told by."""


class Track:
    """One endpoint, looked at in one way."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.subject = drifting.TRAINING if plan.against == drifting.TRAINING else ""
        """What its alarm is about."""
        self.series = calibration.Series(frozen=plan.learning)
        self.latest = (0, 0)
        """The window that was looked at last."""
        self.windows = 0
        self._next = 0
        self._wanted = frozenset(plan.effects)
        self._told: tuple[object, tuple[Open, ...]] = (None, ())
        self._places: tuple[stacks.Layout | None, dict[str, logspace.Ints]] = (None, {})

    def ended(self, shelf: shelving.Shelf, now: float) -> Iterator[tuple[int, int]]:
        """(end, begin) of every window that has ended and was not taken in, in turn."""
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
            yield end, begin
            begin += step
        self._next = begin

    def is_ahead(self, now: float) -> bool:
        """Whether it has passed a window that has not ended by this time: the clock stood ahead, and was set back."""
        return self._next - self.plan.step + self.plan.length > now

    def _suspended(self, begin: int) -> bool:
        return any(
            holiday(day, self.plan.holidays) for day in range(begin // seasons.DAY, -((begin + self.plan.length) // -seasons.DAY))
        )

    def take(self, shelf: shelving.Shelf, begin: int) -> None:
        """Take in the window that begins then."""
        if self._suspended(begin):
            return
        seen = self._seen(shelf, begin, self.plan.length)
        if seen.rows < self.plan.rows:
            return
        known = self._known(shelf, begin)
        if known.rows < self.plan.rows:
            return
        self.windows += 1
        self.latest = (begin, begin + self.plan.length)
        for name, one in self._effects(shelf, begin, (known, seen)).items():
            self.series.put(begin, self._of(shelf.layout, name)[one.columns], one.size, one.low)

    def _effects(self, shelf: shelving.Shelf, begin: int, both: effects.Both) -> dict[str, effects.Found]:  # noqa: ARG002 - by its parts
        return effects.effects(shelf.layout, both, effects.shared(shelf.layout, both), self._wanted)

    def _seen(self, shelf: shelving.Shelf, begin: int, length: int) -> stacks.Stack:
        """A window, or a part of one."""
        return shelf.window(begin, begin + length)

    def both(self, shelf: shelving.Shelf) -> tuple[stacks.Stack, stacks.Stack]:
        """The window that was looked at last, and what it was held against."""
        begin, end = self.latest
        return self._seen(shelf, begin, end - begin), self._known(shelf, begin)

    def _known(self, shelf: shelving.Shelf, begin: int) -> stacks.Stack:
        """What a window is held against: quality, before there is a season, against whatever there is."""
        if self.plan.against == drifting.TRAINING:
            return shelf.training
        stretches = [
            one
            for one in seasons.before(begin, self.plan.length, self.plan.against)
            if self.plan.against == "none" or not self._suspended(one[0])
        ]
        found = shelf.layout.total([shelf.window(*one) for one in stretches] or [shelf.layout.empty])
        if found.rows < self.plan.rows and self.plan.kind == alarms.Kind.QUALITY:
            return shelf.window(begin - seasons.TRAILING, begin)
        return found

    def _of(self, layout: stacks.Layout, effect: str) -> logspace.Ints:
        """(K,): the series of this effect, by column."""
        if self._places[0] is not layout:
            self._places = (layout, {})
        if effect not in self._places[1]:
            warning, alarm = drift.limits(self.plan.limit)[effect]
            at = np.zeros(len(layout.names), np.int64)
            for which, limit in ((layout.outputs, warning), (~layout.outputs, alarm)):
                rule = calibration.Rule(limit, share=effect != "tail", patient=_PATIENT.get(effect, True))
                at[which] = self.series.places([(layout.names[one], effect) for one in np.flatnonzero(which)], rule)
            self._places[1][effect] = at
        return self._places[1][effect]

    def runs(self, now: float) -> dict[tuple[str, str], int]:
        """(column, effect) -> since when, of what has moved by the window that was looked at last."""
        return {} if self.latest[1] < now - FORGET else self.series.runs(self.latest[0])

    def open(self, shelf: shelving.Shelf, now: float) -> tuple[Open, ...]:
        """The columns that have moved, each by its largest effect that did, as it was in the latest window that was over."""
        runs = self.runs(now)
        if self._told[0] != (self.latest, runs):
            self._told = ((self.latest, runs), tuple(self._open(shelf, runs)))
        return self._told[1]

    def _open(self, shelf: shelving.Shelf, runs: dict[tuple[str, str], int]) -> Iterator[Open]:
        limits = drift.limits(self.plan.limit)
        reports: dict[int, dict[str, drifting.Column]] = {}
        for name in dict.fromkeys(column for column, _ in runs):
            mine = {effect: since for (column, effect), since in runs.items() if column == name}
            begin = max(worst.begin for effect in mine if (worst := self.series.worst((name, effect))))
            if begin not in reports:
                both = self._known(shelf, begin), self._seen(shelf, begin, self.plan.length)
                reports[begin] = drifting.columns(shelf.layout, both, limits, {column for column, _ in runs})
            told = reports[begin][name]
            moved = next(one for one in told.effects if one.name in mine)
            yield Open(told, moved, min(mine.values()), begin)


def look(tracks: Sequence[Track], shelf: shelving.Shelf, now: float) -> None:
    """Take in every window that has ended, in the order in which they did: what one track has read is there for the others."""
    turns = [[*itertools.product([at], track.ended(shelf, now))] for at, track in enumerate(tracks)]
    for at, (_, begin) in sorted(itertools.chain(*turns), key=lambda one: (one[1][0], one[0])):
        tracks[at].take(shelf, begin)


def holiday(day: int, holidays: tuple[str, ...]) -> bool:
    """Whether a day (since 1970, UTC) is one of these: 2026-12-25, or 12-25 of every year."""
    if not holidays:
        return False
    told = dt.datetime.fromtimestamp(day * seasons.DAY, dt.UTC).strftime("%Y-%m-%d")
    return told in holidays or told[5:] in holidays
