"""A release walked by the real machine and judge over redrawn traffic."""

import numpy as np
import pytest

from tests.unit import redrawn_fixtures as given
from tidegate.control.batch import calibrating
from tidegate.core.decide import redrawn, strategies
from tidegate.core.stats import thinning
from tidegate.core.vocabulary import arms, releases, sums
from tidegate.core.vocabulary.phases import Phase

TRAFFIC = given.traffic()
QUICK = strategies.Plan(strategies.Ramp(weights=(500, 5_000), seconds=20.0, at_most=120.0))
DEAD = thinning.Fault(errors=1.0)


def course(*way, seed=1, traffic=TRAFFIC, fault=thinning.SOUND, **more):
    made = redrawn.Course(
        calibrating.drafted(given.settings(*way, **more), given.STABLE), traffic, np.random.default_rng(seed), given.BEGIN + 30
    )
    made.spoil(fault)
    return made


def walked(found, seconds=3_000):
    while not found.is_over and found.now < found.begin + seconds and found.release.phase is not Phase.PROBATION:
        found.look(found.begin + seconds)
    return found


def test_a_candidate_that_is_no_worse_goes_through_every_stage_for_its_least_time_and_is_promoted():
    found = walked(course())
    assert found.release.phase is Phase.PROBATION
    assert [one.stage for one in found.reached] == [0, 1, 2, 3, 4]
    lasted = np.diff([one.at for one in found.reached])
    assert (lasted >= 60).all()
    assert lasted.sum() == found.now - found.begin < 2_400


def test_a_dead_candidate_is_back_within_a_few_requests():
    for seed in range(5):
        found = walked(course(seed=seed, fault=DEAD))
        assert found.release.phase is Phase.ROLLED_BACK
        assert found.verdict.culprit == "errors"
        assert found.requests == found.harmed <= 8
        assert found.now - found.begin <= 6


def test_the_same_seed_is_the_same_release_and_another_is_another():
    one, again, other = (walked(course(seed=seed, fault=thinning.Fault(errors=0.02))) for seed in (3, 3, 4))
    assert (one.now, one.requests, one.harmed, one.release) == (again.now, again.requests, again.harmed, again.release)
    assert (one.now, one.requests) != (other.now, other.requests)


def test_a_fork_goes_on_by_itself_and_leaves_the_first_as_it_was():
    found = course()
    for _ in range(40):
        found.look(found.begin + 3_000)
    fork, untouched = found.fork(), found.fork()
    fork.spoil(DEAD)
    assert walked(fork).release.phase is Phase.ROLLED_BACK
    assert found.release.phase is Phase.RUNNING
    assert (walked(found).now, found.release) == (walked(untouched).now, untouched.release)


def test_what_the_judge_is_given_adds_up_to_the_traffic_with_times_and_bins_of_both_arms():
    found = course()
    while found.now < found.begin + 400:
        found.look(found.begin + 400)
    inputs = found.inputs
    whole = TRAFFIC.between(found.begin, found.now)
    both = sum((one.stable + one.candidate for one in inputs.sums), sums.Counts())
    assert both.marks == tuple(whole[thinning.MARKS])
    assert both.latency == tuple(whole[thinning.LATENCY])
    assert both.bins == tuple(whole[thinning.BINS])
    assert all(one.span <= 60 and one.tick // 60 == (one.tick + one.span - 1) // 60 for one in inputs.sums)
    assert len(inputs.sums) <= 400 / 60 + 2 + len(found.reached)
    assert inputs.closed_before == found.now


def test_a_fault_that_begins_later_is_counted_from_then_on():
    found = course(fault=thinning.SOUND)
    while found.now < found.begin + 100:
        found.look(found.begin + 100)
    found.spoil(DEAD)
    walked(found)
    assert found.release.phase is Phase.ROLLED_BACK
    assert (found.fault_at, found.requests) == (found.begin + 100, found.harmed)


def test_outcomes_are_evidence_once_they_are_as_old_as_their_label_age():
    more = {"plan": QUICK, "policy": releases.Policy(label_age=60.0, label_margin=0.1), "traffic": given.traffic(labelled=True)}
    sound = walked(course(**more))
    assert sound.release.phase is Phase.PROBATION
    assert sound.now - sound.begin > 60
    wrong = walked(course(fault=thinning.Fault(wrong=0.3), **more))
    assert (wrong.release.phase, wrong.verdict.culprit) == (Phase.ROLLED_BACK, "labels")
    assert wrong.now - wrong.begin > 60


def test_without_outcomes_in_the_log_a_stage_that_has_to_prove_them_does_not_end():
    found = walked(course(plan=QUICK, policy=releases.Policy(label_age=60.0)), 900)
    assert (found.release.phase, found.reached[-1].stage) == (Phase.RUNNING, 1)
    assert found.waiting.on == "requests"


@pytest.mark.parametrize(
    ("way", "promoted"),
    [(("blue-green",), 300), (("rolling",), 10), (("full",), 0)],
)
def test_other_strategies_walk_as_they_are(way, promoted):
    sound = walked(course(*way))
    assert sound.release.phase is Phase.PROBATION
    assert promoted <= sound.now - sound.begin <= promoted + 10
    dead = course(*way, fault=DEAD)
    while not dead.is_over and dead.now < dead.begin + 600:
        dead.look(dead.begin + 600)
    assert dead.release.phase is Phase.ROLLED_BACK


def test_stages_that_the_log_cannot_tell_of_are_passed_over():
    plan = strategies.Plan(cohort=True)
    release = calibrating.drafted(given.settings("shadow", "canary", plan=plan), given.STABLE)
    assert [one.name for one in release.stages] == ["1%", "5%", "25%", "50%"]
    tested = given.settings("canary", "ab", policy=releases.Policy(metric="right"))
    release = calibrating.drafted(tested, given.STABLE)
    assert [one.weight for one in release.stages] == [100, 500, 2_500, 5_000]
    assert release.probation is None


def test_a_pause_is_a_persons_affair_and_ends_the_walk():
    found = walked(course(traffic=given.traffic(rate=1)), 5_000)
    assert found.release.phase is Phase.PAUSED
    assert "of 200 canary requests" in found.release.reason


def test_weights_are_those_of_the_stages():
    found = walked(course())
    weights = {one.weight: one.evidence for one in found.inputs.sums}
    assert weights == dict.fromkeys((100, 500, 2_500, 5_000), True)
    found.look(found.now + 5)
    last = found.inputs.sums[-1]
    assert (last.weight, last.evidence) == (arms.BUCKETS - strategies.HOLDBACK, True)
