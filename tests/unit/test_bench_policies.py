"""The rules of other tools, as the benchmark runs them, on counts made by hand."""

import numpy as np
import pytest

from bench import policies


def minutes(*shares: float, counted: int = 300) -> np.ndarray:
    """One release whose canary fails these shares of 300 requests a minute, beside a stable that fails none."""
    bad = [round(share * counted) for share in shares]
    return np.array([[[one, 0, counted - one, 5_700] for one in bad]])


@pytest.mark.parametrize(("threshold", "seconds"), [(1, 120), (5, 360), (10, 660)])
def test_flagger_goes_back_one_tick_after_its_threshold(threshold: int, seconds: int):
    (at,) = policies.Flagger(threshold=threshold).stops(minutes(*[0.5] * 20))
    assert (at + 1) * 60 == seconds


def test_flagger_adds_failed_checks_up_and_a_window_without_requests_is_one():
    assert policies.Flagger(threshold=2).stops(minutes(0.5, 0, 0, 0.5, 0)).tolist() == [4]
    assert policies.Flagger(threshold=2).stops(minutes(0, 0, 0, counted=0)).tolist() == [2]
    assert policies.Flagger(threshold=2).stops(minutes(0.5, 0, 0)).tolist() == [-1]


def test_argo_fails_once_more_than_its_limit_have():
    assert policies.Argo().stops(minutes(0, 0.5, 0)).tolist() == [1]
    assert policies.Argo(0.05, 3, 5).stops(minutes(*[0.5] * 30)).tolist() == [19]
    assert policies.Argo().stops(minutes(0, 0, 0, counted=0)).tolist() == [-1]


def test_sagemakers_alarm_needs_its_periods_in_a_row_and_is_seen_at_the_next_poll():
    assert policies.Sagemaker().stops(minutes(0.5, 0.5, 0, 0.5, 0.5, 0.5, 0, 0)).tolist() == [6]
    assert policies.Sagemaker().stops(minutes(0.5, 0.5, 0, 0.5, 0.5)).tolist() == [-1]


def test_kayenta_judges_points_of_a_minute_at_its_minutes_only():
    chance = np.random.default_rng(1)
    assert policies.Kayenta().stops(minutes(*[0.2] * 60), chance).tolist() == [29]
    assert policies.Kayenta().stops(minutes(*[0.0] * 20, *[0.2] * 40), chance).tolist() == [59]
    assert policies.Kayenta().stops(minutes(*[0.0] * 60), chance).tolist() == [-1]
