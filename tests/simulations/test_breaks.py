"""How many requests of a candidate it takes to send it back once it breaks: at the start, and after a healthy day."""

import numpy as np
import pytest

from bench import analyst, betting
from tests.simulations import traffic
from tidegate.core.decide import judge
from tidegate.core.stats import bets
from tidegate.core.vocabulary import sums, verdicts

HOUR = 60


@pytest.mark.parametrize(("share", "runs", "most"), [(0.02, 60, 1.4), (0.05, 200, 1.4), (0.2, 600, 1.5)])
def test_from_the_start_it_takes_little_more_than_any_test_of_its_kind_needs(share, runs, most):
    """Mean candidate requests over the bound. One standard error of a mean of so many runs, 1 / sqrt(runs), is left to chance.

    At 1 % it takes thousands: `bench.analyst` measures that.
    """
    found = analyst.requests_to_rollback(share, 0, runs)
    assert 1.0 < found["ratio"] <= most * (1 + 1 / runs**0.5)


@pytest.mark.parametrize(
    ("share", "hours", "runs", "most"),
    [(1.0, 0, 400, 2.5), (1.0, 1, 400, 8), (0.2, 1, 200, 60), (1.0, 24, 200, 10), (0.2, 24, 100, 75)],
)
def test_health_is_no_credit_for_what_comes_after(share, hours, runs, most):
    found = analyst.requests_to_rollback(share, hours, runs)
    assert found["mean"] <= most
    assert hours or found["median"] == 2


@pytest.mark.parametrize(("hours", "runs", "most"), [(0, 60, 3), (1, 60, 8), (24, 15, 10)])
def test_the_judge_needs_no_more_than_that(hours, runs, most):
    """A candidate that dies: healthy minutes as they are folded, then second by second, about one candidate request in each."""
    rng, needed = np.random.default_rng(121), []
    for _ in range(runs):
        minutes = traffic.drawn(rng, traffic.Minute(0.05, traffic.BASE, traffic.BASE, 6_000), (hours * HOUR, 1))[:, 0]
        seconds = traffic.drawn(rng, traffic.Minute(0.05, 1.0, traffic.BASE, 20), (60, 1))[:, 0]
        rows = traffic.folded(minutes) + traffic.folded(seconds, first=hours * 3_600, span=1)

        def see(now, rows=rows):
            return sums.Inputs(rows[: hours * HOUR + now], traffic.START + hours * 3_600 + now)

        found = traffic.verdicts_at(range(1, 61), see)
        assert found[-1].result is verdicts.Result.FAIL
        needed.append(seconds[: len(found), [0, 2]].sum())
    assert np.mean(needed) <= most + 0.5, "half a request on average is drawn in the same second"


def test_a_break_that_begins_with_the_next_stage_is_no_debt_either():
    """Three hours at 5 %, then 25 % of traffic and a fifth of it failing: the judge's segments, guesses and epochs together."""
    rng, needed = np.random.default_rng(122), []
    for _ in range(20):
        minutes = traffic.drawn(rng, traffic.Minute(0.05, traffic.BASE, traffic.BASE, 6_000), (3 * HOUR, 1))[:, 0]
        seconds = traffic.drawn(rng, traffic.Minute(0.25, 0.2, traffic.BASE, 20), (60, 1))[:, 0]
        rows = traffic.folded(minutes) + traffic.folded(seconds, 2_500, 3 * 3_600, 1, generation=5)
        at = next(
            now
            for now in range(1, 61)
            if judge.judge(
                traffic.release(stage=1), sums.Inputs(rows[: 3 * HOUR + now], traffic.START + 3 * 3_600 + now), 0.0
            ).result
            is verdicts.Result.FAIL
        )
        needed.append(seconds[:at, [0, 2]].sum())
    assert np.mean(needed) <= 5 * 19, "19 is the bound for a test that knows when the break came"


def test_a_model_that_dies_after_its_promotion_shows_by_the_one_percent_that_stayed():
    """At a weight of 99 % a failure says little of the arm, and each good answer of stable's much.

    The bound is 83 requests of both arms, for who knows that it is dead; the largest odds bet on are 400 times stable's, which
    are fewer.
    """
    rng, runs = np.random.default_rng(123), 400
    book = bets.worse(np.array([0.99]), np.array([traffic.BASE]))
    counts = traffic.drawn(rng, traffic.Minute(0.99, 1.0, traffic.BASE, 1), (runs, 1_200))
    grown = np.cumsum(counts @ book.factors[0].T, axis=1)
    passed = betting.Bettors(runs, book).log_e(grown) >= -np.log(traffic.ALPHA)
    assert passed.any(axis=1).all()
    assert 83 < np.mean(passed.argmax(axis=1) + 1) < 5 * 83
