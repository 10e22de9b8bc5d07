"""Bounds on how far a column has moved: above the truth no more often than they may be."""

import itertools

import numpy as np
import pytest

from tests import later
from tests.unit import alone_fixtures as alone
from tidegate.core.stats import counting, drift, excess
from tidegate.core.vocabulary import profiles

stats = later.Module("scipy.stats")

ROWS = 60
ALPHA = 0.05
RNG = np.random.default_rng(1)
REFERENCE = RNG.normal(size=50_000)
FRAME = counting.edged("x", REFERENCE)


@pytest.mark.parametrize("kind", ["numbers", "categories"])
def test_a_bound_is_above_the_truth_in_at_most_one_of_a_thousand(kind):
    """Equal laws: the truth is 0, of tails once as many, so that no bound may lie above it."""
    classes = [f"c{at}" for at in range(20)]
    frame = FRAME if kind == "numbers" else profiles.Frame("c", classes=tuple(classes))
    above = 0
    for _ in range(300):
        sides = [RNG.normal(size=400) if kind == "numbers" else RNG.choice(classes, 400) for _ in range(2)]
        above += any(
            one.low > (one.name == "tail") for one in alone.effects_of(frame, *(alone.column(frame, side) for side in sides))
        )
    assert above <= 1


def test_more_outputs_bring_no_more_false_bounds():
    """Ten series of one model: in at most one of a thousand windows is any of their bounds above the truth."""
    frames = [counting.edged(f"prediction.p.{at}", RNG.random(1_000)) for at in range(10)]
    together = 0
    for _ in range(150):
        sides = [[alone.column(frame, RNG.random(300)) for frame in frames] for _ in range(2)]
        each = [alone.effects_of(*given, drift.ALPHA / 10) for given in zip(frames, *sides, strict=True)]
        together += any(one.low > (one.name == "tail") for found in each for one in found)
        free = [alone.effects_of(*given) for given in zip(frames, *sides, strict=True)]
        assert all(one.low < other.low for (one, *_), (other, *_) in zip(each, free, strict=True))
    assert together <= 1


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
