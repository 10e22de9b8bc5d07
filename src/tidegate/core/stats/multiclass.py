"""How good probabilities of several classes were, and probably are while no truth is known.

Known truth: the log loss, the Brier score as half the squared distance from what came (of two classes it is the usual one), and
the plain mean of the areas under the ROC curves of each class against all others ("macro, one-vs-rest"). How sure an answer was
is held against how often it was right, in bins.

Unknown truth: each class's probabilities are calibrated one against the rest (isotonic), and what comes out is made to add up to
1 again (Zadrozny and Elkan 2002). If q is what a class then has, an answer is right with the chance q of its class, and every
count of the confusion matrix has an expectation, as in `estimated`, whose limits hold here as well.
"""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tidegate.core.stats import estimated, isotonic, metrics

FEWEST_A_CLASS = 50
"""Labelled rows of the past for each class, on average, that a calibration takes."""
Places = npt.NDArray[np.intp]
"""Of classes, by row; -1: none of them."""


def scored(
    probabilities: metrics.Floats, truth: Places, weight: metrics.Floats
) -> tuple[list[metrics.Metric], tuple[metrics.Bin, ...]]:
    """Of probabilities (n, k) held against what came (n >= 1): (log_loss, brier, macro_auc, calibration; its bins)."""
    rows, ones = np.arange(truth.size), np.ones(truth.size)
    came = np.where(truth >= 0, probabilities[rows, truth], 0.0)
    surest = probabilities.argmax(axis=1)
    found = [
        metrics.above("log_loss", -np.log(np.clip(came, metrics.LEAST_CHANCE, 1)), ones, weight),
        metrics.above("brier", ((probabilities**2).sum(axis=1) - 2 * came + 1) / 2, ones, weight),
    ]
    areas = [metrics.auc(probabilities[:, at], truth == at, weight) for at in range(probabilities.shape[1])]
    known = [one.value for one in areas if one is not None]
    if known:
        found.append(metrics.Metric("macro_auc", float(np.mean(known))))
    bins = metrics.calibration(probabilities[rows, surest], surest == truth, weight)
    found.append(metrics.Metric("calibration", sum(one.rows * abs(one.told - one.came) for one in bins) / truth.size))
    return [one for one in found if one is not None], bins


def enough(classes: int) -> int:
    """Labelled rows of the past that so many classes take."""
    return max(estimated.FEWEST, FEWEST_A_CLASS * classes)


def calibrated(probabilities: metrics.Floats, known: Sequence[isotonic.Calibration]) -> metrics.Floats:
    """Probabilities (n, k) by what came of such: each class's by its own calibration, then made to add up to 1.

    Where every class comes out as 0, they are as told.
    """
    each = np.column_stack([one.of(probabilities[:, at]) for at, one in enumerate(known)])
    total = each.sum(axis=1, keepdims=True)
    found: metrics.Floats = np.where(total > 0, each / np.where(total > 0, total, 1), probabilities)
    return found


def fit(probabilities: metrics.Floats, truth: Places) -> list[isotonic.Calibration]:
    """Of each class, by what came of these (n >= 1)."""
    return [isotonic.fit(probabilities[:, at], truth == at) for at in range(probabilities.shape[1])]


def estimate(
    probabilities: metrics.Floats, told: Places, known: Sequence[isotonic.Calibration], names: Sequence[str]
) -> estimated.Estimate:
    """What is expected of answers `told` (n >= 1, each a class) with these probabilities (n, k); `auc` is the macro one."""
    likely = calibrated(probabilities, known)
    right = likely[np.arange(told.size), told]
    areas = [estimated.area(probabilities[:, at], likely[:, at]) for at in range(likely.shape[1])]
    known_areas = [one for one in areas if one is not None]
    return estimated.Estimate(
        rows=int(told.size),
        accuracy=float(right.mean()),
        deviation=math.sqrt(float((right * (1 - right)).sum())) / told.size,
        auc=float(np.mean(known_areas)) if known_areas else None,
        confusion=_confusion(likely, told, names),
    )


def _confusion(likely: metrics.Floats, told: Places, names: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
    """Expected rows by answer and truth; of very many classes those that are not common are one."""
    cells = np.zeros((likely.shape[1], likely.shape[1]))
    np.add.at(cells, told, likely)
    common = np.argsort(-(cells.sum(axis=0) + cells.sum(axis=1)), kind="stable")[: metrics.MOST_CLASSES]
    called = [name if at in set(common.tolist()) else metrics.OTHER for at, name in enumerate(names)]
    folded: dict[tuple[str, str], float] = {}
    for answer, row in zip(called, cells.tolist(), strict=True):
        for truth, rows in zip(called, row, strict=True):
            folded[answer, truth] = folded.get((answer, truth), 0.0) + rows
    return tuple((*key, rows) for key, rows in sorted(folded.items()))
