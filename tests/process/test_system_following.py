"""Models as data: a file that is replaced is released by itself, and the gateway never notices but by its table."""

import shutil

import pytest

from tests.process import living
from tidegate.core.vocabulary import instances
from tidegate.dataplane.wire import tablefile

FULL = {"strategy": "full", "stages": (), "probation_seconds": 0.0}


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("followed"), models) as found:
        yield found


def put(system: living.Living, name: str) -> str:
    """Have the followed file be this model: whole at once, as a careful writer does."""
    current = system.folder / "current.joblib"
    scratch = system.folder / ".current"
    shutil.copyfile(system.model(name), scratch)
    scratch.replace(current)
    return str(current)


def events(system: living.Living, kind: str) -> list[dict]:
    with system.api as asked:
        return [one for one in asked.events(limit=1000) if one["kind"] == kind]


def test_a_model_that_is_not_there_yet_is_waited_for_then_released_and_so_is_every_later_one(system):
    said = instances.read_state(system.home.instances, "gateway-0")
    with living.Traffic(system.address, 100) as traffic:
        with system.api as asked:
            asked.follow(living.ENDPOINT, {"model": str(system.folder / "current.joblib"), **FULL})
        assert system.endpoint()["follows"].endswith("current.joblib")
        for ordinal, name in ((2, "v2"), (3, "v3")):
            put(system, name)
            living.wait(lambda ordinal=ordinal: system.endpoint()["stable"]["ordinal"] == ordinal, 60, f"{name} to be stable")
    assert traffic.failed == 0, traffic.failures
    now = instances.read_state(system.home.instances, "gateway-0")
    assert (now["pid"], now["incarnation"]) == (said["pid"], said["incarnation"])
    created = events(system, "created")
    assert [one["actor"] for one in created[1:]] == ["follow", "follow"]
    assert "means sha256:" in created[-1]["said"]


def test_a_model_that_was_rolled_back_is_left_alone_until_the_file_is_another(system):
    system.run("rollback", "--reason", "wrong")
    living.wait(lambda: system.endpoint()["stable"]["ordinal"] == 2, what="v2 again")
    assert system.endpoint()["holds"]
    put(system, "v3")  # the same model, written anew
    created = len(events(system, "created"))
    put(system, "v1")
    living.wait(lambda: system.endpoint()["stable"]["ordinal"] == 4, 60, what="the other model")
    assert len(events(system, "created")) == created + 1


def test_what_cannot_be_released_is_an_alarm_and_the_next_model_ends_it(system):
    (system.folder / "current.joblib").write_bytes(b"no model at all")
    living.wait(lambda: alarms(system) == ["follow_failed"], 60, what="the alarm")
    assert "alarm follow failed: iris:" in system.run("status")
    put(system, "v2")
    living.wait(lambda: not alarms(system), 60, what="the end of the alarm")
    assert [one["facts"]["alarm"] for one in events(system, "alarm_over")] == ["follow_failed"]
    system.run("follow", "--off")
    assert not system.endpoint()["follows"]


def test_what_it_is_to_follow_by_comes_with_a_release_that_has_to_be_approved(system):
    def limit() -> int:
        return int(tablefile.read(system.home.table).routes[living.ENDPOINT].limits.body)

    before = limit()
    tight = {"limits": {"body": 2048}, "approval": {"by": ["bob"], "count": 1}}
    with system.api as asked:
        asked.follow(living.ENDPOINT, {"model": str(system.folder / "current.joblib"), **FULL, **tight})
        system.await_phase("awaiting_approval")
        assert limit() == before
        asked.verb(living.ENDPOINT, "approve", actor="bob")
    living.wait(lambda: limit() == 2048, 60, what="the settings that were agreed to")


def alarms(system: living.Living) -> list[str]:
    with system.api as asked:
        return [one["kind"] for one in asked.status()["alarms"]]
