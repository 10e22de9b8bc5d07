"""Sketches beside the truth."""

import numpy as np
import pytest

from tidegate.core.stats import sketches

RNG = np.random.default_rng(8)


def sketch(values):
    found = sketches.Numbers()
    found.add(np.asarray(values, np.float64))
    return found


def test_quantiles_of_a_sum_are_those_of_all_values():
    values = RNG.gamma(2.0, 3.0, 64_000)
    whole = sketches.Numbers()
    for part in np.array_split(values, 64):
        whole.merge(sketches.Numbers(sketch(part).packed()))
    shares = [0.01, 0.25, 0.5, 0.75, 0.99]
    ranks = [float((values <= one).mean()) for one in whole.quantiles(shares)]
    assert ranks == pytest.approx(shares, abs=3 * whole.error)
    assert whole.count == 64_000


def test_a_difference_is_said_with_what_it_may_be_off():
    one, other = RNG.normal(size=50_000), RNG.normal(0.3, 1.0, 50_000)
    points = np.sort(np.concatenate([one, other]))
    true = np.abs(np.searchsorted(np.sort(one), points) - np.searchsorted(np.sort(other), points)).max() / 50_000
    apart, error = sketch(one).apart(sketch(other))
    assert abs(apart - true) <= error
    assert sketch(one).apart(sketch([])) == (0.0, 1.0)


def test_different_categories_are_counted_to_a_few_in_a_hundred():
    whole = sketches.Words()
    for at in range(0, 5_000, 500):
        part = sketches.Words()
        part.add(f"v{value}" for value in range(at, at + 1_000))
        whole.merge(sketches.Words(part.packed()))
    assert whole.distinct == pytest.approx(5_500, rel=0.1)
