"""The release machine, step by step, with a clock that is an argument."""

import msgspec
import pytest

from tidegate.core.decide import machine, strategies, upkeep
from tidegate.core.vocabulary import decisions, errors, phases, releases, verdicts
from tidegate.core.vocabulary.decisions import Event, Kind
from tidegate.core.vocabulary.phases import Phase

V1 = releases.Version("flights", 1, "a" * 64, "a1", "mlflow://flights/1")
V2 = releases.Version("flights", 2, "b" * 64, "b2", "mlflow://flights/2")
STAGES = strategies.compose(
    ("canary",), strategies.Plan(strategies.Ramp(weights=(500, 5_000), seconds=30, at_most=300, requests=100))
)
RELEASE = releases.Release(
    id="r1",
    environment="production",
    endpoint="flights",
    candidate=V2,
    stable=V1,
    strategy="canary",
    stages=STAGES,
    policy=releases.Policy(),
    salt=b"salt",
    created_at=0.0,
)


def at(phase: Phase, **changes: object) -> releases.Release:
    given = {"phase_since": 1_000.0, "stage_since": 1_000.0, "reason": "why it is here"} | changes
    return msgspec.structs.replace(RELEASE, phase=phase, **given)


def judged(result: str, requests: int = 1_000, against: float = 0.0, **more: object) -> Event:
    evidence = (verdicts.Evidence("errors", "immediate", 1.0, against, 4.6),)
    verdict = verdicts.Verdict(verdicts.Result(result), f"the sentence of {result}.", evidence, needs=int(more.pop("needs", 0)))
    return Event(Kind.JUDGED, verdict=verdict, rate=float(more.pop("rate", 10.0)), stage_requests=requests)


def after(release: releases.Release, *told: Event | Kind, now: float = 1_060.0) -> decisions.Decision:
    for event in told:
        decision = machine.advance(release, event if isinstance(event, Event) else Event(event, actor="ada"), now)
        release = decision.release
    return decision


def kinds(decision: decisions.Decision) -> list[str]:
    return [type(effect).__name__ for effect in decision.effects]


def routes(decision: decisions.Decision) -> tuple[int, int, int] | None:
    """(stable ordinal, candidate ordinal or 0, weight) of the one SetRoutes."""
    found = [effect for effect in decision.effects if isinstance(effect, decisions.SetRoutes)]
    assert len(found) <= 1
    return (found[0].stable.ordinal, found[0].candidate.ordinal if found[0].candidate else 0, found[0].weight) if found else None


def test_every_pair_of_phase_and_event_has_its_line():
    assert set(machine.TRANSITIONS) == {(phase, kind) for phase in Phase for kind in Kind}


def test_only_what_a_person_or_another_release_asks_for_is_ever_refused():
    refused = {kind for (_, kind), move in machine.TRANSITIONS.items() if move.refusal}
    assert refused <= decisions.OPERATOR | {Kind.SUPERSEDED, Kind.MIGRATED}


