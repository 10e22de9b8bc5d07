"""Bets: by what one request multiplies the wealth of a bettor on its arm, given its mark.

A bet is a conditional law q(candidate | mark), fixed before the request arrives; the factor is q(arm | mark) / rho(arm). Its
mean is 1 if the arm does not depend on the mark, whatever the law of the marks is. All arrays are over S segments (each with
its own rho and its own guess of stable's bad share), K bets and W columns of counts: the four of `tally`, or one a value and arm.
Where rho is 0 or 1 no coin was thrown: those segments have factors of exactly 1.
"""

import dataclasses
import functools
import math

import numpy as np

from tidegate.core.stats import logspace

RATIOS = (2.0, 4.0, 10.0, 40.0, 400.0, 20_000.0)
RATIO_WEIGHTS = (0.22, 0.22, 0.23, 0.14, 0.14, 0.05)
"""Odds ratios bet on, and how much of the wealth each gets: of marks that are rare, as errors are."""
COMMON_RATIOS = (1.25, 1.6, 2.2, 4.0, 12.0)
COMMON_WEIGHTS = (0.2, 0.35, 0.25, 0.15, 0.05)
"""The same of marks that are not, as wrong predictions: nobody's share of them becomes ten times as large."""
SHORTFALLS = (0.1, 0.25, 0.5, 0.75, 0.9, 0.97)
"""Shares by which a bad mark makes the candidate less likely in the absolute non-inferiority bets."""
MOVES = ((1.0, 1.05), (1.0, 1.1), (1.0, 1.25), (1.0, 1.6), (1.0, 3.0), (1.0, 10.0), (0.2, 10.0), (0.05, 5.0), (0.02, 20.0))
"""By what the candidate's values are bet to be larger: (share of the requests, factor)."""
MOVED_WEIGHTS = np.full(len(MOVES), -math.log(len(MOVES)))
"""Logarithms: the same weight each."""
_ROOM_FOR_ALL, _ROOM = 0.006, 0.025
"""How much of the candidate's law its requests without a value may take: they are as likely to be the candidate's as the largest
value, and where stable has many of them there would be little left to bet with. Less where every value is bet to be larger.
"""
_UNMOVED = 0.02
"""Of the requests that are bet to be larger, so many are not, or the first small value would lose all."""
FLOOR = 1e-6
"""No guess of a bad share is below this, nor above 1 minus this."""


@dataclasses.dataclass(frozen=True)
class Bets:
    """`log_weights` (K,) sum to 1 as weights; `factors` (S, K, W) are logarithms, for W columns of counts."""

    log_weights: logspace.Floats
    factors: logspace.Floats


def worse(
    rho: logspace.Floats,
    guess: logspace.Floats,
    ratios: tuple[float, ...] = RATIOS,
    weights: tuple[float, ...] = RATIO_WEIGHTS,
) -> Bets:
    """Bets that the candidate's bad share is above stable's. H0: it is not, at every time given the past.

    `guess` (S,) is stable's bad share as believed before the segment; it tunes the bet and never its validity.
    """
    rho, guess = rho[:, None], np.clip(guess, FLOOR, 1 - FLOOR)[:, None]
    odds = np.array(ratios) * guess / (1 - guess)
    share = odds / (1 + odds)
    bad = rho * share + (1 - rho) * guess
    ok = rho * (1 - share) + (1 - rho) * (1 - guess)
    factors = np.stack([np.log(share / bad), np.log(guess / bad), np.log((1 - share) / ok), np.log((1 - guess) / ok)], axis=-1)
    return _bets(rho, factors, weights)


def graded(book: Bets, degrees: logspace.Floats) -> Bets:
    """The bets of `worse` on marks that are bad to `degrees` (C,), from 0 to 1: factors (S, K, 2 C), as `larger` gives them.

    q(1 | x) = x q(1 | bad) + (1 - x) q(1 | ok) is linear in x and rises, so H0 is one of means: the candidate's mean degree is
    not above stable's, whatever else is different. By a quantile a better model may be the worse one.
    """
    bad, ok = np.exp(book.factors[..., :2, None]), np.exp(book.factors[..., 2:, None])
    found = np.log(degrees * bad + (1 - degrees) * ok)
    return Bets(book.log_weights, found.reshape(*found.shape[:2], 2 * len(degrees)))


