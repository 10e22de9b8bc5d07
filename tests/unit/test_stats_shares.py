"""A binary mark against a fixed share: golden values, and how often it is wrong when looked at after every pair."""

import math

import numpy as np
import pytest

from tidegate.core.stats import shares


def test_the_golden_value_of_the_slo_form():
    assert shares.above(5, 100, 0.0075) == pytest.approx(3.6666, abs=5e-5)


@pytest.mark.parametrize(("bad", "counted", "share"), [(0, 1, 0.01), (3, 200, 0.01), (50, 60, 0.3), (7, 900, 0.02)])
def test_the_mixture_is_the_average_of_likelihood_ratios(bad, counted, share):
    odds = share / (1 - share)
    for found, ratios in ((shares.above, shares.ODDS), (shares.below, [1 / ratio for ratio in shares.ODDS])):
        each = []
        for ratio in ratios:
            bet = ratio * odds / (1 + ratio * odds)
            each.append((bet / share) ** bad * ((1 - bet) / (1 - share)) ** (counted - bad))
        assert found(bad, counted, share) == pytest.approx(math.log(sum(each) / len(each)), rel=1e-9, abs=1e-9)


def test_nothing_seen_is_no_evidence_and_the_edges_are_what_they_mean():
    assert shares.above(0, 0, 0.01) == shares.below(0, 0, 0.01) == pytest.approx(0.0, abs=1e-12)
    assert (shares.above(0, 10**6, 0.0), shares.above(1, 10**6, 0.0), shares.below(0, 10**6, 0.0)) == (0.0, math.inf, 0.0)
    assert (shares.above(10, 10, 1.0), shares.below(10, 10, 1.0), shares.below(9, 10, 1.0)) == (0.0, 0.0, math.inf)


@pytest.mark.parametrize(("bad", "share"), [(0, 0.01), (10**9, 0.5), (10**7, 1e-9), (3, 1 - 1e-9)])
def test_a_billion_pairs_give_numbers(bad, share):
    assert not math.isnan(shares.above(bad, 10**9, share))
    assert not math.isnan(shares.below(bad, 10**9, share))


def paths(share, runs, pairs, seed):
    """Bad ones so far, after each pair."""
    return np.cumsum(np.random.default_rng(seed).random((runs, pairs)) < share, axis=1)


def crossed(side, bad, reference, looks):
    """The share of runs in which the log e-value passes log 100 at any of the looks."""
    return np.mean([any(side(int(run[at - 1]), int(at), reference) >= math.log(100) for at in looks) for run in bad])


LOOKS = np.unique(np.geomspace(20, 4_000, 40).astype(int))


@pytest.mark.parametrize("side", [shares.above, shares.below])
def test_at_the_reference_itself_it_is_wrong_in_at_most_one_of_a_hundred_however_often_it_is_looked_at(side):
    assert crossed(side, paths(0.02, 400, 4_000, 5), 0.02, LOOKS) <= 0.015


def test_a_shadow_that_agrees_is_accepted_and_one_that_differs_refused_soon():
    assert shares.below(0, 620, 0.01) >= math.log(100)
    assert crossed(shares.above, paths(0.05, 60, 600, 6), 0.01, LOOKS[LOOKS <= 600]) >= 0.95
    assert crossed(shares.below, paths(0.002, 60, 3_000, 7), 0.01, LOOKS[LOOKS <= 3_000]) >= 0.9


def test_what_is_still_needed_comes_true():
    threshold = math.log(20)
    more = shares.needed(2, 400, 0.02, threshold)
    assert 0 < more < 1_000
    later = 400 + 2 * more
    assert shares.below(round(2 / 400 * later), later, 0.02) >= threshold
    assert shares.needed(0, 10**5, 0.02, threshold) == 0
    assert shares.needed(40, 1_000, 0.02, threshold) == -1
    assert shares.needed(0, 10, 0.0, threshold) == -1
