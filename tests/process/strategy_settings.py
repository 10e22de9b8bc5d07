"""What a release by each strategy asks for, in times that a test can wait for."""

from typing import Any

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import releases

PLAN = strategies.Plan(
    strategies.Ramp((500, 5_000), seconds=0.5, at_most=4.0, requests=10, prove_last=False),
    strategies.Mirror(5_000, seconds=0.5, at_most=30.0, pairs=30),
    strategies.Rolling(2, 1, 0, seconds=0.5, at_most=3.0, requests=5),
    strategies.BlueGreen(smoke=8, weights=(1_000,), bake=1.0),
    strategies.Split(5_000, seconds=0.5, horizon=4.0, units=20),
)


def of(*names: str, plan: strategies.Plan = PLAN, probation: float = 1.0, **more: Any) -> dict[str, Any]:
    """Settings that differ from the endpoint's own: strategies in turn, then a probation of so many seconds."""
    stages = strategies.compose(names, plan)
    after = strategies.level() if "recreate" in names else strategies.holdback(1_000)
    told = {
        "strategy": " -> ".join(names),
        "stages": msgspec.to_builtins(stages),
        "returns": strategies.returns(names),
        "probation": msgspec.to_builtins(after),
        "probation_seconds": probation,
        "keep": 0 if "recreate" in names else 1,
        "policy": msgspec.to_builtins(releases.Policy(disagreement=0.2, memory=0.0)),
    }
    return told | more