def no_worse(rho: logspace.Floats, guess: logspace.Floats, margin: float) -> Bets:
    """Bets that the candidate's bad share is less than stable's plus `margin` (absolute). H0: P1 - P0 >= margin at every time.

    q(1 | bad) = rho (1 - x), q(1 | ok) = rho (1 + x p / (1 - p)), g = q(1 | ok) - q(1 | bad). Under H0 the mean of
    q / rho is at most 1 - margin g, by which every factor is divided. The best x is about margin / p, so the grid shrinks with
    it where p is above twice the margin, as shares of wrong predictions are; for errors it is the grid above. q(1 | ok) is
    kept at or below half-way from rho to 1, which matters only for large rho with a high guess.
    """
    rho, guess = rho[:, None], np.clip(guess, FLOOR, 1 - FLOOR)[:, None]
    x = np.array(SHORTFALLS) * np.minimum(1.0, 2 * max(margin, FLOOR) / guess)
    bad = rho * (1 - x)
    ok = np.minimum(rho * (1 + x * guess / (1 - guess)), (1 + rho) / 2)
    with np.errstate(divide="ignore", invalid="ignore"):  # rho of 0 or 1: no coin, replaced by factors of 1 below
        factors = np.stack(
            [np.log(bad / rho), np.log((1 - bad) / (1 - rho)), np.log(ok / rho), np.log((1 - ok) / (1 - rho))], axis=-1
        )
    return _bets(rho, factors - np.log1p(-margin * (ok - bad))[..., None], (1 / len(SHORTFALLS),) * len(SHORTFALLS))


def no_worse_ratio(rho: logspace.Floats, margin: float, ratios: tuple[float, ...] = (), weights: tuple[float, ...] = ()) -> Bets:
    """Bets that the candidate's bad share is less than (1 + margin) times stable's, on bad requests alone.

    Raises ValueError for a ratio at or above 1 + margin, which would promote what is worse.
    """
    limit = 1 + margin
    if not ratios:
        ratios = (*(ratio * min(1.0, limit) for ratio in (0.4, 0.7, 0.9, 1.0)), (limit + 1) / 2)
        weights = (0.1, 0.2, 0.2, 0.4, 0.1)
    if max(ratios) >= limit:
        raise ValueError(f"ratios must be below 1 + margin = {limit}: {ratios}")
    ratio, rho = np.array(ratios), rho[:, None]
    mean, worst = ratio * rho + 1 - rho, limit * rho + 1 - rho
    return _bets(rho, _only_bad(np.log(ratio / limit * worst / mean), np.log(worst / mean)), weights)


def fewer(mine: logspace.Floats, share: logspace.Floats, ratios: tuple[float, ...], weights: tuple[float, ...]) -> Bets:
    """Bets that the candidate's bad share is below stable's, within groups of which `mine` (S,) is the candidate's part.

    The two-sample e-variable (Turner, Ly, Gruenwald 2021): theta1 and theta0 over their mean by `mine`. It needs no coin between
    a request and its arm, only whole groups: `mine` is counted. H0: the candidate's share is at least stable's, which is guessed
    as `share` (S,); `ratios` are odds ratios below 1.
    """
    share = np.clip(share, FLOOR, 1 - FLOOR)[:, None]
    odds = np.array(ratios) * share / (1 - share)
    less, mine = odds / (1 + odds), mine[:, None]
    mean = mine * less + (1 - mine) * share
    bad, ok = np.log(mean), np.log1p(-mean)
    factors = np.stack([np.log(less) - bad, np.log(share) - bad, np.log1p(-less) - ok, np.log1p(-share) - ok], axis=-1)
    return _bets(mine, factors, weights)


