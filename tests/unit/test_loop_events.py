"""From one look at the world to the one event a release is told."""

import msgspec
import pytest

from tidegate.control.loop import events, observation
from tidegate.core.vocabulary import releases, sums, tables, verdicts
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.targets import target

OLD = releases.Version("flights", 1, "a" * 64, "a" * 64, "mlflow://flights/1")
NEW = releases.Version("flights", 2, "b" * 64, "b" * 64, "mlflow://flights/2")
RELEASE = releases.Release(
    id="r-1",
    environment="production",
    endpoint="flights",
    candidate=NEW,
    stable=OLD,
    strategy="canary",
    stages=(releases.Stage("5 %", 500),),
    policy=releases.Policy(),
    salt=b"salt",
    created_at=0.0,
    load_seconds=60.0,
)
PASS = verdicts.Verdict(verdicts.Result.PASS, "no worse")


def replica(version: releases.Version, state: str, **more: object) -> target.Replica:
    return target.Replica("w", version.endpoint, version.ordinal, version.digest, "unix:/w", "t", target.State(state), **more)


def seen(
    *replicas: target.Replica, obeyed: int = 7, at: float = 100.0, route: tables.Route | None = None
) -> observation.Observation:
    table = tables.Table(7, 6, {"flights": route} if route else {})
    counts = (sums.Sum(7, 500, True, 98, 1, sums.Counts(95), sums.Counts(5, (5,) + (0,) * 15)),)
    gateways = (observation.Gateway("gateway-0", "boot", obeyed),)
    return observation.Observation(at, table, gateways, replicas, {"r-1": counts}, 99, {})


def routed(weight: int, *, candidate: bool = True, stable: releases.Version = OLD) -> tables.Route:
    new = tables.Deployed(NEW.ordinal, NEW.digest, NEW.model) if candidate else None
    old = tables.Deployed(stable.ordinal, stable.digest, stable.model)
    return tables.Route("flights", "production", old, new, weight=weight, release="r-1", generation=7)


def in_phase(phase: Phase, **more: object) -> releases.Release:
    return msgspec.structs.replace(RELEASE, phase=phase, **more)


def told(release: releases.Release, look: observation.Observation, watch: events.Watch | None = None, check=None, verdict=None):
    return events.next_event(release, look, watch or events.Watch(), events.Findings(check, verdict))


@pytest.mark.parametrize(("check", "kind"), [(None, Kind.TICK), ("", Kind.CHECKS_PASSED), ("broken", Kind.CHECKS_FAILED)])
def test_checks_are_waited_for(check, kind):
    assert told(in_phase(Phase.CHECKING), seen(), check=check).kind is kind


def test_a_candidate_is_warm_once_every_replica_has_answered():
    two = in_phase(Phase.WARMING, replicas=2)
    both = seen(replica(NEW, "ready"), replica(NEW, "ready"))
    assert told(two, seen(replica(NEW, "ready"), replica(NEW, "starting")), check="").kind is Kind.TICK
    assert told(two, both).kind is Kind.TICK, "the checks before exposure are not through yet"
    assert told(two, both, check="").kind is Kind.WORKERS_READY


def test_what_has_changed_since_it_was_checked_is_not_exposed():
    event = told(in_phase(Phase.WARMING), seen(replica(NEW, "ready")), check="the training data has changed")
    assert (event.kind, event.reason) == (Kind.CHECKS_FAILED, "the training data has changed")


def test_a_candidate_that_cannot_load_fails_with_its_own_words():
    event = told(in_phase(Phase.WARMING), seen(replica(NEW, "failed", message="no module named lightgbm")))
    assert (event.kind, event.reason) == (Kind.WORKERS_FAILED, "v2: no module named lightgbm")


def test_a_candidate_that_takes_too_long_fails():
    event = told(in_phase(Phase.WARMING, phase_since=30.0), seen(replica(NEW, "starting")))
    assert event.kind is Kind.WORKERS_FAILED
    assert "load_within" in event.reason


