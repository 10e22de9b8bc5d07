"""What people are shown holds at every look: intervals hold the truth, harm is never said to be more than it was; pairs are fair.

Each claims to be wrong in at most one of twenty releases (pairs: in one of a hundred), looked at all the way.
"""

import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge
from tidegate.core.stats import intervals, paired
from tidegate.core.vocabulary import sums

RAMP = ((0.05, 500, 4), (0.25, 2_500, 5), (0.5, 5_000, 6))


def ramped(rng, ratio, minutes=10):
    """Counts (3, minutes, 4) of a ramp while stable's errors climb from .2 to 2 %; the candidate fails `ratio` times as many."""
    stable = np.linspace(0.002, 0.02, 3 * minutes).reshape(3, minutes)
    return np.stack(
        [
            traffic.drawn(rng, traffic.Minute(rho, ratio * p, p, 3_000), (1, minutes))[0]
            for (rho, _, _), p in zip(RAMP, stable, strict=True)
        ]
    )


@pytest.mark.parametrize("ratio", [0.5, 1.0, 3.0])
def test_a_risk_ratio_over_a_ramp(ratio):
    """Both shares go up tenfold meanwhile; their ratio does not."""
    rng, runs, missed = np.random.default_rng(191), 60, 0
    for _ in range(runs):
        so_far = np.cumsum(ramped(rng, ratio), axis=1)[:, :, :2]
        for look in range(0, 30, 3):
            stage, minute = divmod(look, 10)
            counts = [*so_far[:stage, -1], so_far[stage, minute]]
            segments = [(rho, int(bad1), int(bad0)) for (rho, _, _), (bad1, bad0) in zip(RAMP, counts, strict=False)]
            low, high = intervals.risk_ratio_over_ramp(segments)
            if not low <= ratio <= high:
                missed += 1
                break
    assert traffic.at_least(missed, runs) <= intervals.LEVEL
    assert missed <= 5
    assert high < 2.5 * low, "and it is narrow enough to be of use"


def test_harm_beyond_stables_is_never_said_to_be_more_than_it_was():
    """What stable would not have done, as the judge counts it through a ramp: two thirds, for thrice as many failures."""
    rng, runs, beyond, told = np.random.default_rng(192), 40, 0, []
    for _ in range(runs):
        counts, rows = ramped(rng, 3.0, minutes=4), ()
        for (_, weight, generation), each in zip(RAMP, counts, strict=True):
            rows += traffic.folded(each, weight, 240 * (generation - 4), generation=generation)
        for look in range(2, 13, 2):
            harm = judge.judge(traffic.release(stage=2), sums.Inputs(rows[:look], traffic.START + 60 * look), 0.0).harm
            if harm.excess > harm.failed * 2 / 3:
                beyond += 1
                break
        told.append(harm.excess / harm.failed)
    assert traffic.at_least(beyond, runs) <= intervals.LEVEL
    assert beyond <= 4
    assert np.mean(told) > 0.4, "and not far less"


@pytest.mark.parametrize(("share", "runs"), [(0.5, 400), (0.4, 100)])
def test_two_models_that_are_wrong_alike_are_not_told_apart_by_their_pairs(share, runs):
    """Looked at 25 times over 2,000 pairs of which one answer was wrong; `share` of these is the candidate's."""
    rng, lost = np.random.default_rng(193), 0
    looks = np.unique(np.geomspace(3, 2_000, 25).astype(int))
    for _ in range(runs):
        worse = np.cumsum(rng.random(2_000) < share)[looks - 1]
        lost += any(paired.worse(int(b), int(n - b)) >= -np.log(traffic.ALPHA) for b, n in zip(worse, looks, strict=True))
    assert traffic.at_least(lost, runs) <= traffic.ALPHA
    assert lost <= 0.02 * runs


def test_pairs_of_a_candidate_that_is_wrong_twice_as_often_tell():
    rng, needed = np.random.default_rng(194), []
    for _ in range(60):
        worse = np.cumsum(rng.random(600) < 2 / 3)
        needed.append(
            next(n for n in range(1, 601) if paired.worse(int(worse[n - 1]), n - int(worse[n - 1])) >= -np.log(traffic.ALPHA))
        )
    growth = 2 / 3 * np.log(4 / 3) + 1 / 3 * np.log(2 / 3)
    assert np.mean(needed) < 2.5 * -np.log(traffic.ALPHA) / growth, "of the least that any test needs on average"
