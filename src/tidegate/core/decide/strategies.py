"""Strategies are data: functions from a plan to a list of stages. What follows the last stage is 100 %, or the way back.

A release may go through several: `compose(("shadow", "canary"), plan)` is one list of stages, held to the same rules.
"""

import itertools
from collections.abc import Callable, Sequence

import msgspec

from tidegate.core.vocabulary import arms, errors
from tidegate.core.vocabulary.releases import Places, Stage, Watch, alone

FIRST_STEPS = (100, 500, 2_500, 5_000)
_LONGEST_NAME, _LONGEST, _MOST_REQUESTS, _MOST_REPLICAS = 60, 366 * 86_400.0, 10**9, 512
HOLDBACK = 100
"""Buckets that stable keeps in a probation unless said otherwise: 1 %."""


class Ramp(msgspec.Struct, frozen=True):
    """Rising shares."""

    weights: tuple[int, ...] = FIRST_STEPS
    """Buckets of arms.BUCKETS that the candidate gets, stage by stage; 100 is 1 %."""
    seconds: float = 60.0
    """No stage is left earlier."""
    at_most: float = 600.0
    """When a stage without proof goes on, if nothing speaks against it."""
    requests: int = 200
    """Candidate requests without which no stage is left."""
    prove_last: bool = True
    """Leave the last stage only on proof that the candidate is no worse."""


class Mirror(msgspec.Struct, frozen=True):
    """A shadow."""

    share: int = 1_000
    """Buckets of requests that are copied."""
    seconds: float = 300.0
    at_most: float = 3_600.0
    pairs: int = 500


class Rolling(msgspec.Struct, frozen=True):
    """Replica by replica."""

    replicas: int = 1
    surge: int = 1
    """Replicas of both versions there may be beyond `replicas`."""
    unavailable: int = 0
    """Replicas there may be fewer."""
    seconds: float = 10.0
    at_most: float = 300.0
    requests: int = 20


class BlueGreen(msgspec.Struct, frozen=True):
    """Both versions up, one switch."""

    smoke: int = 20
    """Requests of our own that green has to answer before the switch."""
    weights: tuple[int, ...] = ()
    """Shares on the way; none: at once."""
    bake: float = 300.0
    """Seconds at 100 % in which blue stays up and anything wrong returns to it."""


class Split(msgspec.Struct, frozen=True):
    """An A/B test."""

    weight: int = 5_000
    seconds: float = 86_400.0
    """Not decided earlier: behaviour differs by hour and weekday."""
    horizon: float = 1_209_600.0
    """Ends without a winner after this."""
    units: int = 200
    """Of both groups together, without which it is not decided."""


class Plan(msgspec.Struct, frozen=True):
    """What strategies are made from. Each reads its own part."""

    ramp: Ramp = Ramp()
    mirror: Mirror = Mirror()
    rolling: Rolling = Rolling()
    blue_green: BlueGreen = BlueGreen()
    split: Split = Split()
    cohort: bool = False
    """Whether a cohort goes first, and then stays on the candidate."""


Strategy = Callable[[Plan], tuple[Stage, ...]]


def canary(plan: Plan) -> tuple[Stage, ...]:
    """Rising shares of the traffic, each watched: 1, 5, 25, 50 % unless said otherwise; a cohort before, if there is one."""
    ramp = plan.ramp
    last = len(ramp.weights) - 1
    steps = tuple(
        Stage(
            name=name(weight),
            weight=weight,
            min_seconds=ramp.seconds,
            max_seconds=ramp.at_most,
            min_requests=ramp.requests,
            must_prove=ramp.prove_last and place == last,
            cohort=plan.cohort,
        )
        for place, weight in enumerate(ramp.weights)
    )
    return (*_cohort(plan), *steps)


def shadow(plan: Plan) -> tuple[Stage, ...]:
    """Copies of requests to the candidate; clients see nothing of it."""
    mirror = plan.mirror
    made = Stage(
        name=f"shadow {name(mirror.share)}",
        weight=0,
        min_seconds=mirror.seconds,
        max_seconds=mirror.at_most,
        min_requests=mirror.pairs,
        evidence=False,
        watch=Watch.PAIRS,
        mirror=mirror.share,
    )
    return (made,)


