"""The law of the lag from labels that are here, the weights by it, and truth that comes for some answers only."""

import numpy as np
import pytest

from tidegate.core.stats import arrival


def seen(rng: np.random.Generator, mean: float, ages: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(lags, ages) of those whose label is here."""
    lags = rng.exponential(mean, ages.size)
    here = lags <= ages
    return lags[here], ages[here]


def test_the_law_is_found_though_only_what_has_arrived_is_seen() -> None:
    rng = np.random.default_rng(0)
    lags, ages = seen(rng, 10.0, rng.uniform(0, 100, 40_000))
    law = arrival.law(lags, ages)
    asked = np.array([2.0, 5.0, 10.0, 20.0, 40.0])
    assert law.at(asked) == pytest.approx(1 - np.exp(-asked / 10), abs=0.01)
    assert np.mean(lags <= 5.0) > 0.42, "of what is here more came early than will have"
    assert law.is_whole
    assert law.quantile(0.5) == pytest.approx(6.9, abs=0.2)
    assert law.quantile(1.0) == lags.max()


def test_what_is_not_over_yet_says_so() -> None:
    rng = np.random.default_rng(1)
    law = arrival.law(*seen(rng, 30.0, rng.uniform(0, 30, 20_000)))
    assert not law.is_whole


def test_small_and_degenerate_groups_do_no_harm() -> None:
    assert arrival.law(np.array([1.0]), np.array([2.0])) is None
    at_once = arrival.law(np.zeros(100), np.linspace(0, 10, 100))
    assert at_once.at(np.array([0.0, 5.0])) == pytest.approx([1.0, 1.0])
    early = arrival.law(np.array([-3.0, 5.0, 9.0]), np.array([1.0, 5.0, 9.5]))  # a clock behind; all at risk at once
    assert np.isfinite(early.chances).all()
    assert early.at(np.array([-1.0, 1e9])).tolist() == [0.0, 1.0]
    laws = arrival.laws(np.repeat([0, 1], [100, 3]), np.arange(103.0), np.full(103, 200.0))
    assert laws.of(1) is laws.whole
    assert arrival.laws(np.zeros(0, int), np.zeros(0), np.zeros(0)) is None


def test_weights_are_bounded_and_one_where_all_is_here() -> None:
    laws = arrival.laws(np.zeros(1_000, int), np.linspace(1, 100, 1_000), np.full(1_000, 100.0))
    found = laws.weights(np.array([0, 0, 1]), np.array([0.5, 100.0, 50.0]))
    assert found.tolist() == [arrival.MOST_WEIGHT, 1.0, pytest.approx(2.0, rel=0.02)]
    assert laws.matured() == pytest.approx(99.0, abs=0.2)


def test_truth_for_some_answers_only_is_seen() -> None:
    rng = np.random.default_rng(2)
    granted = rng.random(5_000) < 0.5
    labelled = np.where(granted, rng.random(5_000) < 0.9, rng.random(5_000) < 0.05)
    assert arrival.selective(granted.astype(int), labelled)[1] == pytest.approx(0.9, abs=0.02)
    assert arrival.selective(granted.astype(int), rng.random(5_000) < 0.5) == {}
    assert arrival.selective(np.repeat([1, 0], [50, 5_000]), np.ones(5_050, bool)) == {}
