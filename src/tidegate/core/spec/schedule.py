"""From the keys under `release:` to stages: how long, how much, who first, and what follows 100 %."""

from collections.abc import Sequence

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.spec import keys, units, ways
from tidegate.core.vocabulary import arms, assignment, errors, releases

COOKIE = assignment.Sticky("cookie", "tidegate")
"""What an A/B test sticks by where the file says nothing."""
MOST_KEYS = 10_000
"""Sticky keys that a cohort may list: they are in the routing table."""
STICKS = frozenset({"ab"})
COHORTS = frozenset({"canary", "ab"})


def stages(model: keys.Tidegate) -> tuple[releases.Stage, ...]:
    """All stages, each step of a canary with its own times. Raises SpecInvalid."""
    names, made_from = model.release.strategy, plan(model)
    made = list(strategies.compose(names, made_from))
    if "canary" in names:
        before = names[: names.index("canary")]
        first = sum(len(strategies.STRATEGIES[one](made_from)) for one in before) + made_from.cohort
        for place, step in enumerate(_steps(model), first):
            made[place] = _paced(made[place], step)
    return strategies.check(tuple(made))


def plan(model: keys.Tidegate) -> strategies.Plan:
    """What each strategy is made from. Raises SpecInvalid."""
    return strategies.Plan(ramp(model), mirror(model), rolling(model), blue_green(model), split(model), cohort=_goes_first(model))


def ramp(model: keys.Tidegate) -> strategies.Ramp:
    """A canary's. A bare 100% at the end says what promotion does anyway. Raises SpecInvalid."""
    release = model.release
    weights = tuple(buckets(step.traffic, "step") for step in _steps(model))
    at_most = most(release, release.least, release.at_most)
    return strategies.Ramp(weights, release.least, at_most, release.requests, proves_last(model))


def mirror(model: keys.Tidegate) -> strategies.Mirror:
    """A shadow's. Raises SpecInvalid."""
    given = model.release.shadow
    return strategies.Mirror(
        buckets(given.mirror, "share of copies"), given.least, most(given, given.least, given.at_most), given.pairs
    )


def rolling(model: keys.Tidegate) -> strategies.Rolling:
    """Raises SpecInvalid."""
    given, at_most = (
        model.release.rolling,
        most(model.release.rolling, model.release.rolling.least, model.release.rolling.at_most),
    )
    return strategies.Rolling(model.replicas, given.surge, given.unavailable, given.least, at_most, given.requests)


def blue_green(model: keys.Tidegate) -> strategies.BlueGreen:
    """Raises SpecInvalid."""
    given = model.release.blue_green
    return strategies.BlueGreen(given.smoke, tuple(buckets(one, "share") for one in given.switch), given.bake)


def split(model: keys.Tidegate) -> strategies.Split:
    """An A/B test's. Raises SpecInvalid."""
    given = model.release.ab
    if not 0 < given.split < 1:
        raise errors.SpecInvalid("one of the two groups would be empty.", cure='Write a split such as "50%" or "60/40".')
    horizon = given.horizon if "horizon" in given.model_fields_set else max(given.horizon, given.least)
    if horizon < given.least:
        raise errors.SpecInvalid("`horizon` is less than `for`.", cure="Let `horizon` be at least `for`.")
    return strategies.Split(buckets(given.split, "split"), given.least, horizon, given.units)


def most(block: ways.Release | ways.Shadow | ways.Rolling, least: float, at_most: float) -> float:
    """The time limit; one that nobody gave moves with a longer least time. Raises SpecInvalid where it was given and is less."""
    if "at_most" in block.model_fields_set and at_most < least:
        raise errors.SpecInvalid("`at_most` is less than `for`.", cure="Let `at_most` be at least `for`.")
    return max(at_most, least)


def sticky(model: keys.Tidegate) -> assignment.Sticky | None:
    """What units go by. Raises SpecInvalid unless it is one thing."""
    given = model.release.sticky
    if given is None:
        return COOKIE if STICKS & set(model.release.strategy) else None
    said = [(by, name) for by, name in (("header", given.header), ("cookie", given.cookie), ("field", given.field)) if name]
    if len(said) != 1:
        raise errors.SpecInvalid(
            "a unit goes by one thing.", cure="Write one of {header: x-user}, {cookie: NAME}, {field: user_id}."
        )
    return assignment.Sticky(*said[0])


