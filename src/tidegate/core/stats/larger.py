"""Is the candidate's value larger than stable's? A time, or a loss: seen in buckets of equal ratio, all of them at once.

The mark of a request is its bucket. The bets are that the candidate's law is stable's, moved: all requests a little slower, or a
few of them much slower. Stable's law has to be known for that. It is learned from the hour before a block (`blocks`) and held
to in it: known before the block's first coin, and no later request re-prices an earlier one. Where too little was seen nothing
is bet.

Every bet rises with the bucket, so that the e-value stays a fair bettor's wealth if the candidate is *faster*: the mean factor is
1 + sum_y (P1(y) - P0(y)) q(1|y), at most 1 where the candidate's law lies below stable's (docs/rooms/stats.md).

That is so where a request brings a value as often in either arm. Where it does not, its arm given that it has one is no rho-coin
any more; that is checked, and then only the part of the wealth counts that goes by whole minutes, with the counted part of
each in rho's place: by weighted means, h a + (1 - h) b = 1 gives a^n1 b^n0 <= 1 for whatever law both arms have in common.
"""

import dataclasses
import functools
import math

import numpy as np

from tidegate.core.stats import ahead, betabinomial, bets, blocks, comparison, intervals, logspace, tally, wealth
from tidegate.core.vocabulary import arms, sums

FEWEST = 200
"""Requests of stable with a value without which its law is not known."""
UNEVEN = math.log(1000)
"""Where it is sure that values do not come from both arms alike."""
MOST_RHO = 0.5
"""Beyond it the candidate's workers are the busier ones, and their times are no evidence."""
BY_MINUTES = 0.2
"""Part of the wealth that is bet by whole minutes."""
SHARES = (0.5, 0.9, 0.99)
"""Quantiles of stable that are shown."""
_NO_WORSE = (0.3, 0.6, 0.8, 0.9)
_NO_WORSE_WEIGHTS = (0.3, 0.3, 0.2, 0.2)


@dataclasses.dataclass(frozen=True)
class Laws:
    """B blocks, in order: the minute at which each begins, and stable's law in it."""

    minute: logspace.Ints
    known: tally.Mask
    """Whether enough was seen to learn it."""
    law: logspace.Floats
    """(B, C), each adding up to 1, none of it 0."""

    def block(self, minutes: logspace.Ints) -> logspace.Ints:
        """The block of each minute; -1 before the first, and where the law is not known."""
        found = blocks.of(minutes, self.minute)
        known: logspace.Ints = np.where(np.append(self.known, False)[found], found, -1)
        return known

    def quantile(self, block: int, share: float) -> int:
        """The bucket of stable in which so much of its law is reached."""
        return int(np.searchsorted(np.cumsum(self.law[block]), share - 1e-12))


@dataclasses.dataclass(frozen=True)
class Onward:
    """What a comparison of sizes leaves to go on from: its bets by rho, and what was bet by whole minutes, which stays."""

    by_rho: ahead.Ahead
    least: int
    by_minutes: float
    uneven: bool

    def worse(self, sizes: tally.Histogram, closed_before: int) -> tuple[float, float]:
        """As `Larger.worse`, by the sums of the minutes since."""
        counts = _merged(sizes.against_larger(), self.least)
        prefix, tail = self.by_rho.worse(sizes, counts[:, None], closed_before)[:, 0].tolist()
        return _average(prefix, self.by_minutes, self.uneven), _average(tail, self.by_minutes, self.uneven)


