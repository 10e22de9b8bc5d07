"""How far predictions are apart: never overstated, found where it is more than may be, exact where nothing is known."""

import math

import numpy as np
import pytest

from tidegate.core.stats import shift, tally
from tidegate.core.vocabulary import marks, sums

START = 1_700_000_040
STABLE = np.array([0.4, 0.3, 0.2, 0.1])
MOVED = np.array([0.2, 0.2, 0.3, 0.3])
"""Their distance is .3."""


def history(rng, candidate, minutes=10, rho=0.05, requests=3_000):
    rows = []
    for at in range(minutes):
        drawn = rng.binomial(requests, rho)
        both = (rng.multinomial(requests - drawn, STABLE), rng.multinomial(drawn, candidate(at)))
        told = [sums.Counts(int(sum(one)), bins=(*one.tolist(), *(0,) * (sums.BINS - 4))) for one in both]
        rows.append(sums.Sum(4, round(10_000 * rho), True, START + 60 * at, 60, *told))
    return rows


def measured(rows, closed=10**6):
    return shift.Shift(tally.Counters(rows).predictions(), START + closed)


def test_a_distance_beyond_what_may_be_is_found_and_its_size_is_told():
    found = measured(history(np.random.default_rng(1), lambda _: MOVED))
    assert found.beyond(0.1) > math.log(100)
    assert found.beyond(0.35) < 0
    told = found.seen()
    assert told.difference == pytest.approx(0.3, abs=0.05)
    assert told.interval[0] < 0.3 < told.interval[1]


def test_a_distance_within_what_may_be_is_rarely_called_beyond():
    """Exactly at the tolerance, looked at every minute for half an hour: at most alpha of the runs, with luck's share."""
    rng, lost = np.random.default_rng(2), 0
    for _ in range(120):
        rows = history(rng, lambda _: MOVED, minutes=30, requests=600)
        looks = [measured(rows[:until]).beyond(0.3) for until in (4, 8, 12, 16, 20, 24, 30)]
        lost += max(looks) >= math.log(20)
    assert lost <= 14, "of 120 at 5 %: more than 14 happen once in a thousand such tests"


def test_a_set_is_chosen_from_the_past_alone():
    """What a block's own requests are cannot make the set by which they are judged: equal versions are not far apart."""
    looks = [measured(history(np.random.default_rng(seed), lambda _: STABLE)).beyond(0.0) for seed in range(60)]
    assert sum(one >= math.log(20) for one in looks) <= 9
    assert measured(history(np.random.default_rng(3), lambda _: STABLE)).seen().difference == pytest.approx(0, abs=0.05)


def test_a_model_that_begins_to_answer_one_thing_only_is_found_in_the_next_block():
    constant = np.array([0.0, 0.0, 0.0, 1.0])
    found = measured(history(np.random.default_rng(4), lambda at: constant if at >= 4 else STABLE, minutes=20))
    assert found.beyond(0.25) > math.log(100)


def test_too_few_predictions_choose_no_set_and_without_any_nothing_is_said():
    few = history(np.random.default_rng(5), lambda _: MOVED, minutes=3, requests=200)
    assert measured(few).cells == ()
    assert measured(few).beyond(0.1) == 0
    assert measured([]).beyond(0.1) == 0
    without = [
        sums.Sum(4, 500, True, START + 60 * at, 60, *(sums.Counts(100, (100,) + (0,) * (marks.SLOTS - 1)),) * 2)
        for at in range(5)
    ]
    assert measured(without).beyond(0.1) == 0


def test_what_is_open_is_not_looked_at():
    rows = history(np.random.default_rng(6), lambda _: MOVED)
    assert measured(rows, closed=300).cells == measured(rows[:5]).cells
