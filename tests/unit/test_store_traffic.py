"""What an event keeps of how traffic goes: for every kind of stage, and after every end."""

import msgspec
import pytest

from tidegate.control.store import traffic
from tidegate.core.vocabulary import assignment, releases
from tidegate.core.vocabulary.phases import Phase

OLD, NEW = (releases.Version("delay", number, "d", "m", "mlflow://delay") for number in (1, 2))
BASE = releases.Release(
    id="r",
    environment="production",
    endpoint="delay",
    candidate=NEW,
    stable=OLD,
    strategy="canary",
    stages=(releases.Stage("shadow", 0, mirror=1_000), releases.Stage("5 %", 500)),
    policy=releases.Policy(),
    salt=b"",
    created_at=1.0,
)


def of(phase: Phase, **more: object) -> traffic.Traffic:
    return traffic.of(msgspec.structs.replace(BASE, phase=phase, **more))


@pytest.mark.parametrize("phase", [Phase.QUEUED, Phase.CHECKING, Phase.AWAITING_APPROVAL, Phase.WARMING, Phase.ROLLING_BACK])
def test_all_is_with_stable_before_and_on_the_way_back(phase):
    assert of(phase) == traffic.Traffic(1)
    first = of(phase, stable=None)
    assert first.stable is None


@pytest.mark.parametrize("phase", [Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED, Phase.CONCLUDED])
def test_what_ended_without_success_leaves_stable(phase):
    assert of(phase) == traffic.Traffic(1)
    assert of(phase, stable=None) == traffic.Traffic(None)


@pytest.mark.parametrize("phase", [Phase.PROMOTING, Phase.PROBATION, Phase.SUCCEEDED])
def test_a_promotion_gives_all_to_the_candidate(phase):
    assert of(phase, stage=1) == traffic.Traffic(2)


@pytest.mark.parametrize("phase", [Phase.RUNNING, Phase.PAUSED])
def test_a_stage_says_its_share_and_its_copies(phase):
    assert of(phase) == traffic.Traffic(1, 2, 0, mirror=1_000, stage="shadow")
    assert of(phase, stage=1) == traffic.Traffic(1, 2, 500, stage="5 %")


def test_a_chosen_group_and_a_holdback_are_told():
    chosen = (releases.Stage("friends", 0, cohort=True),)
    group = assignment.Cohort(header="x-internal")
    assert of(Phase.RUNNING, stages=chosen, cohort=group) == traffic.Traffic(1, 2, 0, cohort=True, stage="friends")
    back = releases.Stage("holdback", 9_900)
    assert of(Phase.PROBATION, probation=back) == traffic.Traffic(1, 2, 9_900, stage="holdback")


def test_a_gap_is_told_as_one():
    alone = (releases.Stage("alone", 10_000, alone=True),)
    assert of(Phase.WARMING, stages=alone) == traffic.Traffic(2, gap=True)
    assert of(Phase.ROLLING_BACK, stages=alone) == traffic.Traffic(1, gap=True)
