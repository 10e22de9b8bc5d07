"""Tallies: the sums of one release as arrays, one row a sum, and gathered into epochs.

An epoch is one wall minute (arrival tick // 60) of one table generation. Wall minutes, not minutes since the release began,
because folded sums start on wall minutes: the verdict over ticks and the verdict over the same ticks folded are then equal to
the last bit. Epochs are numbered from the release's first one, in the order of (minute, generation), empty ones left out, so a
night's pause costs nothing.
"""

import dataclasses
import functools
import itertools
import operator
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from tidegate.core.stats import logspace
from tidegate.core.vocabulary import arms, losses, marks, sums

CANDIDATE_BAD, STABLE_BAD, CANDIDATE_OK, STABLE_OK = range(4)
"""The columns of counts and factors of a yes-or-no mark."""
LOSSES = 64
"""Buckets of losses that are told apart."""
Mask = npt.NDArray[np.bool_]
_Values = TypeVar("_Values", logspace.Ints, logspace.Floats)
_HEAD = operator.attrgetter("generation", "weight", "evidence", "tick", "span")
_OPENED, _MARKS, _LATENCY = 0, 1, 1 + marks.SLOTS
_BINS = _LATENCY + marks.LATENCY_BUCKETS
_RESCUED = _BINS + sums.BINS
_LABEL = operator.attrgetter(
    *("generation", "weight", "evidence", "tick", "span", "candidate", "stable"),
    *("candidate_labelled", "stable_labelled", "candidate_wrong", "stable_wrong"),
)
_SLICE = operator.attrgetter(
    *("generation", "weight", "evidence", "tick", "span", "candidate_bad", "stable_bad", "candidate_ok", "stable_ok")
)


@dataclasses.dataclass(frozen=True)
class Epochs:
    """J epochs, of some rows: `segment` (J,) is a key of (generation, weight)."""

    segment: logspace.Ints
    minute: logspace.Ints
    _rows: logspace.Ints
    """The rows, an epoch's side by side."""
    _starts: logspace.Ints
    """(J,) where those of each begin."""

    def gather(self, values: _Values) -> _Values:
        """(J, ...) what the rows have, (N, ...), added up by epoch."""
        chosen = values[self._rows]
        return np.add.reduceat(chosen, self._starts, axis=0) if len(chosen) else chosen


@dataclasses.dataclass(frozen=True)
class Rows:
    """N sums: of what and when, how many requests were drawn, and how many have no mark yet. Pairs are (candidate, stable)."""

    generation: logspace.Ints
    weight: logspace.Ints
    evidence: Mask
    minute: logspace.Ints
    end: logspace.Ints
    """First second after the sum's span."""
    opened: logspace.Ints
    """(N, 2) requests drawn for each arm."""
    pending: logspace.Ints
    """(N, 2) opened and without a mark; negative only if the counters are broken."""

    @functools.cached_property
    def segment(self) -> logspace.Ints:
        """(N,) one key for each pair of generation and weight, ordered by generation."""
        return self.generation * (arms.BUCKETS + 1) + self.weight

    @functools.cached_property
    def drawn(self) -> Mask:
        """Rows whose requests count as evidence: a real coin, in a generation meant for it."""
        found: Mask = self.evidence & (self.weight > 0) & (self.weight < arms.BUCKETS)
        return found

    def epochs(self, chosen: Mask) -> Epochs:
        """The epochs of the chosen rows, in (minute, generation) order."""
        rows = np.flatnonzero(chosen)
        rows = rows[np.lexsort((self.segment[rows], self.minute[rows]))]
        minute, segment = self.minute[rows], self.segment[rows]
        first = np.ones(rows.size, dtype=np.bool_)
        first[1:] = (minute[1:] != minute[:-1]) | (segment[1:] != segment[:-1])
        starts = np.flatnonzero(first)
        return Epochs(segment[starts], minute[starts], rows, starts)


