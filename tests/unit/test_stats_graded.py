"""Marks that are bad to a degree: the bets on them ask for the mean and for nothing else."""

import numpy as np
import pytest

from tidegate.core.stats import bets

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


def test_without_a_coin_nothing_is_bet():
    assert (bets.graded(bets.worse(np.array([1.0]), np.array([0.1])), DEGREES).factors == 0).all()
