"""Mergeable sums: all that statistics ever see. Counts per (generation, arrival tick, arm, mark); never rows.

Gateways ship them cumulatively per boot, so merging is idempotent: the latest of each boot, then addition.
"""

import array
import functools
from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import marks

TICK_SECONDS = 1
EPOCH_SECONDS = 60
RIGHT = "right"
"""The metric that outcomes give: 1 for a right prediction, 0 for a wrong one."""
BINS = 32
SLICE_VALUES = 20
"""Values of one column that have a slice of their own; what else the column has is in one more."""
LEARN_SECONDS = 10
"""What arrives first of a release's sliced traffic, for so long, weighs its slices and judges nothing."""
HOUR_SECONDS = 3600
_NO_MARKS = (0,) * marks.SLOTS
_NO_LATENCY = (0,) * marks.LATENCY_BUCKETS
_NO_BINS = (0,) * BINS


class Counts(msgspec.Struct, frozen=True, dict=True):
    """One arm's requests that arrived in one tick (or one epoch, once folded)."""

    opened: int = 0
    marks: tuple[int, ...] = _NO_MARKS
    latency: tuple[int, ...] = _NO_LATENCY
    """By the worker's own model time, in `marks.latency_bucket`: of good answers that were alone in their call."""
    bins: tuple[int, ...] = _NO_BINS
    """By prediction bin; the worker's baseline profile fixes the edges."""
    rescued: int = 0
    """Answered by stable after this arm failed."""

    @functools.cached_property
    def packed(self) -> bytes:
        """All counters as 64-bit integers, in the order of the fields: made once, however often it is looked at."""
        return array.array("q", (self.opened, *self.marks, *self.latency, *self.bins, self.rescued)).tobytes()

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


class LabelSum(msgspec.Struct, frozen=True, omit_defaults=True):
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
    stable_loss: tuple[tuple[int, int], ...] = ()
    candidate_loss: tuple[tuple[int, int], ...] = ()
    """The labelled by how far off they were: (`losses.bucket`, count), ascending, none of them 0. Empty where outcomes are no
    numbers.
    """


class Crossed(msgspec.Struct, frozen=True):
    """Of the units that have both a metric's value y and a value x of its covariate: what an adjustment is made from."""

    count: int = 0
    total: float = 0.0
    """Sum of y."""
    covariate: float = 0.0
    """Sum of x."""
    squares: float = 0.0
    """Sum of x squared."""
    products: float = 0.0
    """Sum of x y."""


class Moments(msgspec.Struct, frozen=True):
    """Count, sum and sum of squares of a metric's values in one arm, one value a unit."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0
    clipped: int = 0
    """Those of the values that lay outside the metric's range, and entered as its nearer end."""
    crossed: Crossed = Crossed()
    """With the covariate, where the metric has one."""


class Values(msgspec.Struct, frozen=True):
    """One posted metric of one release by arm: each unit enters once, with its first value."""

    metric: str
    weight: int
    candidate: Moments
    stable: Moments
    limits: tuple[float, float] | None = None
    """What all values were clipped to when they were counted; None: they are as they were posted."""


class Labels(msgspec.Struct, frozen=True):
    """What the recorder knows of one release's outcomes, written whole: {release: Labels} in labels/<endpoint>.json."""

    closed_before: int
    """Arrival ticks below this are older than a*, and every record and outcome that came in time has been read."""
    sums: tuple[LabelSum, ...]
    joined: int = 0
    """Outcomes joined to a prediction of this release, in time or late."""
    wrong: int = 0
    """Candidate predictions known to be wrong by now, late outcomes included: harm, not evidence."""
    values: tuple[Values, ...] = ()
    """Posted metrics, and RIGHT, each by weight."""


class PairSum(msgspec.Struct, frozen=True):
    """Requests that both versions answered, or of which one had a copy that it did not answer."""

    slice: str = ""
    """column=value; empty: all."""
    pairs: int = 0
    disagreed: int = 0
    """Those whose answers differ by more than the pairing allows, unanswered copies included."""
    failed: int = 0
    """Copies that were not answered well although the client's request was."""
    largest: float = 0.0
    """The largest difference of two numbers."""
    copy_only_wrong: int = 0
    """Pairs that their outcome shows: only the copy was wrong, ..."""
    served_only_wrong: int = 0
    """... or only the answer that the client got."""