@dataclasses.dataclass(frozen=True)
class Tally(Rows):
    """Sums of one yes-or-no mark."""

    counts: logspace.Ints
    """(N, 4) bad and ok marks; neutral marks are in none, which is a factor of 1."""

    def seen(self, rows: Mask) -> logspace.Ints:
        """(4,) marks of these rows as they are, what is pending left out."""
        found: logspace.Ints = self.counts[rows].sum(axis=0)
        return found

    def against_worse(self) -> logspace.Ints:
        """(N, 4) counts with what is pending set so that "the candidate is worse" gains least: its ok, stable's bad.

        For every bet of `bets.worse` an ok candidate and a bad stable request each lose at least as much as any other end of
        that request, neutral marks included, so the e-value of these counts is a lower bound on the e-value to come.
        """
        counts = self.counts.copy()
        open_now = np.maximum(self.pending, 0)
        counts[:, CANDIDATE_OK] += open_now[:, 0]
        counts[:, STABLE_BAD] += open_now[:, 1]
        return counts

    def against_no_worse(self) -> logspace.Ints:
        """(N, 4) counts with every pending candidate request taken as bad, and stable's left out."""
        counts = self.counts.copy()
        counts[:, CANDIDATE_BAD] += np.maximum(self.pending, 0)[:, 0]
        return counts


@dataclasses.dataclass(frozen=True)
class Graded(Rows):
    """Sums of a mark that is bad to a degree from 0 to 1, as Brier's score is: .3 is .3 of a bad mark and .7 of an ok one."""

    values: logspace.Ints
    """(N, 2, C) requests by degree, of (candidate, stable)."""
    degrees: logspace.Floats
    """(C,) how bad each is."""

    @functools.cached_property
    def counts(self) -> logspace.Floats:
        """(N, 4) bad and ok marks, as parts of them."""
        bad = self.values @ self.degrees
        return np.concatenate([bad, self.values.sum(axis=2) - bad], axis=1)

    def seen(self, rows: Mask) -> logspace.Ints:
        """(4,) marks of these rows in whole numbers: bad and ok add up to the requests."""
        drawn = self.values[rows].sum(axis=(0, 2))
        bad = np.rint(self.counts[rows, :2].sum(axis=0)).astype(np.int64)
        return np.concatenate([bad, drawn - bad])

    def against_worse(self) -> logspace.Ints:
        """(N, 2 C) requests by degree, the candidate's and then stable's; whoever has a degree is not pending."""
        return self.values.reshape(len(self.values), 2 * len(self.degrees))

    against_no_worse = against_worse


@dataclasses.dataclass(frozen=True)
class Histogram(Rows):
    """Sums of a mark of C values."""

    counts: logspace.Ints
    """(N, 2, C) requests by value, of (candidate, stable); what has none of the values is a factor of 1."""

    def against_larger(self) -> logspace.Ints:
        """Counts with what is pending set so that "the candidate's are larger" gains least: its small, stable's large."""
        counts, open_now = self.counts.copy(), np.maximum(self.pending, 0)
        counts[:, 0, 0] += open_now[:, 0]
        counts[:, 1, -1] += open_now[:, 1]
        return counts


@dataclasses.dataclass(frozen=True)
class Losses:
    """Losses of predictions labelled in time, in `LOSSES` buckets about the median of those of stable's that are any."""

    rows: Histogram
    """Behind the buckets those without an answer."""
    first: int
    """Which bucket of `losses` the first is; all below are in it as well."""
    middle: int
    """In which of them the median is."""


_ROWS = tuple(one.name for one in dataclasses.fields(Rows))
_Counted = TypeVar("_Counted", Tally, Graded, Histogram)


