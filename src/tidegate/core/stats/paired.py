"""Two answers to one input, of which exactly one was wrong: is it the candidate's more often? McNemar's test, at any time.

Of b + c such pairs b have only the candidate wrong. The e-value averages (2 theta)^b (2 (1 - theta))^c over theta in [1/2, 1], by
a Beta(1/2, 1/2) law cut to that half. H0: at every pair, given the past, theta is at most 1/2. With
theta = sin^2(phi) that law is uniform in phi, so the average is an integral of a function with one peak.

Both answers are to the same input, so nothing that moves both moves it: it needs no split and no guess.
"""

import functools
import math

import numpy as np
import numpy.typing as npt

from tidegate.core.stats import logspace

_SPREADS = 20.0
"""So many standard deviations around the peak are integrated over."""


@functools.cache
def _nodes() -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Of Gauss and Legendre, with their weights; once asked for, since they take longer than all else of this module's import."""
    nodes, weights = np.polynomial.legendre.leggauss(256)
    return nodes, weights


def worse(candidate_only: int, stable_only: int) -> float:
    """The log e-value that the candidate is wrong more often, from the pairs of which only one answer was wrong."""
    pairs = candidate_only + stable_only
    if not pairs:
        return 0.0
    low, high = math.pi / 4, math.pi / 2
    peak = min(high, max(low, math.asin(math.sqrt(candidate_only / pairs))))
    reach = _SPREADS / (2 * math.sqrt(pairs))
    begin, end = max(low, peak - reach), min(high, peak + reach)
    nodes, weights = _nodes()
    phi = begin + (end - begin) * (nodes + 1) / 2
    logs = 2 * candidate_only * np.log(np.sin(phi)) + 2 * stable_only * np.log(np.cos(phi))
    average = logspace.total(logs + np.log(weights)) + math.log((end - begin) / 2 / (high - low))
    return pairs * math.log(2) + average
