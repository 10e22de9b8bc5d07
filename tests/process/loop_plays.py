"""Every way a release can go, as plays of `loop_world`: short stages, little traffic, one outcome each."""

from typing import Any

from tests.process import loop_world
from tests.process.loop_world import Ask, Play
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import alarms, assignment, monitoring, releases
from tidegate.core.vocabulary.phases import Phase

STEPS = strategies.Ramp((2_000, 5_000), 1.0, 1.0, 10, prove_last=False)
BAD = (("flights", 2),)
PLAN = strategies.Plan(
    ramp=strategies.Ramp((5_000,), 1.0, 1.0, 10, prove_last=False),
    mirror=strategies.Mirror(5_000, 1.0, 3.0, 20),
    rolling=strategies.Rolling(3, 1, 0, 1.0, 1.0, 10),
    blue_green=strategies.BlueGreen(10, (), 1.0),
    split=strategies.Split(5_000, 1.0, 60.0, 50),
)


def of(*names: str, plan: strategies.Plan = PLAN, **more: Any) -> dict[str, Any]:
    """Settings for a strategy."""
    found: dict[str, Any] = {
        "strategy": " then ".join(names),
        "stages": strategies.compose(names, plan),
        "returns": strategies.returns(names),
        "probation_seconds": 1.0,
        "policy": releases.Policy(metric="right", disagreement=0.2),
    }
    return found | more


def when(wanted: Phase, ordinal: int = 2) -> Any:
    """Once the newest release of flights is that of this version, and in this phase."""
    return lambda world: (
        world.books.latest(loop_world.ENV, "flights") is not None
        and (world.newest().candidate.ordinal, world.newest().phase) == (ordinal, wanted)
    )


def release(model: str = "next", when: Any = lambda _: True) -> Ask:
    return Ask("release", when, payload={"model": model})


def both(first: str = "next", second: str = "next") -> Ask:
    return Ask("release_group", payload={"group": "pair", "members": {"flights": first, "trains": second}})


def alarm(*wrong: alarms.Alarm, when: Any = lambda _: True) -> Ask:
    """What a monitor says is wrong from then on; nothing: it is over."""
    return Ask("alarm", when, payload={"wrong": wrong})


