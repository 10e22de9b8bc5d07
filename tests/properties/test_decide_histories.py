"""Sentences that hold over every history of a release, whatever happens in whatever order."""

import dataclasses
import random

import hypothesis
import msgspec
from hypothesis import strategies as given

from tidegate.core.decide import machine, strategies
from tidegate.core.vocabulary import arms, assignment, decisions, errors, phases, releases, verdicts
from tidegate.core.vocabulary.decisions import Event, Kind
from tidegate.core.vocabulary.phases import Phase

V1 = releases.Version("flights", 1, "a" * 64, "a1", "mlflow://flights/1")
V2 = releases.Version("flights", 2, "b" * 64, "b2", "mlflow://flights/2")
CHECKED = ((Phase.CHECKING, Kind.CHECKS_PASSED),)
REFUSALS = (errors.TransitionRefused, errors.NothingToRollBack, errors.ApprovalRefused, errors.IrreversibleMigration)
TRAFFIC = phases.EXPOSED | {Phase.PROBATION, Phase.HALTED, Phase.ROLLING_BACK}


@dataclasses.dataclass
class World:
    """What effects bring about: one route, workers by ordinal, drained versions, held models, jobs begun."""

    route: decisions.SetRoutes | None = None
    workers: dict[int, int] = dataclasses.field(default_factory=dict)
    drained: set[int] = dataclasses.field(default_factory=set)
    held: set[str] = dataclasses.field(default_factory=set)
    jobs: set[tuple[str, str]] = dataclasses.field(default_factory=set)

    def run(self, *effects: decisions.Effect) -> "World":
        done = World(self.route, dict(self.workers), set(self.drained), set(self.held), set(self.jobs))
        for effect in effects:
            match effect:
                case decisions.EnsureWorkers(version, replicas):
                    done.workers[version.ordinal] = replicas
                case decisions.SetRoutes():
                    done.route = effect
                case decisions.Drain(version) if version.ordinal in done.workers:
                    done.drained.add(version.ordinal)
                case decisions.Retire(version):
                    done.workers.pop(version.ordinal, None)
                    done.drained.discard(version.ordinal)
                case decisions.Hold(model_digest=digest):
                    done.held.add(digest)
                case decisions.StartJob(job, release):
                    done.jobs.add((job, release))
        return done


@dataclasses.dataclass(frozen=True)
class Step:
    """One event that was not refused, and what came of it."""

    before: releases.Release
    event: Event
    now: float
    decision: decisions.Decision
    world: World
    """Before the effects."""


PLAN = strategies.Plan(
    strategies.Ramp(weights=(100, 500, 5_000), seconds=10, at_most=60, requests=50),
    strategies.Mirror(seconds=10, at_most=60, pairs=50),
    strategies.Rolling(replicas=2, seconds=10, at_most=60, requests=10),
    strategies.BlueGreen(smoke=5, weights=(1_000,), bake=20),
    strategies.Split(seconds=10, horizon=60, units=10),
)
WAYS = [("canary",)] * 3 + [
    *(("full",), ("recreate",), ("rolling",), ("blue-green",), ("shadow",), ("ab",)),
    *(("shadow", "canary", "full"), ("canary", "ab"), ("shadow", "rolling")),
]
PROBATIONS = [None, strategies.holdback(), strategies.reverse_shadow(1_000), strategies.level()]


def begun(chance: random.Random) -> releases.Release:
    stable, way = chance.random() < 0.8, chance.choice(WAYS)
    ramp = msgspec.structs.replace(PLAN.ramp, prove_last=chance.random() < 0.5)
    plan = msgspec.structs.replace(PLAN, ramp=ramp, cohort=chance.random() < 0.2)
    stages = strategies.compose(way, plan)
    unsure, budget = chance.choice(["pause", "extend", "rollback", "promote"]), chance.choice([0, 0, 5])
    return releases.Release(
        id="r1",
        environment="production",
        endpoint="flights",
        candidate=V2,
        stable=V1 if stable else None,
        strategy=" ".join(way),
        stages=stages,
        policy=releases.Policy(on_unsure=unsure, harm_budget=budget, retrain=chance.random() < 0.5),
        salt=b"salt",
        created_at=0.0,
        phase=Phase.QUEUED,
        phase_since=1_000.0,
        replicas=2,
        returns=strategies.returns(way),
        group="shop/1" if stages and "recreate" not in way and chance.random() < 0.2 else "",
        approval=releases.Approval(not_author=False, within_seconds=3_000) if chance.random() < 0.3 else None,
        cohort=assignment.Cohort(header="x-internal") if plan.cohort else None,
        probation=strategies.after(stages, chance.choice(PROBATIONS), 2),
        probation_seconds=30.0,
    )


