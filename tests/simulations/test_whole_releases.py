"""Releases from their first request to their last: traffic as the machine asks for it, judged every ten seconds.

What the judge says goes to the machine, what the machine asks for is the traffic of the next ten seconds, and so on, through all
stages of a canary.
"""

from typing import NamedTuple

import msgspec
import numpy as np
import pytest

from tests.simulations import traffic
from tidegate.core.decide import judge, machine, strategies, upkeep
from tidegate.core.vocabulary import arms, decisions, releases, sums, verdicts
from tidegate.core.vocabulary.decisions import Event, Kind
from tidegate.core.vocabulary.phases import Phase

LOOK, RATE = 10, 100
"""Seconds between two looks, requests a second."""
BEFORE = {Phase.QUEUED: Kind.TICK, Phase.CHECKING: Kind.CHECKS_PASSED, Phase.WARMING: Kind.WORKERS_READY}
PLAN = strategies.Plan()


class Look(NamedTuple):
    """One event at its time, and the release before and after it."""

    now: float
    before: releases.Release
    event: Event
    after: releases.Release


def played(rng, shares, plan=PLAN, **policy) -> list[Look]:
    """A canary whose arms fail (candidate, stable) `shares` of their requests, until it is in probation, paused or back."""
    of = msgspec.structs.replace(
        traffic.release(**policy),
        stages=strategies.compose(("canary",), plan),
        phase=Phase.QUEUED,
        phase_since=float(traffic.START),
    )
    now, generation, route, rows, found = traffic.START, 1, None, [], []
    while of.phase not in (Phase.PROBATION, Phase.PAUSED, Phase.ROLLED_BACK) and len(found) < 1_500:
        event = Event(BEFORE.get(of.phase, Kind.ROUTES_SEEN))
        if of.phase is Phase.RUNNING and of.stage_since:
            verdict = judge.judge(of, sums.Inputs(tuple(rows), now), float(now))
            closed = sum(one.candidate.closed for one in rows if one.tick >= of.stage_since)
            event = Event(Kind.JUDGED, verdict=verdict, rate=RATE * route[0] / arms.BUCKETS, stage_requests=closed)
        decision = machine.advance(of, event, float(now))
        found.append(Look(now, of, event, decision.release))
        of = decision.release
        asked = upkeep.routes(of)
        if asked is not None and route != (asked.weight, asked.evidence):
            generation, route = generation + 1, (asked.weight, asked.evidence)
        if route is not None:
            minute = traffic.Minute(route[0] / arms.BUCKETS, *shares, LOOK * RATE)
            [row] = traffic.folded(traffic.drawn(rng, minute, (1, 1))[0], route[0], now - traffic.START, LOOK, generation)
            rows.append(msgspec.structs.replace(row, evidence=route[1]))
        now += LOOK
    return found


def stages_of(found: list[Look]) -> list[tuple[int, float]]:
    """(stage, seconds from its routes seen to its end) of each stage that was left for the next."""
    left = [each for each in found if each.before.phase is Phase.RUNNING and each.after.stage > each.before.stage]
    return [(each.before.stage, each.now - each.before.stage_since) for each in left]


@pytest.fixture(scope="module")
def equal():
    """Ten releases that change nothing, in which both arms fail 5 %, with a bound of 100 requests on their harm."""
    rng = np.random.default_rng(181)
    return [played(rng, (0.05, 0.05), baseline_errors=0.05, error_margin=0.02, harm_budget=100) for _ in range(10)]


def test_a_release_that_changes_nothing_gets_through(equal):
    ends = [found[-1].after.phase for found in equal]
    assert traffic.at_least(len(ends) - ends.count(Phase.PROBATION), len(ends)) <= traffic.ALPHA
    assert ends.count(Phase.PROBATION) >= 9


def test_failures_that_stable_would_have_had_as_well_spend_no_harm_budget(equal):
    """All of them fail more requests than the budget has; what they fail beyond stable is a small part of it."""
    harms = [[each.event.verdict.harm for each in found if each.event.verdict] for found in equal]
    assert all(harm[-1].failed > 100 for harm in harms)
    assert max(each.excess for harm in harms for each in harm) < 50


def test_stages_are_left_one_by_one_after_their_time(equal):
    for found in equal:
        stages = found[0].after.stages
        assert [stage for stage, _ in stages_of(found)] == list(range(found[-1].after.stage))
        assert all(seconds >= stages[stage].min_seconds for stage, seconds in stages_of(found))
        assert all(each.after.stage - each.before.stage <= 1 for each in found)


def test_a_proof_that_comes_at_the_first_look_lets_no_stage_be_jumped_over():
    """A margin so wide that every stage is proven within a look: each has its time, its requests and a proof of its own."""
    for seed in range(8):
        found = played(np.random.default_rng(seed), (0.0, 0.0), error_margin=0.3)
        stages = found[0].after.stages
        assert found[-1].after.phase is Phase.PROBATION
        assert [stage for stage, _ in stages_of(found)] == list(range(len(stages) - 1))
        before = 0
        for each in found:
            if each.after.stage > each.before.stage:
                stage = stages[each.before.stage]
                assert each.now - each.before.stage_since >= stage.min_seconds
                assert each.event.stage_requests >= stage.min_requests
                proof = traffic.evidence(each.event.verdict, "errors.no_worse")
                drawn = each.event.verdict.harm.candidate_requests
                assert proof.log_e >= proof.threshold
                assert proof.candidate[1] == drawn - before, "from its own requests alone"
                before = drawn


def test_a_candidate_that_fails_goes_back_with_little_harm():
    """A fifth of its requests fail: at 1 % of traffic it costs a few of them, whatever the chance."""
    rng, harmed = np.random.default_rng(182), []
    for _ in range(30):
        found = played(rng, (0.2, 0.005))
        assert found[-1].after.phase is Phase.ROLLED_BACK
        last = next(each.event.verdict for each in reversed(found) if each.event.verdict)
        assert (last.result, last.culprit) == (verdicts.Result.FAIL, "errors")
        assert 0 < last.harm.excess < last.harm.failed
        harmed.append(last.harm.failed)
        assert not stages_of(found), "it is found before the first stage is over"
    assert np.mean(harmed) < 15


def test_a_candidate_that_is_worse_than_the_margin_is_not_promoted_by_proof():
    """3 % against 1 %, with a margin of 1 %: the harm is found before chance could let a stage pass."""
    rng, ends = np.random.default_rng(183), []
    for _ in range(15):
        found = played(rng, (0.03, 0.01), plan=strategies.Plan(strategies.Ramp(weights=(500, 2_500))))
        ends.append(found[-1].after.phase)
    assert ends.count(Phase.ROLLED_BACK) == len(ends)


def test_a_crash_loop_goes_back_without_statistics():
    found = played(np.random.default_rng(184), (0.0, 0.0))
    for each in found:
        if each.before.phase is Phase.RUNNING:
            gone = machine.advance(each.before, Event(Kind.WORKERS_FAILED, reason="it died three times"), each.now)
            assert gone.release.phase is Phase.ROLLING_BACK
            assert any(isinstance(effect, decisions.SetRoutes) and effect.candidate is None for effect in gone.effects)