@dataclasses.dataclass(frozen=True)
class Larger(comparison.Arms):
    """The last of the C values is that of requests without one: larger than any."""

    rows: tally.Histogram
    ratio: float
    """How many times as large a value of one bucket is as one of the bucket before."""
    least: int = 0
    """Up to this bucket values are all the same: a difference below it harms nobody."""
    most_rho: float = MOST_RHO
    """Weights above this are no evidence: the candidate's workers are then the busier ones."""

    @functools.cached_property
    def evidence(self) -> tally.Mask:
        """Rows in which a coin was thrown and stable's law is known."""
        return super().evidence & (self.rows.weight <= self.most_rho * arms.BUCKETS) & (self._block >= 0)

    @functools.cached_property
    def laws(self) -> Laws:
        """Stable's law by block."""
        rows = self.rows
        if not rows.minute.size:
            return Laws(np.empty(0, np.int64), np.empty(0, np.bool_), np.empty((0, rows.counts.shape[2])))
        minute = blocks.starts(rows.minute)
        if int(rows.counts[:, 1, :-1].sum()) < FEWEST:
            minute = minute[:0]  # no block has a law
        order = np.argsort(rows.minute, kind="stable")
        stable = rows.counts[order, 1]
        until = np.vstack([np.zeros((1, stable.shape[1]), np.int64), np.cumsum(stable, axis=0)])
        ends, begins = (np.searchsorted(rows.minute[order], at) for at in (minute, minute - blocks.HOUR))
        seen = until[ends] - until[begins]
        seen = np.where(seen[:, :-1].sum(axis=1, keepdims=True) < FEWEST, until[ends], seen)
        return Laws(minute, seen[:, :-1].sum(axis=1) >= FEWEST, smooth(seen))

    @functools.cached_property
    def _block(self) -> logspace.Ints:
        return self.laws.block(self.rows.minute)

    @functools.cached_property
    def worse(self) -> tuple[float, float]:
        """Log e-values that the candidate's values are larger, as `comparison.Comparison.worse` gives them."""
        if not self.evidence.any():
            return 0.0, 0.0
        counts = self.rows.against_larger()
        prefix, tail = self.evidence & self.closed, self.evidence & self.learned(self.laws.minute)
        found = self._mixture(prefix, counts)
        late = found if np.array_equal(prefix, tail) else self._mixture(tail, counts)
        return _average(found, self._by_minutes, self.uneven), _average(late, self._by_minutes, self.uneven)

    def leave(self, minute: int) -> Onward | None:
        """What it takes to go on by rho from this minute on, in the block that has begun; all before is closed. None where
        nothing is bet.
        """
        laws, first = self.laws, int(self.rows.minute.min()) if self.rows.minute.size else 0
        block = int(blocks.of(np.array([minute]), laws.minute)[0])
        keys = np.unique(self.rows.segment[self.evidence & (self.rows.minute >= minute)])
        if block < 0 or not laws.known[block] or not keys.size or self.unsettled(laws.minute):
            return None
        rows = self.evidence & (self.rows.minute < minute)
        past = wealth.running(bets.MOVED_WEIGHTS[None], self._grown(rows, self.rows.counts)[:, None])
        factors = [bets.larger(np.array([rho]), self._times(rho, block)) for rho in keys % (arms.BUCKETS + 1) / arms.BUCKETS]
        by_rho = ahead.Ahead(past, keys, blocks.after(minute, first), np.array(factors))
        return Onward(by_rho, self.least, self._by_minutes, self.uneven)

    @functools.cached_property
    def uneven(self) -> bool:
        """Whether requests bring a value more often in one arm than in the other: its calls are batches less often, say."""
        counted = self.by_weight(self._upward[:, :, 0], self.closed)
        return betabinomial.sample_ratio(counted) >= UNEVEN

    def no_worse(self, share: float, steps: int, chosen: tally.Mask) -> comparison.Promise:
        """The log e-value that the candidate's quantile is at most `steps` buckets above stable's, from the chosen rows alone.

        On the scale of the value, not of shares: H0 is that candidate requests above the moved threshold are at least as likely
        as stable's above the threshold itself. Nothing below `least` is too large. It goes by whole closed
        minutes, and by how many requests of each arm brought a value in each: no arm gains from bringing fewer.
        """
        rows = self.rows
        whole = chosen & self.evidence & ((rows.minute + 1) * sums.EPOCH_SECONDS <= self.closed_before)
        quantile = self._quantile(share)
        both = self._from((np.maximum(quantile + steps, self.least + 1), quantile))
        ok = self._upward[:, :, 0] - both
        both = both + np.maximum(rows.pending, 0) * [1, 0]  # lost is as bad as can be
        minutes = rows.epochs(whole)
        counts = minutes.gather(np.concatenate([both, ok], axis=1))
        sizes = counts[:, :2] + counts[:, 2:]
        told = (sizes > 0).all(axis=1)
        beyond = np.array([float(law[self.laws.quantile(block, share) :].sum()) for block, law in enumerate(self.laws.law)])
        mine = sizes[told, 0] / sizes[told].sum(axis=1)
        return comparison.promise(no_larger(mine, beyond[self.laws.block(minutes.minute[told])]), counts[told])

    def steps(self, longer: float) -> int:
        """Buckets that a value may be larger by: the whole ones in 1 + `longer`, at least one. 30 % is one of time."""
        return max(1, math.floor(math.log1p(longer) / math.log(self.ratio) + 0.02))

    def alike(self, share: float, steps: int) -> float:
        """The share of a candidate's requests beyond the moved threshold if it is just like stable, by its latest law."""
        known = np.flatnonzero(self.laws.known)
        if not known.size:
            return 1 - share
        law = self.laws.law[known[-1]]
        return float(law[max(self.threshold(share) + steps, self.least + 1) :].sum())

    def beyond(self, share: float, chosen: tally.Mask | None = None) -> logspace.Ints:
        """(2, 2) of [candidate, stable] by [beyond, counted]: requests above the bucket of stable's quantile."""
        rows = self.evidence if chosen is None else self.evidence & chosen
        if not rows.any():
            return np.zeros((2, 2), np.int64)
        found: logspace.Ints = np.stack([self._beyond(share)[rows].sum(axis=0), self._upward[rows, :, 0].sum(axis=0)], axis=1)
        return found

    def interval(self, share: float) -> intervals.Interval:
        """The ratio candidate / stable of the shares beyond stable's quantile, over the whole release."""
        if not self.evidence.any():
            return 0.0, math.inf
        return intervals.risk_ratio_over_ramp(self.by_weight(self._beyond(share)))

    def threshold(self, share: float) -> int:
        """The bucket of stable's quantile by its latest law; -1 where none is known."""
        known = np.flatnonzero(self.laws.known)
        return self.laws.quantile(int(known[-1]), share) if known.size else -1

    @functools.cached_property
    def _upward(self) -> logspace.Ints:
        """(N, 2, C) requests in each value or above."""
        found: logspace.Ints = np.cumsum(self.rows.counts[:, :, ::-1], axis=2)[:, :, ::-1]
        return found

    @property
    def none(self) -> int:
        """The column of requests without a value."""
        return int(self.rows.counts.shape[2]) - 1

    def _beyond(self, share: float) -> logspace.Ints:
        """(N, 2) requests of (candidate, stable) above the bucket of stable's quantile, and above the least that is told apart.

        Above it and not in it: where most values lie in one bucket, that bucket says nothing.
        """
        above = np.maximum(self._quantile(share), self.least) + 1
        return self._from((above, above))

    @functools.cached_property
    def _quantiles(self) -> dict[float, logspace.Ints]:
        return {}

    def _quantile(self, share: float) -> logspace.Ints:
        """(N,) the bucket of stable's quantile in each row's block; beyond all where none is known."""
        if share not in self._quantiles:
            by_block = [self.laws.quantile(block, share) for block in range(len(self.laws.minute))]
            self._quantiles[share] = np.append(np.array(by_block, np.int64), np.iinfo(np.int32).max)[self._block]
        return self._quantiles[share]

    def _from(self, buckets: tuple[logspace.Ints, logspace.Ints]) -> logspace.Ints:
        """(N, 2) requests of (candidate, stable) in the given bucket (N,) of each or above, those without a value among them."""
        last, here = self.none, np.arange(len(self.rows.counts))
        return np.stack([self._upward[here, arm, np.clip(bucket, 0, last)] for arm, bucket in enumerate(buckets)], axis=1)

    def _mixture(self, rows: tally.Mask, counts: logspace.Ints) -> float:
        """By rho, a request at a time."""
        return wealth.mixture(bets.MOVED_WEIGHTS, self._grown(rows, counts))

    def _grown(self, rows: tally.Mask, counts: logspace.Ints) -> logspace.Floats:
        """(J, K) by what these rows make each bet grow in each of their epochs."""
        pairs, where, told = self._epochs(rows, counts)
        factors = [bets.larger(np.array([rho]), self._times(rho, block))[0] for rho, block in pairs]
        return wealth.growth(np.array(factors), where, told) if pairs else np.empty((0, len(bets.MOVED_WEIGHTS)))

    @functools.cached_property
    def _by_minutes(self) -> float:
        """By the candidate's counted part of each whole closed minute: fair however often either arm's bring a value."""
        rows = self.rows
        whole = self.evidence & ((rows.minute + 1) * sums.EPOCH_SECONDS <= self.closed_before)
        pairs, where, told = self._epochs(whole, rows.counts)
        grown = np.zeros((len(told), len(bets.MOVED_WEIGHTS)))
        half = told.shape[1] // 2
        mine = told[:, :half].sum(axis=1) / np.maximum(told.sum(axis=1), 1)
        for index, (rho, block) in enumerate(pairs):
            here = np.flatnonzero((where == index) & (mine > 0) & (mine < 1))
            grown[here] = np.einsum("jkw,jw->jk", bets.larger(mine[here], self._times(rho, block)), told[here].astype(np.float64))
        return wealth.mixture(bets.MOVED_WEIGHTS, grown)

    def _epochs(self, rows: tally.Mask, counts: logspace.Ints) -> tuple[list[tuple[float, int]], logspace.Ints, logspace.Ints]:
        """([(rho, block)], which of them each epoch is of (J,), its counts (J, 2 C'))."""
        epochs = self.rows.epochs(rows)
        size = len(self.laws.minute) + 1
        keys, where = np.unique(epochs.segment * size + self.laws.block(epochs.minute), return_inverse=True)
        pairs = [(key // size % (arms.BUCKETS + 1) / arms.BUCKETS, key % size) for key in keys.tolist()]
        return pairs, where, epochs.gather(_merged(counts, self.least))

    def _times(self, rho: float, block: int) -> logspace.Floats:
        law = self.laws.law[block]
        law = np.concatenate([[law[: self.least + 1].sum()], law[self.least + 1 :]])
        return bets.moved(rho, law.tobytes(), self.ratio)


def _average(by_rho: float, by_minutes: float, uneven: bool) -> float:
    """Of both processes; where values do not come from both arms alike, the one that goes by rho says nothing."""
    slow = math.log(BY_MINUTES) + by_minutes
    return slow if uneven else float(np.logaddexp(math.log1p(-BY_MINUTES) + by_rho, slow))


def _merged(counts: logspace.Ints, least: int) -> logspace.Ints:
    """(N, 2 C') counts (N, 2, C) with all up to the bucket `least` in one."""
    few = counts[:, :, : least + 1].sum(axis=2, keepdims=True)
    return np.concatenate([few, counts[:, :, least + 1 :]], axis=2).reshape(len(counts), -1)


def no_larger(mine: logspace.Floats, beyond: logspace.Floats) -> bets.Bets:
    """Bets that fewer of the candidate's requests are beyond the moved threshold than of stable's beyond its own, which are
    `beyond` (S,), in groups of which `mine` (S,) is the candidate's part.
    """
    return bets.fewer(mine, beyond, _NO_WORSE, _NO_WORSE_WEIGHTS)


def smooth(seen: logspace.Ints) -> logspace.Floats:
    """Laws (B, C) from counts (B, C): five requests' worth is spread over neighbouring buckets, and a little over all."""
    total = np.maximum(seen.sum(axis=1, keepdims=True), 1)
    padded = np.pad(seen.astype(np.float64), ((0, 0), (1, 1)))
    spread = padded[:, :-2] / 4 + padded[:, 1:-1] / 2 + padded[:, 2:] / 4
    law = seen + 5 * spread / total + 0.02
    found: logspace.Floats = law / law.sum(axis=1, keepdims=True)
    return found
