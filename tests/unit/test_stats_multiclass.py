"""Probabilities of several classes: how good they were is scikit-learn's word, how good they probably are is what comes out."""

import numpy as np
import pytest

from tests import later
from tidegate.core.stats import metrics, multiclass

reference = later.Module("sklearn.metrics")

NAMES = ("ash", "beech", "elm")


def drawn(rng: np.random.Generator, count: int, sharp: float, classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """(the true chances of classes, one drawn by them): the sharper, the surer."""
    chances = rng.dirichlet(np.full(classes, 1 / sharp), count)
    return chances, (chances.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, classes - 1)


def overconfident(chances: np.ndarray) -> np.ndarray:
    sure = chances**2
    return sure / sure.sum(axis=1, keepdims=True)


def measured(chances: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    found, _ = multiclass.scored(chances, truth, np.ones(truth.size))
    return {one.name: one.value for one in found}


def test_losses_and_areas_are_as_scikit_learn_has_them() -> None:
    chances, truth = drawn(np.random.default_rng(0), 3_000, 2.0)
    found = measured(chances, truth)
    assert found["log_loss"] == pytest.approx(reference.log_loss(truth, chances))
    assert found["macro_auc"] == pytest.approx(reference.roc_auc_score(truth, chances, multi_class="ovr", average="macro"))
    assert found["brier"] == pytest.approx(((chances - np.eye(3)[truth]) ** 2).sum(axis=1).mean() / 2)
    assert found["calibration"] < 0.03


def test_of_two_classes_everything_is_what_it_is_of_a_probability() -> None:
    chances, truth = drawn(np.random.default_rng(1), 2_000, 2.0, classes=2)
    alone = metrics.probabilities(chances[:, 1], truth == 1, np.ones(truth.size))
    found = measured(chances, truth)
    assert found["log_loss"] == pytest.approx(alone["log_loss"].value)
    assert found["brier"] == pytest.approx(alone["brier"].value)
    assert found["macro_auc"] == pytest.approx(alone["auc"].value)


def test_a_truth_that_the_model_does_not_know_is_a_sure_mistake_and_no_error() -> None:
    chances = np.array([[0.5, 0.25, 0.25], [0.5, 0.25, 0.25]])
    found = measured(chances, np.array([0, -1]))
    assert found["log_loss"] == pytest.approx((np.log(2) - np.log(metrics.LEAST_CHANCE)) / 2)
    assert found["brier"] == pytest.approx(((0.25 + 2 * 0.0625) / 2 + (0.375 + 1) / 2) / 2)


def test_harder_inputs_are_seen_before_any_label_and_a_changed_world_is_not() -> None:
    rng = np.random.default_rng(2)
    chances, truth = drawn(rng, 40_000, 4.0)
    known = multiclass.fit(overconfident(chances), truth)
    before = (chances.argmax(axis=1) == truth).mean()
    chances, truth = drawn(rng, 40_000, 1.5)
    said = overconfident(chances)
    told = multiclass.estimate(said, said.argmax(axis=1), known, NAMES)
    real = (said.argmax(axis=1) == truth).mean()
    assert before - real > 0.1
    assert told.accuracy == pytest.approx(real, abs=0.015), "the past has few rows like these"
    assert told.auc == pytest.approx(measured(said, truth)["macro_auc"], abs=0.01)
    for answer, label, rows in told.confusion:
        seen = ((said.argmax(axis=1) == NAMES.index(answer)) & (truth == NAMES.index(label))).sum()
        assert rows == pytest.approx(seen, rel=0.1)
    other = np.where(rng.random(truth.size) < 0.1, (truth + 1) % 3, truth)
    assert told.accuracy - (said.argmax(axis=1) == other).mean() > 0.03, "blind to labels that mean something else"


def test_very_many_classes_are_told_by_the_commonest() -> None:
    chances, truth = drawn(np.random.default_rng(3), 5_000, 1.0, classes=30)
    names = tuple(f"c{at}" for at in range(30))
    told = multiclass.estimate(chances, chances.argmax(axis=1), multiclass.fit(chances, truth), names)
    assert len(told.confusion) == (metrics.MOST_CLASSES + 1) ** 2
    assert sum(rows for _, _, rows in told.confusion) == pytest.approx(5_000)
    assert multiclass.enough(30) == 1_500
    assert multiclass.enough(3) == 1_000


def test_a_class_that_never_came_and_rows_of_which_nothing_is_left_are_no_numbers_to_stumble_over() -> None:
    chances = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    known = multiclass.fit(chances[:2], np.array([0, 1]))
    likely = multiclass.calibrated(chances, known)
    assert np.isfinite(likely).all()
    assert likely.sum(axis=1) == pytest.approx(np.ones(3))
    assert likely[2] == pytest.approx(chances[2]), "nothing was known of such"
