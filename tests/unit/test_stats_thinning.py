"""Coins thrown anew on counts: what was counted stays, each margin is thinned by a coin a request, faults do what they say."""

import math

import numpy as np
import pytest
import redrawn_fixtures as given

from tidegate.core.stats import thinning
from tidegate.core.vocabulary import arms, marks

OK, ERROR = int(marks.Mark.OK), int(marks.Mark.ERROR)


def margins(row):
    """(ended well, timed, binned, labelled)"""
    return int(row[OK]), int(row[thinning.LATENCY].sum()), int(row[thinning.BINS].sum()), int(row[thinning.RIGHT :].sum())


def test_a_part_has_times_bins_and_outcomes_of_its_own_requests_and_the_rest_has_the_others():
    whole = given.traffic(60, labelled=True).total
    mine = thinning.drawn(np.random.default_rng(1), whole, 500)
    for part in (mine, whole - mine):
        assert (part >= 0).all()
        ended, *others = margins(part)
        assert others == [ended] * 3
    requests = int(whole[thinning.MARKS].sum())
    assert abs(int(mine[thinning.MARKS].sum()) - requests * 0.05) < 5 * math.sqrt(requests * 0.05)


def test_every_margin_has_the_law_of_a_coin_a_request():
    whole, chance = given.traffic(10, bad_every=10, labelled=True).total, np.random.default_rng(2)
    found = np.array([thinning.drawn(chance, whole, 2_500) for _ in range(4_000)])
    there = np.flatnonzero(whole)
    mean, spread = found.mean(axis=0)[there], found.var(axis=0)[there]
    assert np.allclose(mean, whole[there] / 4, rtol=0.03)
    assert np.allclose(spread, whole[there] * 3 / 16, rtol=0.15)


@pytest.mark.parametrize(("weight", "share"), [(0, 0), (arms.BUCKETS, 1)])
def test_nobody_and_everybody_need_no_coin(weight, share):
    whole = given.traffic(5).total
    assert (thinning.drawn(np.random.default_rng(1), whole, weight) == whole * share).all()


def test_requests_without_a_time_or_a_bin_stay_without():
    whole = np.zeros(thinning.WIDTH, np.int64)
    whole[OK], whole[thinning.LATENCY.start], whole[ERROR], whole[thinning.FAILED] = 1_000, 100, 200, 50
    mine = thinning.drawn(np.random.default_rng(3), whole, 5_000)
    assert 20 < mine[thinning.LATENCY].sum() < 80
    assert 10 < mine[thinning.FAILED] < 40
    assert not mine[thinning.BINS].any()


def test_a_failed_request_has_no_time_no_bin_and_a_wrong_outcome():
    whole = given.traffic(60, labelled=True).total
    found, harmed = thinning.spoilt(np.random.default_rng(4), whole, thinning.Fault(errors=0.2))
    assert harmed == found[ERROR] - whole[ERROR] == pytest.approx(0.2 * whole[OK], rel=0.1)
    assert found[thinning.LATENCY].sum() == found[thinning.BINS].sum() == found[OK] == whole[OK] - harmed
    assert found[thinning.FAILED] == harmed
    dead, _ = thinning.spoilt(np.random.default_rng(4), whole, thinning.Fault(errors=1.0))
    assert margins(dead)[:3] == (0, 0, 0)


@pytest.mark.parametrize("factor", [1.1, 1.5, 3.0])
def test_times_move_on_by_their_factor(factor):
    whole = given.traffic(60).total
    found, harmed = thinning.spoilt(np.random.default_rng(5), whole, thinning.Fault(slower=factor))
    buckets, ratio = np.arange(marks.LATENCY_BUCKETS), marks.latency_edge(2) / marks.latency_edge(1)
    moved = (found[thinning.LATENCY] - whole[thinning.LATENCY]) @ buckets / whole[OK]
    assert ratio**moved == pytest.approx(factor, rel=0.01)
    assert harmed == found[thinning.LATENCY].sum() == whole[OK]


def test_the_last_bucket_has_no_next_one():
    whole = np.zeros(thinning.WIDTH, np.int64)
    whole[OK] = whole[thinning.LATENCY.stop - 1] = whole[thinning.LATENCY.stop - 2] = 10
    found, _ = thinning.spoilt(np.random.default_rng(6), whole, thinning.Fault(slower=3.0))
    assert found[thinning.LATENCY.stop - 1] == 20


def test_right_answers_turn_wrong_also_where_that_never_gets_known():
    whole = given.traffic(60, labelled=True).total
    whole[thinning.RIGHT] //= 2
    found, harmed = thinning.spoilt(np.random.default_rng(8), whole, thinning.Fault(wrong=0.1))
    turned = found[thinning.WRONG] - whole[thinning.WRONG]
    assert turned == whole[thinning.RIGHT] - found[thinning.RIGHT] == pytest.approx(0.1 * whole[thinning.RIGHT], rel=0.2)
    assert harmed > 1.5 * turned


def test_beyond_the_last_second_it_begins_anew():
    traffic = given.traffic(10)
    begin, whole = traffic.begin, traffic.total
    assert (traffic.between(begin + 8, begin + 12) == traffic.counts[[8, 9, 0, 1]].sum(axis=0)).all()
    assert (traffic.between(begin + 25, begin + 55) == 3 * whole).all()
    assert (traffic.between(begin + 3, begin + 4) == traffic.counts[3]).all()
