"""Thinning: the counts of traffic that one version answered, parted between two arms by coins, and one arm's spoilt by a fault.

What was observed stays as it was; only the coins are thrown anew. So what is simulated from it has the bursts, nights and
incidents of the traffic it comes from. Counts are kept as margins, not as rows: each mark's requests are thinned by themselves,
and latencies, bins and outcomes are drawn for the requests that ended well without replacement. Every margin has exactly the law
that a coin for each request gives it; what is lost is which request was slow and wrong at once, and nothing here compares that.

The chance is an argument: a generator of numpy, seeded by whoever calls.
"""

import dataclasses
import math

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import logspace
from tidegate.core.vocabulary import arms, marks, sums

MARKS = slice(0, marks.SLOTS)
LATENCY = slice(MARKS.stop, MARKS.stop + marks.LATENCY_BUCKETS)
"""Model time of the requests that ended well."""
BINS = slice(LATENCY.stop, LATENCY.stop + sums.BINS)
"""Prediction bins of the requests that ended well."""
RIGHT, WRONG, FAILED = range(BINS.stop, BINS.stop + 3)
"""Requests whose outcome came in time: ended well and right, ended well and wrong, and those with a bad mark, wrong thereby."""
WIDTH = FAILED + 1
_OK, _BAD, _BUCKET = int(marks.Mark.OK), list(marks.BAD), math.log(marks.latency_edge(2) / marks.latency_edge(1))


@dataclasses.dataclass(frozen=True)
class Seconds:
    """Traffic by second of arrival: `counts` (S, WIDTH) by the columns above; `begin` is the Unix second of the first row."""

    begin: int
    counts: npt.NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.counts)

    def between(self, begin: int, end: int) -> logspace.Ints:
        """(WIDTH,) counts of the Unix seconds from `begin` to `end`; beyond the last second it begins anew."""
        length = len(self)
        first, last = (begin - self.begin) % length, (begin - self.begin) % length + end - begin
        found: logspace.Ints = self.counts[first:last].sum(axis=0, dtype=np.int64)
        for again in range(1, -(-last // length)):
            found += self.counts[: last - again * length].sum(axis=0, dtype=np.int64)
        return found

    @property
    def total(self) -> logspace.Ints:
        """(WIDTH,) counts of the whole time."""
        found: logspace.Ints = self.counts.sum(axis=0, dtype=np.int64)
        return found

    @property
    def arrivals(self) -> logspace.Ints:
        """(S,) requests of each second."""
        found: logspace.Ints = self.counts[:, MARKS].sum(axis=1, dtype=np.int64)
        return found


class Fault(msgspec.Struct, frozen=True):
    """What is the matter with a candidate; by default nothing."""

    errors: float = 0.0
    """Chance that a request that would have ended well fails."""
    slower: float = 1.0
    """Factor of the model's time, 1 or more."""
    wrong: float = 0.0
    """Chance that a right answer is wrong."""


SOUND = Fault()


def drawn(chance: np.random.Generator, counts: logspace.Ints, weight: int) -> logspace.Ints:
    """(WIDTH,) the candidate's part of some counts (WIDTH,), each request drawn with probability weight / arms.BUCKETS."""
    if weight <= 0 or weight >= arms.BUCKETS:
        return counts.copy() if weight > 0 else np.zeros_like(counts)
    mine = np.zeros_like(counts)
    mine[MARKS] = chance.binomial(counts[MARKS], weight / arms.BUCKETS)
    _follow(chance, counts, mine)
    return mine


def spoilt(chance: np.random.Generator, counts: logspace.Ints, fault: Fault) -> tuple[logspace.Ints, int]:
    """((WIDTH,) an arm's counts under a fault, requests harmed by it: failed, slower, or wrong whether or not that gets known).

    A slower request moves on by log(factor) / log(width of a bucket) buckets: by the whole ones, and by one more with the rest as
    its chance, as if times lay evenly, in logarithms, within their bucket. A failed request has no time and no bin any more; an
    outcome that came for it says wrong.
    """
    found, harmed = counts, 0
    if fault.errors:
        failed = int(chance.binomial(counts[_OK], fault.errors))
        found, harmed = _failed(chance, counts, failed), failed
    if fault.slower > 1:
        found = found.copy()
        found[LATENCY] = _slower(chance, found[LATENCY], fault.slower)
        harmed += int(found[_OK])
    if fault.wrong:
        found = found.copy()
        unknown = found[_OK] - found[RIGHT] - found[WRONG]
        turned = int(chance.binomial(found[RIGHT], fault.wrong))
        found[RIGHT] -= turned
        found[WRONG] += turned
        harmed += turned + int(chance.binomial(unknown, fault.wrong))
    return found, harmed


def _failed(chance: np.random.Generator, counts: logspace.Ints, failed: int) -> logspace.Ints:
    found = counts.copy()
    found[_OK] -= failed
    found[marks.Mark.ERROR] += failed
    _follow(chance, counts, found, ended_well_only=True)
    found[FAILED] = counts[FAILED] + counts[[RIGHT, WRONG]].sum() - found[[RIGHT, WRONG]].sum()
    return found


def _follow(chance: np.random.Generator, whole: logspace.Ints, part: logspace.Ints, *, ended_well_only: bool = False) -> None:
    """Draw latencies, bins and outcomes for as many of the whole's requests as `part` has marks, in place."""
    ended_well, chosen = int(whole[_OK]), int(part[_OK])
    for columns in (LATENCY, BINS, slice(RIGHT, WRONG + 1)):
        part[columns] = _sample(chance, whole[columns], ended_well, chosen)
    if not ended_well_only:
        bad, chosen = int(whole[_BAD].sum()), int(part[_BAD].sum())
        part[FAILED] = _sample(chance, whole[[FAILED]], bad, chosen)[0]


def _sample(chance: np.random.Generator, kinds: logspace.Ints, of: int, chosen: int) -> logspace.Ints:
    """How many of each kind are among `chosen` of `of` requests; those of no kind make up the rest."""
    if chosen >= of or not chosen:
        return kinds.copy() if chosen else np.zeros_like(kinds)
    there = np.flatnonzero(kinds)
    found = np.zeros_like(kinds)
    if there.size:
        colours = np.append(kinds[there], of - kinds.sum())
        found[there] = chance.multivariate_hypergeometric(colours, chosen, method="marginals")[:-1]
    return found


def _slower(chance: np.random.Generator, buckets: logspace.Ints, factor: float) -> logspace.Ints:
    whole, rest = divmod(math.log(factor) / _BUCKET, 1.0)
    further = chance.binomial(buckets, rest)
    found, at = np.zeros_like(buckets), np.arange(buckets.size) + int(whole)
    np.add.at(found, np.minimum(at, buckets.size - 1), buckets - further)
    np.add.at(found, np.minimum(at + 1, buckets.size - 1), further)
    return found
