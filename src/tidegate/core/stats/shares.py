"""One binary mark against a fixed share: is it above what is allowed, is it below? Shadow disagreement, a level watch, an SLO.

For odds ratios r of a grid and p_r = r o / (1 + r o), o = p / (1 - p), log E_r = s log(p_r/p) + (n - s) log((1 - p_r)/(1 - p));
the e-value is their average. Above bets on r > 1 and refutes "the share is at most p at every time given the past"; below bets
on 1 / r and refutes "at least p". Both may be looked at as often as one likes.

It is no comparison: a shared incident moves it, too. So it pages, holds, and judges pairs; it blames no release by itself.
"""

import math
from typing import NamedTuple

import numpy as np

from tidegate.core.stats import logspace

ODDS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""Odds ratios that are bet on, with the same weight each."""
_UP = np.array(ODDS)
_DOWN = 1 / _UP


def above(bad: int, counted: int, share: float) -> float:
    """The log e-value against "at most `share` of them are bad", from `bad` of `counted`.

    A share of 0 is refuted for good by the first bad one (infinite), a share of 1 never is (0).
    """
    if share <= 0:
        return math.inf if bad else 0.0
    return _mixture(bad, counted - bad, share, _UP) if share < 1 else 0.0


def below(bad: int, counted: int, share: float) -> float:
    """The log e-value against "at least `share` of them are bad". A share of 0 is never refuted (0)."""
    if share <= 0:
        return 0.0
    if share >= 1:
        return math.inf if bad < counted else 0.0
    return _mixture(bad, counted - bad, share, _DOWN)


class Held(NamedTuple):
    """A share held against what is allowed: `bad` of `counted` against `share`, from both sides, as often as one likes."""

    bad: int
    counted: int
    share: float
    alpha: float
    """Chance of calling it beyond when it is not."""
    alpha_within: float
    """Chance of calling it within when it is not."""

    @property
    def above(self) -> float:
        """The log e-value that it is beyond."""
        return above(self.bad, self.counted, self.share)

    @property
    def below(self) -> float:
        """The log e-value that it is within. Where nothing is allowed, and nothing was seen, no number of pairs says more."""
        if not self.share and not self.bad and self.counted:
            return math.inf
        return below(self.bad, self.counted, self.share)

    @property
    def is_beyond(self) -> bool:
        """Whether it is proven to be beyond. It goes first."""
        return self.above >= -math.log(self.alpha)

    @property
    def is_within(self) -> bool:
        """Whether it is proven to be within."""
        return not self.is_beyond and self.below >= -math.log(self.alpha_within)

    @property
    def needs(self) -> int:
        """About how many more a proof of being within takes; 0 where there is one already, -1 where it will not come."""
        return 0 if self.is_beyond or self.is_within else needed(self.bad, self.counted, self.share, -math.log(self.alpha_within))


def needed(bad: int, counted: int, share: float, threshold: float) -> int:
    """About how many more until `below` is at `threshold` (a log e-value), if it goes on as it has gone; -1: it will not.

    The growth is that of the best single bet, so what a mixture lacks of it is not in here.
    """
    missing = threshold - below(bad, counted, share)
    if missing <= 0:
        return 0
    if not 0 < share < 1:
        return -1
    seen = bad / counted if counted else 0.0
    bets = _odds(share, _DOWN)
    growth = float((seen * np.log(bets / share) + (1 - seen) * np.log((1 - bets) / (1 - share))).max())
    return math.ceil(missing / growth) if growth > 0 else -1


def _mixture(bad: int, good: int, share: float, ratios: logspace.Floats) -> float:
    bets = _odds(share, ratios)
    logs = bad * np.log(bets / share) + good * (np.log1p(-bets) - math.log1p(-share))
    return logspace.total(logs - math.log(len(ratios)))


def _odds(share: float, ratios: logspace.Floats) -> logspace.Floats:
    """The shares whose odds are so many times those of `share`."""
    odds = ratios * share / (1 - share)
    found: logspace.Floats = odds / (1 + odds)
    return found