def test_a_pair_without_a_line_names_both(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delitem(machine.TRANSITIONS, (Phase.RUNNING, Kind.TICK))
    with pytest.raises(errors.TransitionUnknown, match="tick while running"):
        machine.advance(at(Phase.RUNNING), Event(Kind.TICK), 0.0)


def test_a_refusal_says_why_and_where_to_look():
    with pytest.raises(errors.TransitionRefused) as raised:
        machine.advance(at(Phase.WARMING), Event(Kind.PAUSE), 0.0)
    assert "it has no traffic yet" in str(raised.value)
    assert "tidegate status flights" in raised.value.cure


def test_a_judged_event_without_a_verdict_is_a_fault():
    with pytest.raises(errors.TransitionUnknown):
        after(at(Phase.RUNNING), Kind.JUDGED)


def test_a_release_is_checked_then_warmed_then_exposed():
    checking = after(RELEASE, Kind.TICK)
    assert (checking.release.phase, kinds(checking)) == (Phase.CHECKING, ["EnsureWorkers", "StartJob"])
    warming = after(checking.release, Kind.CHECKS_PASSED)
    assert (warming.release.phase, kinds(warming)) == (Phase.WARMING, ["EnsureWorkers", "EnsureWorkers"])
    running = after(warming.release, Kind.WORKERS_READY)
    assert (running.release.phase, running.release.stage, running.release.stage_since) == (Phase.RUNNING, 0, 0.0)
    assert routes(running) == (1, 2, 500)
    started = after(running.release, Kind.ROUTES_SEEN, now=1_100.0)
    assert (started.release.stage_since, started.effects) == (1_100.0, ())
    assert after(started.release, Kind.ROUTES_SEEN, now=1_200.0).release == started.release


@pytest.mark.parametrize(
    ("phase", "event"),
    [
        (Phase.CHECKING, Event(Kind.CHECKS_FAILED, reason="digest differs")),
        (Phase.CHECKING, Event(Kind.WORKERS_FAILED, reason="digest differs")),
        (Phase.WARMING, Event(Kind.WORKERS_FAILED, reason="digest differs")),
    ],
)
def test_what_fails_before_traffic_holds_nothing_and_sets_no_routes(phase: Phase, event: Event):
    failed = after(at(phase), event)
    assert (failed.release.phase, failed.release.outcome, failed.reason) == (Phase.FAILED, "failed", "digest differs")
    assert kinds(failed) == ["Drain", "Retire", "Notify"]


def test_a_load_that_takes_too_long_fails():
    warming = at(Phase.WARMING, load_seconds=60.0)
    assert after(warming, Kind.TICK, now=1_059.0).release is warming
    assert after(warming, Kind.TICK, now=1_060.0).release.phase is Phase.FAILED


def test_a_first_release_skips_its_strategy_and_says_so():
    first = after(at(Phase.WARMING, stable=None), Kind.WORKERS_READY)
    assert first.release.phase is Phase.PROMOTING
    assert "no stable to compare with, so canary is skipped" in first.reason
    assert routes(first) == (2, 0, 0)
    assert after(first.release, Kind.ROUTES_SEEN).release.outcome == "succeeded"


def test_a_full_release_goes_straight_to_100_percent_with_the_version_before_kept_warm():
    full = after(at(Phase.WARMING, strategy="full", stages=()), Kind.WORKERS_READY)
    assert (full.release.phase, routes(full)) == (Phase.PROMOTING, (2, 0, 0))
    probation = after(full.release, Kind.ROUTES_SEEN)
    assert probation.release.phase is Phase.PROBATION
    assert [effect.version.ordinal for effect in probation.effects if isinstance(effect, decisions.EnsureWorkers)] == [1, 2]


@pytest.mark.parametrize(
    ("event", "seconds", "stage", "phase"),
    [
        (judged("pass"), 29, 0, Phase.RUNNING),
        (judged("pass"), 30, 1, Phase.RUNNING),
        (judged("pass", requests=99), 30, 0, Phase.RUNNING),
        (judged("unsure"), 299, 0, Phase.RUNNING),
        (judged("unsure"), 300, 1, Phase.RUNNING),
        (judged("unsure", against=2.5), 300, 0, Phase.RUNNING),
        (judged("unsure", requests=0, rate=0.0), 99_999, 0, Phase.RUNNING),
        (judged("unsure", requests=99), 300, 0, Phase.PAUSED),
        (judged("fail", requests=1), 0, 0, Phase.ROLLING_BACK),
        (judged("error"), 0, 0, Phase.PAUSED),
    ],
)
def test_a_stage_goes_by_its_verdict_its_time_and_its_requests(event: Event, seconds: float, stage: int, phase: Phase):
    found = after(at(Phase.RUNNING), event, now=1_000.0 + seconds).release
    assert (found.stage, found.phase) == (stage, phase)


def test_the_clock_of_a_stage_without_traffic_starts_again_so_that_the_first_requests_do_not_find_it_run_out():
    idle = after(at(Phase.RUNNING), judged("unsure", requests=0, rate=0.0), now=1_300.0)
    assert (idle.release.stage_since, idle.release.stage, idle.effects) == (1_300.0, 0, ())
    assert after(idle.release, judged("unsure", requests=50), now=1_301.0).release.phase is Phase.RUNNING


def test_a_stage_whose_routes_are_not_confirmed_never_advances_but_rolls_back():
    waiting = at(Phase.RUNNING, stage_since=0.0)
    assert after(waiting, judged("pass"), now=9_999.0).release is waiting
    assert after(waiting, judged("fail")).release.phase is Phase.ROLLING_BACK


def test_two_stages_never_pass_in_one_tick():
    once = after(at(Phase.RUNNING), judged("pass"))
    assert (once.release.stage, once.release.stage_since) == (1, 0.0)
    assert after(once.release, judged("pass"), judged("pass"), now=9_999.0).release == once.release


def test_the_last_stage_leads_to_promotion_only_on_proof():
    last = at(Phase.RUNNING, stage=1)
    assert after(last, judged("unsure"), now=99_999.0).release is last
    promoting = after(last, judged("pass"))
    assert (promoting.release.phase, routes(promoting)) == (Phase.PROMOTING, (2, 0, 0))
    assert "proven no worse at 50%" in promoting.reason


def test_going_on_without_proof_says_so():
    assert "no harm seen at 5%, not proven better" in after(at(Phase.RUNNING), judged("unsure"), now=1_300.0).reason


@pytest.mark.parametrize(
    ("policy", "against", "phase", "stage", "ends_as"),
    [
        ("pause", 0.0, Phase.PAUSED, 0, ""),
        ("extend", 0.0, Phase.RUNNING, 0, ""),
        ("rollback", 0.0, Phase.ROLLING_BACK, 0, "rolled_back"),
        ("promote", 2.2, Phase.RUNNING, 1, "promoted_without_evidence"),
        ("promote", 2.4, Phase.PAUSED, 0, ""),
    ],
)
def test_too_few_requests_in_time_are_the_policys_affair(policy: str, against: float, phase: Phase, stage: int, ends_as: str):
    release = at(Phase.RUNNING, policy=releases.Policy(on_unsure=policy))
    found = after(release, judged("unsure", requests=50, against=against), now=1_300.0).release
    assert (found.phase, found.stage, found.ends_as) == (phase, stage, ends_as)


@pytest.mark.parametrize(
    ("metric", "goes_on"), [("pairs", False), ("pairs.wrong", False), ("level", False), ("pairs.agree", True)]
)
def test_what_a_stage_watches_besides_keeps_it_from_going_on_by_the_clock(metric: str, goes_on: bool):
    stages = strategies.compose(("shadow", "canary"), strategies.Plan())
    group = "policy" if metric == "level" else "shadow"
    evidence = (verdicts.Evidence(metric, group, 1.0, 2.4, 4.6),)
    verdict = verdicts.Verdict(verdicts.Result.UNSURE, "not decided", evidence)
    event = Event(Kind.JUDGED, verdict=verdict, stage_requests=10_000)
    found = after(at(Phase.RUNNING, stages=stages, stage=0), event, now=1_000.0 + stages[0].max_seconds).release
    assert found.stage == int(goes_on)


def test_promotion_without_evidence_is_what_its_outcome_says():
    stages = tuple(msgspec.structs.replace(stage, must_prove=False) for stage in STAGES)
    release = at(Phase.RUNNING, stage=1, stages=stages, policy=releases.Policy(on_unsure="promote"), probation_seconds=0.0)
    ended = after(release, judged("unsure", requests=50), Kind.ROUTES_SEEN, Kind.TICK, now=1_300.0).release
    assert (ended.phase, ended.outcome) == (Phase.SUCCEEDED, "promoted_without_evidence")


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED, Phase.PROMOTING, Phase.PROBATION])
@pytest.mark.parametrize(
    "event", [judged("fail"), Event(Kind.WORKERS_FAILED, reason="gone"), Event(Kind.ROLLBACK, reason="no"), Event(Kind.ABORT)]
)
def test_every_way_back_is_the_same_way_back(phase: Phase, event: Event):
    going = after(at(phase), event, now=1_010.0)
    assert (going.release.phase, going.release.rollback_began_at) == (Phase.ROLLING_BACK, 1_010.0)
    assert kinds(going) == ["SetRoutes", "EnsureWorkers"]
    assert routes(going) == (1, 0, 0)
    back = after(going.release, Kind.ROUTES_SEEN, now=1_010.4)
    assert back.release.rollback_seconds == pytest.approx(0.4)
    if event.kind is Kind.ABORT:
        assert (back.release.phase, kinds(back)) == (Phase.ABORTED, ["Drain", "Retire", "Notify"])
    else:
        assert (back.release.phase, kinds(back)) == (Phase.ROLLED_BACK, ["Drain", "Hold", "Retire", "Notify"])
        assert back.effects[1].model_digest == "b2"
    assert back.release.owner == V1


