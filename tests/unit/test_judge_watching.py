"""What the judge says of stages that are left on something else than the comparison of two arms."""

import msgspec
import pytest

from tidegate.core.decide import case, judge, strategies
from tidegate.core.vocabulary import arms, assignment, marks, releases, sums, verdicts
from tidegate.core.vocabulary.phases import Phase
from tidegate.core.vocabulary.verdicts import Result

START = 1_700_000_040


def version(ordinal: int) -> releases.Version:
    return releases.Version("flights", ordinal, f"digest{ordinal}", "model", "mlflow://flights/1")


def release(way: str, stage: int = 0, **more: object) -> releases.Release:
    stages = strategies.compose((way,), strategies.Plan())
    made = releases.Release("r1", "production", "flights", version(2), version(1), way, stages, releases.Policy(), b"s", START)
    return msgspec.structs.replace(made, **{"phase": Phase.RUNNING, "stage": stage, **more})


def arm(ok: int = 0, bad: int = 0, invalid: int = 0) -> sums.Counts:
    found = [0] * marks.SLOTS
    found[marks.Mark.OK], found[marks.Mark.ERROR], found[marks.Mark.INVALID] = ok, bad, invalid
    return sums.Counts(opened=sum(found), marks=tuple(found))


def look(of: releases.Release, **given: object) -> verdicts.Verdict:
    return judge.judge(of, sums.Inputs(closed_before=START + 10_000, **given), START + 10_000.0)


@pytest.mark.parametrize(
    ("smoke", "result", "words"),
    [
        (None, Result.UNSURE, "has not been asked anything yet"),
        (sums.Smoke(7, 7), Result.UNSURE, "has answered 7 of 20"),
        (sums.Smoke(20, 20), Result.PASS, "answered all 20"),
        (
            sums.Smoke(3, 2, "503 worker-unavailable"),
            Result.FAIL,
            "answered 2 of 3 smoke requests well; of the others the first: 503",
        ),
    ],
)
def test_smoke_requests_have_to_be_answered_all(smoke: sums.Smoke | None, result: Result, words: str):
    found = look(release("blue-green"), smoke=smoke)
    assert (found.result, words in found.sentence) == (result, True)


