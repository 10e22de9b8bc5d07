"""Mergeable sums: all that statistics ever see. Counts per (generation, arrival tick, arm, mark); never rows.

Gateways ship them cumulatively per boot, so merging is idempotent: the latest of each boot, then addition.
"""

from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import marks

TICK_SECONDS = 1
EPOCH_SECONDS = 60
BINS = 32
_NO_MARKS = (0,) * marks.SLOTS
_NO_LATENCY = (0,) * marks.LATENCY_BUCKETS
_NO_BINS = (0,) * BINS


class Counts(msgspec.Struct, frozen=True):
    """One arm's requests that arrived in one tick (or one epoch, once folded)."""

    opened: int = 0
    marks: tuple[int, ...] = _NO_MARKS
    latency: tuple[int, ...] = _NO_LATENCY
    """By the worker's own model time, in `marks.latency_bucket`."""
    bins: tuple[int, ...] = _NO_BINS
    """By prediction bin; the worker's baseline profile fixes the edges."""
    rescued: int = 0
    """Answered by stable after this arm failed."""

    @property
    def closed(self) -> int:
        """Requests that have their mark."""
        return sum(self.marks)

    @property
    def pending(self) -> int:
        """Requests drawn for this arm that have no mark yet."""
        return self.opened - self.closed

    @property
    def bad(self) -> int:
        """Requests with a bad mark."""
        return sum(self.marks[mark] for mark in marks.BAD)

    @property
    def ok(self) -> int:
        """Requests that ended well."""
        return self.marks[marks.Mark.OK]

    @property
    def harmed(self) -> int:
        """Requests that the arm did not serve well, rescued or not."""
        return sum(self.marks[mark] for mark in marks.HARMFUL)

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.opened + other.opened,
            tuple(map(int.__add__, self.marks, other.marks)),
            tuple(map(int.__add__, self.latency, other.latency)),
            tuple(map(int.__add__, self.bins, other.bins)),
            self.rescued + other.rescued,
        )


class Sum(msgspec.Struct, frozen=True):
    """Both arms of one release in one tick (`span` 1) or one folded epoch (`span` 60) of one table generation."""

    generation: int
    weight: int
    """rho = weight / arms.BUCKETS, the same for every request in this sum."""
    evidence: bool
    tick: int
    """Unix seconds of arrival, first second of the span."""
    span: int
    stable: Counts
    candidate: Counts


class LabelSum(msgspec.Struct, frozen=True):
    """Both arms of one release in one arrival tick, once that tick is older than the label age a*."""

    generation: int
    weight: int
    evidence: bool
    tick: int
    stable: int
    candidate: int
    """Predictions that arrived in the tick."""
    stable_labelled: int
    candidate_labelled: int
    """Those whose outcome came within a*."""
    stable_wrong: int
    candidate_wrong: int
    """Those of the labelled that were wrong."""
    span: int = TICK_SECONDS


class Labels(msgspec.Struct, frozen=True):
    """What the recorder knows of one release's outcomes, written whole: {release: Labels} in labels/<endpoint>.json."""

    closed_before: int
    """Arrival ticks below this are older than a*, and every record and outcome that came in time has been read."""
    sums: tuple[LabelSum, ...]
    joined: int = 0
    """Outcomes joined to a prediction of this release, in time or late."""
    wrong: int = 0
    """Candidate predictions known to be wrong by now, late outcomes included: harm, not evidence."""


def folded(rows: Iterable[Sum], closed_before: int) -> tuple[Sum, ...]:
    """The same sums with all closed ticks of an epoch in one: what is kept with a verdict, so that it can be computed again."""
    found: dict[tuple[int, int, bool, int, int], Sum] = {}
    for row in rows:
        closed = row.tick + row.span <= closed_before
        tick, span = (row.tick // EPOCH_SECONDS * EPOCH_SECONDS, EPOCH_SECONDS) if closed else (row.tick, row.span)
        key = (row.generation, row.weight, row.evidence, tick, span)
        before = found.get(key)
        stable = row.stable if before is None else before.stable + row.stable
        candidate = row.candidate if before is None else before.candidate + row.candidate
        found[key] = Sum(row.generation, row.weight, row.evidence, tick, span, stable, candidate)
    return tuple(found[key] for key in sorted(found))
