"""Whether a candidate's times are larger: fair bets, laws learned before they are bet on, quantiles on the scale of time."""

import math

import numpy as np
import pytest

from tidegate.core.stats import bets, larger, tally
from tidegate.core.vocabulary import marks, sums

START = 1_700_000_040
FOREVER = START + 10**6
BUCKETS = marks.LATENCY_BUCKETS


def arm(times, failed=0, pending=0):
    """An arm whose good answers took `times`, {bucket: requests}."""
    found, latency = [0] * marks.SLOTS, [0] * BUCKETS
    for bucket, count in times.items():
        latency[bucket] += count
    found[marks.Mark.OK], found[marks.Mark.ERROR] = sum(latency), failed
    return sums.Counts(sum(found) + pending, tuple(found), tuple(latency))


def row(minute, candidate, stable, second=0, weight=500, evidence=True, span=60):
    return sums.Sum(4, weight, evidence, START + 60 * minute + second, span, stable, candidate)


def compared(rows, closed=FOREVER, least=0, **more):
    return larger.Larger(tally.Counters(rows).times(), closed, marks.LATENCY_RATIO, least, **more)


STABLE = {29: 120, 30: 400, 31: 300, 32: 120, 33: 40, 36: 10}
SLOWER = {bucket + 1: count // 20 for bucket, count in STABLE.items()}
ALIKE = {bucket: count // 20 for bucket, count in STABLE.items()}


def worse(rows, **more):
    return max(compared(rows, **more).worse)


@pytest.mark.parametrize("rho", [0.01, 0.05, 0.5])
@pytest.mark.parametrize("failing", [0.0001, 0.05, 0.6])
def test_every_bet_is_fair_where_nothing_changed_and_gains_nothing_from_a_faster_candidate(rho, failing):
    rng = np.random.default_rng(3)
    law = rng.dirichlet(np.full(40, 0.3)) + 1e-6
    law = np.append(law * (1 - failing) / law.sum(), failing)
    factors = np.exp(bets.larger(np.array([rho]), bets.moved(rho, law.tobytes(), marks.LATENCY_RATIO))[0])
    candidate, stable = factors[:, : len(law)], factors[:, len(law) :]
    assert (rho * candidate + (1 - rho) * stable) == pytest.approx(np.ones_like(candidate)), "a coin is fair given the value"
    assert (np.diff(candidate, axis=1) >= -1e-12).all(), "the larger, the more"
    valued = law[:-1] / law[:-1].sum()
    assert candidate[:, :-1] @ valued == pytest.approx(np.ones(len(bets.MOVES))), "and a value is worth 1 in each arm by itself"
    assert stable[:, :-1] @ valued == pytest.approx(np.ones(len(bets.MOVES)))
    faster = np.append(law[1:], 0.0)
    faster[0] += law[0]
    mean = rho * candidate @ faster + (1 - rho) * stable @ law
    assert (mean <= 1 + 1e-12).all()


def test_a_slower_candidate_is_told_from_the_second_minute_on_and_an_equal_one_is_not():
    first = row(0, arm(ALIKE), arm(STABLE))
    assert worse([first]) == 0.0, "nothing is known of stable yet"
    assert worse([row(0, arm(SLOWER), arm(STABLE))]) == 0.0
    assert worse([first, row(1, arm(ALIKE), arm(STABLE))]) < 0
    assert worse([first, row(1, arm(SLOWER), arm(STABLE))]) > math.log(1e6)
    faster = {bucket - 1: count for bucket, count in ALIKE.items()}
    assert worse([first, row(1, arm(faster), arm(STABLE))]) < 0


def test_a_few_requests_that_take_very_long_are_enough():
    tail = {**ALIKE, 44: 4}
    assert worse([row(0, arm(ALIKE), arm(STABLE)), row(1, arm(tail), arm(STABLE))]) > math.log(1000)


def test_requests_that_fail_are_as_slow_as_can_be():
    """A candidate that answers only what is easy is not fast."""
    first, easy = row(0, arm(ALIKE), arm(STABLE, failed=5)), {29: 6, 30: 20}
    assert worse([first, row(1, arm(easy, failed=24), arm(STABLE, failed=5))]) > math.log(1000)


def test_a_law_is_what_stable_did_before_its_block_and_no_later_request_changes_it():
    rows = [row(minute, arm(ALIKE), arm(STABLE)) for minute in range(70)]
    known = compared(rows).laws
    assert [int(at) - START // 60 for at in known.minute] == [1, 2, 4, 8, 16, 32, 60]
    later = compared([*rows, row(70, arm(ALIKE), arm({40: 10_000}))]).laws
    assert (later.law[: len(known.law)] == known.law).all()
    assert known.law.sum(axis=1) == pytest.approx(np.ones(7))
    assert (known.law > 0).all()
    slower = [row(minute, arm(ALIKE), arm({40: 1_000})) for minute in range(-60, 0)]
    assert compared([*slower, *rows]).laws.quantile(-1, 0.5) < 33, "an hour ago is forgotten"


def test_too_few_of_stables_requests_teach_nothing():
    few = {30: larger.FEWEST // 2}
    rows = [row(minute, arm({40: 5}), arm(few)) for minute in range(4)]
    assert compared(rows[:2]).evidence.sum() == 0
    assert compared(rows).evidence.sum() == 2, "enough once two minutes are over, in the block of the second and third"


def test_up_to_the_least_size_nobody_is_slower():
    rows = [row(0, arm(ALIKE), arm(STABLE)), row(1, arm(SLOWER), arm(STABLE))]
    assert worse(rows, least=40) < 0.02
    assert worse(rows, least=20) == pytest.approx(worse(rows), abs=1e-3), "what is merged was empty"


def test_beyond_half_of_the_traffic_times_are_no_evidence():
    """The candidate's workers are then the busier ones."""
    rows = [row(minute, arm(STABLE), arm(STABLE), weight=5_001) for minute in range(3)]
    assert not compared(rows).evidence.any()
    assert compared(rows, most_rho=0.6).evidence.any()


def test_what_is_pending_speaks_least():
    """Whatever becomes of it, the e-value of all that arrived is at least the bound."""
    first, waiting = row(0, arm(ALIKE), arm(STABLE)), row(1, arm(SLOWER, pending=4), arm(STABLE, pending=30), span=1)
    bound = compared([first, waiting], closed=START + 60).worse[1]
    rng = np.random.default_rng(8)
    for _ in range(40):
        ends = [
            {int(bucket): 1 for bucket in rng.choice(50, 4, replace=False)},
            {int(bucket): 1 for bucket in rng.choice(50, 30)},
        ]
        told = []
        for known, late, count in zip((SLOWER, STABLE), ends, (4, 30), strict=True):
            both = {bucket: known.get(bucket, 0) + late.get(bucket, 0) for bucket in known.keys() | late.keys()}
            told.append(arm(both, failed=count - sum(late.values())))
        assert worse([first, row(1, *told, span=1)]) >= bound - 1e-9


def test_while_a_law_may_still_change_the_open_tail_stops_before_its_block():
    first = row(0, arm(ALIKE), arm(STABLE, pending=1), second=59, span=1)
    second = row(1, arm(SLOWER), arm(STABLE), span=1)
    assert compared([first, second], closed=START + 59).worse == (0.0, 0.0)
    assert compared([first, second], closed=START + 60).worse[1] > 0


def test_no_slower_is_proven_on_the_scale_of_time():
    """One bucket is 30 %: a candidate that is 20 % slower is within it, one that is 60 % slower never is."""
    rng = np.random.default_rng(5)

    def sample(count, times=1.0):
        found = {}
        for time in np.exp(rng.normal(math.log(30_000), 0.3, count)) * times:
            bucket = marks.latency_bucket(time)
            found[bucket] = found.get(bucket, 0) + 1
        return found

    def proven(times):
        rows = [row(minute, arm(sample(1_500, times)), arm(sample(4_500)), weight=2_500) for minute in range(5)]
        found = compared(rows)
        return found.no_worse(0.9, found.steps(0.3), np.ones(5, np.bool_)).log_e

    assert proven(1.0) > math.log(20)
    assert proven(1.15) > math.log(20)
    assert proven(1.6) < 0
    assert proven(3.0) < proven(1.6)


ALONE = [(0.2, 0.95), (0.95, 0.2), (0.9, 0.9)]
"""How often (candidate, stable) requests are alone in their call."""


def loaded(rng, alone, minutes, times=1.0, rho=0.25, requests=3_000):
    """Minutes of arms whose calls are batches more or less often: only times of requests that were alone are counted."""
    rows = []
    for minute in range(minutes):
        drawn = rng.binomial(requests, rho)
        both = []
        for count, part, factor in ((drawn, alone[0], times), (requests - drawn, alone[1], 1.0)):
            buckets = [
                marks.latency_bucket(one) for one in np.exp(rng.normal(math.log(30_000), 0.3, rng.binomial(count, part))) * factor
            ]
            found = arm({bucket: buckets.count(bucket) for bucket in set(buckets)})
            both.append(sums.Counts(count, (count, *found.marks[1:]), found.latency))
        rows.append(row(minute, *both, weight=round(10_000 * rho)))
    return rows


@pytest.mark.parametrize("alone", ALONE)
def test_that_one_arms_calls_are_batches_more_often_is_no_slower_candidate(alone):
    """Which requests bring a time depends on the load, and the load on the arm: equal versions are not told apart by it."""
    rng = np.random.default_rng(17)
    for _ in range(4):
        rows = loaded(rng, alone, 12)
        assert worse(rows) < math.log(20)
        assert compared(rows).uneven == (alone[0] != alone[1])
    assert worse(loaded(rng, alone, 8, times=1.5)) > math.log(1000), "and a slower one still is"


@pytest.mark.parametrize("alone", ALONE)
def test_the_proof_in_time_goes_by_the_requests_that_have_one(alone):
    """An equal candidate is proven however its calls are batched, and one beyond the margin is not."""
    rng = np.random.default_rng(18)

    def proven(times):
        rows = loaded(rng, alone, 8, times)
        return compared(rows).no_worse(0.9, 1, np.ones(8, np.bool_)).log_e

    assert proven(1.0) > math.log(20)
    assert max(proven(1.45) for _ in range(3)) < math.log(20)


def test_nobody_below_the_least_size_is_too_slow():
    slow, rows = {25: 50}, [row(0, arm({20: 50}), arm({20: 1_000}), weight=2_500)]
    rows += [row(minute, arm(slow), arm({20: 150}), weight=2_500) for minute in range(1, 4)]
    everything = np.ones(len(rows), np.bool_)
    assert compared(rows).no_worse(0.9, 1, everything).log_e < 0
    assert compared(rows, least=26).no_worse(0.9, 1, everything).log_e > math.log(20)


def test_shares_beyond_a_quantile_of_stable_are_shown():
    rows = [row(minute, arm(SLOWER), arm(STABLE)) for minute in range(3)]
    found = compared(rows)
    (bad1, all1), (bad0, all0) = found.beyond(0.9).tolist()
    assert found.threshold(0.9) == 32
    assert (bad0, all0) == (2 * 50, 2 * 990), "those above the bucket in which stable's quantile lies"
    assert (bad1, all1) == (2 * (6 + 2 + 0), 2 * sum(SLOWER.values()))
    low, high = found.interval(0.9)
    assert low < (bad1 / all1) / (bad0 / all0) < high
