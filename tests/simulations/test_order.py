"""Requests count in the order in which they arrive: who answers slowly, or fails slowly, is not judged by what came back first.

Each case is looked at by the real judge, and once more as one would who counts a request when it has ended.
"""

import dataclasses

import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge, record
from tidegate.core.stats import comparison, tally
from tidegate.core.vocabulary import marks

RUNS, LOOKS, JUDGED = 200, range(4, 63, 10), traffic.release(baseline_errors=0.05)


def slow_start(rng):
    """For its first half minute the candidate's good answers take eight seconds; whatever fails, fails at once. 5 % do."""
    found = traffic.requests(rng, ((500, 60),), lambda arrival, _: np.full(arrival.size, 0.05))
    cold = found.candidate & (found.mark == marks.Mark.OK) & (found.arrival < 30)
    return dataclasses.replace(found, end=found.arrival + np.where(cold, 8.0, 0.05))


def incident(rng):
    """A shared incident in which half of all requests fail: the candidate's at once, stable's as timeouts after ten seconds."""
    found = traffic.requests(rng, ((500, 60),), lambda arrival, _: np.where(arrival > 20, 0.5, traffic.BASE))
    late = ~found.candidate & (found.mark != marks.Mark.OK)
    return dataclasses.replace(found, end=found.arrival + np.where(late, 10.0, 0.05))


@pytest.mark.parametrize("case", [slow_start, incident], ids=lambda case: case.__name__)
def test_in_the_order_of_arrival_none_of_two_hundred_is_sent_back_for_its_order(case):
    """The few that chance alone sends back would have been with every answer at once."""
    rng, lost = np.random.default_rng(111), 0
    for _ in range(RUNS):
        found = case(rng)
        if traffic.fails(LOOKS, found.seen, JUDGED):
            lost += 1
            assert traffic.fails(range(1, 63), dataclasses.replace(found, end=found.arrival).seen, JUDGED)
    assert traffic.at_least(lost, RUNS) <= traffic.ALPHA


@pytest.mark.parametrize(("case", "share"), [(slow_start, 0.1), (incident, 0.8)], ids=["slow_start", "incident"])
def test_in_the_order_of_completion_many_would_be(case, share):
    """By the same bets: only the order is another."""
    rng, runs = np.random.default_rng(112), 60

    def sent_back(of):
        for now in LOOKS:
            given = of.seen_by_completion(now)
            if comparison.Comparison(tally.Counters(given.sums).marked(), given.closed_before, 0.05).worse[0] >= -np.log(
                traffic.ALPHA
            ):
                return True
        return False

    lost = sum(sent_back(case(rng)) for _ in range(runs))
    assert traffic.at_least(lost, runs) > share


def test_a_candidate_that_hangs_is_sent_back_when_its_requests_are_at_their_deadline():
    """It answers nothing: pending speaks for it for as long as a client waits, and not longer."""
    rng = np.random.default_rng(113)
    for _ in range(20):
        found = traffic.requests(rng, ((500, 30),), lambda arrival, candidate: candidate)
        hung = dataclasses.replace(
            found,
            end=found.arrival + np.where(found.candidate, 5.0, 0.05),
            mark=np.where(found.candidate, int(marks.Mark.TIMEOUT), found.mark),
        )
        assert not traffic.fails(range(1, 5), hung.seen)
        assert traffic.fails(range(5, 12), hung.seen)


def test_the_live_verdict_is_the_one_computed_again_from_folded_minutes():
    """Every look at a day's beginning, answers pending: kept folded as the store keeps it, it says the same to the last bit."""
    rng, said = np.random.default_rng(114), set()
    for odds in (1, 3):
        found = traffic.requests(
            rng, ((500, 400), (2_500, 300)), lambda _, candidate, odds=odds: np.where(candidate, 0.01 * odds, 0.01), rate=30
        )
        slow = dataclasses.replace(found, end=found.arrival + rng.exponential(2.0, found.arrival.size))
        for now in range(50, 701, 50):
            of = traffic.release(stage=int(now > 400))
            given = slow.seen(now)
            live = judge.judge(of, given, traffic.START + float(now))
            kept = record.of(of, given, traffic.START + float(now))
            assert record.again(kept) == live
            assert now < 100 or len(kept.inputs.sums) < len(given.sums)
            said.add(live.result)
    assert len(said) >= 3
