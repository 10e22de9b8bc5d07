"""Intervals for people to read: confidence sequences, so each may be looked at as often as one likes. They decide nothing.

All of them take log likelihoods that are concave in the parameter's log (or logit), so the set is an interval. Bisection finds
the ends of a ratio's, and Newton's method those of a share's, of many shares at once.
"""

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from tidegate.core.stats import betabinomial, logspace

Interval = tuple[float, float]
Segment = tuple[float, int, int]
"""(rho, bad of the candidate, bad of stable), 0 < rho < 1; counts of the same rho are best added up first."""
LEVEL = 0.05
"""1 - confidence of what is shown."""
Counts = int | logspace.Ints
_NEAR = 1e-9
"""The step, in logits, from which on an end is found: the next would be of the order of its square."""
_BETAS = np.vectorize(logspace.beta, otypes=[float])
_FAR = 60.0
_STEPS = 36
_LOG_RATIOS = np.linspace(math.log(1 / 50), math.log(500), 60)


def risk_ratio(candidate: int, stable: int, rho: float, alpha: float = LEVEL, k: float = betabinomial.INTERVAL) -> Interval:
    """The risk ratio candidate / stable at one rho: {theta: e(theta) < 1 / alpha} of the Beta-binomial e-process.

    theta is mapped by RR = theta (1 - rho) / ((1 - theta) rho). It holds while both shares move together.
    """
    prior = logspace.beta(k * rho, k * (1 - rho))
    mixed = logspace.beta(k * rho + candidate, k * (1 - rho) + stable) - prior
    return _ratios([(rho, candidate, stable)], mixed + math.log(alpha))


def risk_ratio_over_ramp(segments: Sequence[Segment], alpha: float = LEVEL) -> Interval:
    """The risk ratio over segments of different rho: a mixture of 60 ratios from 1/50 to 500 against each."""
    seen = tuple(one for one in segments if one[1] or one[2])
    return _over_ramp(seen, alpha) if seen else (0.0, math.inf)


@functools.lru_cache(maxsize=512)
def _over_ramp(segments: tuple[Segment, ...], alpha: float) -> Interval:
    """Kept, since most looks have seen nothing new of what is rare."""
    logs = np.zeros(len(_LOG_RATIOS))
    for rho, candidate, stable in segments:
        odds = _LOG_RATIOS + math.log(rho / (1 - rho))
        logs -= candidate * np.logaddexp(0, -odds) + stable * np.logaddexp(0, odds)
    mixed = logspace.total(logs - math.log(len(_LOG_RATIOS)))
    return _ratios(segments, mixed + math.log(alpha))


def share(bad: int, counted: int, alpha: float = LEVEL) -> Interval:
    """One arm's bad share, by a Beta(1/2, 1/2) mixture; it speaks of a share that does not move."""
    return float(share_at_least(bad, counted, alpha)), float(share_at_most(bad, counted, alpha))


def share_at_least(bad: Counts, counted: Counts, alpha: float | logspace.Floats) -> logspace.Floats:
    """The lower ends of intervals of shares (`share`), each (...) or one for all; 0 where nothing was bad."""
    return _logistics(_lowest(np.asarray(bad, float), np.subtract(counted, bad, dtype=float), alpha))


def share_at_most(bad: Counts, counted: Counts, alpha: float | logspace.Floats) -> logspace.Floats:
    """The upper ends; 1 where all was bad, or nothing was counted."""
    return _logistics(-_lowest(np.subtract(counted, bad, dtype=float), np.asarray(bad, float), alpha))


def _lowest(bad: logspace.Floats, ok: logspace.Floats, alpha: float | logspace.Floats) -> logspace.Floats:
    """The logits of the lower ends."""
    bad, ok, alpha = np.broadcast_arrays(bad, ok, alpha)
    found, some = np.full(bad.shape, -math.inf), bad > 0
    bad, ok = bad[some], ok[some]
    found[some] = _rise(bad, bad + ok, _BETAS(0.5 + bad, 0.5 + ok) - logspace.beta(0.5, 0.5) + np.log(alpha[some]))
    return found


def _rise(bad: logspace.Floats, counted: logspace.Floats, level: logspace.Floats) -> logspace.Floats:
    """The logits at which log likelihoods rise to these levels: Newton's method from below.

    It begins where a straight line that is above the likelihood has the level. A concave curve is below its tangents, so that no
    step passes the end. Each stays once it is there, whatever the others need: an end is the same alone and among others.
    """
    logit = level / bad
    while True:
        short = level - (bad * logit - counted * np.logaddexp(0, logit))
        step = short / (bad - counted * _logistics(logit))
        far = step > _NEAR
        if not far.any():
            return logit
        logit = np.where(far, logit + step, logit)


def _ratios(segments: Sequence[Segment], level: float) -> Interval:
    def inside(log_ratio: float) -> bool:
        return _likelihood(segments, log_ratio) > level

    candidate, stable = sum(each[1] for each in segments), sum(each[2] for each in segments)
    best = _best(segments)
    low = math.exp(_edge(inside, best, -_FAR)) if candidate else 0.0
    return low, math.exp(_edge(inside, best, _FAR)) if stable else math.inf


def _likelihood(segments: Sequence[Segment], log_ratio: float) -> float:
    found = 0.0
    for rho, candidate, stable in segments:
        odds = log_ratio + math.log(rho / (1 - rho))
        found -= candidate * _softplus(-odds) + stable * _softplus(odds)
    return found


def _best(segments: Sequence[Segment]) -> float:
    """The log ratio of the largest likelihood: where the expected number of the candidate's events is the one seen."""

    def rising(log_ratio: float) -> bool:
        return sum(s1 - (s1 + s0) * _logistic(log_ratio + math.log(rho / (1 - rho))) for rho, s1, s0 in segments) > 0

    return _edge(rising, -_FAR, _FAR) if rising(-_FAR) else -_FAR


def _edge(holds: Callable[[float], bool], inside: float, outside: float) -> float:
    """Where `holds` ends, between a point where it holds and a point beyond."""
    for _ in range(_STEPS):
        middle = (inside + outside) / 2
        inside, outside = (middle, outside) if holds(middle) else (inside, middle)
    return inside


def _softplus(value: float) -> float:
    return max(value, 0.0) + math.log1p(math.exp(-abs(value)))


def _logistic(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value >= 0 else math.exp(value) / (1 + math.exp(value))


def _logistics(value: logspace.Floats) -> logspace.Floats:
    small = np.exp(-np.abs(value))
    found: logspace.Floats = np.where(value >= 0, 1.0, small) / (1 + small)
    return found