class Counters:
    """The sums of one release as tables of counters, read once for all the metrics that are made of them."""

    def __init__(self, rows: Sequence[sums.Sum]) -> None:
        head = _matrix(map(_HEAD, rows), len(rows), 5)
        both = b"".join(one for row in rows for one in (row.candidate.packed, row.stable.packed))
        counters = np.frombuffer(both, np.int64).reshape(len(rows), 2, _RESCUED + 1)
        self.below_none = bool((counters < 0).any())
        """Whether some counter is negative, as none can be; it is taken for 0, so that everything else can be said."""
        self._counters = np.maximum(counters, 0) if self.below_none else counters
        self._marks = self._counters[:, :, _MARKS:_LATENCY]
        opened = self._counters[:, :, _OPENED]
        self.rows = _rows(head, opened, opened - self._marks.sum(axis=2))

    @property
    def harmed(self) -> int:
        """Candidate requests not served well, over all rows."""
        return int(self._marks[:, 0, list(marks.HARMFUL)].sum())

    def marks_of(self, mark: marks.Mark) -> tuple[int, int]:
        """Requests with this mark, of (candidate, stable), over all rows."""
        candidate, stable = self._marks[:, :, mark].sum(axis=0).tolist()
        return candidate, stable

    @property
    def rescued(self) -> int:
        """Candidate requests that stable answered in its place."""
        return int(self._counters[:, 0, _RESCUED].sum())

    def marked(self, bad: Collection[marks.Mark] = marks.BAD) -> Tally:
        """These marks against ok and the other bad ones; neutral marks count as closed and nothing else."""
        told = self._marks @ _columns(tuple(bad))
        return _with(Tally, self.rows, counts=told.transpose(0, 2, 1).reshape(len(told), 4))

    def times(self) -> Histogram:
        """The worker's model times in the buckets of `marks`, and behind them the requests that failed: slower than any.

        Counted as slow, not left out: who answers only what is easy would seem fast.
        """
        failed = self._marks[:, :, list(marks.BAD)].sum(axis=2)
        values = np.concatenate([self._counters[:, :, _LATENCY:_BINS], failed[:, :, None]], axis=2)
        return _with(Histogram, self.rows, counts=values)

    def predictions(self) -> Histogram:
        """Predictions by bin of the baseline profile."""
        return _with(Histogram, self.rows, counts=self._counters[:, :, _BINS:_RESCUED])


@functools.lru_cache
def _columns(bad: tuple[int, ...]) -> logspace.Ints:
    """(SLOTS, 2) which marks are bad, and which are ok besides."""
    ok = [mark for mark in (*marks.BAD, marks.Mark.OK) if mark not in bad]
    return np.array([[slot in bad, slot in ok] for slot in range(marks.SLOTS)], np.int64)


def of_labels(rows: Sequence[sums.LabelSum]) -> Tally:
    """The tally of wrong against right among predictions labelled in time; the unlabelled are a factor of 1."""
    table = _matrix(map(_LABEL, rows), len(rows), 11)
    labelled, wrong = table[:, 7:9], table[:, 9:11]
    counts = np.concatenate([wrong, labelled - wrong], axis=1)
    return _with(Tally, _closed(table[:, :5], table[:, 5:7]), counts=counts)


