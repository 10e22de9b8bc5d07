"""Whether something in [0, 1] has come to be larger than a bound, watched without end: an e-detector.

Against "the mean is at most m at every time given the past" a bet multiplies by 1 + l (x - m) / m, l from 0 to 1 (Waudby-Smith
and Ramdas 2024, one-sided). The detector adds up bets begun at every step, M <- (M + 1) e (Shiryaev-Roberts; Shin, Ramdas,
Rinaldo 2023): while nothing is worse, the mean run until M reaches c is at least c steps, whatever the law of x is.

Where rows are wrong together (weather, outages) they are no bets of their own: then a step is a block of them, a day, with its
mean as x. Whether they are is read off the reference: blocks that differ by more than rows drawn one by one would.
"""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
BETS = np.array([0.02, 0.05, 0.1, 0.2, 0.4, 0.8, 1.0 - 1e-9])
"""Shares of the wealth that are staked, with the same weight each."""
CLUSTERED = 1.5
"""Blocks that differ this many times as much as chance would have it are no collections of single bets."""


def path(values: Floats, bound: float) -> Floats:
    """(n,) the log of M after each of these values (n,) in [0, 1]; `bound` in (0, 1)."""
    if not values.size:
        return np.zeros(0)
    grown = np.log1p(BETS[:, None] * (values[None, :] - bound) / bound)
    whole = np.cumsum(grown, axis=1)
    begun = np.logaddexp.accumulate(grown - whole, axis=1)  # exp(-(growth before each step)), added up
    found: Floats = np.logaddexp.reduce(begun + whole, axis=0) - np.log(len(BETS))
    return found


def dispersion(wrong: Floats, counted: Floats) -> float:
    """How much more shares of blocks (sums and sizes, (b,)) differ than by chance: Pearson's chi squared over its degrees.

    1 for rows that come by themselves; 1 below two blocks, or where all or none are wrong.
    """
    share = float(wrong.sum()) / float(counted.sum()) if counted.sum() else 0.0
    if wrong.size < 2 or not 0 < share < 1:
        return 1.0
    return float(((wrong - counted * share) ** 2 / (counted * share * (1 - share))).sum()) / (wrong.size - 1)
