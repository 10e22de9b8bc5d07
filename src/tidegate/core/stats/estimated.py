"""How good predictions probably are, before any truth is known: an estimate from the model's own probabilities.

If p is the calibrated chance that an answer is true, it is right with chance p or 1 - p, and any count of the confusion matrix
has an expectation: accuracy is the mean chance of being right, and the area under the ROC curve that of rows which are p true and
1 - p false ("confidence-based performance estimation"). It sees harder inputs come. It cannot see that the world has changed
(of 10 % labels flipped it sees nothing), nor inputs of a kind that the calibration never saw. So it is called an estimate
everywhere, and rolls nothing back.
"""

import math

import msgspec
import numpy as np

from tidegate.core.stats import isotonic, metrics

FEWEST = 1_000
"""Labelled rows of the past that a calibration takes."""
DEVIATIONS, POINTS = 3.0, 0.02
"""A drop is worth saying beyond so many standard deviations of sampling, and so much."""


class Estimate(msgspec.Struct, frozen=True):
    """What is expected of some rows."""

    rows: int
    accuracy: float
    deviation: float
    """Standard deviation of the realised accuracy around it, by chance alone."""
    auc: float | None
    confusion: tuple[tuple[str, str, float], ...]
    """(answer, truth, expected rows)."""


def estimate(score: metrics.Floats, known: isotonic.Calibration, threshold: float = 0.5) -> Estimate:
    """What is expected of answers with these scores (n >= 1)."""
    chance = known.of(score)
    told = score >= threshold
    right = np.where(told, chance, 1 - chance)
    cells = [
        ("1", "1", float(chance[told].sum())),
        ("1", "0", float((1 - chance)[told].sum())),
        ("0", "1", float(chance[~told].sum())),
        ("0", "0", float((1 - chance)[~told].sum())),
    ]
    return Estimate(
        rows=int(score.size),
        accuracy=float(right.mean()),
        deviation=math.sqrt(float((right * (1 - right)).sum())) / score.size,
        auc=area(score, chance),
        confusion=tuple(cells),
    )


def dropped(before: float, error: float, now: Estimate) -> bool:
    """Whether the estimate is lower than the accuracy was (`error`: its standard error) by more than chance, and by enough."""
    drop = before - now.accuracy
    return drop > POINTS and drop > DEVIATIONS * math.hypot(now.deviation, error)


def area(score: metrics.Floats, chance: metrics.Floats) -> float | None:
    """The expected area under the ROC curve of scores with these chances to be true; None without true or false ones."""
    trues, falses = float(chance.sum()), float((1 - chance).sum())
    if trues <= 0 or falses <= 0:
        return None
    _, place = np.unique(score, return_inverse=True)
    of_true, of_false = np.bincount(place, chance), np.bincount(place, 1 - chance)
    below = np.cumsum(of_false) - of_false / 2
    return float((of_true * below).sum()) / (trues * falses)
