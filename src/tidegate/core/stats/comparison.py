"""A comparison: one mark compared between the arms of a release, over all of its segments; here one that is bad or ok.

Evidence is ordered by arrival, never by completion: a candidate that answers slowly would otherwise be judged on the
requests that failed fast. Two e-values can be had at any moment, both of the same process in arrival order:

- at the *closed prefix*: all arrivals before the oldest request still pending anywhere;
- over *everything that arrived*, taking what is pending as it would speak least (candidate ok, stable bad): whatever those
  requests turn out to be, the process there is at least this.

If the process is a fair bettor's, the chance that it ever reaches 1 / alpha is at most alpha. Reaching it at the closed prefix
is such an event; so is reaching it by the lower bound, since then the process itself has, at the last arrival. Both are
moments of one path and not two tests, so their maximum is compared with the threshold and nothing is paid for looking at both.

A segment is one table generation with its rho. Its guess of stable's bad share is learned only from wall minutes before the
segment's first (of any generation, evidence or not), so it is known before the segment's first coin, and no later count ever
re-prices an earlier one. While such a minute still has pending requests, the lower bound stops before the segment.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from tidegate.core.stats import ahead, bets, intervals, logspace, means, power, tally, wealth
from tidegate.core.vocabulary import arms, sums

GUESS_WEIGHT = 200
"""The first guess counts as this many of stable's requests."""


@dataclasses.dataclass(frozen=True)
class Segments:
    """S segments with a coin behind them, in order of generation."""

    key: logspace.Ints
    rho: logspace.Floats
    first_minute: logspace.Ints
    guess: logspace.Floats

    def index(self, keys: logspace.Ints) -> logspace.Ints:
        """Where each key is in this table."""
        found: logspace.Ints = np.searchsorted(self.key, keys)
        return found


@dataclasses.dataclass(frozen=True)
class Margin:
    """By how much worse than stable a share may be and still be called no worse."""

    absolute: float = 0.0
    """Added to stable's share, where `relative` is 0."""
    relative: float = 0.0
    """Of stable's share: .5 allows half as much again."""

    def bets(self, rho: logspace.Floats, guess: logspace.Floats) -> bets.Bets:
        """The bets that it is within."""
        return bets.no_worse_ratio(rho, self.relative) if self.relative else bets.no_worse(rho, guess, self.absolute)


@dataclasses.dataclass(frozen=True)
class Promise:
    """A non-inferiority process as it stands: enough to say its e-value and what it still needs."""

    log_e: float
    wealth: logspace.Floats
    """(K,) log wealth of each bet, before weighting."""
    seen: logspace.Ints
    """(4,) the counts behind it."""


@dataclasses.dataclass(frozen=True)
class Arms:
    """What every comparison of the two arms goes by. `rows` are all sums of the release, those without evidence too."""

    rows: tally.Rows
    closed_before: int

    @functools.cached_property
    def evidence(self) -> tally.Mask:
        """Rows whose requests count as evidence."""
        return self.rows.drawn

    @functools.cached_property
    def closed(self) -> tally.Mask:
        """Rows that lie wholly in the closed prefix."""
        found: tally.Mask = self.rows.end <= self.closed_before
        return found

    @functools.cached_property
    def ramp(self) -> list[tuple[float, tally.Mask]]:
        """[(rho, its rows)] of the evidence, in order of first arrival."""
        weights = np.unique(self.rows.weight[self.evidence])
        rows = [self.evidence & (self.rows.weight == weight) for weight in weights]
        began = [(int(self.rows.minute[here].min()), int(self.rows.segment[here].min())) for here in rows]
        order = sorted(range(len(rows)), key=began.__getitem__)
        return [(float(weights[each]) / arms.BUCKETS, rows[each]) for each in order]

    def by_weight(self, pair: logspace.Numbers, within: tally.Mask | None = None) -> list[tuple[float, int, int]]:
        """[(rho, candidate, stable)] of a pair of columns (N, 2), added up by rho, in order of first arrival."""
        found = []
        for rho, rows in self.ramp:
            candidate, stable = pair[rows if within is None else rows & within].sum(axis=0)
            found.append((rho, int(candidate), int(stable)))
        return found

    def unsettled(self, minutes: logspace.Ints) -> bool:
        """Whether requests are pending before one of these minutes, from which on something is bet that was learned before it."""
        return bool((minutes * sums.EPOCH_SECONDS > self.closed_before).any())

    def learned(self, minutes: logspace.Ints) -> tally.Mask:
        """Rows before the first of these minutes, from which on something is bet that was learned from the minutes before it,
        that may still change, because requests of the minutes before are pending.
        """
        began = int(self.rows.minute.min()) if self.rows.minute.size else 0
        open_still = minutes[(minutes > began) & (minutes * sums.EPOCH_SECONDS > self.closed_before)]
        found: tally.Mask = self.rows.minute < (int(open_still.min()) if open_still.size else np.iinfo(np.int64).max)
        return found