def rolling(plan: Plan) -> tuple[Stage, ...]:
    """As many replicas at a time as surge and unavailable allow: start them, shift their share, stop as many old ones.

    Raises SpecInvalid where neither allows any.
    """
    given = plan.rolling
    whole, step = given.replicas, given.surge + given.unavailable
    if step < 1 or given.unavailable >= whole + (given.surge > 0):
        raise errors.SpecInvalid(
            f"{whole} replicas with surge {given.surge} and {given.unavailable} unavailable cannot be rolled.",
            cure="Let surge or unavailable be 1 at least, and something be available; one replica needs a surge of 1.",
        )
    stages, serving = [], 0
    while serving < whole:
        fresh = min(whole, serving + step)
        share, compared = fresh * arms.BUCKETS // whole, fresh < whole
        left = whole - fresh if compared else min(1, given.surge)  # one stays for the way back, where there is room for it
        places = Places(fresh, left, min(whole - serving, whole + given.surge - fresh))
        least, most = given.seconds, given.at_most if compared else given.seconds
        watch = Watch.COMPARISON if compared else Watch.LEVEL
        words, requests = f"{fresh} of {whole} replicas", given.requests if compared else 0
        stages.append(Stage(words, share, least, most, requests, evidence=compared, watch=watch, replicas=places))
        serving = fresh
    return tuple(stages)


def blue_green(plan: Plan) -> tuple[Stage, ...]:
    """Green up at 0 % and asked by ourselves, then the switch, then a bake with blue still up."""
    given, ramp = plan.blue_green, plan.ramp
    smoke = Stage("smoke", 0, 0.0, max(60.0, given.bake), given.smoke, evidence=False, watch=Watch.SMOKE)
    steps = (Stage(name(weight), weight, ramp.seconds, ramp.at_most, ramp.requests) for weight in given.weights)
    bake = Stage("bake", arms.BUCKETS, given.bake, given.bake, 0, evidence=False, watch=Watch.LEVEL)
    return (smoke, *steps, bake) if given.smoke else (*steps, bake)


def ab(plan: Plan) -> tuple[Stage, ...]:
    """One split until the metric decides, or the horizon."""
    given = plan.split
    words = f"A/B {name(given.weight)}"
    return (Stage(words, given.weight, given.seconds, given.horizon, given.units, watch=Watch.METRIC, cohort=plan.cohort),)


def recreate(_: Plan) -> tuple[Stage, ...]:
    """Stable is stopped, then the candidate started: for two versions that cannot be up together. Nobody answers between."""
    return (Stage("recreate", arms.BUCKETS, 0.0, 0.0, 0, evidence=False, watch=Watch.LEVEL, alone=True),)


def full(_: Plan) -> tuple[Stage, ...]:
    """No stages: all traffic at once when the candidate has answered its warm-up. Nothing is compared before."""
    return ()


STRATEGIES: dict[str, Strategy] = {
    "recreate": recreate,
    "rolling": rolling,
    "blue-green": blue_green,
    "canary": canary,
    "shadow": shadow,
    "ab": ab,
    "full": full,
}
REHEARSAL, BACK = "rehearsal", "rollback"
"""The strategies of a drill, and of a release that goes back to an earlier version: of no file, and in no list."""
_LAST = frozenset({"rolling", "blue-green", "ab", "full"})
"""What nothing may follow but `full`: they end with all traffic, or a decision."""


def compose(names: Sequence[str], plan: Plan) -> tuple[Stage, ...]:
    """The stages of several strategies in turn. Raises SpecInvalid where they cannot follow each other."""
    for one, following in itertools.pairwise(names):
        if "recreate" in (one, following) or (one in _LAST and following != "full") or one == following:
            raise errors.SpecInvalid(
                f"{following} cannot follow {one}.", cure="shadow and canary may come first; recreate stands alone."
            )
    stages: list[Stage] = []
    for one in names:
        reached = any(stage.weight for stage in stages)  # who has answered clients needs no requests of our own
        stages += (stage for stage in STRATEGIES[one](plan) if not (reached and stage.watch is Watch.SMOKE))
    return check(tuple(stages))


def returns(names: Sequence[str]) -> bool:
    """Whether such a release ends on stable: it was only a look."""
    return names[-1] == "shadow"


def least(stages: tuple[Stage, ...], *, sticky: bool) -> float:
    """Seconds after which the last stage is left at the earliest. What nothing can prove lasts its whole time: a cohort, a level,
    and the comparison of units that stick to their version.
    """
    unproven = {Watch.COHORT, Watch.LEVEL, *([Watch.COMPARISON] if sticky else [])}
    return sum(one.max_seconds if one.watch in unproven else one.min_seconds for one in stages)


