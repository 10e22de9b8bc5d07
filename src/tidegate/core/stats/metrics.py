"""How good predictions were, once the truth is known: of probabilities, numbers and classes, each with an interval.

Every row has a weight: 1, or one over the chance with which its label is here (`arrival`, a sample's design). A metric is then a
ratio of weighted sums R = sum w t / sum w b, and its standard error that of the linearised ratio,
sqrt(sum (w (t - R b))^2) / sum w b. Intervals are confidence sequences at 95 % (`intervals.share`, or the radius of `means`), so
they may be looked at every day; under weights the number of units is Kish's (sum w)^2 / sum w^2. They speak of rows that come
by themselves: where many are wrong together (a storm, a broken feed) the truth moves more than they say.

The area under the ROC curve is that of Mann and Whitney with ties as halves; its variance is DeLong's (1988), weighted.
"""

import math
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import intervals, means

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Places = npt.NDArray[np.intp]
LEAST_CHANCE = 1e-12
"""What a probability of 0 is taken for in the log loss: one sure mistake is no infinite one."""
BINS = 10
"""Bins of equal weight that calibration is read in."""
FEWEST = 2
MOST_CLASSES = 20
OTHER = "other"
"""What all classes beyond these are called in a confusion."""
BETTER = {"accuracy", "precision", "recall", "f1", "auc", "macro_f1", "macro_auc"}
"""Of these more is better; of all others less."""


class Metric(msgspec.Struct, frozen=True):
    """One number."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    """The 95 % interval; None where there is none (calibration, quantiles)."""


class Bin(msgspec.Struct, frozen=True):
    """Answers that are about alike, and how often they came true."""

    told: float
    """The mean probability."""
    came: float
    """The share that came true."""
    rows: int


class Measured(msgspec.Struct, frozen=True):
    """What some labelled rows say."""

    labelled: int
    metrics: tuple[Metric, ...]
    confusion: tuple[tuple[str, str, float], ...] = ()
    """(answer, truth, weighted rows); exact counts where nothing is weighted."""
    bins: tuple[Bin, ...] = ()

    def __getitem__(self, name: str) -> Metric:
        """The metric of this name. Raises KeyError."""
        found = next((one for one in self.metrics if one.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def probabilities(score: Floats, truth: Bools, weight: Floats, threshold: float = 0.5) -> Measured:
    """Of chances that something is true (n,), held against whether it was. Hard answers of 0 and 1 have no AUC and no scores."""
    told = score >= threshold
    right = told == truth
    found = [
        share("accuracy", right, np.ones_like(right), weight),
        share("precision", told & truth, told, weight),
        share("recall", told & truth, truth, weight),
        _f1(told, truth, weight),
    ]
    bins: tuple[Bin, ...] = ()
    if score.size and score.min() >= 0 and score.max() <= 1 and not np.isin(score, (0.0, 1.0)).all():
        chance = np.clip(np.where(truth, score, 1 - score), LEAST_CHANCE, 1)
        found.append(auc(score, truth, weight))
        found.append(above("brier", (score - truth) ** 2, np.ones_like(score), weight))
        found.append(above("log_loss", -np.log(chance), np.ones_like(score), weight))
        bins = calibration(score, truth, weight)
        found.append(Metric("calibration", sum(one.rows * abs(one.told - one.came) for one in bins) / score.size))
    names = {True: "1", False: "0"}
    cells = tuple(
        (names[answer], names[label], float(weight[(told == answer) & (truth == label)].sum()))
        for answer in (True, False)
        for label in (True, False)
    )
    return Measured(int(score.size), tuple(one for one in found if one is not None), cells, bins)


def numbers(answer: Floats, truth: Floats, weight: Floats) -> Measured:
    """Of numbers (n,), held against what they were to be, in the label's unit. bias > 0: answers are too large."""
    off = answer - truth
    size, ones = np.abs(off), np.ones_like(off)
    square = ratio("rmse", off * off, ones, weight)
    found = [above("mae", size, ones, weight), _root(square), ratio("bias", off, ones, weight)]
    if size.size:
        found += [Metric(f"p{q * 100:g}_error", quantile(size, weight, q)) for q in (0.5, 0.9, 0.99)]
    return Measured(int(off.size), tuple(one for one in found if one is not None))


def classes(answer: npt.NDArray[Any], truth: npt.NDArray[Any], weight: Floats) -> Measured:
    """Of classes by name (n,). macro_f1: the plain mean over classes that were answered or true."""
    right = answer == truth
    found = [share("accuracy", right, np.ones_like(right), weight)]
    names = sorted({*answer.tolist(), *truth.tolist()})
    place = {one: at for at, one in enumerate(names)}
    told, true = (np.fromiter((place[one] for one in side), np.intp, side.size) for side in (answer, truth))
    totals = np.bincount(told, weight, len(names)) + np.bincount(true, weight, len(names))
    hits = np.bincount(told[told == true], weight[told == true], len(names))
    scores = 2 * hits[totals > 0] / totals[totals > 0]
    if scores.size:
        found.append(Metric("macro_f1", float(scores.mean())))
    return Measured(int(right.size), tuple(one for one in found if one is not None), _cells(names, told, true, weight))