class Pairs(msgspec.Struct, frozen=True):
    """What the recorder knows of one release's mirrored requests, written whole: {release: Pairs} in pairs/<endpoint>.json."""

    sums: tuple[PairSum, ...]
    """The one of all first, then one a slice."""
    unmatched: int = 0
    """Copies whose request has not been read yet, or never will be."""

    @property
    def all(self) -> PairSum:
        """Over all slices."""
        return self.sums[0] if self.sums else PairSum()


class SliceSum(msgspec.Struct, frozen=True, array_like=True):
    """Both arms' marks in one slice and one epoch of slices (`slice_epoch`), as far as its ticks are closed."""

    slice: str
    """column=value."""
    generation: int
    weight: int
    evidence: bool
    tick: int
    span: int
    candidate_bad: int
    stable_bad: int
    candidate_ok: int
    stable_ok: int


class Slices(msgspec.Struct, frozen=True):
    """What the recorder knows of one release's slices, written whole: {release: Slices} in slices/<endpoint>.json."""

    closed_before: int
    """Every record of a request that arrived in a tick below this has been read."""
    sums: tuple[SliceSum, ...] = ()
    """Of ticks below `closed_before`."""
    unread: int = 0
    """Requests of which a column's value could not be read: they are in no slice of it."""


class KeyEvent(msgspec.Struct, frozen=True, array_like=True):
    """The first bad request of a sticky key in one gateway boot. Under stickiness these are the evidence, one a key."""

    release: str
    generation: int
    weight: int
    evidence: bool
    tick: int
    arm: int
    mark: int
    key: bytes
    """16 bytes: what `assignment.hashed` shows."""


class Smoke(msgspec.Struct, frozen=True):
    """What became of the requests of our own to the candidate."""

    asked: int
    answered: int
    failure: str = ""
    """Why the first that was not answered well was not."""


class Inputs(msgspec.Struct, frozen=True):
    """All that the judge is given of one release at one look. The verdict can be computed again from these alone."""

    sums: tuple[Sum, ...] = ()
    """Since the release began, merged over gateways, in any order; ticks and folded epochs may be mixed."""
    closed_before: int = 0
    """Arrivals in ticks below this are no longer pending anywhere."""
    labels: Labels | None = None
    pairs: Pairs | None = None
    keys: tuple[KeyEvent, ...] = ()
    smoke: Smoke | None = None
    slices: Slices | None = None


def slice_epoch(tick: int, began: int) -> tuple[int, int]:
    """(first second, first second after) of the epoch of a tick in a release whose sliced traffic began in tick `began`.

    First what the slices' weights are learned from, then wall minutes, and after one to two hours wall hours: twenty slices
    by the minute would be too much to keep of a week. Time alone says where an epoch ends, so none depends on what it holds.
    """
    learned = began + LEARN_SECONDS
    if tick < learned:
        return began, learned
    hours = (began // HOUR_SECONDS + 2) * HOUR_SECONDS
    length = EPOCH_SECONDS if tick < hours else HOUR_SECONDS
    first = tick // length * length
    return max(first, learned), first + length


def folded(rows: Iterable[Sum], until: int) -> tuple[Sum, ...]:
    """The same sums with the ticks of each epoch that ends by `until` in one. An epoch that goes on stays apart: as one it would
    not be closed. So does a tick with more marks than requests: added up with others it would not be seen any more.
    """
    found: dict[tuple[int, int, bool, int, int, bool], Sum] = {}
    for row in rows:
        begin = row.tick // EPOCH_SECONDS * EPOCH_SECONDS
        sound = min(row.stable.pending, row.candidate.pending) >= 0
        tick, span = (begin, EPOCH_SECONDS) if sound and begin + EPOCH_SECONDS <= until else (row.tick, row.span)
        key = (row.generation, row.weight, row.evidence, tick, span, sound)
        before = found.get(key)
        stable = row.stable if before is None else before.stable + row.stable
        candidate = row.candidate if before is None else before.candidate + row.candidate
        found[key] = Sum(row.generation, row.weight, row.evidence, tick, span, stable, candidate)
    return tuple(found[key] for key in sorted(found))
