"""Marks that are bad to a degree: the bets on them ask for the mean and for nothing else."""

import math

import numpy as np
import pytest

from tidegate.core.stats import bets, comparison, tally
from tidegate.core.vocabulary import losses, sums

START = 1_700_000_040

RHO, GUESS = np.array([0.05, 0.5]), np.array([0.1, 0.1])
DEGREES = np.array([0.0, 0.04, 0.3, 0.8, 1.0])
YES_OR_NO = bets.worse(RHO, GUESS, bets.COMMON_RATIOS, bets.COMMON_WEIGHTS)
GRADED = bets.graded(YES_OR_NO, DEGREES)


def factors(candidate, stable):
    """(S, K) the mean factor of a request whose degree has these laws."""
    found = np.exp(GRADED.factors).reshape(2, -1, 2, len(DEGREES))
    return RHO[:, None] * (found[:, :, 0] @ candidate) + (1 - RHO[:, None]) * (found[:, :, 1] @ stable)


def test_at_the_ends_they_are_the_bets_on_yes_or_no():
    ends = GRADED.factors[..., [4, 9, 0, 5]]  # bad of the candidate and of stable, ok of both
    assert ends == pytest.approx(YES_OR_NO.factors)


def test_equal_means_are_worth_1_whatever_the_laws_are_and_a_better_mean_less():
    spread, narrow = np.array([0.7, 0.0, 0.0, 0.0, 0.3]), np.array([0.0, 0.0, 1.0, 0.0, 0.0])
    assert factors(spread, narrow) == pytest.approx(1.0)
    assert factors(narrow, spread) == pytest.approx(1.0)
    further_off_in_most = np.array([0.0, 0.9, 0.1, 0.0, 0.0])  # and better
    assert (factors(further_off_in_most, np.array([0.9, 0.0, 0.0, 0.0, 0.1])) < 1).all()
    assert (factors(spread, np.array([0.75, 0.0, 0.0, 0.0, 0.25])) > 1).all()


def test_values_that_lie_close_together_tell_more_than_yes_or_no_of_their_mean():
    """log is concave: a request of degree .3 is worth at least .3 of a bad one and .7 of an ok one."""
    in_parts = np.einsum("d,skwd->skwd", DEGREES, YES_OR_NO.factors[..., :2, None]) + np.einsum(
        "d,skwd->skwd", 1 - DEGREES, YES_OR_NO.factors[..., 2:, None]
    )
    assert (GRADED.factors.reshape(in_parts.shape) >= in_parts - 1e-12).all()


def test_no_worse_is_a_question_of_means_as_well():
    """At the margin the mean factor is 1 at most, whatever the laws are; within it some bet gains."""
    book = bets.graded(bets.no_worse(RHO, GUESS, 0.05), DEGREES)

    def mean(candidate, stable):
        found = np.exp(book.factors).reshape(2, -1, 2, len(DEGREES))
        return RHO[:, None] * (found[:, :, 0] @ candidate) + (1 - RHO[:, None]) * (found[:, :, 1] @ stable)

    spread, narrow = np.array([0.85, 0.0, 0.0, 0.0, 0.15]), np.array([0.0, 10 / 13, 3 / 13, 0.0, 0.0])
    assert narrow @ DEGREES == pytest.approx(0.1)
    assert (mean(spread, narrow) <= 1 + 1e-9).all()
    assert (mean(narrow, narrow).max(axis=1) > 1).all()


def scored(rng, minutes, candidate, stable):
    """Labelled predictions of so many minutes at 25 %, whose score is .64 with these probabilities, else .04."""
    buckets, rows = (losses.bucket(0.04), losses.bucket(0.64)), []
    for minute in range(minutes):
        hits = int(rng.binomial(60, candidate)), int(rng.binomial(180, stable))
        told = [((buckets[0], count - hit), (buckets[1], hit)) for count, hit in zip((60, 180), hits, strict=True)]
        rows.append(sums.LabelSum(4, 2_500, True, START + 60 * minute, 180, 60, 180, 60, 0, 0, 60, told[1], told[0]))
    return comparison.Comparison(tally.of_scores(rows), START + 60 * minutes, 0.1)


def proof(found):
    return found.no_worse(comparison.Margin(0.02), found.evidence).log_e


def test_an_equal_score_is_proven_no_worse_and_the_need_is_said_to_a_factor_of_two():
    rng, needed = np.random.default_rng(3), []
    whole = scored(rng, 400, 0.1, 0.1)
    said = scored(rng, 2, 0.1, 0.1).needed(comparison.Margin(0.02), np.zeros(6), 0.25, 0.02, math.log(20))
    for seed in range(20):
        rng = np.random.default_rng(seed)
        needed.append(60 * next(minutes for minutes in range(2, 400, 4) if proof(scored(rng, minutes, 0.1, 0.1)) >= math.log(20)))
    assert proof(whole) > math.log(20)
    assert said / 2 < np.median(needed) < said * 2


def test_a_score_at_the_margin_is_proven_in_at_most_one_of_twenty():
    degrees = losses.degree(losses.bucket(0.04)), losses.degree(losses.bucket(0.64))
    more = 0.02 / (degrees[1] - degrees[0])
    passed = sum(proof(scored(np.random.default_rng(seed), 200, 0.1 + more, 0.1)) >= math.log(20) for seed in range(200))
    assert passed <= 10


def test_the_ratio_of_two_scores_is_within_its_interval():
    found = scored(np.random.default_rng(5), 100, 0.2, 0.1)
    degrees = found.rows.degrees
    low, high = found.interval
    ratio = (0.2 * degrees[1] + 0.8 * degrees[0]) / (0.1 * degrees[1] + 0.9 * degrees[0])
    assert 1 < low < ratio < high < 3


def test_without_a_coin_nothing_is_bet():
    assert (bets.graded(bets.worse(np.array([1.0]), np.array([0.1])), DEGREES).factors == 0).all()
