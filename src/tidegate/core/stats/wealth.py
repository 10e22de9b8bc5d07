"""Wealth: from the log factors of J epochs under K bets to the logarithm of one e-value.

The index of the mixture is kept across segments: a bet's wealth is carried through all of them, and only then are the bets
added up. `log_weights` are (K,) and what is grown (J, K), the log factor of each epoch under each bet; of P processes side by
side (P, K) and (J, P, K).
"""

import dataclasses
import math

import numpy as np

from tidegate.core.stats import logspace


def growth(factors: logspace.Floats, segment: logspace.Ints, counts: logspace.Ints) -> logspace.Floats:
    """(J, K) log factors: `factors` (S, K, W), `segment` (J,) an index into S, `counts` (J, W)."""
    grown = np.empty((len(segment), factors.shape[1]))
    for each in np.unique(segment):
        here = segment == each
        grown[here] = counts[here] @ factors[each].T
    return grown


def from_the_start(log_weights: logspace.Floats, grown: logspace.Floats) -> float:
    """The log of sum_k w_k E_k: bets that were placed when the release began."""
    return logspace.total(log_weights + grown.sum(axis=0))


def mixture(log_weights: logspace.Floats, grown: logspace.Floats) -> float:
    """Half of the wealth bets from the start, half waits for the harm to begin: no evidence debt after a healthy day."""
    return float(running(log_weights[None], grown[:, None]).log_e()[0])


@dataclasses.dataclass(frozen=True)
class Running:
    """P processes side by side after J epochs, in memory that does not grow with them: all that later epochs need to know."""

    log_weights: logspace.Floats
    """(P, K)"""
    epochs: int
    start: logspace.Floats
    """(P, K) the log wealth of bets placed at the start, their weight included."""
    placed: logspace.Floats
    """(P, K) that of bets placed in some epoch since."""

    def after(self, grown: logspace.Floats) -> "Running":
        """After more epochs, whose log factors these are, (E, P, K)."""
        start, placed = self.start, self.placed
        for epoch, each in enumerate(grown, self.epochs):
            start = start + each
            placed = np.logaddexp(placed, self.log_weights - math.log((epoch + 1) * (epoch + 2))) + each
        return Running(self.log_weights, self.epochs + len(grown), start, placed)

    def log_e(self) -> logspace.Floats:
        """(P,) the log of 1/2 sum_k w_k E_k + 1/2 (sum_k M_k + 1 - sum_{i<=j} pi_i)."""
        kept = np.full((len(self.start), 1), -math.log(self.epochs + 1))
        found: logspace.Floats = np.logaddexp.reduce(np.concatenate([self.start, self.placed, kept], axis=1), axis=1)
        return found - math.log(2)


def running(log_weights: logspace.Floats, grown: logspace.Floats) -> Running:
    """P processes with weights (P, K) after J epochs, (J, P, K).

    Bets are placed from the start, and in some epoch: a share pi_j = 1 / ((j+1)(j+2)) is kept back until epoch j.
    M_k <- (M_k + w_k pi_j) e_k(j) unrolls to sum_j w_k pi_j prod_{i>=j} e_k(i): suffix sums of the growth.
    """
    nothing = np.full_like(log_weights, -math.inf)
    if not len(grown):
        return Running(log_weights, 0, log_weights, nothing)
    index = np.arange(len(grown), dtype=np.float64)
    since = np.cumsum(grown[::-1], axis=0)[::-1]
    placed = np.logaddexp.reduce(log_weights + since - np.log((index + 1) * (index + 2))[:, None, None], axis=0)
    return Running(log_weights, len(grown), log_weights + since[0], placed)
