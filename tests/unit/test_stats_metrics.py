"""Metrics equal scikit-learn's, with weights too; intervals cover; odd input gives no nonsense."""

import math

import numpy as np
import pytest
from sklearn import metrics as reference

from tidegate.core.stats import metrics


def drawn(seed: int, rows: int = 400, weighted: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    score = np.round(rng.beta(1, 3, rows), 2)  # ties
    truth = rng.random(rows) < score
    return score, truth, rng.uniform(1, 20, rows) if weighted else np.ones(rows)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("weighted", [False, True])
def test_probabilities_are_as_scikit_learn_has_them(seed: int, weighted: bool) -> None:
    score, truth, weight = drawn(seed, weighted=weighted)
    told, found = score >= 0.4, metrics.probabilities(score, truth, weight, 0.4)
    expected = {
        "accuracy": reference.accuracy_score(truth, told, sample_weight=weight),
        "precision": reference.precision_score(truth, told, sample_weight=weight),
        "recall": reference.recall_score(truth, told, sample_weight=weight),
        "f1": reference.f1_score(truth, told, sample_weight=weight),
        "auc": reference.roc_auc_score(truth, score, sample_weight=weight),
        "brier": reference.brier_score_loss(truth, score, sample_weight=weight),
    }
    for name, value in expected.items():
        assert found[name].value == pytest.approx(value, rel=1e-9), name
    inner = (score > 0) & (score < 1)
    told = metrics.probabilities(score[inner], truth[inner], weight[inner])
    assert told["log_loss"].value == pytest.approx(
        reference.log_loss(truth[inner], score[inner], sample_weight=weight[inner]), rel=1e-9
    )
    assert sum(rows for _, _, rows in found.confusion) == pytest.approx(weight.sum())


def test_numbers_are_as_scikit_learn_has_them() -> None:
    rng = np.random.default_rng(1)
    truth, weight = rng.normal(size=500), rng.uniform(1, 5, 500)
    answer = truth + rng.normal(0.3, 1, 500)
    found = metrics.numbers(answer, truth, weight)
    assert found["mae"].value == pytest.approx(reference.mean_absolute_error(truth, answer, sample_weight=weight))
    assert found["rmse"].value == pytest.approx(math.sqrt(reference.mean_squared_error(truth, answer, sample_weight=weight)))
    assert found["bias"].value == pytest.approx(np.average(answer - truth, weights=weight))
    plain = metrics.numbers(answer, truth, np.ones(500))
    assert plain["p90_error"].value == np.sort(np.abs(answer - truth))[449]
    assert found["mae"].low < found["mae"].value < found["mae"].high


def test_classes_are_as_scikit_learn_has_them() -> None:
    rng = np.random.default_rng(2)
    truth = rng.choice(["cat", "dog", "eel"], 300)
    answer = np.where(rng.random(300) < 0.7, truth, "dog")
    found = metrics.classes(answer, truth, np.ones(300))
    assert found["accuracy"].value == pytest.approx(reference.accuracy_score(truth, answer))
    assert found["macro_f1"].value == pytest.approx(reference.f1_score(truth, answer, average="macro"))
    assert sum(rows for _, _, rows in found.confusion) == 300


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
