"""Stable is kept time and spared floods: its p99, the reserve for it, and the budget of rescues."""

import random

import pytest

from tidegate.dataplane.gateway import guard, limits


def test_the_p99_is_that_of_recent_answers_within_a_bucket():
    chance = random.Random(3)
    recent = guard.Recent(0.0)
    seconds = sorted(chance.expovariate(100) for _ in range(5_000))
    for one in seconds:
        recent.add(one)
    recent.look(1.0)
    true = seconds[int(0.99 * len(seconds))]
    assert true * 0.95 <= recent.p99 <= true * 1.35


def test_a_p99_is_unknown_until_enough_was_answered_and_then_forgets_what_is_old():
    recent = guard.Recent(0.0)
    for _ in range(guard.LEAST - 1):
        recent.add(0.5)
    recent.look(0.1)
    assert recent.p99 == 0.0
    recent.add(0.5)
    recent.look(5.0)
    assert recent.p99 >= 0.5
    for now in (10.0, 15.0):
        for _ in range(1_000):
            recent.add(0.001)
        recent.look(now)
    recent.look(15.1)
    assert recent.p99 < 0.01


def test_the_candidate_keeps_at_least_half_of_the_time():
    assert guard.Guard.reserve(0.01, 2.0) == pytest.approx(0.02)
    assert guard.Guard.reserve(5.0, 2.0) == pytest.approx(1.0)
    assert guard.Guard.reserve(0.0, 2.0) == pytest.approx(0.4)


def test_rescues_are_a_share_of_stables_traffic():
    budget = limits.Budget(0.0)
    granted = 0
    for second in range(1, 61):
        budget.drawn += 1_000
        granted += sum(budget.spend(0.5, float(second)) for _ in range(1_000))
    assert 60 * 500 <= granted <= 60 * (500 + budget.FLOOR) + budget.BURST + 500


def test_a_few_rescues_are_granted_without_any_stable_traffic():
    budget = limits.Budget(0.0)
    assert sum(budget.spend(0.5, 0.0) for _ in range(500)) == budget.BURST
    assert sum(budget.spend(0.5, 2.0) for _ in range(500)) == 2 * budget.FLOOR


def test_limits_are_set_by_labels_and_unknown_ones_are_refused():
    assert limits.service({"limits.head_seconds": "0.5", "limits.connections": "7", "release": "x"}) == limits.Service(
        head_seconds=0.5, connections=7
    )
    with pytest.raises(ValueError, match="no limit colour"):
        limits.service({"limits.colour": "1"})