def test_a_persons_words_and_name_are_in_the_reason():
    event = Event(Kind.ROLLBACK, actor="ada", reason="customers complain")
    assert after(at(Phase.RUNNING), event).reason == "customers complain (ada)"


def test_a_rollback_during_an_abort_holds_after_all():
    aborting = after(at(Phase.RUNNING), Kind.ABORT)
    insisted = after(aborting.release, Kind.ROLLBACK)
    assert after(insisted.release, Kind.ROUTES_SEEN).release.phase is Phase.ROLLED_BACK
    assert after(insisted.release, Kind.ROLLBACK).release == insisted.release


def test_an_abort_before_traffic_needs_no_routes():
    for phase in (Phase.QUEUED, Phase.CHECKING, Phase.AWAITING_APPROVAL, Phase.WARMING):
        aborted = after(at(phase), Kind.ABORT)
        assert (aborted.release.phase, routes(aborted)) == (Phase.ABORTED, None)


def test_an_approval_leads_to_one_more_check_and_a_rejection_ends():
    assert after(at(Phase.AWAITING_APPROVAL), Kind.APPROVE).release.phase is Phase.CHECKING
    assert after(at(Phase.AWAITING_APPROVAL), Kind.REJECT).release.outcome == "aborted"


def test_every_one_of_those_asked_has_to_approve_this_very_model_and_the_author_does_not_count():
    asked = releases.Approval(by=("ada", "bob", "eve"), count=2)
    waits = after(at(Phase.CHECKING, approval=asked, actor="eve"), Kind.CHECKS_PASSED)
    assert (waits.release.phase, kinds(waits)[-1]) == (Phase.AWAITING_APPROVAL, "Notify")
    for actor, why in (("mallory", "may not approve"), ("eve", "asked for v2")):
        with pytest.raises(errors.ApprovalRefused, match=why):
            after(waits.release, Event(Kind.APPROVE, actor=actor))
    once = after(waits.release, Event(Kind.APPROVE, actor="ada")).release
    assert (once.phase, len(once.approvals)) == (Phase.AWAITING_APPROVAL, 1)
    with pytest.raises(errors.ApprovalRefused, match="has approved v2 already"):
        after(once, Event(Kind.APPROVE, actor="ada"))
    twice = after(once, Event(Kind.APPROVE, actor="bob")).release
    assert twice.phase is Phase.CHECKING
    assert after(twice, Kind.CHECKS_PASSED).release.phase is Phase.WARMING
    changed = msgspec.structs.replace(twice, candidate=msgspec.structs.replace(V2, model_digest="other"))
    assert after(changed, Kind.CHECKS_PASSED).release.phase is Phase.AWAITING_APPROVAL


