"""The share that one sample has more of some set, whichever is chosen after looking: exact chances of being wrong."""

import itertools

import numpy as np
import pytest

from tests import later
from tidegate.core.stats import excess

stats = later.Module("scipy.stats")

ROWS = 60
ALPHA = 0.05


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5])
@pytest.mark.parametrize("truth", [0.0, 0.1, 0.3])
def test_a_bound_on_two_classes_is_above_the_truth_with_at_most_its_chance(share, truth):
    """Every pair of counts, with its exact probability; a third class is never seen."""
    told = [stats.binom.pmf(range(ROWS + 1), ROWS, one) for one in (share, share + truth)]
    wrong = 0.0
    for known, seen in itertools.product(range(ROWS + 1), repeat=2):
        sides = [np.array([one, ROWS - one, 0.0]) for one in (known, seen)]
        wrong += told[0][known] * told[1][seen] * (excess.most(*sides, ALPHA).low > truth + 1e-12)
    assert wrong <= ALPHA


@pytest.mark.parametrize("classes", [4, 12, 53])
@pytest.mark.parametrize("sharp", [0.1, 1.0, 10.0])
def test_of_many_classes_it_is_above_the_truth_no_more_often(classes, sharp):
    rng = np.random.default_rng([classes, int(10 * sharp)])
    above = 0
    for _ in range(400):
        one, other = rng.dirichlet(np.full(classes, sharp), 2)
        law = one if rng.random() < 0.5 else 0.7 * one + 0.3 * other
        known, seen = rng.multinomial(rng.integers(200, 2_000), one), rng.multinomial(rng.integers(200, 2_000), law)
        above += excess.most(known.astype(float), seen.astype(float), ALPHA).low > np.abs(one - law).sum() / 2
    assert above <= stats.binom.ppf(0.999, 400, ALPHA)


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