@dataclasses.dataclass(frozen=True)
class Comparison(Arms):
    """A yes-or-no mark, or one that is bad to a degree. `guess` is stable's bad share before anything was seen."""

    rows: tally.Tally | tally.Graded
    guess: float
    common: bool = False
    """Whether the mark is one that many requests have."""

    @functools.cached_property
    def segments(self) -> Segments:
        """The segments with evidence, and the guess of each."""
        rows = self.rows
        keys = rows.segment[self.evidence]
        key, where = np.unique(keys, return_inverse=True)
        first = np.full(key.size, np.iinfo(np.int64).max)
        np.minimum.at(first, where, rows.minute[self.evidence])
        order = np.argsort(rows.minute, kind="stable")
        stable = rows.counts[order][:, [tally.STABLE_BAD, tally.STABLE_OK]]
        before = np.vstack([np.zeros((1, 2), np.int64), np.cumsum(stable, axis=0)])
        bad, ok = before[np.searchsorted(rows.minute[order], first)].T
        guess = (bad + GUESS_WEIGHT * self.guess) / (bad + ok + GUESS_WEIGHT)
        return Segments(key, (key % (arms.BUCKETS + 1)) / arms.BUCKETS, first, guess)

    @functools.cached_property
    def worse(self) -> tuple[float, float]:
        """Log e-values that the candidate is worse: (at the closed prefix, at least over everything that arrived).

        Averages over metrics are taken of the firsts and of the seconds, each being of one moment; then the larger counts.
        """
        counts = self.rows.against_worse()
        prefix, tail = self.evidence & self.closed, self.evidence & self.learned(self.segments.first_minute)
        found = self._mixture(prefix, counts)
        return found, found if np.array_equal(prefix, tail) else self._mixture(tail, counts)

    def leave(self, minute: int) -> ahead.Ahead | None:
        """What it takes to go on from this minute on; all before is closed. None where some segment's guess may still change."""
        segments = self.segments
        if not segments.key.size or self.unsettled(segments.first_minute):
            return None
        before = self._grown(self.evidence & (self.rows.minute < minute), self.rows.against_worse())
        past = wealth.running(self._book.log_weights[None], before[:, None])
        return ahead.Ahead(past, segments.key, np.iinfo(np.int64).max, self._book.factors[:, None])

    def no_worse(self, margin: Margin, chosen: tally.Mask) -> Promise:
        """The log e-value that the candidate's bad share is less than stable's with the margin, from the chosen rows alone.

        On the closed prefix only: promotion is in no hurry. It is not split by when it began: it starts with the stage.
        """
        rows = chosen & self.evidence & self.closed
        counts = self.rows.against_no_worse()[rows]
        segments = self.segments
        by_segment = np.zeros((segments.key.size, counts.shape[1]), np.int64)
        np.add.at(by_segment, segments.index(self.rows.segment[rows]), counts)
        return promise(self._of_degrees(margin.bets(segments.rho, segments.guess)), by_segment)

    def needed(self, margin: Margin, reached: logspace.Floats, rho: float, room: float, threshold: float) -> int:
        """`power.requests_needed` of that proof, at the rates seen so far. `reached`: its log wealth by bet;
        `room`: the margin as a share.
        """
        seen = self.seen.tolist()
        both = (seen[0], seen[0] + seen[2]), (seen[1], seen[1] + seen[3])
        shares = power.expected_shares(*both, self.guess, room)
        book = self._of_degrees(margin.bets(np.array([rho]), np.array([shares[1]])))
        if not isinstance(self.rows, tally.Graded):
            return power.requests_needed(book, reached, rho, shares, threshold)
        candidate, stable = self.rows.values[self.evidence].sum(axis=0) + 1e-9
        base = stable / stable.sum()
        drawn = power.weight(shares[1], room)
        law = np.concatenate([rho * (candidate + drawn * base) / (candidate.sum() + drawn), (1 - rho) * base])
        return power.needed(book, reached, law, rho, threshold)

    @functools.cached_property
    def seen(self) -> logspace.Ints:
        """(4,) all marks that count as evidence, closed prefix or not."""
        return self.rows.seen(self.evidence)

    @functools.cached_property
    def interval(self) -> intervals.Interval:
        """The risk ratio candidate / stable over the whole release, from all marks seen so far."""
        return self.interval_of(self.evidence)

    def interval_of(self, chosen: tally.Mask) -> intervals.Interval:
        """The same from the chosen rows; of degrees the ratio of their means, asymptotic."""
        if isinstance(self.rows, tally.Graded):
            low, high = means.relative(self._moments(self.rows, chosen)).interval
            return max(0.0, 1 + low), 1 + high
        bad = self.rows.counts[:, [tally.CANDIDATE_BAD, tally.STABLE_BAD]]
        return intervals.risk_ratio_over_ramp(self.by_weight(bad, chosen))

    def _moments(self, rows: tally.Graded, chosen: tally.Mask) -> Iterator[sums.Values]:
        """Degrees as values, by rho."""
        for rho, here in self.ramp:
            counts = rows.values[here & chosen].sum(axis=0)
            candidate, stable = (
                sums.Moments(int(one.sum()), float(one @ rows.degrees), float(one @ rows.degrees**2)) for one in counts
            )
            yield sums.Values("", round(rho * arms.BUCKETS), candidate, stable)

    @functools.cached_property
    def _book(self) -> bets.Bets:
        """The bets that it is worse, in each segment."""
        grid = (bets.COMMON_RATIOS, bets.COMMON_WEIGHTS) if self.common else (bets.RATIOS, bets.RATIO_WEIGHTS)
        return self._of_degrees(bets.worse(self.segments.rho, self.segments.guess, *grid))

    def _of_degrees(self, book: bets.Bets) -> bets.Bets:
        return bets.graded(book, self.rows.degrees) if isinstance(self.rows, tally.Graded) else book

    def _grown(self, rows: tally.Mask, counts: logspace.Ints) -> logspace.Floats:
        """(J, K) by what these rows, counted so, make each bet grow in each of their epochs."""
        epochs = self.rows.epochs(rows)
        return wealth.growth(self._book.factors, self.segments.index(epochs.segment), epochs.gather(counts))

    def _mixture(self, rows: tally.Mask, counts: logspace.Ints) -> float:
        return wealth.mixture(self._book.log_weights, self._grown(rows, counts))


def promise(book: bets.Bets, by_segment: logspace.Ints) -> Promise:
    """The process that these bets are, after (S, 4) counts."""
    grown = np.einsum("skw,sw->sk", book.factors, by_segment.astype(np.float64))
    return Promise(wealth.from_the_start(book.log_weights, grown), grown.sum(axis=0), by_segment.sum(axis=0))
