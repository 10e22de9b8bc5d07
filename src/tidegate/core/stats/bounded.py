"""The difference of two means whose values lie within limits: by betting, exact at any number of units, at all times at once.

Values are scaled to [0, 1]. A unit that is drawn for the candidate with probability rho and brings x is worth

    W = (x - c) / rho   in the candidate,      W = -(x - c) / (1 - rho)   in stable,

for any centre c fixed beforehand, and E[W | past] is the difference that this unit makes: the coin alone says so, whatever the
values do over time. B = max(c / rho, (1 - c) / (1 - rho)) bounds W from below by -B, so a bettor may
stake a fraction l < 1 of their wealth on W / B. Each factor 1 + l W / B has the mean 1 + l D / B <= exp(l D / B), D the unit's
difference. So the product over units of (1 + l W / B) exp(-l d / B) reaches 1 / alpha with probability alpha at most while the
mean of the D so far is d or less (Ville), and the differences for which it has are refuted. It is averaged over a fixed grid of
centres and fractions. The other side is the same with 1 - x in place of x.

From sums alone log(1 + l u) is known where values are 0 or 1, for then units are of four kinds. Elsewhere it is bounded from
below, by the better of two: log is concave, so a unit's x counts for x of a 1 and 1 - x of a 0; and log(1 + l u) >=
l u - u^2 psi(l), psi(l) = -log(1 - l) - l, u >= -1 (Fan, Grama, Liu 2015; Howard et al., arXiv 1810.08240). Neither is ever more
than the wealth itself, so it does not matter which is used when. Weights of a ramp are factors of one wealth, each with its own
rho and B; over several of them d is a difference that is the same at each.
"""

import math
import statistics
from collections.abc import Iterable, Sequence

import numpy as np

from tidegate.core.stats import logspace, means
from tidegate.core.stats import power as power_of
from tidegate.core.vocabulary import arms, sums

UNIT = (0.0, 1.0)
"""The limits of a share, such as `sums.RIGHT`."""
CENTRES = np.arange(21) / 20
"""Centres c. Near the metric's mean W varies least; neighbours bet nearly alike, so many of them cost little."""
FRACTIONS = 0.8 * 0.5 ** np.arange(12)
"""Fractions l of the wealth: the best for a few dozen units, ..., for ten million."""
_PRIOR = np.tile(0.7 ** np.abs(np.arange(12) - 3.0), (21, 1))
_PRIOR = np.log(_PRIOR / _PRIOR.sum())
"""Log weights of the bets, all centres alike. Most goes to fractions that suit some thousands of units, as tests have."""
_PSI = -np.log1p(-FRACTIONS) - FRACTIONS
_HALVINGS = 50


def difference(values: Iterable[sums.Values], limits: tuple[float, float] = UNIT, alpha: float = means.LEVEL) -> means.Difference:
    """The difference of one metric from its values by weight, which all lie within `limits` (low, high): `values` are of one
    metric, each weight once. The interval is no wider than the limits allow, and holds at all times at once with 1 - alpha.
    """
    told = [one for one in values if one.candidate.count + one.stable.count]
    base = means.difference(told, alpha)
    low, high = _interval(told, limits, alpha)
    return means.Difference(base.candidate, base.stable, base.difference, (low, high))


def against(values: Sequence[sums.Values], limits: tuple[float, float], truth: float) -> tuple[float, float]:
    """Log e-values against "the difference is at most `truth`" and against "it is at least `truth`"."""
    scaled = truth / (limits[1] - limits[0])
    return tuple(logspace.total(gain - stake * end) for (gain, stake), end in _sides(values, limits, scaled))  # type: ignore[return-value]


def needed(shares: tuple[float, float], split: float, alpha: float = means.LEVEL, power: float = 0.8) -> int:
    """Units of both arms together until a share is told to be greater in the candidate, in `power` of all tests, looked at as
    often as one likes; -1 where no number that could be had is enough. As `means.needed`, for values 0 and 1.

    `shares` are those of 1 in (candidate, stable), the first the greater; `split` is the candidate's part of the units.
    """
    spread = math.sqrt(sum(one * (1 - one) / part for one, part in zip(shares, (split, 1 - split), strict=True)))
    quantile = statistics.NormalDist().inv_cdf(power)

    def told(units: int) -> bool:
        seen = min(1.0, max(0.0, shares[0] - quantile * spread / math.sqrt(units)))
        ones, others = units * split, units * (1 - split)
        candidate, stable = (ones, seen * ones, seen * ones), (others, shares[1] * others, shares[1] * others)
        return _refuted(_wealth([(split, candidate, stable)]), -math.log(alpha / 2)) > 0

    return power_of.least(told)