def test_an_approval_nobody_gives_is_asked_for_again_and_then_ends():
    waits = at(Phase.AWAITING_APPROVAL, approval=releases.Approval(within_seconds=300.0), reminded_at=1_000.0)
    assert after(waits, Kind.TICK, now=1_099.0).release is waits
    reminded = after(waits, Kind.TICK, now=1_100.0)
    assert (reminded.release.reminded_at, kinds(reminded)) == (1_100.0, ["Notify"])
    assert after(reminded.release, Kind.TICK, now=1_101.0).effects == ()
    assert after(waits, Kind.TICK, now=1_300.0).release.outcome == "aborted"


def test_a_pause_keeps_the_weight_and_a_resume_starts_the_stages_clock_again():
    paused = after(at(Phase.RUNNING, stage=1), Kind.PAUSE)
    assert (paused.release.phase, routes(paused)) == (Phase.PAUSED, (1, 2, 5_000))
    assert after(paused.release, judged("pass"), now=9_999.0).release is paused.release
    resumed = after(paused.release, Kind.RESUME)
    assert (resumed.release.phase, resumed.release.stage, resumed.release.stage_since) == (Phase.RUNNING, 1, 1_060.0)


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED])
def test_a_sick_stable_halts_without_touching_traffic_and_calls_a_person(phase: Phase):
    halted = after(at(phase, stage=1), Event(Kind.STABLE_SICK, reason="v1 has no worker"))
    assert (halted.release.phase, routes(halted)) == (Phase.HALTED, (1, 2, 5_000))
    assert halted.effects[-1].severity == "critical"
    for event in (judged("fail"), Kind.WORKERS_FAILED, Kind.STABLE_SICK, Kind.TICK):
        assert after(halted.release, event).release is halted.release