def proves_last(model: keys.Tidegate) -> bool:
    """Whether the last step is left on proof only: sticky units cannot prove it yet. Raises SpecInvalid if they are asked to."""
    if sticky(model) is None:
        return model.release.prove_last
    if "prove_last" in model.release.model_fields_set and model.release.prove_last:
        raise errors.SpecInvalid(
            "requests that stick to their version cannot prove yet that the candidate is no worse.",
            cure="Take `prove_last` away (it is false with `sticky`), or `sticky`.",
        )
    return False


def cohort(model: keys.Tidegate, listed: Sequence[str] = ()) -> assignment.Cohort | None:
    """Who goes first; `listed` are the keys in its file. Raises SpecInvalid where nobody could, or the file has not been read."""
    given = model.release.cohort
    if given is None:
        return None
    header, _, value = (given.header or "").partition(": ")
    named = given.keys if isinstance(given.keys, tuple) else ()
    share = given.keys if isinstance(given.keys, float) else 0.0
    if given.file and not listed:
        raise errors.SpecInvalid(f"{given.file} lists nobody.", cure="Write a sticky key in each of its lines.")
    hashed = {assignment.hashed(key.encode()): None for key in (*named, *listed)}
    if len(hashed) > MOST_KEYS:
        raise errors.SpecInvalid(
            f"{len(hashed):,} keys are more than a routing table may carry ({MOST_KEYS:,}).", cure="Have them send a header."
        )
    return assignment.Cohort(
        header, (value,) if value else (), tuple(hashed), buckets(share, "cohort") if share else 0, said=cohort_text(given)
    )


def cohort_text(given: ways.Cohort) -> str:
    """As people say it. Keys are counted, not told: they may be names of people."""
    said = [f"header {given.header}"] if given.header else []
    if isinstance(given.keys, tuple):
        said.append(f"{len(given.keys)} keys")
    elif given.keys:
        said.append(f"{units.share_text(given.keys)} of all keys")
    return " or ".join([*said, *([f"keys in {given.file}"] if given.file else [])])


def probation(model: keys.Tidegate) -> releases.Stage | None:
    """How traffic goes after 100 %. Raises SpecInvalid for a watch that the strategy has no room for."""
    given, alone = model.release.probation, "recreate" in model.release.strategy
    watch = given.watch or ("level" if alone else "holdback")
    if alone and watch in ("holdback", "reverse-shadow"):
        raise errors.SpecInvalid(
            f"with recreate there is no version before for a {watch}.", cure="Write `watch: level` or `none`."
        )
    if watch in ("level", "none") and "share" in given.model_fields_set:
        raise errors.SpecInvalid(f"`watch: {watch}` has no share.", cure="Take `share` away, or write `watch: holdback`.")
    if watch == "none":
        return None
    if watch == "level":
        return strategies.level()
    share = buckets(given.share, "share")
    if not 0 < share < arms.BUCKETS + (watch == "reverse-shadow"):
        raise errors.SpecInvalid(f"a {watch} of {units.share_text(given.share)} compares nothing.", cure="Write 1% or so.")
    made = strategies.holdback(share) if watch == "holdback" else strategies.reverse_shadow(share)
    return strategies.after(stages(model), made, model.replicas)


def keep(model: keys.Tidegate) -> int:
    """Previous versions kept warm: unless given none where two cannot be up together."""
    return 0 if "recreate" in model.release.strategy and "keep" not in model.model_fields_set else model.keep


def buckets(share: float, what: str) -> int:
    """A share in buckets of arms.BUCKETS. Raises SpecInvalid for one between two of them, as 0.001% is."""
    found = round(share * arms.BUCKETS)
    if abs(found - share * arms.BUCKETS) > 1e-6:
        raise errors.SpecInvalid(
            f"{units.share_text(share)} is finer than traffic can be split.", cure=f"The least {what} is 0.01%."
        )
    return found


def _steps(model: keys.Tidegate) -> list[ways.Step]:
    steps = list(model.release.steps)
    if steps[-1].traffic == 1:
        if steps.pop().model_fields_set != {"traffic"}:
            raise errors.SpecInvalid(
                "100% is the promotion itself and has no times.", cure="Leave it out; `probation` is the watch after it."
            )
        if not steps:
            raise errors.SpecInvalid(
                "a canary of 100% compares nothing.", cure="Write `strategy: full`, or smaller steps before it."
            )
    return steps


def _paced(stage: releases.Stage, step: ways.Step) -> releases.Stage:
    least = stage.min_seconds if step.least is None else step.least
    at_most = max(stage.max_seconds, least) if step.at_most is None else step.at_most
    requests = stage.min_requests if step.requests is None else step.requests
    return msgspec.structs.replace(stage, min_seconds=least, max_seconds=at_most, min_requests=requests)


def _goes_first(model: keys.Tidegate) -> bool:
    return model.release.cohort is not None
