"""Differences of posted metrics: exact validity of the betting over all coins, and what must not matter to an adjustment."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.stats import bounded, cuped, means
from tidegate.core.vocabulary import sums

SHARE = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0]))
UNITS = st.lists(st.tuples(SHARE, SHARE), min_size=1, max_size=6)
"""What each unit would bring in (candidate, stable)."""
WEIGHT = st.sampled_from([100, 1_000, 3_333, 5_000, 9_000])


def moments(posted):
    return sums.Moments(len(posted), float(sum(posted)), float(sum(one * one for one in posted)))


def drawn(units, coins, weight):
    candidate = [one for (one, _), coin in zip(units, coins, strict=True) if coin]
    stable = [two for (_, two), coin in zip(units, coins, strict=True) if not coin]
    return sums.Values("m", weight, moments(candidate), moments(stable))


@settings(max_examples=40)
@given(UNITS, WEIGHT)
def test_the_mean_wealth_over_all_coins_is_at_most_1_against_the_truth(units, weight):
    rho, truth = weight / 10_000, float(np.mean([one - two for one, two in units]))
    mean = [0.0, 0.0]
    for coins in itertools.product((True, False), repeat=len(units)):
        chance = math.prod(rho if coin else 1 - rho for coin in coins)
        for side, log_e in enumerate(bounded.against([drawn(units, coins, weight)], bounded.UNIT, truth)):
            mean[side] += chance * math.exp(log_e)
    assert max(mean) <= 1 + 1e-9


@settings(max_examples=60)
@given(UNITS, st.lists(st.booleans(), min_size=6, max_size=6), WEIGHT)
def test_an_interval_lies_within_what_is_possible_and_narrows_with_alpha(units, coins, weight):
    values = [drawn(units, coins[: len(units)], weight)]
    sure, (low, high) = (bounded.difference(values, alpha=alpha).interval for alpha in (0.01, 0.2))
    assert -1 <= low <= high <= 1
    assert (-1, 1) in (sure, (low, high)) or (sure[0] <= low + 1e-9 and high <= sure[1] + 1e-9)


@given(st.integers(0, 10**6), st.floats(-50, 50), st.sampled_from([-7.0, 0.1, 30.0]), st.floats(0.1, 1))
def test_the_unit_and_the_zero_of_a_covariate_do_not_matter(seed, shift, scale, known):
    rng = np.random.default_rng(seed)
    before, candidate, has = rng.normal(size=400), rng.random(400) < 0.5, rng.random(400) < known
    posted = before + rng.normal(size=400)
    plain, moved = (
        means.difference(cuped.adjusted([crossed(posted, x, candidate, has)]).values) for x in (before, shift + scale * before)
    )
    assert moved.difference == pytest.approx(plain.difference, abs=1e-7)
    assert moved.interval == pytest.approx(plain.interval, abs=1e-7)


def crossed(posted, before, candidate, has):
    told = []
    for arm in (candidate, ~candidate):
        y, x, plain = posted[arm & has], before[arm & has], moments(posted[arm])
        both = sums.Crossed(len(y), float(y.sum()), float(x.sum()), float((x * x).sum()), float((x * y).sum()))
        told.append(sums.Moments(plain.count, plain.total, plain.squares, 0, both))
    return sums.Values("m", 5_000, *told)
