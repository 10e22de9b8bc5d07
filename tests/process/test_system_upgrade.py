"""The installed code takes over under load, and a home is backed up and begins again elsewhere: no request is lost by it."""

import json
import shutil

import pytest

from tests.process import living
from tidegate.core.vocabulary import home, instances
from tidegate.dataplane.wire import tablefile


@pytest.fixture(scope="module")
def system(tmp_path_factory, models):
    with living.alive(tmp_path_factory.mktemp("upgraded"), models) as found:
        yield found


def pids(system: living.Living) -> dict[str, int]:
    return {path.stem: instances.holder(system.home.instances, path.stem) for path in system.home.instances.glob("*.lock")}


def test_an_upgrade_under_load_loses_no_request(system):
    before = pids(system)
    with living.Traffic(system.address, 200) as traffic:
        told = json.loads(system.run("upgrade", "--json"))
        seen = traffic.answered
        living.wait(lambda: traffic.answered > seen + 100, what="answers afterwards")
    assert traffic.failed == 0, traffic.failures
    after = pids(system)
    assert after["keeper"] == before["keeper"]  # the same process, with the new code
    assert {step["name"] for step in told["steps"]} == set(before)
    for name in ("gateway-0", "control", "api", "recorder"):
        assert after[name] not in (0, before[name])
    assert sum(name.startswith("w-") for name, pid in after.items() if pid) == 1
    assert [path.stem for path in system.home.instances.glob("gateway-*.json")] == ["gateway-0"]  # nobody stands in any more
    assert system.endpoint()["stable"]["workers"] == 1


def test_a_killed_gateway_is_started_again_by_the_keeper_that_replaced_itself(system):
    pid = system.kill("gateway-0")
    system.await_successor("gateway-0", pid)
    with living.Traffic(system.address, 100) as traffic:
        living.wait(lambda: traffic.answered > 50, what="answers")
    assert traffic.failed == 0, traffic.failures


def test_a_restored_home_serves_what_was_stable(system, tmp_path):
    with living.Traffic(system.address, 100) as traffic:
        made = json.loads(system.run("backup", str(tmp_path / "b.tar.gz"), "--log", "--json"))
    assert traffic.failed == 0, traffic.failures
    assert made["log"]
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o777 == 0o600
    system.run("backup", str(tmp_path / "b.tar.gz"), code=2)  # never over another
    system.run("restore", str(tmp_path / "b.tar.gz"), code=2)  # it is up
    other = living.Living(tmp_path, system.models)
    other.run("restore", str(tmp_path / "b.tar.gz"))
    other.run("restore", str(tmp_path / "b.tar.gz"), code=2)  # not empty any more
    assert tablefile.read(other.home.table).routes[living.ENDPOINT].asleep
    stable = system.endpoint()["stable"]
    other.up()
    try:
        with living.Traffic(other.address, 50, timeout=30.0) as traffic:
            living.wait(lambda: traffic.answered > 20, what="answers")
        assert traffic.failed == 0, traffic.failures
        assert other.endpoint()["stable"]["model_digest"] == stable["model_digest"]
        assert other.endpoint()["stable"]["ordinal"] == stable["ordinal"]
    finally:
        other.down()
    other.run("restore", str(tmp_path / "b.tar.gz"), "--force")
    assert len(list(tmp_path.glob(".tidegate.before-*"))) == 1
    shutil.rmtree(home.Home(tmp_path / ".tidegate").run, ignore_errors=True)
