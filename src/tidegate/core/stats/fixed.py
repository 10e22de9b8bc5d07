"""One binary mark against a fixed share: is it above, is it below? No second arm, so nothing here blames a release by itself.

H0 of `above` is that the mark's chance is at most `share` at every request given the past, of `below` that it is at least that.
Each is a mixture over odds ratios against the share (statistics.md 1.1, SLO form; 1.5 for pairs of a shadow).
"""

import math

import numpy as np

from tidegate.core.stats import logspace

ABOVE = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
BELOW = (0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8)
"""Odds ratios bet on, each with the same part of the wealth."""
LEAST = 1e-6
"""No share is taken to be below this, nor above 1 minus this."""


def above(marked: int, counted: int, share: float) -> float:
    """The log e-value that more than `share` of requests have the mark, from how many of those counted had it."""
    return _mixture(marked, counted, share, ABOVE)


def below(marked: int, counted: int, share: float) -> float:
    """The log e-value that less than `share` of requests have the mark."""
    return _mixture(marked, counted, share, BELOW)


def needed(marked: int, counted: int, share: float, threshold: float) -> int:
    """About how many more requests until `below` reaches `threshold` (a log) at the rate seen; -1 if it never will."""
    rate = (marked + 0.5) / (counted + 1)
    if rate >= share:
        return -1
    most = 1
    while _mixture(marked + rate * most, counted + most, share, BELOW) < threshold:
        if most > 1 << 30:
            return -1
        most *= 2
    low = most // 2
    while most - low > max(1, low // 50):
        middle = (low + most) // 2
        enough = _mixture(marked + rate * middle, counted + middle, share, BELOW) >= threshold
        low, most = (low, middle) if enough else (middle, most)
    return most


def _mixture(marked: float, counted: float, share: float, ratios: tuple[float, ...]) -> float:
    share = min(max(share, LEAST), 1 - LEAST)
    odds = np.array(ratios) * share / (1 - share)
    chance = odds / (1 + odds)
    logs = marked * np.log(chance / share) + (counted - marked) * np.log((1 - chance) / (1 - share))
    return logspace.total(logs - math.log(len(ratios)))
