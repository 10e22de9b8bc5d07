"""The error rates and speeds of the mathematics, by simulation with fixed seeds. A larger one is bench/analyst.py."""

import math

import numpy as np
import pytest

from tidegate.core.stats import betabinomial, bets, power, wealth

RHO, BASE, EPOCH = 0.05, 0.005, 6000
THRESHOLD = math.log(100)


def counts(rng, size, requests, rho, candidate_share, stable_share):
    candidate = rng.binomial(requests, rho, size)
    bad1, bad0 = rng.binomial(candidate, candidate_share), rng.binomial(requests - candidate, stable_share)
    return np.stack([bad1, bad0, candidate - bad1, requests - candidate - bad0], axis=-1)


def log_e(weights, start, placed, epoch, grown):
    """The recursion of the change-time prior, apart from the closed form of core.stats.wealth; all (R, ..., K)."""
    share = weights - math.log((epoch + 1) * (epoch + 2))
    logs = np.concatenate([weights + start + grown, np.logaddexp(placed, share) + grown], axis=-1)
    top = logs.max(axis=-1)
    return top + np.log(0.5 * (np.exp(logs - top[..., None]).sum(axis=-1) + np.exp(-top) / (epoch + 2)))


def requests_to_rollback(share, healthy_minutes, runs, horizon):
    """Candidate requests from the break to the rollback, within the first `horizon` requests, all in one epoch."""
    rng, book = np.random.default_rng(11), bets.worse(np.array([RHO]), np.array([BASE]))
    weights, factors = book.log_weights, book.factors[0]
    start, placed = np.zeros((runs, len(bets.RATIOS))), np.full((runs, len(bets.RATIOS)), -math.inf)
    for epoch in range(healthy_minutes):
        grown = counts(rng, runs, EPOCH, RHO, BASE, BASE) @ factors.T
        placed = np.logaddexp(placed, weights - math.log((epoch + 1) * (epoch + 2))) + grown
        start = start + grown
    candidate = rng.random((runs, horizon)) < RHO
    ok = rng.random((runs, horizon)) >= np.where(candidate, share, BASE)
    grown = np.cumsum(factors.T[ok * 2 + ~candidate], axis=1)
    hit = log_e(weights, start[:, None], placed[:, None], healthy_minutes, grown) >= THRESHOLD
    assert hit.any(axis=1).mean() > 0.95
    stop = np.where(hit.any(axis=1), hit.argmax(axis=1), horizon - 1)
    return float(np.cumsum(candidate, axis=1)[np.arange(runs), stop].mean())


@pytest.mark.parametrize(
    ("share", "healthy_minutes", "runs", "horizon", "mean"),
    [(1.0, 0, 400, 300, 2), (1.0, 60, 400, 500, 5), (0.2, 0, 150, 1500, 15), (0.2, 60, 100, 2400, 38), (0.05, 0, 50, 8000, 112)],
)
def test_a_break_is_found_in_as_few_candidate_requests_as_promised(share, healthy_minutes, runs, horizon, mean):
    assert requests_to_rollback(share, healthy_minutes, runs, horizon) == pytest.approx(mean, rel=0.2)


