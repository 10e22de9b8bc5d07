"""What has drifted: the profiles of one stretch of time held against those of another, column by column.

The effects and their limits are `core.stats.drift`'s. Called by the command line; reads the catalogue and nothing else.
"""

import math
import sqlite3
from collections.abc import Sequence, Set

import msgspec
import numpy as np

from tidegate.core.stats import drift, effects, sketches, stacks
from tidegate.core.vocabulary import profiles
from tidegate.observability.profiling import profiled

LEVELS = ("", "warning", "alarm")
SEASON, TRAINING, STABLE, TIME = "season", "training", "stable", "time"
"""What a window is held against."""
QUANTILES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)


class Stretch(msgspec.Struct, frozen=True):
    """A time (Unix seconds, whole hours), and of which version; 0: of all."""

    since: int
    until: int
    version: int = 0
    alone: bool = False
    """Of that version only; else also of those made of the same bundle, which predict alike."""

    def versions(self, connection: sqlite3.Connection, endpoint: str) -> frozenset[int] | None:
        """All that are meant; None: whichever there are."""
        if not self.version:
            return None
        return frozenset({self.version}) if self.alone else profiled.alike(connection, endpoint, self.version)


class Weighed(msgspec.Struct, frozen=True):
    """An effect, held against its limits."""

    name: str
    """ks, tv, tail, nulls, new, broken or same: see docs/drift.md."""
    size: float
    low: float
    """At least so much, with probability 99.9 %; -1 where the size is within what is normal."""
    level: str
    """Empty, warning or alarm."""
    weight: float
    """`low` in limits of an alarm."""


class Numbers(msgspec.Struct, frozen=True):
    """A column of numbers in numbers."""

    mean: float
    sd: float
    p1: float
    q25: float
    median: float
    q75: float
    p99: float
    least: float
    most: float

    @property
    def iqr(self) -> float:
        """The range of the quartiles."""
        return self.q75 - self.q25


class Sketched(msgspec.Struct, frozen=True):
    """What the sketches say of a column, for people to read. Pairs are (in the window, in the reference)."""

    quantiles: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    """Of numbers, at `QUANTILES`."""
    apart: float = 0.0
    """The largest difference of their distribution functions."""
    error: float = 0.0
    """By how much that may be off."""
    distinct: tuple[int, int] = (0, 0)
    """Of categories: about how many different ones."""


class Column(msgspec.Struct, frozen=True):
    """How one column stands. Pairs are (in the window, in the reference)."""

    name: str
    level: str
    effects: tuple[Weighed, ...]
    """Those that matter most first."""
    rows: tuple[int, int]
    """Entries."""
    nulls: tuple[float, float]
    """Shares of them."""
    numbers: tuple[Numbers | None, Numbers | None]
    """None where there are no numbers."""
    outliers: float
    """The window's share of numbers beyond three standard deviations of the reference's mean."""
    moved: float
    """Of numbers: how far, in quartile ranges of the reference; -1 where the reference has none."""
    psi: float
    sketched: Sketched | None = None

    @property
    def weight(self) -> float:
        """How far it has moved at least, in limits of an alarm."""
        return max((one.weight for one in self.effects), default=0.0)


class Report(msgspec.Struct, frozen=True):
    """All columns: those that have moved most first."""

    endpoint: str
    window: Stretch
    against: str
    """SEASON, TRAINING, STABLE or TIME."""
    reference: tuple[Stretch, ...]
    """Latest first; none of the training data."""
    rows: tuple[int, int] = (0, 0)
    """Rows (in the window, in the reference)."""
    columns: tuple[Column, ...] = ()
    come: tuple[str, ...] = ()
    """Columns that the window has and the reference has not."""
    gone: tuple[str, ...] = ()

    @property
    def level(self) -> str:
        """That of the column that has moved most."""
        return self.columns[0].level if self.columns else ""


def report(connection: sqlite3.Connection, about: Report, limits: drift.Limits = drift.LIMITS) -> Report:
    """The window held against the sum of the times of its reference. `about`: which, without columns."""
    layout = stacks.Layout(profiled.frames(connection, about.endpoint))
    seen, *parts = (of(connection, about.endpoint, layout, one) for one in (about.window, *about.reference))
    return held(about, layout, (layout.total(parts or [layout.empty]), seen), limits)


