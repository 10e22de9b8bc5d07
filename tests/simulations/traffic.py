"""Releases by the hundred, with true coins and fixed seeds: how many are sent back, and what the judge says of each.

Two ways, and most tests take both. `sent_back` draws the counts of many releases at once and has them bet by the factors of
`core.stats.bets` and the recursion of `bench.betting.Bettors`: thousands of releases in a second, of closed requests only.
`Requests` are one release's requests one by one, each with its arrival, its end, its arm and its mark. It makes of them the
sums that gateways ship, so that the real judge looks at what is pending, at closed prefixes, guesses and segments as well.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import stats

from bench import betting
from tidegate.core.decide import judge
from tidegate.core.stats import bets, comparison, logspace, tally
from tidegate.core.vocabulary import arms, marks, releases, sums, verdicts

ALPHA, RATE, BASE = 0.01, 100, 0.005
"""What a healthy release may be sent back with, requests a second, and the share of them that stable fails."""
START = 1_700_000_040
"""A whole minute, Unix seconds."""
STAGES = (releases.Stage("5 %", 500), releases.Stage("25 %", 2_500), releases.Stage("50 %", 5_000))
_SURE = 0.001


def at_most(count: int | np.integer, runs: int) -> float:
    """The largest share that is compatible with `count` of so many runs: Clopper and Pearson's upper 99.9 % bound."""
    return float(stats.beta.ppf(1 - _SURE, count + 1, runs - count)) if count < runs else 1.0


def at_least(count: int | np.integer, runs: int) -> float:
    """The smallest share that is: the lower 99.9 % bound."""
    return float(stats.beta.ppf(_SURE, count, runs - count + 1)) if count else 0.0


class Minute(NamedTuple):
    """One minute of R releases, looked at L times in it. Shares and requests are broadcast to (R, L)."""

    rho: float
    candidate: npt.ArrayLike
    """The share of its requests that it fails."""
    stable: npt.ArrayLike
    requests: npt.ArrayLike = 60 * RATE // 4
    """Of both arms, between two looks."""
    recorded: float = 0.0
    """The rho that was recorded, where it is not the true one."""


def drawn(rng: np.random.Generator, minute: Minute, shape: tuple[int, int]) -> logspace.Ints:
    """(R, L, 4) counts of that minute by the columns of `tally`."""
    requests = np.broadcast_to(np.asarray(minute.requests, np.int64), shape)
    ours = rng.binomial(requests, minute.rho)
    bad1 = rng.binomial(ours, np.broadcast_to(minute.candidate, shape))
    bad0 = rng.binomial(requests - ours, np.broadcast_to(minute.stable, shape))
    return np.stack([bad1, bad0, ours - bad1, requests - ours - bad0], axis=-1)


def sent_back(rng: np.random.Generator, runs: int, minutes: Iterable[Minute], looks: int = 4, guess: float = BASE) -> tally.Mask:
    """(R,) whether each release is found worse, at any look. `guess` is stable's share before anything was seen of it."""
    counts = ((minute.recorded or minute.rho, drawn(rng, minute, (runs, looks))) for minute in minutes)
    return found_worse(runs, counts, guess)


def found_worse(runs: int, minutes: Iterable[tuple[float, logspace.Ints]], guess: float = BASE) -> tally.Mask:
    """The same of minutes (rho, counts (R, L, 4)) that were drawn already. At each new rho the guess is learned anew."""
    lost, learned = np.zeros(runs, dtype=bool), np.zeros((runs, 4))
    bettors: betting.Bettors | None = None
    at, factors = 0.0, np.empty(0)
    for rho, counts in minutes:
        if rho != at:
            bad, ok = learned[:, tally.STABLE_BAD], learned[:, tally.STABLE_OK]
            learnt = (bad + comparison.GUESS_WEIGHT * guess) / (bad + ok + comparison.GUESS_WEIGHT)
            book = bets.worse(np.full(runs, rho), learnt)
            at, factors, bettors = rho, book.factors, bettors or betting.Bettors(runs, book)
        assert bettors is not None
        grown = np.cumsum(np.einsum("rlc,rkc->rlk", counts, factors), axis=1)
        lost |= (bettors.log_e(grown) >= -math.log(ALPHA)).any(axis=1)
        bettors.end_epoch(grown[:, -1])
        learned += counts.sum(axis=1)
    return lost


@dataclasses.dataclass(frozen=True)
class Requests:
    """N requests of one release, in seconds since `START`. All arrays are (N,)."""

    arrival: logspace.Floats
    end: logspace.Floats
    """When its mark is known."""
    candidate: tally.Mask
    """Whether it was drawn for the candidate."""
    mark: logspace.Ints
    weight: logspace.Ints
    generation: logspace.Ints
    evidence: tally.Mask

    def seen(self, now: float) -> sums.Inputs:
        """What gateways tell at that moment: sums by arrival, what has not ended pending, and the closed prefix."""
        here = self.arrival < now
        ended = here & (self.end <= now)
        waiting = self.arrival[here & ~ended]
        closed = math.floor(min(waiting.min(initial=now), now))
        return sums.Inputs(_sums(self, self.arrival, here, ended), START + closed)

    def seen_by_completion(self, now: float) -> sums.Inputs:
        """What one would see who counts a request only when it has ended, at that time: which is the mistake."""
        ended = (self.arrival < now) & (self.end <= now)
        return sums.Inputs(_sums(self, self.end, ended, ended), START + math.floor(now) + 1)


