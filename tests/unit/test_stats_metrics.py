"""Intervals of metrics cover; odd input gives no nonsense. That they are scikit-learn's is in `test_stats_oracles`."""

import math

import numpy as np
import pytest

from tidegate.core.stats import metrics


def drawn(seed: int, rows: int = 400, weighted: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.beta(1, 3, rows), 2)  # ties
    truth = rng.random(rows) < score
    return score, truth, rng.uniform(1, 20, rows) if weighted else np.ones(rows)


def test_classes_beyond_twenty_are_other() -> None:
    truth = np.array([f"c{at % 50}" for at in range(500)])
    found = metrics.classes(truth, truth, np.ones(500))
    assert {one for one, _, _ in found.confusion} >= {"other"}
    assert len({one for one, _, _ in found.confusion}) == metrics.MOST_CLASSES + 1


def test_intervals_hold_the_truth_about_as_often_as_they_say() -> None:
    """Confidence sequences are wide at one look: misses are far below 5 %."""
    names = ("accuracy", "precision", "recall", "f1", "auc", "brier")
    whole = metrics.probabilities(*drawn(99, 200_000))
    missed = 0
    for seed in range(60):
        found = metrics.probabilities(*drawn(seed + 1_000, 600))
        missed += sum(not found[name].low <= whole[name].value <= found[name].high for name in names)
    assert missed / (60 * len(names)) < 0.03


def test_a_sure_mistake_is_no_infinite_loss_and_hard_answers_have_no_scores() -> None:
    found = metrics.probabilities(np.array([1.0, 0.2]), np.array([False, True]), np.ones(2))
    assert found["log_loss"].value == pytest.approx((-math.log(1e-12) - math.log(0.2)) / 2)
    hard = metrics.probabilities(np.array([1.0, 0.0]), np.array([True, True]), np.ones(2))
    assert {one.name for one in hard.metrics} == {"accuracy", "precision", "recall", "f1"}


@pytest.mark.parametrize("truth", [np.array([True]), np.array([False]), np.array([], bool)])
def test_one_row_or_none_gives_what_there_is(truth: np.ndarray) -> None:
    score = np.full(truth.size, 0.7)
    found = metrics.probabilities(score, truth, np.ones(truth.size))
    assert found.labelled == truth.size
    assert all(math.isfinite(one.value) for one in found.metrics)
    with pytest.raises(KeyError):
        found["auc"]
    assert metrics.numbers(score, score, np.ones(truth.size)).labelled == truth.size


def test_calibration_bins_tell_how_often_answers_came_true() -> None:
    rng = np.random.default_rng(3)
    score = rng.random(20_000)
    bins = metrics.calibration(score, rng.random(20_000) < score**2, np.ones(20_000))
    assert len(bins) == metrics.BINS
    assert all(one.came == pytest.approx(one.told**2, abs=0.04) for one in bins)


def test_what_is_never_below_nought_has_an_interval_that_is_not_either() -> None:
    off = np.zeros(400)
    off[0] = 50.0
    found = metrics.numbers(off, np.zeros(400), np.ones(400))
    assert found["mae"].low == 0.0
    assert found["bias"].low is not None
    assert found["bias"].low < 0