def _sides(
    values: Sequence[sums.Values], limits: tuple[float, float], truth: float
) -> tuple[tuple[tuple[logspace.Floats, logspace.Floats], float], ...]:
    """Both bettors' (gain, stake), and what each is held against: the second looks at 1 - x."""
    scaled = [(_drawn(one.weight), _scaled(one.candidate, limits), _scaled(one.stable, limits)) for one in values]
    mirrored = [(rho, _mirrored(one), _mirrored(two)) for rho, one, two in scaled]
    return (_wealth(scaled), truth), (_wealth(mirrored), -truth)


def _interval(values: Sequence[sums.Values], limits: tuple[float, float], alpha: float) -> tuple[float, float]:
    span = limits[1] - limits[0]
    threshold = -math.log(alpha / 2)
    (above, _), (below, _) = _sides(values, limits, 0.0)
    low, high = _refuted(above, threshold), -_refuted(below, threshold)
    if low > high:  # refuted from both sides: the coin was not rho, or this is the one test in 1 / alpha
        return -span, span
    return low * span, high * span


def _wealth(values: Sequence[tuple[float, tuple[float, ...], tuple[float, ...]]]) -> tuple[logspace.Floats, logspace.Floats]:
    """(gain, stake), (C, L) each: the log wealth of a bet against d is gain - stake d, its prior weight included.

    `values`: (rho, (count, sum, sum of squares) of the candidate, the same of stable), scaled to [0, 1].
    """
    gain, stake = _PRIOR.copy(), np.zeros_like(_PRIOR)
    centre = CENTRES[:, None]
    for rho, candidate, stable in values:
        if not 0 < rho < 1:
            continue  # no coin was thrown
        bound = np.maximum(centre / rho, (1 - centre) / (1 - rho))
        steps = (1 / (rho * bound), candidate), (-1 / ((1 - rho) * bound), stable)
        for step, arm in steps:
            gain += np.maximum(_chords(step, centre, arm), _parabolas(step, centre, arm))
        stake += FRACTIONS / bound * (candidate[0] + stable[0])
    return gain, stake


def _chords(step: logspace.Floats, centre: logspace.Floats, arm: tuple[float, ...]) -> logspace.Floats:
    """What the sum of log(1 + l step (x - c)) is at the least, for values of this sum; exactly, where all are 0 or 1."""
    count, total, _ = arm
    ones, zeros = np.log1p(FRACTIONS * step * (1 - centre)), np.log1p(-FRACTIONS * step * centre)
    found: logspace.Floats = total * ones + (count - total) * zeros
    return found


def _parabolas(step: logspace.Floats, centre: logspace.Floats, arm: tuple[float, ...]) -> logspace.Floats:
    """The same for values of this sum and sum of squares: the better, the nearer to the centre they are."""
    count, total, squares = arm
    first, second = total - centre * count, squares - 2 * centre * total + centre**2 * count
    found: logspace.Floats = FRACTIONS * step * first - _PSI * step**2 * np.maximum(second, 0.0)
    return found


def _refuted(side: tuple[logspace.Floats, logspace.Floats], threshold: float) -> float:
    """The largest difference, scaled, that is refuted as an upper bound: the log wealth against it is at the threshold."""
    gain, stake = side
    if not stake.any():
        return -1.0
    alone = (gain - threshold) / stake
    low = float(alone.max())  # one bet alone refutes it
    high = float((alone + math.log(gain.size) / stake).max())  # all bets together do not
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (middle, high) if logspace.total(gain - stake * middle) >= threshold else (low, middle)
    return min(1.0, max(-1.0, low))


def _scaled(values: sums.Moments, limits: tuple[float, float]) -> tuple[float, ...]:
    """(count, sum, sum of squares) as if values went from 0 to 1. The sum of squares is what such values allow."""
    low, span = limits[0], limits[1] - limits[0]
    count = values.count
    total = min(max((values.total - low * count) / span, 0.0), float(count))
    squares = (values.squares - 2 * low * values.total + low * low * count) / span**2
    return count, total, min(max(squares, total * total / count if count else 0.0), total)


def _mirrored(arm: tuple[float, ...]) -> tuple[float, ...]:
    """The same of 1 - x."""
    count, total, squares = arm
    return count, count - total, count - 2 * total + squares


def _drawn(weight: int) -> float:
    return weight / arms.BUCKETS
