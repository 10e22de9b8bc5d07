"""The formulas of core.stats against golden values computed apart from it."""

import math

import numpy as np
import pytest

from tidegate.core.stats import betabinomial, bets, intervals, paired, power, wealth

TEN_RATIOS = (1.25, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
TEN_WEIGHTS = (0.1,) * 10


def log_e(book: bets.Bets, bad: tuple[int, int], counted: tuple[int, int]) -> float:
    """Bets placed at the start, one epoch; pairs are (candidate, stable)."""
    counts = np.array([[bad[0], bad[1], counted[0] - bad[0], counted[1] - bad[1]]])
    return wealth.from_the_start(book.log_weights, wealth.growth(book.factors, np.array([0]), counts))


def worse(rho: float = 0.05, guess: float = 0.005, ten: bool = False) -> bets.Bets:
    grid = (TEN_RATIOS, TEN_WEIGHTS) if ten else (bets.RATIOS, bets.RATIO_WEIGHTS)
    return bets.worse(np.array([rho]), np.array([guess]), *grid)


@pytest.mark.parametrize(("bad", "counted", "golden"), [((2, 0), (2, 38), 5.1109), ((5, 10), (100, 2000), 4.7216)])
def test_error_rate_of_two_arms(bad, counted, golden):
    assert log_e(worse(ten=True), bad, counted) == pytest.approx(golden, abs=5e-5)


@pytest.mark.parametrize(("bad", "golden"), [((10, 0), 5.4824), ((10, 100), 0.3523)])
def test_beta_binomial_process(bad, golden):
    assert betabinomial.log_e(*bad, 0.05, 100) == pytest.approx(golden, abs=5e-5)


def test_risk_ratio_interval_of_the_beta_binomial_process():
    assert intervals.risk_ratio(30, 200, 0.05, alpha=0.05, k=10) == pytest.approx((1.40, 5.22), abs=0.01)


def test_relative_non_inferiority_on_the_older_grid():
    ratios = (0.25, 0.5, 0.75, 0.9, 1.0, 1.1)
    book = bets.no_worse_ratio(np.array([0.05]), 0.5, ratios, (1 / 6,) * 6)
    assert log_e(book, (20, 380), (20, 380)) == pytest.approx(1.1782, abs=5e-5)


def test_two_dead_requests_at_five_percent_pass_alone_and_three_are_needed_at_weight_point_four():
    threshold = math.log(100)
    assert log_e(worse(ten=True), (2, 0), (2, 38)) >= threshold
    assert log_e(worse(ten=True), (2, 0), (2, 38)) + math.log(0.4) == pytest.approx(4.19, abs=0.005)
    needed = {
        (rho, weight): next(
            dead
            for dead in range(1, 20)
            if log_e(worse(rho, ten=True), (dead, 0), (dead, round(dead * (1 - rho) / rho))) + math.log(weight) >= threshold
        )
        for rho in (0.05, 0.25, 0.5)
        for weight in (1.0, 0.4)
    }
    assert needed == {(0.05, 1.0): 2, (0.05, 0.4): 3, (0.25, 1.0): 4, (0.25, 0.4): 5, (0.5, 1.0): 7, (0.5, 0.4): 8}


def test_the_default_grid_needs_no_more_dead_requests_than_the_ten_point_one():
    for rho, dead in ((0.05, 2), (0.25, 4), (0.5, 7)):
        assert log_e(worse(rho), (dead, 0), (dead, round(dead * (1 - rho) / rho))) >= math.log(100)


@pytest.mark.parametrize("margin", [0.01, 0.05, 0.1, 0.5])
def test_relative_margins_bet_only_on_ratios_below_the_margin(margin):
    """Fair at the margin, losing beyond it, gaining below it, for every bet."""
    rho, factors = 0.05, np.exp(bets.no_worse_ratio(np.array([0.05]), margin).factors[0])
    for ratio, worth in ((1 + margin, 0), (2 * (1 + margin), -1), (0.5, 1)):
        theta = ratio * rho / (ratio * rho + 1 - rho)
        gain = factors[:, 0] * theta + factors[:, 1] * (1 - theta) - 1
        assert np.allclose(gain, 0) if worth == 0 else (np.sign(gain) == worth).all()


def test_a_relative_grid_that_reaches_the_margin_is_refused():
    with pytest.raises(ValueError, match="below"):
        bets.no_worse_ratio(np.array([0.05]), 0.05, (0.9, 1.1), (0.5, 0.5))
    with pytest.raises(ValueError, match="below"):
        bets.no_worse_ratio(np.array([0.05]), -0.1)


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5, 0.99])
@pytest.mark.parametrize("guess", [0.0, 0.005, 0.3, 1.0])
def test_a_bet_that_the_candidate_is_worse_is_fair_mark_by_mark(rho, guess):
    """Given any mark, the mean factor over the coin is 1: no law of the marks is assumed."""
    factors = np.exp(worse(rho, guess).factors[0])
    assert np.allclose(rho * factors[:, 0] + (1 - rho) * factors[:, 1], 1)
    assert np.allclose(rho * factors[:, 2] + (1 - rho) * factors[:, 3], 1)
    assert (factors[:, 0] >= factors[:, 2]).all(), "one-sided: a better candidate only loses"


