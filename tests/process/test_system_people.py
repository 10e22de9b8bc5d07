"""What people and policies do to releases on a whole system: approvals, groups, budgets, memory, ways back, retries, drills."""

import pathlib

import joblib
import numpy as np
import pytest

from tests.process import living, strategy_settings
from tidegate.core.vocabulary import errors, instances
from tidegate.interface.api import client

SECOND = "blossom"


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("people"), models) as found:
        yield found


@pytest.fixture
def load(system):
    with living.Traffic(system.address, 100) as traffic:
        yield traffic
    assert traffic.failed == 0, traffic.failures


def verb(system: living.Living, name: str, **more: object) -> dict:
    with system.api as asked:
        return asked.verb(living.ENDPOINT, name, **more)


def ended(system: living.Living, phase: str, endpoint: str = living.ENDPOINT) -> dict:
    def over() -> object:
        with system.api as asked:
            release = asked.endpoint(endpoint)["release"]
        return release["ended"] and release

    release = living.wait(over, 60.0, f"{endpoint} to be {phase}")
    assert release["phase"] == phase, release["reason"]
    return release


def other(system: living.Living) -> str:
    return "v2" if "v2" not in system.endpoint()["stable"]["model"] else "v3"


def test_a_failure_in_the_share_that_stable_keeps_after_100_percent_goes_back_by_itself(system, load):
    """The model answers well while it is released and fails once it is in probation: the holdback is what finds that."""
    before = system.endpoint()["stable"]["name"]
    told = strategy_settings.of("full", probation=600.0)
    system.release("no-negatives", **told)
    system.await_phase("probation", "rolling_back", "rolled_back")
    release = ended(system, "rolled_back")
    assert system.endpoint()["stable"]["name"] == before
    assert "fails" in release["reason"]
    assert release["verdict"]["harm"]["rescued"] > 0
    with pytest.raises(errors.DigestHeld):
        system.release("no-negatives", **told)
    verb(system, "unhold", reason="to try again")


def test_a_harm_budget_that_is_spent_pauses_and_a_person_may_end_it(system, load):
    policy = {**strategy_settings.of("canary")["policy"], "harm_budget": 1, "alpha": 1e-9, "guard_breaks": 0}
    told = strategy_settings.of("canary", policy=policy)
    slow = [{**stage, "min_seconds": 60.0, "max_seconds": 90.0} for stage in told["stages"]]
    system.release("no-negatives", **{**told, "stages": slow})
    system.await_phase("paused")
    release = system.endpoint()["release"]
    assert "the harm budget is spent" in release["reason"]
    assert release["verdict"]["harm"]["excess"] >= 1
    verb(system, "abort", reason="too dear")
    ended(system, "aborted")


def test_retry_proves_more_each_time_and_rehearse_holds_nothing(system, load):
    verb(system, "retry", reason="once more")
    release = system.endpoint()["release"]
    assert release["attempt"] > 1
    living.wait(lambda: system.phase() not in {"queued", "checking", "warming"})
    verb(system, "abort", reason="enough")
    ended(system, "aborted")
    serving, holds = system.endpoint()["stable"]["name"], system.endpoint()["holds"]
    verb(system, "rehearse", seconds=1.0, reason="a drill")
    drill = ended(system, "concluded")
    after = system.endpoint()
    assert (drill["outcome"], after["stable"]["name"], after["holds"]) == ("rehearsed", serving, holds)
    assert 0 < drill["rollback_seconds"] < 10


def test_a_version_that_is_not_warm_is_loaded_before_it_gets_traffic(system, load):
    owner = system.endpoint()["stable"]["ordinal"]
    for model in ("v1", "v2", "v3"):
        if f"{model}.joblib" not in system.endpoint()["stable"]["model"]:
            system.release(model, **strategy_settings.of("full"))
            ended(system, "succeeded")
    assert owner not in [one["ordinal"] for one in system.endpoint()["kept"]]
    verb(system, "rollback", to=owner, reason="the oldest was best")
    ended(system, "succeeded")
    assert system.endpoint()["stable"]["ordinal"] == owner


def blossom(system: living.Living) -> str:
    """A second endpoint; its name."""
    with system.api as asked:
        if SECOND not in [one["name"] for one in asked.status()["endpoints"]]:
            settings = {key: value for key, value in asked.endpoint(living.ENDPOINT)["settings"].items() if key != "endpoint"}
            told = {**settings, "endpoint": SECOND, "stages": [], "strategy": "full", "probation_seconds": 0.0}
            asked.release(SECOND, told, model=system.model("v1"))
    ended(system, "succeeded", SECOND)
    return SECOND