def test_a_sick_stable_is_told_before_anything_else():
    watch = events.Watch(stable_missing=16.0, candidate_missing=16.0)
    assert told(in_phase(Phase.RUNNING), seen(), watch, verdict=PASS).kind is Kind.STABLE_SICK


@pytest.mark.parametrize("watch", [events.Watch(candidate_missing=16.0), events.Watch(candidate_restarts=3)])
def test_a_lost_candidate_is_told_while_exposed(watch):
    assert told(in_phase(Phase.RUNNING), seen(), watch).kind is Kind.WORKERS_FAILED
    assert told(in_phase(Phase.CHECKING), seen(), watch).kind is Kind.TICK


def test_a_stage_begins_when_every_gateway_obeys_its_routes():
    running = in_phase(Phase.RUNNING)
    assert told(running, seen(route=routed(500))).kind is Kind.ROUTES_SEEN
    assert told(running, seen(route=routed(500), obeyed=6)).kind is Kind.TICK
    assert told(running, seen(route=routed(2500))).kind is Kind.TICK


def test_a_running_stage_is_judged_on_its_own_requests():
    event = told(in_phase(Phase.RUNNING, stage_since=90.0), seen(route=routed(500)), verdict=PASS)
    assert (event.kind, event.stage_requests, event.rate) == (Kind.JUDGED, 5, 1.0)


def test_traffic_is_back_once_the_table_says_so_and_is_obeyed():
    rolling_back = in_phase(Phase.ROLLING_BACK)
    assert told(rolling_back, seen(route=routed(0, candidate=False))).kind is Kind.ROUTES_SEEN
    assert told(rolling_back, seen(route=routed(500))).kind is Kind.TICK
    promoting = in_phase(Phase.PROMOTING)
    assert told(promoting, seen(route=routed(0, candidate=False, stable=NEW))).kind is Kind.ROUTES_SEEN
    assert told(promoting, seen(route=routed(0, candidate=False))).kind is Kind.TICK


@pytest.mark.parametrize(
    ("phase", "words"),
    [
        (Phase.WARMING, "v2 crashed 3 times (it held 9 MiB) before it was ready"),
        (Phase.RUNNING, "v2 crashed 3 times (it held 9 MiB)"),
    ],
)
def test_a_candidate_that_crashes_again_and_again_fails_whether_it_was_ready_or_not(phase, words):
    look = seen(replica(NEW, "dead", restarts=3, why="it held 9 MiB"))
    event = told(in_phase(phase), look, events.Watch(candidate_restarts=3))
    assert (event.kind, event.reason) == (Kind.WORKERS_FAILED, words)
    assert told(in_phase(phase), look, events.Watch(candidate_restarts=2)).kind is not Kind.WORKERS_FAILED


def labelled(tick: int, candidate: int) -> sums.LabelSum:
    return sums.LabelSum(7, 500, True, tick, 90, 10, 90, candidate, 1, 0)


def test_a_probation_counts_the_candidates_labelled_predictions_of_its_own_time():
    look = msgspec.structs.replace(
        seen(), labels={"r-1": sums.Labels(100, (labelled(40, 9), labelled(60, 4), labelled(70, 3)), 500)}
    )
    assert told(in_phase(Phase.PROBATION, phase_since=50.0), look).stage_requests == 7
    assert told(in_phase(Phase.PROBATION, phase_since=50.0), seen()).stage_requests == 0


def test_a_test_counts_the_units_of_its_metric_at_its_weight():
    stages = (releases.Stage("A/B", 5_000, watch=releases.Watch.METRIC),)
    values = (
        sums.Values("revenue", 5_000, sums.Moments(30), sums.Moments(41)),
        sums.Values("revenue", 500, sums.Moments(900), sums.Moments(900)),
        sums.Values("clicks", 5_000, sums.Moments(900), sums.Moments(900)),
    )
    look = msgspec.structs.replace(seen(), labels={"r-1": sums.Labels(0, (), values=values)})
    tested = in_phase(Phase.RUNNING, stages=stages, policy=releases.Policy(metric="revenue"), stage_since=1.0, stage_ready=True)
    assert told(tested, look, verdict=PASS).stage_requests == 71