@pytest.mark.parametrize(
    ("verb", "phase"),
    [
        (Kind.PROMOTE, Phase.PROMOTING),
        (Kind.ROLLBACK, Phase.ROLLING_BACK),
        (Kind.ABORT, Phase.ROLLING_BACK),
        (Kind.RESUME, Phase.RUNNING),
    ],
)
def test_out_of_a_halt_a_person_chooses(verb: Kind, phase: Phase):
    assert after(at(Phase.HALTED, stage=1, resume_stage=1), verb).release.phase is phase


def test_statistics_do_not_undo_a_promotion_past_a_sick_stable():
    promoting = after(at(Phase.HALTED), Kind.PROMOTE).release
    assert after(promoting, judged("fail"), Kind.STABLE_SICK).release == promoting
    probation = after(promoting, Kind.ROUTES_SEEN).release
    assert after(probation, judged("fail")).release is probation
    assert after(probation, Kind.ROLLBACK).release.phase is Phase.ROLLING_BACK


def test_a_first_release_that_is_lost_halts_since_there_is_nothing_to_go_back_to():
    halted = after(at(Phase.PROMOTING, stable=None), Kind.WORKERS_FAILED)
    assert (halted.release.phase, routes(halted)) == (Phase.HALTED, (2, 0, 0))
    with pytest.raises(errors.NothingToRollBack):
        after(halted.release, Kind.ROLLBACK)
    assert after(halted.release, Kind.ABORT).release.phase is Phase.ABORTED
    assert after(halted.release, Kind.RESUME).release.phase is Phase.PROMOTING


def test_probation_ends_by_time_or_by_a_newer_release():
    probation = at(Phase.PROBATION, probation_seconds=600.0)
    assert probation.owner == V2
    assert after(probation, Kind.TICK, judged("unsure"), now=1_599.0).release is probation
    assert after(probation, Kind.TICK, now=1_600.0).release.outcome == "succeeded"
    assert after(probation, judged("unsure"), now=1_600.0).release.outcome == "succeeded"
    superseded = after(probation, Kind.SUPERSEDED)
    assert (superseded.release.outcome, kinds(superseded)) == ("succeeded (superseded)", ["Retire", "Notify"])


def test_an_override_ends_every_release_and_leaves_its_table_alone():
    for phase in set(Phase) - phases.ENDED:
        overridden = after(at(phase), Event(Kind.OVERRIDDEN, reason="by hand"))
        assert (overridden.release.phase, overridden.reason, routes(overridden)) == (Phase.ROLLED_BACK, "by hand", None)
        assert "Hold" not in kinds(overridden)


def test_a_stable_that_falls_ill_during_the_rollback_is_told_once():
    going = at(Phase.ROLLING_BACK, rollback_began_at=1_000.0, ends_as="rolled_back")
    sick = after(going, Kind.STABLE_SICK)
    assert (sick.release.phase, kinds(sick)) == (Phase.ROLLING_BACK, ["Notify"])
    assert after(sick.release, Kind.STABLE_SICK).effects == ()


def test_a_rollback_that_is_a_release_of_its_own_is_not_turned_round_by_a_second_rollback():
    back = at(Phase.PROMOTING, strategy="rollback", stages=(), rollback_began_at=1_000.0, probation_seconds=0.0)
    assert after(back, Kind.ROLLBACK).release is back
    arrived = after(back, Kind.ROUTES_SEEN, now=1_000.5).release
    assert arrived.rollback_seconds == pytest.approx(0.5)
    assert after(arrived, Kind.TICK, now=1_001.0).release.outcome == "succeeded"


@pytest.mark.parametrize("surge", [0, 1])
def test_what_rolling_has_moved_stays_moved_after_100_percent_however_that_is_watched(surge: int):
    plan = strategies.Plan(rolling=strategies.Rolling(3, surge, 1 - surge))
    stages = strategies.compose(("rolling",), plan)
    for watched in (None, strategies.after(stages, strategies.holdback(), 3)):
        release = at(Phase.PROBATION, stages=stages, stage=len(stages) - 1, probation=watched, replicas=3)
        assert upkeep.places(release) == (3, surge)