def held(about: Report, layout: stacks.Layout, both: effects.Both, limits: drift.Limits = drift.LIMITS) -> Report:
    """What was seen held against what was known: `both` (reference, window). `about`: which times they are."""
    known, seen = both
    found = sorted(columns(layout, both, limits).values(), key=lambda one: (-LEVELS.index(one.level), -one.weight, one.name))
    come, gone = (
        tuple(sorted(layout.names[at] for at in np.flatnonzero(one.there & ~other.there)))
        for one, other in ((seen, known), (known, seen))
    )
    return msgspec.structs.replace(
        about,
        rows=(seen.rows, known.rows),
        columns=tuple(found),
        come=come if known.rows else (),
        gone=gone if seen.rows else (),
    )


def sketched(one: sketches.Sketch, other: sketches.Sketch) -> Sketched | None:
    """The sketch of a column in the window beside that in the reference."""
    if isinstance(one, sketches.Numbers) and isinstance(other, sketches.Numbers):
        apart, error = one.apart(other)
        return Sketched((tuple(one.quantiles(QUANTILES)), tuple(other.quantiles(QUANTILES))), apart, error)
    if isinstance(one, sketches.Words) and isinstance(other, sketches.Words):
        return Sketched(distinct=(one.distinct, other.distinct))
    return None


def of(connection: sqlite3.Connection, endpoint: str, layout: stacks.Layout, stretch: Stretch) -> stacks.Stack:
    """What was seen in this time."""
    hours = profiled.stored(connection, endpoint, stretch.since, stretch.until)
    versions = stretch.versions(connection, endpoint)
    several = [profiled.stacked(layout, told) for version, _, told in hours if versions is None or version in versions]
    return layout.total(several or [layout.empty])


def columns(
    layout: stacks.Layout, both: effects.Both, limits: drift.Limits = drift.LIMITS, names: Set[str] | None = None
) -> dict[str, Column]:
    """How the columns stand that both have, by name. `names`: of which; all without.

    What the model says counts for more: what is a warning elsewhere is an alarm there.
    """
    found = effects.told(layout, effects.effects(layout, both, effects.shared(layout, both)))
    known, seen = both
    there = [layout.names[at] for at in np.flatnonzero(known.there & seen.there)]
    return {
        name: _column(layout.frames[name], (layout.column(known, name), layout.column(seen, name)), found.get(name, []), limits)
        for name in there
        if names is None or name in names
    }


def _column(
    frame: profiles.Frame,
    both: tuple[profiles.Column, profiles.Column],
    found: Sequence[drift.Effect],
    limits: drift.Limits,
) -> Column:
    reference, window = both
    raised = profiles.is_output(frame.name)
    ranked = sorted(found, key=lambda one: (-one.level(limits), -one.weight(limits)))
    told = tuple(
        Weighed(one.name, one.size, one.low, LEVELS[min(2, level + (raised and level > 0))], one.weight(limits))
        for one in ranked
        for level in (one.level(limits),)
    )
    far = drift.moved(frame, reference, window)
    return Column(
        name=frame.name,
        level=told[0].level if told else "",
        effects=told,
        rows=(window.seen, reference.seen),
        nulls=(window.nulls / max(1, window.seen), reference.nulls / max(1, reference.seen)),
        numbers=(_numbers(frame, window), _numbers(frame, reference)),
        outliers=drift.outliers(frame, reference, window),
        moved=far if math.isfinite(far) else -1.0,
        psi=drift.psi(reference, window),
    )


def _numbers(frame: profiles.Frame, one: profiles.Column) -> Numbers | None:
    """None too where their sum is beyond what a number can be."""
    told = drift.described(frame, one)
    if not all(map(math.isfinite, told)):
        return None
    low, high = (drift.quantile(frame, one, share) for share in (0.01, 0.99))
    return Numbers(told.mean, told.sd, low, told.q25, told.median, told.q75, high, told.least, told.most)