@pytest.mark.parametrize(
    ("pairs", "differ", "result"),
    [(0, 0, Result.UNSURE), (200, 0, Result.UNSURE), (2_000, 1, Result.PASS), (300, 40, Result.FAIL), (2_000, 20, Result.UNSURE)],
)
def test_pairs_agree_or_do_not_or_it_is_too_early_to_say(pairs: int, differ: int, result: Result):
    given = sums.Pairs((sums.PairSum("", pairs, differ), sums.PairSum("region=EU", pairs // 4, differ)))
    found = look(release("shadow"), pairs=given if pairs else None)
    assert found.result is result
    if differ > 1:
        assert "most where region=EU" in found.sentence
    if result is Result.UNSURE:
        assert found.needs != 0


@pytest.mark.parametrize(
    ("copy_only", "served_only", "phase", "result"),
    [
        (0, 0, Phase.RUNNING, Result.PASS),
        (30, 28, Phase.RUNNING, Result.PASS),
        (2, 40, Phase.RUNNING, Result.PASS),
        (18, 1, Phase.RUNNING, Result.FAIL),
        (1, 18, Phase.PROBATION, Result.FAIL),
        (18, 1, Phase.PROBATION, Result.PASS),
    ],
)
def test_outcomes_of_pairs_say_whose_answer_was_wrong(copy_only: int, served_only: int, phase: Phase, result: Result):
    told = sums.PairSum("", 5_000, 5, copy_only_wrong=copy_only, served_only_wrong=served_only)
    mirrored = release("shadow", phase=phase, probation=strategies.reverse_shadow(1_000))
    found = look(mirrored, pairs=sums.Pairs((told,)))
    assert found.result is result
    assert ("alone was wrong" in found.sentence) == (copy_only + served_only > 0)
    assert any(one.metric == "pairs.wrong" for one in found.evidence) == (copy_only + served_only > 0)


def test_a_level_is_not_that_of_the_cohort_that_came_before_it():
    cohort = sums.Sum(3, arms.BUCKETS, False, START, 1, arm(), arm(70, 30))
    before, rolled = sums.Sum(4, 1_000, True, START + 5, 1, arm(990, 1), arm(110)), release("blue-green", stage=1)
    bake = msgspec.structs.replace(rolled, stage_since=START + 10.0)
    now = sums.Sum(5, arms.BUCKETS, False, START + 12, 1, arm(), arm(500, 2))
    assert look(bake, sums=(cohort, before, now)).result is Result.UNSURE


def test_a_level_fails_on_what_stable_did_not_do_before_and_says_that_it_is_no_comparison():
    before = sums.Sum(3, 1_000, True, START, 1, arm(990, 1), arm(110))
    bake = release("blue-green", stage=1)
    well = look(bake, sums=(before, sums.Sum(4, arms.BUCKETS, False, START + 5, 1, arm(), arm(500, 2))))
    assert (well.result, "nothing is compared here" in well.sentence) == (Result.UNSURE, True)
    ill = look(bake, sums=(before, sums.Sum(4, arms.BUCKETS, False, START + 5, 1, arm(), arm(20, 6))))
    assert (ill.result, ill.culprit, "policy, not a comparison" in ill.sentence) == (Result.FAIL, "level", True)


def test_a_cohort_is_never_tested_but_what_fails_it_outright_goes_back():
    first = release("canary")
    stages = strategies.compose(("canary",), strategies.Plan(cohort=True))
    with_cohort = msgspec.structs.replace(first, stages=stages, cohort=assignment.Cohort(header="x-internal"))
    drawn = sums.Sum(4, 0, False, START, 1, arm(900, 1), arm())
    for counts, result in ((arm(30, 1), Result.UNSURE), (arm(2, 9), Result.FAIL)):
        found = look(with_cohort, sums=(drawn, sums.Sum(4, arms.BUCKETS, False, START, 1, arm(), counts)))
        assert found.result is result
        assert all(one.candidate[1] == 0 for one in found.evidence if one.group == "immediate")


def test_two_broken_contracts_of_a_candidate_whose_stable_has_none_fail_by_policy():
    row = sums.Sum(4, 500, True, START, 1, arm(7_600), arm(400, invalid=2))
    assert look(release("canary"), sums=(row,)).culprit == "guard"
    both = sums.Sum(4, 500, True, START, 1, arm(7_600, invalid=1), arm(400, invalid=2))
    assert look(release("canary"), sums=(both,)).culprit == ""
    lenient = release("canary", policy=releases.Policy(guard_breaks=0))
    assert look(lenient, sums=(row,)).result is Result.UNSURE


@pytest.mark.parametrize(("weight", "enough"), [(100, 2), (500, 2), (2_500, 4), (5_000, 7), (9_900, 459)])
def test_broken_contracts_are_enough_where_equal_arms_would_not_show_as_many(weight: int, enough: int):
    for broken, culprit in ((enough - 1, ""), (enough, "guard")):
        row = sums.Sum(4, weight, True, START, 1, arm(10), arm(10, invalid=broken))
        found = judge._broken_guard(case.make(release("canary"), sums.Inputs((row,)), 0.0))
        assert bool(found) == bool(culprit)


def test_of_a_chosen_group_two_broken_contracts_are_enough():
    chosen = sums.Sum(4, arms.BUCKETS, False, START, 1, arm(), arm(400, invalid=2))
    drawn = sums.Sum(4, 500, True, START, 1, arm(95), arm(5))
    group = (releases.Stage("cohort", 0, watch=releases.Watch.COHORT, cohort=True),)
    assert look(msgspec.structs.replace(release("canary"), stages=group), sums=(chosen, drawn)).culprit == "guard"
    assert look(release("canary"), sums=(chosen, drawn)).culprit == "", "at 100 % there is no stable that could show one"


def event(key: str, arm_: arms.Arm, tick: int, weight: int = 500) -> sums.KeyEvent:
    return sums.KeyEvent("r1", 4, weight, True, START + tick, int(arm_), int(marks.Mark.ERROR), key.encode())


def test_under_stickiness_a_key_counts_once_however_often_and_wherever_it_fails():
    sticky = release("canary", sticky=assignment.Sticky("header", "x-user"))
    rows = (sums.Sum(4, 500, True, START, 1, arm(95), arm(2, 60)),)
    heavy = [event("one user", arms.Arm.CANDIDATE, tick) for tick in range(60)]
    assert look(sticky, sums=rows, keys=tuple(heavy)).result is Result.UNSURE
    many = [event(f"user {n}", arms.Arm.CANDIDATE, n) for n in range(6)]
    found = look(sticky, sums=rows, keys=tuple(many))
    assert (found.result, found.culprit) == (Result.FAIL, "errors")
    assert look(sticky, sums=rows, keys=tuple(event(f"user {n}", arms.Arm.CANDIDATE, 20_000) for n in range(6))).result is (
        Result.UNSURE
    ), "arrivals that may still be pending somewhere are not looked at"
    healthy = tuple(event(f"user {n}", arms.Arm(n % 20 == 0), n) for n in range(200))
    assert look(sticky, sums=rows, keys=healthy).result is Result.UNSURE
