"""Wealth: from the log factors of J epochs under K bets to the logarithm of one e-value.

The index of the mixture is kept across segments: a bet's wealth is carried through all of them, and only then are the bets
added up. All functions take `log_weights` (K,) and `growth` (J, K), the log factor of each epoch under each bet.
"""

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


def from_some_epoch(log_weights: logspace.Floats, grown: logspace.Floats) -> float:
    """The log of (sum_k M_k + 1 - sum_{i<=j} pi_i): a share pi_j = 1 / ((j+1)(j+2)) is kept back until epoch j.

    M_k <- (M_k + w_k pi_j) e_k(j) unrolls to sum_j w_k pi_j prod_{i>=j} e_k(i): suffix sums of the growth.
    """
    epochs = len(grown)
    index = np.arange(epochs, dtype=np.float64)
    since = np.cumsum(grown[::-1], axis=0)[::-1]
    placed = log_weights + since - np.log((index + 1) * (index + 2))[:, None]
    return float(np.logaddexp(logspace.total(placed), -math.log(epochs + 1)))


def mixture(log_weights: logspace.Floats, grown: logspace.Floats) -> float:
    """Half of the wealth bets from the start, half waits for the harm to begin: no evidence debt after a healthy day."""
    halves = from_the_start(log_weights, grown), from_some_epoch(log_weights, grown)
    return float(np.logaddexp(*halves)) - math.log(2)
