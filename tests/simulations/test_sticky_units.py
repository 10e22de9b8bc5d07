"""Under stickiness the unit is the key. Users who always fail are one event each, in whatever stage and at whichever gateway."""

import msgspec
import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge
from tidegate.core.stats import comparison, tally
from tidegate.core.vocabulary import arms, assignment, marks, sums, verdicts

USERS, FAILING, MINUTES = 20_000, 40, 300
"""0.2 % of the users fail with every request."""
RAMP = ((0, 500), (100, 2_500), (200, 5_000))
"""(minute, weight)."""


def activity(rng, users):
    """Requests a minute of each user, heavy-tailed: a few users make most of the traffic."""
    drawn = rng.pareto(1.2, users) + 0.05
    return 6_000 * drawn / drawn.sum()


def per_request(rng, runs):
    """(rho, counts (R, 1, 4)) a minute, of equal arms: what is seen by who counts each request of a user for itself."""
    rates = np.stack([activity(rng, USERS) for _ in range(runs)])
    candidate = rng.random((runs, USERS)) < 0.05
    failing = np.arange(USERS) < FAILING
    each = [(rates * (candidate == ours) * (failing == bad)).sum(axis=1) for bad in (True, False) for ours in (True, False)]
    for _ in range(MINUTES):
        yield 0.05, np.stack([rng.poisson(rate) for rate in each], axis=1)[:, None, :]


def first_failures(rng, ours=1):
    """The first bad request of each key that has one, over a ramp. As candidate `ours` times as many users fail."""
    users = FAILING * ours
    place, found = rng.random(users) * arms.BUCKETS, []
    at = rng.exponential(1 / activity(rng, USERS)[:users])
    for number in np.argsort(at).tolist():
        if at[number] >= MINUTES:
            break
        weight = next(weight for begins, weight in reversed(RAMP) if at[number] >= begins)
        arm = arms.Arm.CANDIDATE if place[number] < weight else arms.Arm.STABLE
        if arm is arms.Arm.CANDIDATE or number < FAILING:
            found.append(event(number, arm, int(60 * at[number]), weight))
    return found


def event(number, arm, second, weight=500):
    key = assignment.digest(number.to_bytes(4, "big"))
    return sums.KeyEvent("r1", 4 + weight, weight, True, traffic.START + second, int(arm), int(marks.Mark.ERROR), key)


def sent_back(events):
    """Whether the keys so far are ever evidence enough, at one of eight looks."""
    for share in np.linspace(0.125, 1, 8):
        so_far = tally.of_keys(events[: int(np.ceil(share * len(events)))])
        if comparison.Comparison(so_far, traffic.START + 10**6, traffic.BASE).worse[0] >= -np.log(traffic.ALPHA):
            return True
    return False


def test_requests_of_users_who_always_fail_would_send_equal_candidates_back():
    runs = 300
    lost = traffic.found_worse(runs, per_request(np.random.default_rng(151), runs)).sum()
    assert traffic.at_least(lost, runs) > 5 * traffic.ALPHA


def test_their_keys_send_none_back_through_a_ramp():
    rng, runs = np.random.default_rng(152), 400
    lost = sum(sent_back(first_failures(rng)) for _ in range(runs))
    assert traffic.at_least(lost, runs) <= traffic.ALPHA


def test_the_keys_of_a_candidate_that_fails_for_ten_times_as_many_users_do():
    rng, runs = np.random.default_rng(153), 100
    assert np.mean([sent_back(first_failures(rng, ours=10)) for _ in range(runs)]) >= 0.95


@pytest.mark.parametrize("gateways", [1, 3])
def test_one_key_at_three_gateways_is_one_event(gateways):
    """Each tells the key's first bad request that it has seen: in any order, the verdict is that of one gateway."""
    rng = np.random.default_rng(154)
    of = msgspec.structs.replace(traffic.release(), sticky=assignment.Sticky("header", "x-user"))
    for _ in range(20):
        first = first_failures(rng)
        late = [
            msgspec.structs.replace(one, tick=one.tick + int(rng.integers(0, 900))) for one in first for _ in range(gateways - 1)
        ]
        told = [*first, *late]
        rng.shuffle(told)
        rows = traffic.folded(traffic.drawn(rng, traffic.Minute(0.05, 0.002, 0.002, 6_000), (MINUTES, 1))[:, 0])
        one, all_of_them = (
            judge.judge(of, sums.Inputs(rows, traffic.START + 10**6, keys=tuple(keys)), 0.0) for keys in (first, told)
        )
        assert one == all_of_them
        assert sum(traffic.evidence(one).candidate + traffic.evidence(one).stable) == 2 * len(first)
        assert one.result is not verdicts.Result.PASS, "keys that never failed are not counted, so nothing is proven no worse"
