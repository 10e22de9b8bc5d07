"""Idle is explained: on what, for whom, about how much longer."""

import pytest

from tidegate.core.decide import diagram, doubt, strategies, waiting
from tidegate.core.vocabulary import amounts, arms, decisions, errors, phases, releases, verdicts
from tidegate.core.vocabulary.phases import Phase

V1 = releases.Version("flights", 1, "a" * 64, "a1", "mlflow://flights/1")
V2 = releases.Version("flights", 2, "b" * 64, "b2", "mlflow://flights/2")
FREE = releases.Stage("5%", 500, 60.0, 600.0, 200)
PROVE = releases.Stage("50%", 5_000, 60.0, 600.0, 200, must_prove=True)


def release(phase: Phase, stage: releases.Stage = FREE, since: float = 1_000.0, **more: object) -> releases.Release:
    given = {"phase": phase, "phase_since": 1_000.0, "stage_since": since, "reason": "the reason."} | more
    return releases.Release("r", "production", "flights", V2, V1, "canary", (stage,), releases.Policy(), b"s", 0.0, **given)


def look(
    result: str = "unsure", needs: int = 0, requests: int = 500, rate: float = 20.0, against: float = 0.0
) -> decisions.Event:
    evidence = (verdicts.Evidence("errors", "immediate", 1.0, against, 4.6), verdicts.Evidence("lost", "feed", 1.0, 50.0, 4.6))
    verdict = verdicts.Verdict(verdicts.Result(result), "sentence", evidence, needs=needs)
    return decisions.Event(decisions.Kind.JUDGED, verdict=verdict, rate=rate, stage_requests=requests)


TICK = decisions.Event(decisions.Kind.TICK)


@pytest.mark.parametrize(
    ("stage", "event", "seconds", "on", "sentence"),
    [
        (PROVE, look(needs=4_083), 70, "requests", "needs about 4,100 more canary requests (about 3 min at this rate)"),
        (PROVE, look(needs=10, requests=20), 70, "requests", "needs about 180 more canary requests (about 9 s at this rate)"),
        (
            PROVE,
            look(needs=-1),
            70,
            "requests",
            "how many more requests a proof needs cannot be said; `tidegate promote flights`",
        ),
        (PROVE, look(rate=0.0), 70, "traffic", "no traffic: this will not advance; make some with `tidegate send flights`"),
        (FREE, look(rate=0.0, requests=0), 70, "traffic", "no traffic: this will not advance"),
        (FREE, look(rate=0.0), 70, "time", "goes on in 9 min without proof, if nothing speaks against it"),
        (FREE, look(needs=100), 70, "requests", "needs about 100 more canary requests (about 5 s at this rate)"),
        (FREE, look(needs=1_000_000), 70, "time", "goes on in 9 min without proof"),
        (FREE, look(needs=-1, requests=150), 70, "time", "goes on in 9 min without proof"),
        (FREE, look(needs=-1, requests=150, rate=0.05), 70, "requests", "needs about 50 more canary requests (about 17 min"),
        (FREE, look(against=3.0), 700, "requests", "evidence against v2 is building (odds 20 to 1): more requests decide"),
        (FREE, look("pass"), 20, "time", "proven no worse; 5% lasts 40 s more, whatever the evidence"),
        (FREE, look("pass", requests=100), 70, "requests", "needs about 100 more canary requests"),
        (FREE, TICK, 20, "requests", "v2 gets 5%; the first look at its requests is to come"),
    ],
)
def test_a_running_stage_says_what_it_needs(
    stage: releases.Stage, event: decisions.Event, seconds: float, on: str, sentence: str
):
    found = waiting.on(release(Phase.RUNNING, stage), event, 1_000.0 + seconds)
    assert found is not None
    assert found.on == on
    assert found.sentence.startswith(sentence)


@pytest.mark.parametrize(
    ("phase", "on", "sentence"),
    [
        (Phase.QUEUED, "checks", "the checks of v2 are about to start"),
        (Phase.CHECKING, "checks", "v2 is being checked: its bundle, and the endpoint's contract"),
        (Phase.AWAITING_APPROVAL, "approval", "somebody with the approve scope has to approve v2, within 3 days"),
        (Phase.WARMING, "workers", "v2 is loading and answering its warm-up (at most 50 s more)"),
        (Phase.PAUSED, "operator", "the reason; go on with `tidegate resume flights`, or `promote`, or `rollback`"),
        (Phase.HALTED, "stable", "the reason; a person has to choose: `promote`, `rollback`, `abort` or `resume` flights"),
        (Phase.PROMOTING, "routes", "the gateways have to confirm that v2 gets all traffic"),
        (Phase.ROLLING_BACK, "routes", "the gateways have to confirm that v1 gets all traffic"),
        (Phase.PROBATION, "time", "v2 serves flights; v1 is kept warm for 10 min more"),
    ],
)
def test_every_other_phase_says_whom_it_waits_for(phase: Phase, on: str, sentence: str):
    found = waiting.on(release(phase), TICK, 1_010.0)
    assert found is not None
    assert (found.on, found.sentence) == (on, sentence)