def requests(
    rng: np.random.Generator,
    weights: Sequence[tuple[int, float]],
    shares: Callable[[logspace.Floats, tally.Mask], npt.ArrayLike],
    rate: float = RATE,
) -> Requests:
    """Requests of a Poisson stream through (weight, seconds) one after the other; each fails with `shares(arrival, candidate)`.

    They end as they arrive: `dataclasses.replace` has them take their time.
    """
    ends = np.cumsum([seconds for _, seconds in weights])
    arrival = np.sort(rng.random(rng.poisson(rate * ends[-1])) * ends[-1])
    where = np.searchsorted(ends, arrival, side="right")
    weight = np.array([each for each, _ in weights], np.int64)[where]
    candidate = rng.integers(0, arms.BUCKETS, arrival.size) < weight
    bad = rng.random(arrival.size) < np.broadcast_to(shares(arrival, candidate), arrival.shape)
    mark = np.where(bad, int(marks.Mark.ERROR), int(marks.Mark.OK))
    return Requests(arrival, arrival, candidate, mark, weight, 4 + where, np.full(arrival.size, fill_value=True))


def release(stage: int = 0, **policy: object) -> releases.Release:
    """A canary through 5, 25 and 50 %."""
    new, old = (releases.Version("flights", ordinal, f"digest{ordinal}", f"model{ordinal}", "m") for ordinal in (2, 1))
    judged_by = releases.Policy(**{"baseline_errors": BASE} | policy)  # type: ignore[arg-type]
    return releases.Release(
        *("r1", "production", "flights", new, old, "canary", STAGES, judged_by, b"salt", float(START)), stage=stage
    )


def verdicts_at(
    looks: Iterable[float], see: Callable[[float], sums.Inputs], of: releases.Release | None = None
) -> list[verdicts.Verdict]:
    """What the judge says at these seconds, up to the first time that it sends the release back."""
    of, found = of or release(), []
    for now in looks:
        found.append(judge.judge(of, see(now), START + float(now)))
        if found[-1].result is verdicts.Result.FAIL:
            break
    return found


def fails(looks: Iterable[float], see: Callable[[float], sums.Inputs], of: releases.Release | None = None) -> bool:
    """Whether the judge sends the release back at any of these seconds."""
    return verdicts_at(looks, see, of)[-1].result is verdicts.Result.FAIL


def evidence(verdict: verdicts.Verdict, metric: str = "errors") -> verdicts.Evidence:
    """What a verdict says of one metric."""
    return next(each for each in verdict.evidence if each.metric == metric)


def folded(counts: logspace.Ints, weight: int = 500, first: int = 0, span: int = 60, generation: int = 4) -> tuple[sums.Sum, ...]:
    """Counts (T, 4) of spans of time, one after the other, as sums of closed requests; `first` is in seconds since `START`."""
    rows = []
    for at, (bad1, bad0, ok1, ok0) in enumerate(np.asarray(counts).tolist()):
        both = [sums.Counts(bad + ok, (ok, bad) + (0,) * (marks.SLOTS - 2)) for bad, ok in ((bad0, ok0), (bad1, ok1))]
        rows.append(sums.Sum(generation, weight, True, START + first + span * at, span, both[0], both[1]))
    return tuple(rows)


def _sums(of: Requests, when: logspace.Floats, opened: tally.Mask, ended: tally.Mask) -> tuple[sums.Sum, ...]:
    """The chosen requests as sums by (generation, weight, evidence, second of `when`, arm, mark)."""
    segment = (of.generation[opened] * (arms.BUCKETS + 1) + of.weight[opened]) * 2 + of.evidence[opened]
    keys, where = np.unique(segment << 32 | when[opened].astype(np.int64), return_inverse=True)
    width = 1 + marks.SLOTS
    row, done = (where * 2 + of.candidate[opened]) * width, ended[opened]
    cells = np.concatenate([row, row[done] + 1 + of.mark[opened][done]])
    counts = np.bincount(cells, minlength=keys.size * 2 * width).reshape(-1, 2, width)
    found = []
    for key, both in zip(keys.tolist(), counts.tolist(), strict=True):
        generation, weight = divmod(key >> 33, arms.BUCKETS + 1)
        stable, candidate = (sums.Counts(each[0], tuple(each[1:])) for each in both)
        found.append(sums.Sum(generation, weight, bool(key >> 32 & 1), START + (key & 0xFFFFFFFF), 1, stable, candidate))
    return tuple(found)