def against_itself(seconds: float, replicas: int, pool: int) -> tuple[Stage, ...]:
    """Half of the traffic for a while, compared as in any release: both are of one bundle, so what is found is chance or comes
    from their workers. The candidate has `pool` of them beside stable's `replicas`.
    """
    places = Places(pool, replicas, replicas) if pool != replicas else None
    return (Stage("A/A 50%", arms.BUCKETS // 2, seconds, seconds, 1, replicas=places),)


def rehearsal(seconds: float) -> tuple[Stage, ...]:
    """Half of the traffic for a while, whatever comes of it, and back."""
    return (Stage("rehearsal 50%", arms.BUCKETS // 2, seconds, seconds, 0, watch=Watch.LEVEL),)


def after(stages: tuple[Stage, ...], probation: Stage | None, replicas: int) -> Stage | None:
    """The probation that such stages leave room for: where they moved the replicas, stable keeps those that the last one left."""
    last = stages[-1] if stages else None
    if probation is None or last is None or (last.replicas is None and not last.alone):
        return probation
    left = last.replicas.stable if last.replicas is not None else 0
    kept = probation if left else level()
    return msgspec.structs.replace(kept, replicas=Places(replicas, left, left))


def holdback(buckets: int = HOLDBACK) -> Stage:
    """A probation in which stable keeps a share: the only comparison that is left at 100 %."""
    return Stage(f"holdback {name(buckets)}", arms.BUCKETS - buckets, 0.0, 0.0, 0)


def reverse_shadow(buckets: int) -> Stage:
    """A probation in which the version before gets copies: its answers against the candidate's."""
    watch, words = Watch.PAIRS, f"reverse shadow {name(buckets)}"
    return Stage(words, arms.BUCKETS, 0.0, 0.0, 0, evidence=False, watch=watch, mirror=buckets)


def level() -> Stage:
    """A probation that only watches the candidate against what stable did before: no comparison, and it never rolls back."""
    return Stage("watch", arms.BUCKETS, 0.0, 0.0, 0, evidence=False, watch=Watch.LEVEL)


def check(stages: tuple[Stage, ...]) -> tuple[Stage, ...]:
    """The same stages, if they go up and can be run. Raises SpecInvalid naming the stage that cannot."""
    before: Stage | None = None
    if alone(stages) and len(stages) > 1:
        raise errors.SpecInvalid("recreate is no stage among others.", cure="Let it be the only one.")
    for stage in stages:
        if not 0 <= stage.weight <= arms.BUCKETS or (not stage.weight and stage.watch is Watch.COMPARISON):
            raise errors.SpecInvalid(f"a stage of {name(stage.weight)} cannot be routed.", cure="Weights go from 0.01% to 100%.")
        if stage.weight == arms.BUCKETS and stage.watch in (Watch.COMPARISON, Watch.METRIC):
            cure = "Let it be less; what follows the last stage is 100% anyway."
            raise errors.SpecInvalid(f"nobody is left to compare with in {stage.name}.", cure=cure)
        if not 0 <= stage.mirror <= arms.BUCKETS:
            raise errors.SpecInvalid(f"{name(stage.mirror)} cannot be mirrored.", cure="Shares go from 0.01% to 100%.")
        if before is not None and (stage.weight < before.weight or (stage.weight == before.weight and _same(before, stage))):
            raise errors.SpecInvalid(f"a stage of {stage.name} follows one of {before.name}.", cure="Stages have to go up.")
        if not (0 < len(stage.name) <= _LONGEST_NAME and stage.name.isprintable()):
            raise errors.SpecInvalid("a stage has no name that could be shown.", cure="Write 1 to 60 letters.")
        if stage.max_seconds > _LONGEST or stage.min_requests > _MOST_REQUESTS:
            raise errors.SpecInvalid(f"{stage.name} would never end.", cure="A stage lasts a year, or 10^9 requests, at most.")
        if stage.replicas is not None and not _can_serve(stage.replicas):
            raise errors.SpecInvalid(f"{stage.name} leaves nobody to answer.", cure="Let there be a worker of either version.")
        if not 0 <= stage.min_seconds <= stage.max_seconds:
            raise errors.SpecInvalid(
                f"the stage of {stage.name} ends before its least time.", cure="Let `at_most` be at least `for`."
            )
        if stage.min_requests < (stage.watch is not Watch.LEVEL):
            raise errors.SpecInvalid(f"the stage of {stage.name} asks for no requests.", cure="Let `requests` be at least 1.")
        before = stage
    return stages


def _can_serve(places: Places) -> bool:
    """Whether there is somebody at every moment: the candidate once it has come up, stable until then."""
    return 1 <= places.candidate <= _MOST_REPLICAS and all(
        0 <= one <= _MOST_REPLICAS for one in (places.stable, places.meanwhile)
    )


def _same(before: Stage, stage: Stage) -> bool:
    """Whether two stages of one weight watch the same: the second would be the first once more."""
    return before.watch is stage.watch


def _cohort(plan: Plan) -> tuple[Stage, ...]:
    ramp = plan.ramp
    if not plan.cohort:
        return ()
    least, most = ramp.seconds, ramp.at_most
    return (Stage("cohort", 0, least, most, ramp.requests, evidence=False, watch=Watch.COHORT, cohort=True),)


def name(weight: int) -> str:
    """What people call a weight: 100 -> "1%", 10 -> "0.1%"."""
    return f"{weight / (arms.BUCKETS / 100):.2f}".rstrip("0").rstrip(".") + "%"