def test_a_stage_whose_routes_are_not_confirmed_waits_for_the_gateways():
    found = waiting.on(release(Phase.RUNNING, since=0.0), TICK, 1_010.0)
    assert found == decisions.Waiting("routes", "the gateways have to confirm that v2 gets 5%", who="gateways")


def test_a_probation_with_outcomes_waits_for_them():
    found = waiting.on(release(Phase.PROBATION, probation_seconds=60.0), TICK, 1_010.0)
    late = releases.Policy(label_age=60.0)
    with_outcomes = releases.Release("r", "production", "flights", V2, V1, "full", (), late, b"s", 0.0, phase=Phase.PROBATION)
    assert found is not None
    assert found.seconds == 50.0
    assert waiting.on(with_outcomes, TICK, 10.0).on == "outcomes"


@pytest.mark.parametrize("phase", sorted(phases.ENDED))
def test_an_ended_release_waits_on_nothing(phase: Phase):
    assert waiting.on(release(phase), TICK, 0.0) is None


@pytest.mark.parametrize(
    ("phase", "now", "again"),
    [
        (Phase.WARMING, 1_010.0, 1_060.0),
        (Phase.RUNNING, 1_010.0, 1_060.0),
        (Phase.RUNNING, 1_100.0, 1_600.0),
        (Phase.RUNNING, 1_700.0, 0.0),
        (Phase.PROBATION, 1_010.0, 1_600.0),
        (Phase.PAUSED, 1_010.0, 0.0),
    ],
)
def test_when_time_alone_changes_something_is_known(phase: Phase, now: float, again: float):
    assert waiting.look_again_at(release(phase), now) == again


def test_numbers_are_rounded_to_what_they_are_worth():
    assert [amounts.count(number) for number in (0, 1, 37, 99.5, 4_083, 1_234_567)] == [
        "0",
        "1",
        "37",
        "100",
        "4,100",
        "1,300,000",
    ]
    assert [amounts.span(seconds) for seconds in (0, 0.2, 89, 90, 5_400, 200_000)] == [
        "1 s",
        "1 s",
        "89 s",
        "2 min",
        "2 h",
        "2 days",
    ]


def test_doubt_counts_only_evidence_that_may_roll_back():
    first = release(Phase.RUNNING)
    assert doubt.against(None, first) == 0.0
    assert doubt.against(look(against=2.0).verdict, first) == pytest.approx(7.389, abs=0.001)
    assert not doubt.building(look(against=2.3).verdict, first)
    assert doubt.building(look(against=2.31).verdict, first)
    again = release(Phase.RUNNING, carried=1.0)
    assert doubt.building(look(against=1.31).verdict, again), "what the attempt before has brought counts"


def test_a_canary_goes_up_and_proves_its_last_stage():
    stages = strategies.canary(strategies.Plan())
    assert [stage.name for stage in stages] == ["1%", "5%", "25%", "50%"]
    assert [stage.must_prove for stage in stages] == [False, False, False, True]
    assert strategies.full(strategies.Plan()) == ()
    assert set(strategies.STRATEGIES) == {"recreate", "rolling", "blue-green", "canary", "shadow", "ab", "full"}


@pytest.mark.parametrize(
    "ramp",
    [
        strategies.Ramp(weights=(500, 500)),
        strategies.Ramp(weights=(2_500, 500)),
        strategies.Ramp(weights=(0,)),
        strategies.Ramp(weights=(arms.BUCKETS + 1,)),
        strategies.Ramp(seconds=61.0, at_most=60.0),
        strategies.Ramp(seconds=-1.0),
        strategies.Ramp(requests=0),
    ],
)
def test_stages_that_cannot_be_run_are_refused(ramp: strategies.Ramp):
    with pytest.raises(errors.SpecInvalid):
        strategies.compose(("canary",), strategies.Plan(ramp))


def test_the_diagram_names_every_phase_and_the_matrix_every_event():
    assert all(phase in diagram.mermaid() for phase in Phase)
    assert all(f"| `{kind}` |" in diagram.matrix() for kind in decisions.Kind)
    assert "`pause` while paused, halted" in diagram.refusals()