@pytest.mark.parametrize(
    ("rho", "guess", "margin"), [(0.05, 0.001, 0.01), (0.25, 0.005, 0.0025), (0.5, 0.2, 0.02), (0.99, 0.1, 0.02)]
)
def test_a_candidate_at_the_absolute_margin_gains_nothing_on_average(rho, guess, margin):
    factors = np.exp(bets.no_worse(np.array([rho]), np.array([guess]), margin).factors[0])
    for stable in (1e-5, guess, 0.3):
        candidate = stable + margin
        law = np.array([rho * candidate, (1 - rho) * stable, rho * (1 - candidate), (1 - rho) * (1 - stable)])
        assert np.allclose(factors @ law, 1)


def test_no_coin_no_evidence():
    """Where rho is 0 or 1 every factor is exactly 1."""
    rho, guess = np.array([0.0, 1.0]), np.array([0.01, 0.01])
    books = (bets.worse(rho, guess), bets.no_worse(rho, guess, 0.01), bets.no_worse_ratio(rho, 0.5))
    assert all((book.factors == 0).all() for book in books)
    assert betabinomial.log_e(50, 0, 1.0, 1000) == 0


def test_a_billion_requests_and_no_error_give_numbers():
    for bad in ((0, 0), (10**6, 0), (0, 10**6), (10**6, 10**7)):
        for book in (worse(), worse(0.5, 0.0), bets.no_worse(np.array([0.05]), np.array([0.0]), 0.01)):
            assert math.isfinite(log_e(book, bad, (10**9, 10**9)))
        assert math.isfinite(betabinomial.sample_ratio([(0.05, 5 * 10**7, 95 * 10**7)]))
        assert not math.isnan(sum(intervals.share(bad[0], 10**9)))
        assert all(not math.isnan(end) for end in intervals.risk_ratio_over_ramp([(0.05, *bad)]))


def test_a_better_candidate_stays_below_the_threshold_over_a_million_events():
    for bad in ((0, 950), (200, 5000), (250, 4750)):
        counts = np.array([[bad[0], bad[1], 50_000 - bad[0], 950_000 - bad[1]]]) // 10
        grown = wealth.growth(worse().factors, np.zeros(10, np.int64), np.repeat(counts, 10, axis=0))
        assert max(wealth.mixture(worse().log_weights, grown[:each]) for each in range(11)) < math.log(100)


def test_the_mixture_index_is_kept_across_segments():
    """Bets are added up after the segments, never before: log E is below the product of the segments' own sums here."""
    book = bets.worse(np.array([0.05, 0.25]), np.array([0.005, 0.005]))
    counts = np.array([[3, 4, 297, 5696], [1, 4, 1499, 4496]])
    grown = wealth.growth(book.factors, np.array([0, 1]), counts)
    whole = wealth.from_the_start(book.log_weights, grown)
    expected = math.log(sum(math.exp(w) * math.exp(a) * math.exp(b) for w, a, b in zip(book.log_weights, *grown, strict=True)))
    assert whole == pytest.approx(expected, abs=1e-12)
    assert whole != pytest.approx(sum(wealth.from_the_start(book.log_weights, each[None, :]) for each in grown), abs=0.01)


def test_the_change_time_prior_is_its_recursion():
    """M <- (M + w pi) e, step by step, equals the closed form by suffix sums."""
    rng, book = np.random.default_rng(1), worse()
    grown = rng.normal(0, 1.5, (200, len(book.log_weights)))
    weights, start, placed, kept = np.exp(book.log_weights), np.ones(grown.shape[1]), np.zeros(grown.shape[1]), 1.0
    assert wealth.mixture(book.log_weights, grown[:0]) == pytest.approx(0.0, abs=1e-15)
    for epoch, each in enumerate(np.exp(grown)):
        share = 1 / ((epoch + 1) * (epoch + 2))
        start, placed, kept = start * each, (placed + weights * share) * each, kept - share
        expected = math.log(0.5 * (weights @ start) + 0.5 * (placed.sum() + kept))
        assert wealth.mixture(book.log_weights, grown[: epoch + 1]) == pytest.approx(expected, abs=1e-9)


def test_excess_harm_is_what_stable_would_not_have_done():
    assert power.excess_harm(30, 1.5) == pytest.approx(10)
    assert power.excess_harm(200, 0.8) == 0
    assert power.excess_harm(0, 0.0) == 0


@pytest.mark.parametrize(("pairs", "golden"), [((9, 1), 2.9403), ((1, 9), -2.6581), ((0, 0), 0.0)])
def test_sequential_mcnemar_one_sided(pairs, golden):
    assert paired.worse(*pairs) == pytest.approx(golden, abs=5e-5)
