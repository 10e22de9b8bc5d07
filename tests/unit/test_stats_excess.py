"""The share that one sample has more of some set, whichever is chosen after looking."""

import itertools

import numpy as np
import pytest

from tidegate.core.stats import excess


def test_one_class_among_many_that_grows_is_as_clear_as_one_of_two():
    known = np.full(50, 2_000.0)
    seen = known.copy()
    seen[7] += 4_000
    truth = (seen / seen.sum() - known / known.sum())[7]
    found = excess.most(known, seen, 0.001)
    assert np.flatnonzero(found.chosen).tolist() == [7]
    assert excess.share(found.chosen, known, seen) == pytest.approx(truth)
    alone = excess.most(np.array([2_000.0, 98_000.0]), np.array([6_000.0, 98_000.0]), 0.001).low
    assert alone - 0.002 < found.low < alone < truth


def test_what_was_asked_of_all_is_enough_for_each_set():
    """The chances of all sets of six classes add up to that of the whole."""
    every = [size for size in range(1, 6) for _ in itertools.combinations(range(6), size)]
    assert np.exp(-excess._sets(6)[np.array(every) - 1]).sum() == pytest.approx(1.0)
