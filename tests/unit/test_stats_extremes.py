"""A billion requests, none, and shares at the edge: every function of core.stats gives a number, and the one that is meant."""

import math

import msgspec
import numpy as np
import pytest

from tidegate.core.stats import betabinomial, bets, comparison, intervals, logspace, means, paired, power, shares, tally, wealth
from tidegate.core.vocabulary import marks, sums

MANY, START = 10**9, 1_700_000_040
COUNTS = [(0, 0), (1, 0), (0, 1), (MANY, 0), (0, MANY), (MANY, MANY), (1, MANY), (MANY, 1), (10**6, 10**6)]
"""(of the candidate, of stable)."""
RHOS = (1e-4, 0.05, 0.5, 0.9999)


@pytest.mark.parametrize("pair", COUNTS)
def test_counts_of_two_arms(pair):
    for rho in RHOS:
        assert math.isfinite(betabinomial.log_e(*pair, rho, betabinomial.RATIO_CHECK))
        assert math.isfinite(betabinomial.sample_ratio([(rho, *pair), (0.5, 0, 0), (rho, *pair)]))
        for low, high in (intervals.risk_ratio(*pair, rho), intervals.risk_ratio_over_ramp([(rho, *pair), (0.5, *pair)])):
            assert 0 <= low <= high
            assert (low == 0) == (pair[0] == 0)
            assert math.isinf(high) == (pair[1] == 0)
    assert betabinomial.log_e(*pair, 0.0, 1_000) == betabinomial.log_e(*pair, 1.0, 1_000) == 0.0
    assert math.isfinite(paired.worse(*pair))
    assert (paired.worse(*pair) > 100) == (pair in ((MANY, 0), (MANY, 1)))


@pytest.mark.parametrize("bad", [0, 1, 10**6, MANY])
def test_counts_of_one_arm(bad):
    low, high = intervals.share(bad, MANY)
    assert 0 <= low <= bad / MANY <= high <= 1
    assert high - low < 1e-3
    for share in (1e-9, 0.01, 0.5, 1 - 1e-9):
        found = shares.above(bad, MANY, share), shares.below(bad, MANY, share)
        assert all(map(math.isfinite, found))
        assert min(found) < 0, "not both at once"
        assert isinstance(shares.needed(bad, MANY, share, 5.0), int)


@pytest.mark.parametrize("pair", COUNTS)
@pytest.mark.parametrize("guess", [0.0, 1e-6, 0.5, 1.0])
def test_bets_and_wealth(pair, guess):
    rho = np.array([*RHOS, 0.0, 1.0])
    books = [bets.worse(rho, np.full(6, guess)), bets.no_worse_ratio(rho, 0.01)]
    books += [bets.no_worse(rho, np.full(6, guess), margin) for margin in (0.0, 1e-4, 0.5)]
    counts = np.array([[*pair, MANY, MANY]] * 6)
    for book in books:
        assert np.isfinite(book.factors).all()
        assert math.isclose(np.exp(book.log_weights).sum(), 1.0)
        grown = wealth.growth(book.factors, np.arange(6), counts)
        assert (grown[4:] == 0).all()
        assert math.isfinite(wealth.mixture(book.log_weights, grown))
        assert math.isfinite(wealth.from_the_start(book.log_weights, grown))
    assert wealth.mixture(books[0].log_weights, np.zeros((0, len(books[0].log_weights)))) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("pair", COUNTS)
def test_a_comparison(pair):
    both = [sums.Counts(MANY + bad, (MANY, bad) + (0,) * (marks.SLOTS - 2)) for bad in pair]
    rows = tuple(
        sums.Sum(generation, weight, True, START + 60 * generation, 60, both[1], both[0])
        for generation, weight in enumerate((0, 1, 500, 9_999, 10_000))
    )
    for chosen in (rows, rows[:1], ()):
        found = comparison.Comparison(tally.Counters(chosen).marked(), START + 600, 0.001)
        assert all(map(math.isfinite, found.worse))
        assert math.isfinite(found.no_worse(comparison.Margin(0.01), np.ones(len(chosen), np.bool_)).log_e)
        assert not any(map(math.isnan, found.interval))
    assert comparison.Comparison(tally.Counters(rows[:1]).marked(), START + 600, 0.001).worse == pytest.approx(
        (0.0, 0.0), abs=1e-12
    )


def test_means_and_their_needs():
    zero, many, same = sums.Moments(), sums.Moments(MANY, 3e9, 1e10), sums.Moments(MANY, 5e9, 2.5e10)
    for one in (zero, many, same):
        for other in (zero, many, same):
            found = means.difference([sums.Values("m", 500, one, other)])
            assert math.isfinite(found.difference)
            assert not any(map(math.isnan, found.interval))
    alike = means.difference([sums.Values("m", 500, same, same)])
    assert (alike.difference, alike.interval) == (0.0, (-math.inf, math.inf)), "of how much they may vary nothing is known yet"
    assert means.radius(MANY, 1e-9) < 1e-3 < means.radius(1, 0.5)
    assert means.variance(same) == 0.0
    assert means.needed(0.1, (0.0, 0.0), 0.5) == means.BURN_IN * 2


@pytest.mark.parametrize(("candidate", "stable"), [(0.0, 0.0), (1.0, 1.0), (1e-9, 0.0), (0.0, 1.0)])
def test_how_many_more_are_needed(candidate, stable):
    for margin in (1e-4, 0.1):
        for guess in (0.0, 1.0):
            book = bets.no_worse(np.array([0.05]), np.array([guess]), margin)
            for begun in (0.0, -1e6, 1e6):
                needs = power.requests_needed(book, np.full(6, begun), 0.05, (candidate, stable), 3.0)
                assert needs >= -1
                assert (needs == 0) == (begun > 0)
    expected = power.expected_shares((0, 0), (0, 0), 0.0, 1e-4), power.expected_shares((MANY, MANY), (0, MANY), 0.0, 1e-4)
    assert expected[0] == (0.0, 0.0)
    assert expected[1] == pytest.approx((1.0, 0.0), abs=1e-3)
    assert power.excess_harm(MANY, math.inf) == MANY
    assert power.excess_harm(0, 0.0) == 0.0


def test_sums_in_logarithms():
    assert logspace.total(np.array([])) == -math.inf
    assert logspace.total(np.array([-math.inf, -math.inf])) == -math.inf
    assert logspace.total(np.array([1e6, 1e6])) == pytest.approx(1e6 + math.log(2))
    assert logspace.total(np.array([-math.inf, 3.0])) == 3.0


def test_labels_and_keys_of_nobody():
    empty = [tally.Counters(()).marked(), tally.of_labels(()), tally.of_keys(())]
    for rows in empty:
        found = comparison.Comparison(rows, START, 0.5)
        assert found.worse == pytest.approx((0.0, 0.0), abs=1e-12)
        assert found.interval == (0.0, math.inf)
        assert found.seen.tolist() == [0, 0, 0, 0]
    label = sums.LabelSum(4, 500, True, START, MANY, MANY, MANY, MANY, 0, MANY)
    for one in (label, msgspec.structs.replace(label, stable_wrong=MANY), msgspec.structs.replace(label, candidate_wrong=0)):
        assert all(map(math.isfinite, comparison.Comparison(tally.of_labels([one]), START + 60, 0.5).worse))
