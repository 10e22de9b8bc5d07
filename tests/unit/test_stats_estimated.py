"""The estimate is right where the world is as it was, and blind where it is not."""

import numpy as np
import pytest

from tidegate.core.stats import estimated, isotonic, metrics


def test_harder_inputs_are_seen_before_any_label() -> None:
    rng = np.random.default_rng(1)

    def rows(count: int, hard: float) -> tuple[np.ndarray, np.ndarray]:
        """Overconfident scores of things whose chance is known."""
        chance = rng.beta(hard, hard, count)
        odds = (chance / (1 - chance)) ** 2
        return odds / (1 + odds), rng.random(count) < chance

    score, truth = rows(40_000, 0.3)
    known = isotonic.fit(score, truth)
    before = metrics.probabilities(score, truth, np.ones(score.size))["accuracy"].value
    score, truth = rows(40_000, 1.0)
    told = estimated.estimate(score, known)
    real = metrics.probabilities(score, truth, np.ones(score.size))
    assert before - real["accuracy"].value > 0.08
    assert told.accuracy == pytest.approx(real["accuracy"].value, abs=0.01), "the past has few rows like these"
    assert told.auc == pytest.approx(real["auc"].value, abs=0.01)
    for (_, _, expected), (_, _, seen) in zip(told.confusion, real.confusion, strict=True):
        assert expected == pytest.approx(seen, rel=0.05)
    assert estimated.dropped(before, 0.002, told)
    assert not estimated.dropped(told.accuracy + 0.019, 0.0, told), "under two points"
    few = estimated.estimate(score[:50], known)
    assert not estimated.dropped(few.accuracy + 0.05, 0.0, few), "what chance does to fifty rows"


def test_it_is_blind_to_a_world_that_has_changed() -> None:
    rng = np.random.default_rng(2)
    score = rng.random(50_000)
    known = isotonic.fit(score, rng.random(50_000) < score)
    flipped = (rng.random(50_000) < score) ^ (rng.random(50_000) < 0.1)
    real = metrics.probabilities(score, flipped, np.ones(50_000))["accuracy"].value
    assert estimated.estimate(score, known).accuracy - real == pytest.approx(0.05, abs=0.01)
