"""Many releases at once, bet on request by request: what the analyst's benchmarks simulate with and are held against."""

import math
from typing import Any

import numpy as np

from tidegate.core.stats import bets, logspace

RHO, BASE, ALPHA, RATE = 0.05, 0.005, 0.01, 100
"""The candidate's share, stable's error share, the chance of a false rollback, requests a second."""
EPOCH = 60 * RATE
OURS = "tidegate"
Json = dict[str, Any]


class Bettors:
    """Many releases at once: log wealth by bet from the start (R, K), and of what was placed at some epoch."""

    def __init__(self, runs: int, book: bets.Bets) -> None:
        self.weights, self.factors = book.log_weights, book.factors[0]
        self.start = np.zeros((runs, len(self.weights)))
        self.placed = np.full_like(self.start, -math.inf)
        self.epoch = 0

    def log_e(self, grown: logspace.Floats) -> logspace.Floats:
        """E with `grown` (R, ..., K) since the epoch began."""
        shape = (len(self.start), *(1,) * (grown.ndim - 2), -1)
        start = self.weights + self.start.reshape(shape) + grown
        share = self.weights - math.log((self.epoch + 1) * (self.epoch + 2))
        placed = np.logaddexp(self.placed, share).reshape(shape) + grown
        logs = np.concatenate([start, placed], axis=-1)
        found: logspace.Floats = np.logaddexp(np.logaddexp.reduce(logs, axis=-1), -math.log(self.epoch + 2)) - math.log(2)
        return found

    def end_epoch(self, grown: logspace.Floats) -> None:
        """Carry an epoch's growth (R, K) over."""
        share = self.weights - math.log((self.epoch + 1) * (self.epoch + 2))
        self.placed = np.logaddexp(self.placed, share) + grown
        self.start = self.start + grown
        self.epoch += 1


def counts(rng: np.random.Generator, runs: int, requests: int, rho: float, shares: tuple[float, float]) -> logspace.Ints:
    """(R, 4) counts of so many requests."""
    candidate = rng.binomial(requests, rho, runs)
    bad1, bad0 = rng.binomial(candidate, shares[0]), rng.binomial(requests - candidate, shares[1])
    return np.stack([bad1, bad0, candidate - bad1, requests - candidate - bad0], axis=1)


def bound(share: float, base: float = BASE) -> float:
    """Candidate requests: log(1 / alpha) over the mutual information of arm and mark, per candidate request."""
    mean = RHO * share + (1 - RHO) * base
    growth = RHO * _divergence(share, mean) + (1 - RHO) * _divergence(base, mean)
    return math.log(1 / ALPHA) / growth * RHO


def _divergence(share: float, mean: float) -> float:
    """Kullback-Leibler divergence of two yes-or-no laws."""
    no = (1 - share) * math.log((1 - share) / (1 - mean)) if share < 1 else 0.0
    return share * math.log(share / mean) + no


def wald_bound(share: float) -> float:
    """Candidate requests: log(1 / alpha) over the divergence of its error share from stable's, which is known here."""
    return math.log(1 / ALPHA) / _divergence(share, BASE)


def row(scenario: str, policy: str, found: logspace.Floats, share: float | None) -> Json:
    """`found` (R, 2): candidate requests, and those of them that failed; `share`: the error share that the bound is for."""
    requests = found[:, 0]
    told = {
        "scenario": scenario,
        "policy": policy,
        "median": float(np.median(requests)),
        "p95": float(np.quantile(requests, 0.95)),
        "mean": round(float(requests.mean()), 2),
        "harmed": float(np.median(found[:, 1])),
    }
    if share is None:
        return told
    limit = bound(share)
    limits = {"wald_bound": round(wald_bound(share), 2), "bound": round(limit, 2)}
    return told | limits | {"ratio": round(float(requests.mean()) / limit, 2)}
