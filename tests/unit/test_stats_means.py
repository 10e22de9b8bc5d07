"""The difference of two means: the golden half-width, what weights come to, and its error rate by simulation."""

import math

import msgspec
import numpy as np
import pytest

from tidegate.core.stats import means
from tidegate.core.vocabulary import sums


def moments(values):
    return sums.Moments(len(values), float(np.sum(values)), float(np.sum(np.square(values))))


def values(candidate, stable, weight=5_000):
    return sums.Values("revenue", weight, moments(candidate), moments(stable))


def test_the_golden_half_width():
    assert means.radius(1_000, 0.01, 5_000) == pytest.approx(0.12214, abs=5e-6)


def test_mean_and_variance_are_numpys():
    given = np.random.default_rng(1).normal(3, 2, 500)
    assert means.mean(moments(given)) == pytest.approx(given.mean())
    assert means.variance(moments(given)) == pytest.approx(given.var(ddof=1))
    assert (means.mean(sums.Moments()), means.variance(sums.Moments(1, 4.0, 16.0))) == (0.0, 0.0)


def test_equal_arms_of_one_weight_have_the_width_of_the_formula():
    rng = np.random.default_rng(2)
    one, two = rng.normal(1, 1, 2_000), rng.normal(0, 1, 2_000)
    found = means.difference([values(one, two)], 0.05)
    least = (one.var(ddof=1) + two.var(ddof=1)) / 2
    spread = math.sqrt(4_000 * (max(one.var(ddof=1), least) / 2_000 + max(two.var(ddof=1), least) / 2_000))
    low, high = found.interval
    assert found.difference == pytest.approx(one.mean() - two.mean())
    assert (high - low) / 2 == pytest.approx(spread * means.radius(4_000, 0.05))
    assert (found.candidate, found.stable) == ((2_000, pytest.approx(one.mean())), (2_000, pytest.approx(two.mean())))


def test_fewer_than_fifty_units_an_arm_say_nothing():
    rng = np.random.default_rng(3)
    few = means.difference([values(rng.normal(size=means.BURN_IN - 1), rng.normal(size=10_000))])
    assert few.interval == (-math.inf, math.inf)
    assert means.difference([]).interval == (-math.inf, math.inf)
    enough = means.difference([values(rng.normal(size=means.BURN_IN), rng.normal(size=10_000))])
    assert math.isfinite(enough.interval[0])


def test_weights_of_a_ramp_are_compared_apart():
    """By night few buy and the candidate has 5 %; by day many do and it has half: pooled, an equal candidate looks far better."""
    rng = np.random.default_rng(4)
    night = values(rng.normal(1, 1, 500), rng.normal(1, 1, 9_500), 500)
    day = values(rng.normal(5, 1, 5_000), rng.normal(5, 1, 5_000), 5_000)
    pooled = values(rng.normal(1, 1, 500).tolist() + [5.0] * 5_000, rng.normal(1, 1, 9_500).tolist() + [5.0] * 5_000)
    low, high = means.difference([night, day], 0.01).interval
    assert low < 0 < high
    assert means.difference([pooled], 0.01).interval[0] > 1.0


def test_a_relative_interval_ends_where_the_scaled_difference_touches_0():
    rng = np.random.default_rng(8)
    given = [values(rng.normal(9, 3, 700), rng.normal(10, 3, 900), 4_000), values(rng.normal(8, 3, 900), rng.normal(9, 3, 800))]
    found = means.relative(given, 0.05)
    assert found.interval[0] < found.difference < found.interval[1] < 0
    for end, side in zip(found.interval, (0, 1), strict=True):
        scaled = [msgspec.structs.replace(one, stable=_scaled(one.stable, 1 + end)) for one in given]
        # Not exactly: the least that an arm is taken to vary moves with the scale.
        assert means.difference(scaled, 0.05).interval[side] == pytest.approx(0.0, abs=0.02)
    assert (found.candidate, found.stable) == (means.difference(given).candidate, means.difference(given).stable)