def of_losses(rows: Sequence[sums.LabelSum], fewest: int) -> Losses:
    """Losses without a bound. The median is of stable's first ones, of the minutes until there are `fewest` of them: who bets on
    what is learned from as many knows it before.
    """
    table = _matrix(map(_LABEL, rows), len(rows), 11)
    minute = table[:, 3] // sums.EPOCH_SECONDS
    early = np.zeros(losses.MOST - losses.LEAST, np.int64)
    until = -1
    for at in np.argsort(minute, kind="stable").tolist():
        if early.sum() >= fewest and minute[at] > until:
            break
        until = int(minute[at])
        for bucket, count in rows[at].stable_loss:
            if bucket < losses.MOST:
                early[bucket - losses.LEAST] += count
    median = int(np.searchsorted(np.cumsum(early), early.sum() / 2))
    some = early[1:]  # those above none at all: many may be exactly right
    centre = 1 + int(np.searchsorted(np.cumsum(some), some.sum() / 2)) if some.any() else -losses.LEAST
    first = min(max(0, centre - LOSSES // 2), len(early) - LOSSES)

    def place(bucket: int) -> int:
        return LOSSES if bucket >= losses.MOST else min(max(bucket - losses.LEAST - first, 0), LOSSES - 1)

    made = _with(Histogram, _closed(table[:, :5], table[:, 5:7]), counts=_by_loss(rows, place, LOSSES + 1))
    return Losses(made, first + losses.LEAST, max(0, median - first))


def of_scores(rows: Sequence[sums.LabelSum]) -> Graded:
    """Losses from 0 to 1 of predictions labelled in time: no answer is as bad as can be."""
    table = _matrix(map(_LABEL, rows), len(rows), 11)
    found = sorted({bucket for row in rows for told in (row.candidate_loss, row.stable_loss) for bucket, _ in told})
    at = {bucket: place for place, bucket in enumerate(found)}
    degrees = np.array([losses.degree(bucket) for bucket in found])
    values = _by_loss(rows, at.__getitem__, len(found))
    return _with(Graded, _closed(table[:, :5], table[:, 5:7]), values=values, degrees=degrees)


def of_slice(rows: Sequence[sums.SliceSum], since: int) -> Tally:
    """The tally of one slice. What arrived before the tick `since` is no evidence: it only tells what stable's share was."""
    table = _matrix(map(_SLICE, rows), len(rows), 9)
    table[:, 2] &= table[:, 3] >= since
    counts = table[:, 5:9]
    drawn = counts[:, [CANDIDATE_BAD, STABLE_BAD]] + counts[:, [CANDIDATE_OK, STABLE_OK]]
    return _with(Tally, _closed(table[:, :5], drawn), counts=counts)


def of_keys(events: Iterable[sums.KeyEvent]) -> Tally:
    """The tally of bad keys, each with the first of its bad requests and no other; keys that were never bad are a factor of 1.

    Without counts of the good ones every bet of `bets.worse` is the errors-only form.
    """
    first: dict[bytes, sums.KeyEvent] = {}
    for one in sorted(events, key=operator.attrgetter("tick", "generation")):
        first.setdefault(one.key, one)
    rows = [
        (one.generation, one.weight, one.evidence, one.tick, sums.TICK_SECONDS, one.arm == arms.Arm.CANDIDATE)
        for one in first.values()
    ]
    table = _matrix(iter(rows), len(rows), 6)
    candidate, zero = table[:, 5], np.zeros(len(rows), np.int64)
    counts = np.stack([candidate, 1 - candidate, zero, zero], axis=1)
    return _with(Tally, _closed(table[:, :5], counts[:, :2]), counts=counts)


def _matrix(rows: Iterable[tuple[int, ...]], length: int, width: int) -> logspace.Ints:
    flat = itertools.chain.from_iterable(rows)
    return np.fromiter(flat, np.int64, length * width).reshape(length, width)


def _rows(head: logspace.Ints, opened: logspace.Ints, pending: logspace.Ints) -> Rows:
    generation, weight, evidence, tick, span = head.T
    return Rows(generation, weight, evidence.astype(np.bool_), tick // sums.EPOCH_SECONDS, tick + span, opened, pending)


def _closed(head: logspace.Ints, opened: logspace.Ints) -> Rows:
    """Sums of which nothing is pending."""
    return _rows(head, opened, np.zeros_like(opened))


def _by_loss(rows: Sequence[sums.LabelSum], place: Callable[[int], int], width: int) -> logspace.Ints:
    """(N, 2, width) requests of (candidate, stable), each bucket of losses at its place."""
    values = np.zeros((len(rows), 2, width), np.int64)
    for row, into in zip(rows, values, strict=True):
        for arm, told in enumerate((row.candidate_loss, row.stable_loss)):
            for bucket, count in told:
                into[arm, place(bucket)] += count
    return values


def _with(kind: type[_Counted], rows: Rows, **counted: Any) -> _Counted:
    return kind(*(getattr(rows, name) for name in _ROWS), **counted)