NEXT = {
    Phase.QUEUED: Kind.TICK,
    Phase.CHECKING: Kind.CHECKS_PASSED,
    Phase.AWAITING_APPROVAL: Kind.APPROVE,
    Phase.WARMING: Kind.WORKERS_READY,
    Phase.RUNNING: Kind.JUDGED,
    Phase.PAUSED: Kind.RESUME,
    Phase.HALTED: Kind.RESUME,
    Phase.PROMOTING: Kind.ROUTES_SEEN,
    Phase.PROBATION: Kind.TICK,
    Phase.ROLLING_BACK: Kind.ROUTES_SEEN,
}
"""The event that leads on, so that histories get far; the others are drawn from all kinds alike."""


def tell(chance: random.Random, release: releases.Release) -> Event:
    onward = NEXT.get(release.phase, Kind.TICK)
    if release.phase is Phase.RUNNING and not release.stage_since:
        onward = Kind.ROUTES_SEEN if release.stage_ready else Kind.WORKERS_READY
    if release.at_gate and release.phase is Phase.RUNNING:
        onward = Kind.GROUP_READY
    kind = onward if chance.random() < 0.7 else chance.choice([*Kind, *[Kind.STABLE_SICK] * 3])
    if kind is not Kind.JUDGED:
        reason = "drop-old-column" if kind is Kind.MIGRATED else ""
        return Event(kind, actor="ada", reason=reason, subject="memory", seconds=chance.choice([0.0, 3_600.0, -60.0]))
    result = chance.choice(["pass", "pass", "unsure", "unsure", "unsure", "fail", "error"])
    evidence = (verdicts.Evidence("errors", "immediate", 1.0, chance.uniform(-5, 4), 4.6),)
    verdict = verdicts.Verdict(
        verdicts.Result(result),
        f"{result}.",
        evidence,
        verdicts.Harm(excess=chance.choice([0.0, 0.0, 9.0]), share_high=chance.choice([0.001, 0.5])),
        chance.choice(["errors", "level"]),
        chance.choice([-1, 0, 5_000]),
        chance.choice(["", "candidate", "stable", "no_difference"]),
    )
    return Event(kind, verdict=verdict, rate=chance.choice([0.0, 20.0]), stage_requests=chance.choice([0, 10, 200]))


def history(seed: int) -> list[Step]:
    """Forty events told one by one, three after the end at most; those that are refused are left out."""
    chance = random.Random(seed)
    release, now = begun(chance), 1_000.0
    world = World(workers={1: 2} if release.stable else {})
    steps: list[Step] = []
    for _ in range(40):
        now += chance.choice([0.2, 5.0, 30.0, 90.0])
        event = tell(chance, release)
        try:
            decision = machine.advance(release, event, now)
        except REFUSALS:
            continue
        steps.append(Step(release, event, now, decision, world))
        world, release = world.run(*decision.effects), decision.release
        if sum(step.before.phase in phases.ENDED for step in steps) == 3:
            break
    return steps


def every(check: object) -> object:
    settings = hypothesis.settings(max_examples=40, deadline=None)
    return hypothesis.given(given.integers(0, 1 << 32).map(history))(settings(check))


@every
def test_traffic_sums_to_100_percent_and_never_exceeds_the_stages_weight(found: list[Step]):
    for step in found:
        for effect in step.decision.effects:
            if isinstance(effect, decisions.SetRoutes):
                after = step.decision.release
                assert 0 <= effect.weight <= arms.BUCKETS
                assert effect.candidate is not None or (effect.weight, effect.mirror, effect.cohort) == (0, 0, None)
                if effect.candidate is not None and not effect.candidate_owns:
                    assert effect.stage == after.stage
                    assert effect.weight <= after.stages[after.stage].weight
                    assert effect.weight == after.stages[after.stage].weight or not after.stage_ready