def test_a_share_of_a_mean_that_may_be_0_says_nothing():
    rng = np.random.default_rng(9)
    for stable in (rng.normal(0.01, 1, 500), rng.normal(-5, 1, 500), rng.normal(5, 1, 10)):
        assert means.relative([values(rng.normal(5, 1, 500), stable)]).interval == (-math.inf, math.inf)
    assert means.relative([]).difference == 0.0


def test_values_that_are_all_alike_say_nothing_however_many_of_them_there_are():
    """A guard on what hardly ever happens would be settled by the first fifty units."""
    for candidate in (3.0, 6.0, 0.0):
        given = [values(np.full(60, candidate), np.full(60, 3.0))]
        assert means.relative(given).interval == means.difference(given).interval == (-math.inf, math.inf)


def test_a_share_of_a_mean_is_the_same_in_any_unit():
    rng = np.random.default_rng(10)
    candidate, stable = rng.normal(9, 3, 700), rng.normal(10, 3, 900)
    found = means.relative([values(candidate, stable)]).interval
    for unit in (1e-90, 1e95):
        assert means.relative([values(candidate * unit, stable * unit)]).interval == pytest.approx(found)


def _scaled(arm, factor):
    return sums.Moments(arm.count, arm.total * factor, arm.squares * factor * factor)


def test_a_difference_is_found_and_its_interval_holds_it():
    rng = np.random.default_rng(6)
    arm = rng.random(8_000) < 0.5
    given = rng.exponential(3.0, 8_000) + 0.5 * arm
    found = means.difference([values(given[arm], given[~arm])], 0.05)
    assert found.interval[0] > 0.0
    assert _holds(given, arm, 0.5)


@pytest.mark.parametrize(("split", "share"), [(0.01, 0.001), (0.05, 0.005), (0.1, 0.02), (0.1, 0.98), (0.5, 0.005)])
def test_a_rare_event_in_a_small_arm_makes_no_winner_of_equal_arms(split, share):
    """Few buy, or nearly all predictions are right: until the small arm has seen both kinds, its values look all alike."""
    rng, runs, lost = np.random.default_rng(7), 150, 0
    looks = np.unique(np.geomspace(100, 100_000, 25).astype(int))
    for _ in range(runs):
        ours = np.cumsum(rng.binomial(np.diff(looks, prepend=0), split))
        arms = [np.cumsum(rng.binomial(np.diff(each, prepend=0), share)) for each in (ours, looks - ours)]
        for at, look in enumerate(looks):
            counts = (ours[at], look - ours[at])
            both = [sums.Moments(int(n), float(seen[at]), float(seen[at])) for n, seen in zip(counts, arms, strict=True)]
            low, high = means.difference([sums.Values("bought", 5_000, *both)], 0.05).interval
            if low > 0 or high < 0:
                lost += 1
                break
    assert lost / runs <= 0.05


def test_values_that_are_all_alike_prove_no_difference_to_be_none():
    assert means.difference([values([0.0] * 200, [0.0] * 200)]).interval == (-math.inf, math.inf)
    assert math.isfinite(means.difference([values([0.0] * 200, [0.0] * 199 + [1.0])]).interval[0])


def _holds(given, arm, truth):
    low, high = means.difference([values(given[arm], given[~arm])], 0.05).interval
    return low <= truth <= high


def test_a_planner_needs_more_for_less_and_says_when_it_is_too_much():
    plans = [means.needed(effect, (1.0, 1.0), 0.5) for effect in (0.4, 0.2, 0.1)]
    assert plans == sorted(plans)
    assert means.needed(1e-9, (1.0, 1.0), 0.5) == -1
    assert means.needed(100.0, (1.0, 1.0), 0.05) == means.BURN_IN / 0.05
    assert means.needed(0.1, (1.0, 1.0), 0.1) > means.needed(0.1, (1.0, 1.0), 0.5)
