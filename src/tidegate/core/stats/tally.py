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
from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from tidegate.core.stats import logspace
from tidegate.core.vocabulary import arms, marks, sums

CANDIDATE_BAD, STABLE_BAD, CANDIDATE_OK, STABLE_OK = range(4)
"""The columns of every counts and factors array."""
Mask = npt.NDArray[np.bool_]
_HEAD = operator.attrgetter(
    "generation", "weight", "evidence", "tick", "span", "candidate.opened", "stable.opened", "candidate.rescued"
)
_CANDIDATE_MARKS = operator.attrgetter("candidate.marks")
_STABLE_MARKS = operator.attrgetter("stable.marks")
_LABEL = operator.attrgetter(
    *("generation", "weight", "evidence", "tick", "span", "candidate", "stable"),
    *("candidate_labelled", "stable_labelled", "candidate_wrong", "stable_wrong"),
)


@dataclasses.dataclass(frozen=True)
class Epochs:
    """J epochs: `segment` (J,) is a key of (generation, weight); `counts` (J, 4) by the columns above."""

    segment: logspace.Ints
    counts: logspace.Ints


@dataclasses.dataclass(frozen=True)
class Tally:
    """N sums of one binary mark. Pairs of columns are (candidate, stable)."""

    generation: logspace.Ints
    weight: logspace.Ints
    evidence: Mask
    minute: logspace.Ints
    end: logspace.Ints
    """First second after the sum's span."""
    opened: logspace.Ints
    """(N, 2) requests drawn for each arm."""
    counts: logspace.Ints
    """(N, 4) bad and ok marks; neutral marks are in none, which is a factor of 1."""
    pending: logspace.Ints
    """(N, 2) opened and without a mark; negative only if the counters are broken."""
    harmed: int = 0
    """Candidate requests not served well, over all rows."""
    rescued: int = 0

    @functools.cached_property
    def segment(self) -> logspace.Ints:
        """(N,) one key for each pair of generation and weight, ordered by generation."""
        return self.generation * (arms.BUCKETS + 1) + self.weight

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

    def epochs(self, rows: Mask, counts: logspace.Ints) -> Epochs:
        """Gather the chosen rows of `counts` (N, 4) into epochs, in (minute, generation) order."""
        minute, segment, chosen = self.minute[rows], self.segment[rows], counts[rows]
        if not minute.size:
            return Epochs(segment, chosen)
        order = np.lexsort((segment, minute))
        minute, segment = minute[order], segment[order]
        first = np.ones(minute.size, dtype=np.bool_)
        first[1:] = (minute[1:] != minute[:-1]) | (segment[1:] != segment[:-1])
        starts = np.flatnonzero(first)
        return Epochs(segment[starts], np.add.reduceat(chosen[order], starts, axis=0))


def of_sums(rows: Sequence[sums.Sum]) -> Tally:
    """The tally of bad against ok; neutral marks count as closed and nothing else."""
    head = _matrix(map(_HEAD, rows), len(rows), 8)
    candidate = _matrix(map(_CANDIDATE_MARKS, rows), len(rows), marks.SLOTS)
    stable = _matrix(map(_STABLE_MARKS, rows), len(rows), marks.SLOTS)
    bad, ok = list(marks.BAD), int(marks.Mark.OK)
    closed = np.stack([candidate.sum(axis=1), stable.sum(axis=1)], axis=1)
    columns = (candidate[:, bad].sum(axis=1), stable[:, bad].sum(axis=1), candidate[:, ok], stable[:, ok])
    opened = head[:, 5:7]
    return _tally(
        head,
        np.stack(columns, axis=1),
        opened - closed,
        harmed=int(candidate[:, list(marks.HARMFUL)].sum()),
        rescued=int(head[:, 7].sum()),
    )


def of_labels(rows: Sequence[sums.LabelSum]) -> Tally:
    """The tally of wrong against right among predictions labelled in time; the unlabelled are a factor of 1."""
    table = _matrix(map(_LABEL, rows), len(rows), 11)
    labelled, wrong = table[:, 7:9], table[:, 9:11]
    return _tally(table, np.concatenate([wrong, labelled - wrong], axis=1), np.zeros_like(labelled))


def of_keys(events: Iterable[sums.KeyEvent]) -> Tally:
    """The tally of bad keys, each with the first of its bad requests and no other; keys that were never bad are a factor of 1.

    Without counts of the good ones every bet of `bets.worse` is the errors-only form (statistics.md 1.1 and A.1.15).
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
    head = np.concatenate([table[:, :5], counts[:, :2]], axis=1)
    return _tally(head, counts, np.zeros((len(rows), 2), np.int64))


def _matrix(rows: Iterable[tuple[int, ...]], length: int, width: int) -> logspace.Ints:
    flat = itertools.chain.from_iterable(rows)
    return np.fromiter(flat, np.int64, length * width).reshape(length, width)


def _tally(head: logspace.Ints, counts: logspace.Ints, pending: logspace.Ints, harmed: int = 0, rescued: int = 0) -> Tally:
    generation, weight, evidence, tick, span = head[:, :5].T
    minute = tick // sums.EPOCH_SECONDS
    return Tally(
        generation, weight, evidence.astype(np.bool_), minute, tick + span, head[:, 5:7], counts, pending, harmed, rescued
    )
