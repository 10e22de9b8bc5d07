"""Strategies are data: functions from a ramp to a list of stages. What follows the last stage is always 100 %."""

from collections.abc import Callable

import msgspec

from tidegate.core.vocabulary import arms, errors, releases

FIRST_STEPS = (100, 500, 2_500, 5_000)


class Ramp(msgspec.Struct, frozen=True):
    """What a strategy is made from."""

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


Strategy = Callable[[Ramp], tuple[releases.Stage, ...]]


def canary(ramp: Ramp) -> tuple[releases.Stage, ...]:
    """Rising shares of the traffic, each watched: 1, 5, 25, 50 % unless said otherwise. Raises SpecInvalid as `check` does."""
    last = len(ramp.weights) - 1
    return check(
        tuple(
            releases.Stage(
                name=name(weight),
                weight=weight,
                min_seconds=ramp.seconds,
                max_seconds=ramp.at_most,
                min_requests=ramp.requests,
                must_prove=ramp.prove_last and place == last,
            )
            for place, weight in enumerate(ramp.weights)
        )
    )


def full(_: Ramp) -> tuple[releases.Stage, ...]:
    """No stages: all traffic at once when the candidate has answered its warm-up. Nothing is compared before."""
    return ()


STRATEGIES: dict[str, Strategy] = {"canary": canary, "full": full}


def check(stages: tuple[releases.Stage, ...]) -> tuple[releases.Stage, ...]:
    """The same stages, if they go up and can be run. Raises SpecInvalid naming the stage that cannot."""
    before = 0
    for stage in stages:
        if not 1 <= stage.weight <= arms.BUCKETS:
            raise errors.SpecInvalid(f"a stage of {name(stage.weight)} cannot be routed.", cure="Weights go from 0.01% to 100%.")
        if stage.weight <= before:
            raise errors.SpecInvalid(
                f"a stage of {name(stage.weight)} follows one of {name(before)}.", cure="Stages have to go up."
            )
        if not 0 <= stage.min_seconds <= stage.max_seconds:
            raise errors.SpecInvalid(
                f"the stage of {name(stage.weight)} ends before its least time.", cure="Let `at_most` be at least `for`."
            )
        if stage.min_requests < 1:
            raise errors.SpecInvalid(
                f"the stage of {name(stage.weight)} asks for no requests.", cure="Let `requests` be at least 1."
            )
        before = stage.weight
    return stages


def name(weight: int) -> str:
    """What people call a weight: 100 -> "1%", 10 -> "0.1%"."""
    return f"{weight / (arms.BUCKETS / 100):.2f}".rstrip("0").rstrip(".") + "%"
