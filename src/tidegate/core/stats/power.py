"""Power: how many more requests a proof needs at the rates seen so far; and how much harm the candidate did beyond stable's."""

import math
from collections.abc import Callable

import numpy as np

from tidegate.core.stats import bets, logspace, tally

_ENDLESS = 1 << 40


def requests_needed(
    promise: bets.Bets, wealth: logspace.Floats, rho: float, shares: tuple[float, float], threshold: float
) -> int:
    """About how many more candidate requests until the mixture's log e-value is `threshold`; -1 if it is not on its way there.

    `promise` has one segment, the one that is under way; `wealth` (K,) is each bet's log wealth now; `shares` are the bad
    shares (candidate, stable) expected from here on. Every bet is taken to grow at its mean rate: close to the median for
    proofs that take many requests, which those of non-inferiority do.
    """
    candidate, stable = shares
    law = np.empty(4)
    law[tally.CANDIDATE_BAD], law[tally.CANDIDATE_OK] = rho * candidate, rho * (1 - candidate)
    law[tally.STABLE_BAD], law[tally.STABLE_OK] = (1 - rho) * stable, (1 - rho) * (1 - stable)
    return needed(promise, wealth, law, rho, threshold)


def needed(promise: bets.Bets, wealth: logspace.Floats, law: logspace.Floats, rho: float, threshold: float) -> int:
    """The same where a request falls in each of the W columns with these probabilities (W,)."""
    rate = promise.factors[0] @ law
    placed = promise.log_weights + wealth

    def reached(requests: int) -> bool:
        return logspace.total(placed + requests * rate) >= threshold

    if reached(0):
        return 0
    if float(rate.max()) <= 0:
        return -1
    found = least(reached)
    return math.ceil(found * rho) if found > 0 else -1


def least(reached: Callable[[int], bool], begin: int = 1, most: int = _ENDLESS) -> int:
    """The least number, from `begin` on, from which `reached` holds; -1 where it does not by `most`."""
    high = begin
    while not reached(high):
        high *= 2
        if high > most:
            return -1
    low = max(begin - 1, high // 2)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high


def expected_shares(candidate: tuple[int, int], stable: tuple[int, int], guess: float, margin: float) -> tuple[float, float]:
    """(candidate, stable) bad shares to expect, from (bad, counted) of each; margin above 0.

    Stable's is drawn towards `guess` with the weight of 200 requests; the candidate's towards stable's with as many as it takes
    for chance alone to move a share by the margin: a young candidate is not written off.
    """
    base = (stable[0] + 200 * guess) / (stable[1] + 200)
    drawn = weight(base, margin)
    return (candidate[0] + drawn * base) / (candidate[1] + drawn), base


def weight(base: float, margin: float) -> float:
    """How many requests stable's share is worth as a first guess of the candidate's."""
    return 1 / margin + base * (1 - base) / margin**2


def excess_harm(bad: int, ratio_low: float) -> float:
    """The lower bound on how many of `bad` stable would not have done: bad (1 - 1 / RR_low), never below 0."""
    return bad * max(0.0, 1 - 1 / ratio_low) if ratio_low > 0 else 0.0