def _cells(names: list[str], told: Places, true: Places, weight: Floats) -> tuple[tuple[str, str, float], ...]:
    """The confusion of the commonest classes, and of all others as one."""
    counts = np.bincount(told, minlength=len(names)) + np.bincount(true, minlength=len(names))
    shown = np.argsort(-counts, kind="stable")[:MOST_CLASSES]
    narrow = np.full(len(names), MOST_CLASSES)
    narrow[shown] = np.arange(shown.size)
    pairs, place = np.unique(narrow[told] * (MOST_CLASSES + 1) + narrow[true], return_inverse=True)
    words = [names[at] for at in shown] + [OTHER] * (MOST_CLASSES + 1 - shown.size)
    rows = np.bincount(place, weight, pairs.size).tolist()
    cells = [(*(words[at] for at in divmod(pair, MOST_CLASSES + 1)), row) for pair, row in zip(pairs.tolist(), rows, strict=True)]
    return tuple(sorted(cells))


def share(name: str, top: Bools, of: Bools, weight: Floats) -> Metric | None:
    """How many of those that are `of` are `top`, by weight; None of none."""
    there = of.astype(bool)
    told = ratio(name, top[there].astype(float), np.ones(int(there.sum())), weight[there])
    if told is None:
        return None
    heavy = weight[there]
    units = _units(heavy)
    error = _error(top[there].astype(float), np.ones_like(heavy), heavy, told.value)
    if 0 < told.value < 1 and error > 0:
        units = min(units, told.value * (1 - told.value) / error**2)
    low, high = intervals.share(round(units * told.value), max(1, round(units)))
    return Metric(name, told.value, min(low, told.value), max(high, told.value))


def _f1(told: Bools, truth: Bools, weight: Floats) -> Metric | None:
    """2 TP / (2 TP + FP + FN)."""
    return ratio("f1", 2.0 * (told & truth).astype(np.float64), told.astype(np.float64) + truth, weight)


def ratio(name: str, top: Floats, bottom: Floats, weight: Floats) -> Metric | None:
    """The weighted top over the weighted bottom; None where the latter is 0."""
    total = float((weight * bottom).sum())
    if total <= 0:
        return None
    value = float((weight * top).sum()) / total
    return _with(name, value, _error(top, bottom, weight, value), _units(weight))


def above(name: str, top: Floats, bottom: Floats, weight: Floats) -> Metric | None:
    """The same of what is never below 0: nor is its interval, however few there are."""
    told = ratio(name, top, bottom, weight)
    if told is None or told.low is None:
        return told
    return msgspec.structs.replace(told, low=max(0.0, told.low))


def auc(score: Floats, truth: Bools, weight: Floats) -> Metric | None:
    """The chance that a true one's score is above a false one's; None where there are only true or only false ones."""
    if truth.all() or not truth.any():
        return None
    _, place = np.unique(score, return_inverse=True)
    heavy, light = weight * truth, weight * ~truth
    of_true, of_false = (np.bincount(place, one) for one in (heavy, light))
    below_false = np.cumsum(of_false) - of_false / 2
    above_true = of_true.sum() - np.cumsum(of_true) + of_true / 2
    trues, falses = float(heavy.sum()), float(light.sum())
    beats, beaten = below_false[place] / falses, above_true[place] / trues
    value = float((heavy * beats).sum()) / trues
    error = math.hypot(
        math.sqrt(float(((heavy * (beats - value)) ** 2).sum())) / trues,
        math.sqrt(float(((light * (beaten - value)) ** 2).sum())) / falses,
    )
    told = _with("auc", value, error, 2 * min(_units(weight[truth]), _units(weight[~truth])))
    return msgspec.structs.replace(told, low=_clipped(told.low), high=_clipped(told.high))


def calibration(score: Floats, truth: Bools, weight: Floats) -> tuple[Bin, ...]:
    """The scores in bins of about equal weight, in their order."""
    order = np.argsort(score, kind="stable")
    place = np.minimum((np.cumsum(weight[order]) / weight.sum() * BINS * (1 - 1e-12)).astype(int), BINS - 1)
    found = []
    for each in np.unique(place):
        here = order[place == each]
        total = float(weight[here].sum())
        told, came = ((weight[here] * one[here]).sum() / total for one in (score, truth.astype(float)))
        found.append(Bin(float(told), float(came), int(here.size)))
    return tuple(found)


def quantile(values: Floats, weight: Floats, q: float) -> float:
    """The least value that a share q of the weight does not exceed."""
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weight[order])
    return float(values[order][min(int(np.searchsorted(reached, q * reached[-1] * (1 - 1e-12))), values.size - 1)])


def _with(name: str, value: float, error: float, units: float) -> Metric:
    """A value with its interval: none where nothing is known of how much it moves."""
    if units < FEWEST or error <= 0:
        return Metric(name, value)
    half = error * math.sqrt(units) * means.radius(units, means.LEVEL)
    return Metric(name, value, value - half, value + half)


def _root(square: Metric | None) -> Metric | None:
    if square is None:
        return None
    ends = [None if one is None else math.sqrt(max(0.0, one)) for one in (square.low, square.high)]
    return Metric(square.name, math.sqrt(square.value), *ends)


def _error(top: Floats, bottom: Floats, weight: Floats, value: float) -> float:
    """The standard error of a ratio."""
    return math.sqrt(float(((weight * (top - value * bottom)) ** 2).sum())) / float((weight * bottom).sum())


def _units(weight: Floats) -> float:
    """Kish's number of units: as many of equal weight would tell as much."""
    squares = float((weight * weight).sum())
    return float(weight.sum()) ** 2 / squares if squares else 0.0


def _clipped(end: float | None) -> float | None:
    return None if end is None else min(1.0, max(0.0, end))