def begin_group(asked: client.Client, system: living.Living, models: dict[str, str]) -> None:
    told = strategy_settings.of("canary", probation=30.0)
    members = [
        {
            "settings": {**asked.endpoint(name)["settings"], **told, "endpoint": name, "group": "shop"},
            "model": system.model(model),
        }
        for name, model in models.items()
    ]
    asked.release_group("shop", members, reason="together", actor="ada")


def test_a_group_is_promoted_together_and_goes_back_together(system, load):
    second, model, holds = blossom(system), other(system), system.endpoint()["holds"]
    with system.api as asked:
        begin_group(asked, system, {living.ENDPOINT: model, second: "v3"})
        # Nobody asks the second endpoint: it stands still, and so the first has to wait for it at the gate.
        living.wait(lambda: "others of the group" in str(asked.endpoint(living.ENDPOINT)["release"]["waiting"]), 40.0)
        assert asked.endpoint(living.ENDPOINT)["release"]["phase"] == "running"
        asked.verb(second, "promote", reason="we know it", actor="ada")
        for name in (living.ENDPOINT, second):
            living.wait(lambda name=name: asked.endpoint(name)["release"]["phase"] == "probation", 40.0, f"{name} in probation")
        asked.verb(second, "rollback", reason="customers complain", actor="ada")
    ended(system, "rolled_back", second)
    first = ended(system, "aborted")
    assert "a member of the group" in first["reason"]
    assert system.endpoint()["holds"] == holds, "it did nothing wrong"


def test_a_candidate_that_holds_far_more_memory_than_stable_pauses(system, load, tmp_path):
    with system.api as asked:  # one loader reads both: what was compiled holds memory for other reasons
        plain = {**strategy_settings.of("full"), "probation_seconds": 0.0, "compile": "never"}
        asked.release(living.ENDPOINT, plain, model=system.model(other(system)))
    ended(system, "succeeded")
    ordinal = system.endpoint()["stable"]["ordinal"]
    held = instances.read_state(system.home.instances, system.instance("worker", ordinal))["rss"]
    told = strategy_settings.of("canary", group="")
    told["policy"]["memory"] = 1.5
    slow = [{**stage, "min_seconds": 60.0, "max_seconds": 90.0} for stage in told["stages"]]
    with system.api as asked:
        asked.release(living.ENDPOINT, {**told, "stages": slow, "compile": "never"}, model=heavier(system.models, tmp_path, held))
    system.await_phase("paused")
    assert "MiB a worker" in system.endpoint()["release"]["reason"]
    verb(system, "resume", reason="it caches")
    system.await_phase("running")
    verb(system, "abort", reason="seen")
    ended(system, "aborted")


def test_two_people_have_to_approve_and_the_author_is_none_of_them(system, load):
    approval = {"by": [], "count": 2, "not_author": True, "within_seconds": 600.0}
    with system.api as asked:
        told = {**strategy_settings.of("canary", group=""), "approval": approval}
        asked.release(living.ENDPOINT, told, model=system.model(other(system)), actor="eve")
    system.await_phase("awaiting_approval")
    assert system.endpoint()["weight"] == 0
    with pytest.raises(errors.ApprovalRefused, match="asked for"):
        verb(system, "approve", actor="eve", reason="mine")
    verb(system, "approve", actor="ada", reason="looks right")
    with pytest.raises(errors.ApprovalRefused, match="already"):
        verb(system, "approve", actor="ada", reason="twice")
    verb(system, "approve", actor="bob", reason="fine")
    release = ended(system, "succeeded")
    assert [one["actor"] for one in release["approvals"]] == ["ada", "bob"]
    said = {(event["kind"], event["actor"], event["said"]) for event in system.api.events(endpoint=living.ENDPOINT)}
    assert {("approve", "ada", "looks right"), ("approve", "bob", "fine")} <= said


def heavier(models: pathlib.Path, folder: pathlib.Path, held: int) -> str:
    """The first model with ballast of so many bytes; where it is."""
    model = joblib.load(models / "v1.joblib")
    model.ballast = np.random.default_rng(0).random(held // 8)
    path = folder / "heavier.joblib"
    joblib.dump(model, path)
    return str(path)