def test_a_healthy_release_is_rolled_back_in_at_most_one_of_a_hundred():
    """Day and night, an incident that hits both arms and a ramp; looked at every 20 seconds for 3 hours, 600 releases."""
    rng, runs, minutes = np.random.default_rng(12), 600, 180
    ramp = [(rho, bets.worse(np.array([rho]), np.array([guess]))) for rho, guess in ((0.05, 0.005), (0.25, 0.004), (0.5, 0.02))]
    start, placed, lost = (
        np.zeros((runs, len(bets.RATIOS))),
        np.full((runs, len(bets.RATIOS)), -math.inf),
        np.zeros(runs, dtype=bool),
    )
    for minute in range(minutes):
        rho, book = ramp[minute * 3 // minutes]
        share = 0.05 if 80 <= minute < 100 else BASE * (1 + 0.6 * math.sin(minute / 20))
        weights, grown = book.log_weights, np.zeros_like(start)
        for _ in range(3):
            grown = grown + counts(rng, runs, EPOCH // 3, rho, share, share) @ book.factors[0].T
            lost |= log_e(weights, start, placed, minute, grown) >= THRESHOLD
        placed = np.logaddexp(placed, weights - math.log((minute + 1) * (minute + 2))) + grown
        start = start + grown
    assert lost.sum() <= 6


def promotion(rng, runs, base, margin, excess, seconds, rho=0.25):
    """When (in seconds) each run is proven no worse, infinite if not in time; looked at every 5 seconds, 100 requests/s."""
    book = bets.no_worse(np.array([rho]), np.array([base]), margin)
    steps = counts(rng, (runs, seconds // 5), 500, rho, base + excess, base)
    reached = np.logaddexp.reduce(book.log_weights + np.cumsum(steps @ book.factors[0].T, axis=1), axis=2) >= math.log(20)
    return np.where(reached.any(axis=1), (reached.argmax(axis=1) + 1) * 5.0, math.inf)


@pytest.mark.parametrize(("base", "margin", "minutes"), [(1e-5, 0.001, 2.8), (0.005, 0.0025, 7.0)])
def test_an_identical_candidate_is_promoted_in_minutes_and_the_need_is_said_to_a_factor_of_two(base, margin, minutes):
    median = float(np.median(promotion(np.random.default_rng(13), 200, base, margin, 0.0, 3600)))
    assert median / 60 == pytest.approx(minutes, rel=0.25)
    book = bets.no_worse(np.array([0.25]), np.array([base]), margin)
    said = power.requests_needed(book, np.zeros(6), 0.25, (base, base), math.log(20))
    assert 0.5 < said / (median * 25) < 2


def test_the_need_of_a_wrong_share_is_said_to_a_factor_of_two():
    median = float(np.median(promotion(np.random.default_rng(14), 200, 0.2, 0.02, 0.0, 3600, rho=0.05)))
    book = bets.no_worse(np.array([0.05]), np.array([0.2]), 0.02)
    said = power.requests_needed(book, np.zeros(6), 0.05, (0.2, 0.2), math.log(20))
    assert 0.5 < said / (median * 5) < 2


def test_a_candidate_at_the_margin_is_promoted_in_at_most_one_of_twenty():
    when = promotion(np.random.default_rng(15), 400, 0.005, 0.0025, 0.0025, 3600)
    assert np.isfinite(when).mean() <= 0.05


def test_a_candidate_worse_than_the_margin_is_said_to_need_for_ever():
    book = bets.no_worse(np.array([0.25]), np.array([0.005]), 0.0025)
    assert power.requests_needed(book, np.zeros(6), 0.25, (0.02, 0.005), math.log(20)) == -1
    assert power.requests_needed(book, np.full(6, 4.0), 0.25, (0.02, 0.005), math.log(20)) == 0


def test_a_young_candidate_is_expected_to_be_as_good_as_stable():
    candidate, stable = power.expected_shares((0, 3), (12, 1200), 0.001, 0.01)
    assert stable == pytest.approx(0.0087, abs=1e-4)
    assert candidate == pytest.approx(stable, rel=0.02)


def test_a_split_of_four_and_a_half_recorded_as_five_percent_is_seen():
    rng, seen = np.random.default_rng(16), 0
    for _ in range(40):
        drawn = int(rng.binomial(120_000, 0.045))
        seen += betabinomial.sample_ratio([(0.05, 500, 9500), (0.05, drawn, 120_000 - drawn)]) >= math.log(1000)
    assert seen >= 36


def test_a_true_split_looked_at_all_the_time_is_not_called_broken():
    rng = np.random.default_rng(17)
    drawn = np.cumsum(rng.binomial(500, 0.05, (300, 50)), axis=1)
    values = [
        betabinomial.log_e(int(each), 500 * (at + 1) - int(each), 0.05, 1000) for row in drawn for at, each in enumerate(row)
    ]
    assert max(values) < math.log(1000)


def test_evidence_of_the_whole_is_the_same_however_it_is_cut_into_ticks():
    book = bets.worse(np.array([RHO]), np.array([BASE]))
    steps = counts(np.random.default_rng(18), (30,), 500, RHO, 0.02, BASE)
    cut = wealth.growth(book.factors, np.zeros(30, np.int64), steps)
    whole = wealth.growth(book.factors, np.zeros(1, np.int64), steps.sum(axis=0, keepdims=True))
    assert wealth.from_the_start(book.log_weights, cut) == pytest.approx(wealth.from_the_start(book.log_weights, whole), abs=1e-9)
