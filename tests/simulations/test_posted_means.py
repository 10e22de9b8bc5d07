"""Differences of posted metrics: called one no more often than promised, and found as often as planned."""

import numpy as np
import pytest

from tidegate.core.stats import means
from tidegate.core.vocabulary import sums


def moments(values):
    return sums.Moments(len(values), float(np.sum(values)), float(np.sum(np.square(values))))


def difference(posted, candidate, alpha=means.LEVEL):
    """The interval of how much more the candidate's units post."""
    both = sums.Values("revenue", 5_000, moments(posted[candidate]), moments(posted[~candidate]))
    return means.difference([both], alpha).interval


def test_equal_arms_are_called_different_in_at_most_a_few_of_a_hundred_however_often_they_are_looked_at():
    rng, runs, units = np.random.default_rng(5), 300, 4_000
    looks = np.unique(np.geomspace(200, units, 25).astype(int))
    missed = 0
    for _ in range(runs):
        posted, candidate = rng.exponential(3.0, units), rng.random(units) < 0.3
        seen = (difference(posted[:at], candidate[:at], 0.05) for at in looks)
        missed += any(low > 0 or high < 0 for low, high in seen)
    assert missed / runs <= 0.05


def found_in(effect, deviations, split, units, tests, seed):
    """The share of tests in which the interval leaves 0 out by so many units, looked at twenty times on the way."""
    rng, told = np.random.default_rng(seed), 0
    looks = np.linspace(units / 20, units, 20).astype(int)
    for _ in range(tests):
        candidate = rng.random(units) < split
        posted = np.where(candidate, rng.normal(effect, deviations[0], units), rng.normal(0.0, deviations[1], units))
        for look in looks:
            if difference(posted[:look], candidate[:look])[0] > 0:
                told += 1
                break
    return told / tests


@pytest.mark.parametrize(("effect", "deviations", "split"), [(0.2, (1.0, 1.0), 0.5), (0.3, (2.0, 1.0), 0.2)])
def test_the_planner_finds_an_effect_about_as_often_as_it_says(effect, deviations, split):
    for power in (0.5, 0.8):
        units = means.needed(effect, deviations, split, power=power)
        assert power - 0.08 <= found_in(effect, deviations, split, units, 200, seed=5) <= power + 0.16
    assert found_in(0.0, deviations, split, units, 200, seed=6) <= 0.05
