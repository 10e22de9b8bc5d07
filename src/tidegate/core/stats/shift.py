"""How differently the two versions predict: a lower bound on the distance of their predictions that may be looked at at any time.

A better model is expected to predict differently, so the question is not whether but by how much. The total variation distance of
two laws is the largest difference P1(S) - P0(S) over all sets S of bins. A set is chosen from past minutes, the one in which the
candidate's predictions were more frequent, and is held to for its block (`blocks`). For each request after that
W = (X - c)(A / rho - (1 - A) / (1 - rho)), with X = 1 in S, c stable's past share of S and A the arm, has the mean P1(S) - P0(S),
which no choice of S makes larger than the distance. The bet is on W above the tolerance: factors 1 + l (W - tolerance) / B, B the
least bound with which none is below 0. It is linear in counts.

What has no prediction is in no set and counts nowhere.
"""

import dataclasses
import functools
from collections.abc import Iterator

import numpy as np

from tidegate.core.stats import blocks, comparison, logspace, means, tally
from tidegate.core.vocabulary import arms, sums

FEWEST = 50
"""Predictions of each arm without which no set is chosen."""
_BETS = np.array([0.05, 0.1, 0.2, 0.4, 0.8])


@dataclasses.dataclass(frozen=True)
class Cell:
    """The requests of one block and weight."""

    rho: float
    share: float
    """Stable's share of the set, as it was before the block."""
    candidate: tuple[int, int]
    """Predictions (in the set, not in it)."""
    stable: tuple[int, int]


@dataclasses.dataclass(frozen=True)
class Shift(comparison.Arms):
    """`rows` count predictions by bin; on the closed prefix only, since nobody is hurt meanwhile."""

    rows: tally.Histogram

    @functools.cached_property
    def cells(self) -> tuple[Cell, ...]:
        """The cells in which a set is bet on."""
        return tuple(self._cells())

    def beyond(self, tolerance: float) -> float:
        """The log e-value against "the distance is at most `tolerance`, at every time given the past"."""
        grown = np.zeros(len(_BETS))
        for cell in self.cells:
            values = np.array([[1 - cell.share, -cell.share]])
            moved = np.concatenate([values / cell.rho, -values / (1 - cell.rho)]) - tolerance
            grown += np.log1p(_BETS[:, None, None] * moved / -moved.min()).reshape(len(_BETS), -1) @ (
                *cell.candidate,
                *cell.stable,
            )
        return logspace.total(grown - np.log(len(_BETS)))

    def seen(self) -> means.Difference:
        """The share of the sets in both arms, and the difference with its asymptotic interval, for people."""
        return means.difference(
            sums.Values("", at, _moments(cell.candidate), _moments(cell.stable)) for at, cell in enumerate(self.cells)
        )

    def _cells(self) -> Iterator[Cell]:
        rows = self.rows
        if not rows.counts.any():
            return
        drawn = np.flatnonzero(self.evidence & self.closed)
        starts = blocks.starts(rows.minute)
        block, weight = blocks.of(rows.minute[drawn], starts) + 1, rows.weight[drawn]
        counted = np.zeros((len(starts) + 1, *rows.counts.shape[1:]), np.int64)
        np.add.at(counted, block, rows.counts[drawn])
        before = np.cumsum(counted, axis=0) - counted
        cell = block * (arms.BUCKETS + 1) + weight
        for key in np.unique(cell).tolist():
            known = before[key // (arms.BUCKETS + 1)]
            if known.sum(axis=1).min() < FEWEST:
                continue
            shares = known / known.sum(axis=1, keepdims=True)
            chosen = shares[0] > shares[1]
            counts = rows.counts[drawn[cell == key]].sum(axis=0)
            inside = counts[:, chosen].sum(axis=1)
            candidate, stable = np.stack([inside, counts.sum(axis=1) - inside], axis=1).tolist()
            yield Cell(key % (arms.BUCKETS + 1) / arms.BUCKETS, float(shares[1][chosen].sum()), tuple(candidate), tuple(stable))


def _moments(counts: tuple[int, int]) -> sums.Moments:
    inside, outside = counts
    return sums.Moments(inside + outside, float(inside), float(inside))