DRIFT = alarms.Alarm(alarms.Kind.DRIFT, "flights", "distance has moved", 0.0)
QUALITY = alarms.Alarm(alarms.Kind.QUALITY, "flights", "80 % of age is missing", 0.0)
OF_STABLE = alarms.Alarm(alarms.Kind.DRIFT, "flights", "v1 predicts otherwise", 0.0, "v1:timeout")
DOES = {action: monitoring.Monitors(monitoring.Drift(action), monitoring.Quality(action)) for action in alarms.Action}
SLOW = strategies.Plan(strategies.Ramp((5_000,), 8.0, 8.0, 10, prove_last=False))
"""Lasts long enough for an alarm to come before it is over, wherever control died."""
COHORT = strategies.Plan(ramp=PLAN.ramp, cohort=True)
INTERNAL = assignment.Cohort(header="x-team", values=("internal",))
HOLDBACK = strategies.holdback(500)
APPROVAL = releases.Approval(count=2, within_seconds=600.0)
PLAYS: dict[str, tuple[Play, str]] = {
    "full": (Play(of("full"), (release(),)), "succeeded"),
    "recreate": (Play(of("recreate"), (release(),), gap=True, late=1), "succeeded"),
    "recreate-never-loads": (Play(of("recreate"), (release(),), broken=BAD, gap=True), "failed"),
    "rolling": (Play(of("rolling", replicas=3), (release(),)), "succeeded"),
    "blue-green": (Play(of("blue-green"), (release(),)), "succeeded"),
    "blue-green-smoke-fails": (Play(of("blue-green"), (release(),), bad=BAD), "rolled_back"),
    "canary-holdback": (
        Play(of("canary", plan=strategies.Plan(STEPS), probation=HOLDBACK), (release(),), late=1),
        "succeeded",
    ),
    "canary-cohort-keeps-none": (
        Play(of("canary", plan=COHORT, cohort=INTERNAL, probation=HOLDBACK, keep=0), (release(),), late=2),
        "succeeded",
    ),
    "canary-bad": (Play(of("canary", probation=HOLDBACK), (release(),), bad=BAD), "rolled_back"),
    "canary-never-loads": (Play(of("canary"), (release(),), broken=BAD), "failed"),
    "canary-approval": (
        Play(
            of("canary", approval=APPROVAL),
            (
                release(),
                Ask("approve", when(Phase.AWAITING_APPROVAL), actor="bob"),
                Ask("approve", actor="eve"),
            ),
        ),
        "succeeded",
    ),
    "shadow": (Play(of("shadow"), (release(),)), "shadowed"),
    "shadow-canary-full": (Play(of("shadow", "canary", "full"), (release(),)), "succeeded"),
    "ab": (Play(of("ab", sticky=None), (release(),)), "succeeded"),
    "group": (
        Play(of("canary", probation=HOLDBACK), (both(),), begins="pair"),
        "succeeded",
    ),
    "group-one-bad": (
        Play(of("canary", probation=HOLDBACK), (both(),), bad=BAD, begins="pair"),
        "rolled_back aborted",
    ),
    "rehearsal": (
        Play(of("canary"), (Ask("rehearse", payload={"seconds": 2.0}),)),
        "rehearsed",
    ),
    "rollback-in-probation": (
        Play(
            of("canary", probation=HOLDBACK, probation_seconds=600.0),
            (release(), Ask("rollback", when(Phase.PROBATION))),
        ),
        "rolled_back",
    ),
    "rollback-after": (
        Play(
            of("full", probation_seconds=0.0),
            (release(), Ask("rollback", when(Phase.SUCCEEDED))),
        ),
        "succeeded",
    ),
    "superseded": (
        Play(
            of("full", probation=HOLDBACK, probation_seconds=600.0),
            (release(), release("later", when(Phase.PROBATION)), Ask("rollback", when(Phase.PROBATION, 3))),
        ),
        "rolled_back",
    ),
    "alarm-rolls-back": (
        Play(of("canary", monitors=DOES["rollback"], plan=SLOW), (release(), alarm(DRIFT, when=when(Phase.RUNNING)))),
        "rolled_back",
    ),
    "alarm-about-stable": (
        Play(
            of("canary", monitors=DOES["rollback"], plan=SLOW),
            (release(), alarm(OF_STABLE, when=when(Phase.RUNNING)), Ask("abort", when(Phase.HALTED))),
        ),
        "aborted",
    ),
    "alarms-bring-back-once": (Play({}, (alarm(DRIFT, QUALITY),), begins="watched"), "succeeded"),
    "alarm-holds-what-runs": (
        Play(
            of("canary", monitors=DOES["hold"], plan=SLOW),
            (release(), alarm(DRIFT, when=when(Phase.RUNNING)), alarm(when=when(Phase.PAUSED))),
        ),
        "succeeded",
    ),
    "alarm-holds-what-begins": (
        Play(
            of("canary", monitors=DOES["hold"]),
            (
                alarm(DRIFT),
                release(when=lambda world: bool(world.books.alarms(loop_world.ENV))),
                Ask("acknowledge", when(Phase.QUEUED), payload={"kind": "drift", "go_on": True}),
            ),
            begins="held",
        ),
        "succeeded",
    ),
    "alarm-asks-for-a-retraining": (Play({}, (alarm(DRIFT),), begins="trained"), "succeeded"),
    "aborted": (
        Play(of("canary"), (release(), Ask("pause", when(Phase.RUNNING)), Ask("abort", when(Phase.PAUSED)))),
        "aborted",
    ),
}
"""By name, with how its last releases end."""


BY_HAND = ("canary-holdback", "recreate", "blue-green")
"""Those in which a table is written by hand."""
BEGINNINGS: dict[str, Play] = {
    "one": Play({}, (release("first"),)),
    "pair": Play({}, (release("first"), Ask("release", endpoint="trains", payload={"model": "first"}))),
    "watched": Play(
        {"probation_seconds": 1.0, "monitors": DOES["rollback"]}, (release("first"), release("second", when(Phase.SUCCEEDED, 1)))
    ),
    "held": Play({"monitors": DOES["hold"]}, (release("first"),)),
    "trained": Play({"monitors": DOES["retrain"]}, (release("first"),)),
    "kept": Play({"probation_seconds": 1.0}, (release("first"), release("second", when(Phase.SUCCEEDED, 1)))),
}
"""Worlds that plays begin in: each endpoint's versions."""
