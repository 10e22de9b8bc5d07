"""What has drifted: the profiles of one stretch of time held against those of another, column by column.

The effects and their limits are `core.stats.drift`'s. Called by the command line; reads the catalogue and nothing else.
"""

import math
import sqlite3
from collections.abc import Iterable

import msgspec

from tidegate.core.stats import drift
from tidegate.core.vocabulary import profiles
from tidegate.observability.monitors import profiling

LEVELS = ("", "warning", "alarm")


class Stretch(msgspec.Struct, frozen=True):
    """A time (Unix seconds, whole hours), and of which version; 0: of all."""

    since: int
    until: int
    version: int = 0


class Effect(msgspec.Struct, frozen=True):
    """By how much a column has moved, by one way of looking."""

    name: str
    """ks, tv, nulls, new or broken: see docs/drift.md."""
    size: float
    low: float
    """At least so much, with probability 99.9 %."""
    level: str
    """Empty, warning or alarm."""


class Column(msgspec.Struct, frozen=True):
    """How one column stands. Numbers are None where it has none."""

    name: str
    level: str
    effects: tuple[Effect, ...]
    rows: tuple[int, int]
    """Entries (in the window, in the reference)."""
    nulls: tuple[float, float]
    """Shares of them."""
    mean: tuple[float | None, float | None]
    median: tuple[float | None, float | None]
    moved: float
    """Of numbers: how far, in quartile ranges of the reference; -1 where the reference has none."""
    psi: float


class Report(msgspec.Struct, frozen=True):
    """All columns: those that have moved most first."""

    endpoint: str
    window: Stretch
    reference: Stretch
    rows: tuple[int, int]
    """Rows (in the window, in the reference)."""
    columns: tuple[Column, ...]

    @property
    def level(self) -> str:
        """That of the column that has moved most."""
        return self.columns[0].level if self.columns else ""


def report(connection: sqlite3.Connection, endpoint: str, window: Stretch, reference: Stretch) -> Report:
    """The window held against the reference."""
    frames = profiling.frames(connection, endpoint)
    seen, known = (
        _added(profiling.hours(connection, endpoint, one.since, one.until), one.version) for one in (window, reference)
    )
    columns = [
        _column(frame, seen.columns[name], known.columns[name])
        for name, frame in frames.items()
        if name in seen.columns and name in known.columns
    ]
    columns.sort(key=lambda one: (-LEVELS.index(one.level), -max((each.low for each in one.effects), default=-1.0), one.name))
    return Report(endpoint, window, reference, (seen.rows, known.rows), tuple(columns))


def _added(hours: Iterable[tuple[int, int, profiles.Profile]], version: int) -> profiles.Profile:
    whole = profiles.Profile()
    for one, _, profile in hours:
        if version in (0, one):
            whole += profile
    return whole


def _column(frame: profiles.Frame, window: profiles.Column, reference: profiles.Column) -> Column:
    found = tuple(Effect(one.name, one.size, one.low, LEVELS[one.level]) for one in drift.effects(frame, reference, window))
    described = [drift.described(frame, one) for one in (window, reference)]
    far = drift.moved(frame, reference, window)
    return Column(
        name=frame.name,
        level=max((one.level for one in found), key=LEVELS.index, default=""),
        effects=found,
        rows=(window.seen, reference.seen),
        nulls=(window.nulls / max(1, window.seen), reference.nulls / max(1, reference.seen)),
        mean=(_known(described[0].mean), _known(described[1].mean)),
        median=(_known(described[0].median), _known(described[1].median)),
        moved=far if math.isfinite(far) else -1.0,
        psi=drift.psi(reference, window),
    )


def _known(number: float) -> float | None:
    return number if math.isfinite(number) else None
