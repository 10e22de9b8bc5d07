"""The detector is quiet for as long as it promises, and quick where something is worse."""

import numpy as np
import pytest

from tidegate.core.stats import worsening


def test_the_path_is_that_of_the_recursion() -> None:
    values = np.random.default_rng(0).random(200)
    wealth = np.zeros(len(worsening.BETS))
    for value, told in zip(values, worsening.path(values, 0.4), strict=True):
        wealth = (wealth + 1) * (1 + worsening.BETS * (value - 0.4) / 0.4)
        assert told == pytest.approx(np.log(wealth.mean()), abs=1e-9)
    assert worsening.path(np.zeros(0), 0.4).size == 0


def test_it_runs_as_long_as_promised_at_the_bound_and_not_long_beyond() -> None:
    rng = np.random.default_rng(1)
    runs, delays = [], []
    for _ in range(60):
        values = (rng.random(20_000) < 0.1).astype(float)
        crossed = np.flatnonzero(worsening.path(values, 0.1) >= np.log(2_000))
        runs.append(crossed[0] if crossed.size else values.size)
        worse = (rng.random(4_000) < 0.2).astype(float)
        delays.append(np.flatnonzero(worsening.path(worse, 0.1) >= np.log(2_000))[0])
    assert np.mean(runs) > 2_000
    assert np.mean(delays) < 250


def test_rows_that_are_wrong_together_are_known_by_their_blocks() -> None:
    rng = np.random.default_rng(2)
    counted = np.full(60, 500.0)
    alone = rng.binomial(500, 0.2, 60).astype(float)
    together = rng.binomial(500, rng.beta(4, 16, 60)).astype(float)
    assert worsening.dispersion(alone, counted) < worsening.CLUSTERED < worsening.dispersion(together, counted)
    assert worsening.dispersion(np.zeros(5), counted[:5]) == 1.0
