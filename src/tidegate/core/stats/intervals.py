"""Intervals for people to read: confidence sequences, so each may be looked at as often as one likes. They decide nothing.

All of them take log likelihoods that are concave in the parameter's log (or logit), so the set is an interval and bisection
finds its ends.
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
    if not counted:
        return 0.0, 1.0
    ok = counted - bad
    level = logspace.beta(0.5 + bad, 0.5 + ok) - logspace.beta(0.5, 0.5) + math.log(alpha)

    def inside(logit: float) -> bool:
        return bad * -_softplus(-logit) + ok * -_softplus(logit) > level

    best = math.log((bad + 1e-12) / (ok + 1e-12))
    low = 0.0 if not bad else _logistic(_edge(inside, best, -_FAR))
    return low, 1.0 if not ok else _logistic(_edge(inside, best, _FAR))


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
