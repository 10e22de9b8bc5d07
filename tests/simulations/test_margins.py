"""A candidate that is exactly as much worse as the margin says is proven no worse in at most one of twenty; one far worse, never.

And what the judge says is still needed comes true.
"""

import math

import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge
from tidegate.core.stats import bets, tally
from tidegate.core.vocabulary import sums, verdicts

RUNS, THRESHOLD = 1_000, -math.log(0.05)


def proven(book, counts):
    """(R,) whether each of R runs is proven no worse at any look; `counts` (R, L, 4) between looks."""
    grown = np.cumsum(counts @ book.factors[0].T, axis=1)
    return (np.logaddexp.reduce(book.log_weights + grown, axis=2) >= THRESHOLD).any(axis=1)


def bad_requests(rng, ratio, rho, runs=RUNS, looks=120, between=100):
    """(R, L, 4) the bad requests alone, of a candidate whose bad share is `ratio` times stable's."""
    theta = ratio * rho / (ratio * rho + 1 - rho)
    ours = rng.binomial(between, theta, (runs, looks))
    return np.stack([ours, between - ours, np.zeros_like(ours), np.zeros_like(ours)], axis=-1)


@pytest.mark.parametrize("rho", [0.05, 0.5])
@pytest.mark.parametrize("margin", [0.01, 0.05, 0.1, 0.5])
def test_a_relative_margin(margin, rho):
    rng, book = np.random.default_rng(131), bets.no_worse_ratio(np.array([rho]), margin)
    at = proven(book, bad_requests(rng, 1 + margin, rho)).sum()
    assert at <= 0.05 * RUNS
    past = 1.3 * (1 + margin)
    assert not proven(book, bad_requests(rng, past, rho)).any(), "30 % beyond it, in every run"
    assert proven(book, bad_requests(rng, 0.5, rho, runs=100, between=400)).all()


def test_a_grid_that_reaches_over_the_margin_would_promote_what_is_worse():
    """Why `bets.no_worse_ratio` refuses it: with 1.1 among the ratios and a margin of 5 %, a candidate 30 % worse passes."""
    rho, ratio, limit = 0.05, 1.1, 1.05
    mean, worst = ratio * rho + 1 - rho, limit * rho + 1 - rho
    factors = np.array([[math.log(ratio / limit * worst / mean), math.log(worst / mean), 0.0, 0.0]])
    over = bets.Bets(np.zeros(1), factors[None])
    assert proven(over, bad_requests(np.random.default_rng(132), 1.3, rho, runs=100, between=1_000)).all()


@pytest.mark.parametrize(
    ("base", "margin", "rho"),
    [(1e-5, 0.001, 0.25), (0.001, 0.001, 0.05), (0.005, 0.0025, 0.25), (0.005, 0.01, 0.5), (0.2, 0.02, 0.05)],
)
def test_an_absolute_margin(base, margin, rho):
    """Also where stable is not what was guessed of it."""
    rng = np.random.default_rng(133)
    for guess in (base, 3 * base, base / 3):
        book = bets.no_worse(np.array([rho]), np.array([guess]), margin)
        at = proven(book, traffic.drawn(rng, traffic.Minute(rho, base + margin, base, 1_500), (RUNS, 240))).sum()
        assert at <= 0.05 * RUNS
        assert not proven(book, traffic.drawn(rng, traffic.Minute(rho, base + 10 * margin, base, 1_500), (RUNS, 80))).any()


def test_a_margin_holds_while_stable_goes_up_and_down():
    rng, rho, margin = np.random.default_rng(134), 0.25, 0.0025
    share = 0.005 * (1 + 0.9 * np.sin(np.arange(240) / 20))
    share[100:120] = 0.05
    book = bets.no_worse(np.array([rho]), np.array([0.005]), margin)
    at = proven(book, traffic.drawn(rng, traffic.Minute(rho, share + margin, share, 1_500), (RUNS, 240))).sum()
    assert at <= 0.05 * RUNS


@pytest.mark.parametrize(("base", "margin", "after"), [(0.005, 0.01, 15), (0.02, 0.005, 120), (0.0005, 0.002, 60)])
def test_about_how_many_more_requests_the_judge_needs_comes_true(base, margin, after):
    """It is asked `after` seconds into an equal candidate's 25 %, and then looked at every 15 s until it passes."""
    rng, ratios = np.random.default_rng(135), []
    of = traffic.release(stage=1, baseline_errors=base, error_margin=margin)
    for _ in range(40):
        counts = traffic.drawn(rng, traffic.Minute(0.25, base, base, 1_500), (480, 1))[:, 0]
        rows, ours = (
            traffic.folded(counts, 2_500, span=15),
            np.cumsum(counts[:, tally.CANDIDATE_BAD] + counts[:, tally.CANDIDATE_OK]),
        )

        def look(at, rows=rows):
            return judge.judge(of, sums.Inputs(rows[:at], traffic.START + 15 * at), 0.0)

        asked = after // 15
        said = look(asked)
        if said.result is not verdicts.Result.UNSURE or said.needs <= 0:
            continue
        low, high = asked, 480  # it stays proven for long enough once it is
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if look(middle).result is verdicts.Result.PASS else (middle, high)
        ratios.append((ours[high - 1] - ours[asked - 1]) / said.needs)
    assert len(ratios) >= 20
    assert 0.5 < np.median(ratios) < 2