@every
def test_workers_are_never_fewer_than_what_the_traffic_needs(found: list[Step]):
    """Whoever is given traffic has replicas asked for: unless nobody answers by design (recreate)."""
    for step in found:
        asked = {one.version.ordinal: one.replicas for one in step.decision.effects if isinstance(one, decisions.EnsureWorkers)}
        for effect in step.decision.effects:
            if isinstance(effect, decisions.SetRoutes):
                assert asked.get(effect.stable.ordinal, 0) or effect.weight == arms.BUCKETS
                assert effect.candidate is None or asked[effect.candidate.ordinal]


@every
def test_no_traffic_goes_to_a_version_whose_checks_and_warm_up_did_not_pass(found: list[Step]):
    passed = {"checks": False, "workers": False}
    for step in found:
        passed["checks"] |= (step.before.phase, step.event.kind) in CHECKED
        passed["workers"] |= step.before.phase is Phase.WARMING and step.event.kind is Kind.WORKERS_READY
        for effect in step.decision.effects:
            if isinstance(effect, decisions.SetRoutes) and V2 in (effect.stable, effect.candidate) and not effect.gap:
                assert all(passed.values())


@every
def test_the_ramp_is_monotone_and_goes_one_confirmed_stage_at_a_time(found: list[Step]):
    for step in found:
        stage = step.decision.release.stage
        assert step.before.stage <= stage <= step.before.stage + 1
        if stage != step.before.stage:
            assert step.event.kind is Kind.JUDGED
            least = step.before.stages[step.before.stage].min_seconds
            assert step.before.stage_since
            assert step.now - step.before.stage_since >= least
            assert step.decision.release.stage_since == 0.0


@every
def test_a_rollback_never_waits_for_statistics(found: list[Step]):
    for step in found:
        if step.before.stable is None or step.before.no_return or step.before.phase not in TRAFFIC - {Phase.ROLLING_BACK}:
            continue
        back = machine.advance(step.before, Event(Kind.ROLLBACK, actor="ada"), step.now)
        first = back.effects[0]
        assert back.release.phase is Phase.ROLLING_BACK
        assert isinstance(first, decisions.SetRoutes)
        assert (first.stable, first.candidate, first.weight) == (V1, None, 0)


@every
def test_an_ended_release_never_changes(found: list[Step]):
    for step in found:
        if step.before.phase in phases.ENDED:
            assert (step.decision.release, step.decision.effects) == (step.before, ())
        else:
            assert (step.decision.waiting is None) == (step.decision.release.phase in phases.ENDED)


@every
def test_upkeep_repeats_nothing_but_what_was_decided(found: list[Step]):
    for step in found:
        done = step.world.run(*step.decision.effects)
        kept = done.run(*machine.upkeep(step.decision.release))
        assert kept == done
        assert kept.run(*machine.upkeep(step.decision.release)) == kept


def is_asked_for(effect: decisions.Effect) -> bool:
    """A retraining is nothing but its line in the event log, written with the decision itself."""
    return isinstance(effect, decisions.StartJob) and effect.job == "retrain"


@every
def test_a_crash_between_any_two_effects_is_healed_by_upkeep(found: list[Step]):
    for step in found:
        effects = step.decision.effects
        committed = tuple(effect for effect in effects if isinstance(effect, decisions.Hold) or is_asked_for(effect))
        whole = step.world.run(*effects).run(*machine.upkeep(step.decision.release))
        for done in range(len(effects)):
            healed = step.world.run(*committed, *effects[:done]).run(*machine.upkeep(step.decision.release))
            assert healed == whole


@every
def test_the_candidate_owns_the_endpoint_only_once_its_routes_are_confirmed(found: list[Step]):
    for step in found:
        if step.before.owner != V2 and step.decision.release.owner == V2:
            assert step.before.phase is Phase.PROMOTING
            assert step.event.kind in (Kind.ROUTES_SEEN, Kind.MIGRATED)


@every
def test_every_release_can_be_ended_by_a_person(found: list[Step]):
    for step in found:
        release = step.decision.release
        for kind in (Kind.ABORT, Kind.ROLLBACK, Kind.ROUTES_SEEN, Kind.TICK):
            try:
                release = machine.advance(release, Event(kind, actor="ada"), step.now + 1e6).release
            except REFUSALS:
                continue
        assert release.phase in phases.ENDED or release.no_return


@every
def test_a_decision_that_changes_nothing_is_the_very_same_release(found: list[Step]):
    for step in found:
        if not step.decision.effects and step.decision.release == step.before:
            assert step.decision.release is step.before
        assert msgspec.json.decode(msgspec.json.encode(step.decision), type=decisions.Decision) == step.decision