def larger(mine: logspace.Floats, times: logspace.Floats) -> logspace.Floats:
    """Bets that the candidate's values are larger: log factors (S, K, 2 C), by value, of the candidate's and then of stable's.

    `times` (K, C) is how many times as likely each value is of the candidate, as `moved` gives it; `mine` (S,) is the chance that
    a request is the candidate's: its rho, or its counted part of a whole group. q(1 | y) = mine times / (mine times + 1 - mine).
    """
    mine = mine[:, None, None]
    mean = np.log(mine * times + 1 - mine)
    return np.concatenate([np.log(times) - mean, -mean], axis=-1)


@functools.lru_cache(maxsize=1024)
def moved(rho: float, law: bytes, ratio: float) -> logspace.Floats:
    """(K, C) how many times as likely each value is of a candidate whose law is stable's, by each of the `MOVES`.

    `law` are C doubles, stable's law over values each `ratio` times as large as the one before; the last is that of requests
    without a value, larger than any. Made to rise with the value, and scaled to a mean of `rho` of q. Kept: a law is frozen for
    an hour and asked for at every look.
    """
    before = np.frombuffer(law)
    return np.array([_moved(rho, before, ratio, move) for move in MOVES])


def _moved(rho: float, law: logspace.Floats, ratio: float, move: tuple[float, float]) -> logspace.Floats:
    share, factor = move
    valued, none = law[:-1], float(law[-1])
    whole, part = divmod(math.log(factor) / math.log(ratio), 1)
    room = _ROOM_FOR_ALL if share == 1 and factor < 2 else _ROOM
    share *= 1 - _UNMOVED
    after = (1 - share) * valued
    for step, weight in ((int(whole), 1 - part), (int(whole) + 1, part)):
        to = np.minimum(np.arange(len(valued)) + step, len(valued) - 1)
        np.add.at(after, to, share * weight * valued)
    times = _rising(after / valued, valued)
    times = np.minimum(times, max(1.2, room / none))
    times = np.append(times, times.max())
    times *= _fair(rho, times[:-1], valued)
    return times


def _fair(rho: float, times: logspace.Floats, law: logspace.Floats) -> float:
    """The scale at which a request is worth 1 on average over stable's law, whichever its arm: q's mean is then rho.

    Not every request brings a value, and those of one arm may do so more often (fewer of its calls are batches). Without a value
    a request is worth 1; if one with a value were worth more in either arm, that alone would look like a slower candidate.
    """
    low, high, total = 1e-4, 1e4, float(law.sum())
    for _ in range(50):
        scale = math.sqrt(low * high)
        below = float((rho * scale * times / (rho * scale * times + 1 - rho)) @ law) < rho * total
        low, high = (scale, high) if below else (low, scale)
    return math.sqrt(low * high)


def _rising(values: logspace.Floats, weights: logspace.Floats) -> logspace.Floats:
    """The nearest sequence that never falls, by weighted least squares: neighbours that fall are averaged."""
    levels: list[tuple[float, float, int]] = []
    for value, weight in zip(values.tolist(), weights.tolist(), strict=True):
        level = (value, weight, 1)
        while levels and levels[-1][0] > level[0]:
            before = levels.pop()
            both = before[1] + level[1]
            level = ((before[0] * before[1] + level[0] * level[1]) / both, both, before[2] + level[2])
        levels.append(level)
    return np.repeat([value for value, _, _ in levels], [count for _, _, count in levels])


def _only_bad(candidate: logspace.Floats, stable: logspace.Floats) -> logspace.Floats:
    return np.stack([candidate, stable, np.zeros_like(stable), np.zeros_like(stable)], axis=-1)


def _bets(rho: logspace.Floats, factors: logspace.Floats, weights: tuple[float, ...]) -> Bets:
    coin = (rho > 0) & (rho < 1)
    return Bets(np.log(np.array(weights)), np.where(coin[..., None], factors, 0.0))
