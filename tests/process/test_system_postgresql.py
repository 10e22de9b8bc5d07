"""The store's server goes down in the middle of a release: predictions go on, so does the release once it is back."""

import json
import pathlib

import pytest

from tests import postgresql
from tests.process import living
from tidegate.control.store import location


@pytest.fixture
def own() -> postgresql.Server:
    """A server of this test's own, since it is ended."""
    with postgresql.running() as made:
        yield made


@pytest.fixture
def address(own: postgresql.Server, monkeypatch) -> str:
    """Of an empty database that asks for a password, which the environment alone has."""
    bare = own.empty(postgresql.SECRET)
    own.sql(own.url("postgres"), f"ALTER ROLE postgres PASSWORD '{postgresql.PASSWORD}'")
    monkeypatch.setenv(location.VARIABLE, bare.replace("postgres@", f"postgres:{postgresql.PASSWORD}@"))
    return bare


def test_a_release_outlives_the_server_of_its_store(own: postgresql.Server, address: str, tmp_path, models):
    system = living.Living(tmp_path, models)
    system.up("--store", address)
    try:
        _nobody_is_told_the_password(system)
        with living.Traffic(system.address, 400) as traffic:
            system.release("v2")
            system.await_phase("running")
            own.stop()
            living.wait(lambda: _told(system)["control_state"] == "store-unavailable", what="control to say so")
            assert "cannot be" in _told(system)["store"]
            system.run("rollback", living.ENDPOINT, "--reason", "the database is away")
            route = json.loads(system.home.table.read_text())["routes"][living.ENDPOINT]
            assert route.get("candidate") is None
            answered = traffic.answered
            living.wait(lambda: traffic.answered > answered + 50, what="predictions to go on")
            own.start()
            system.await_phase("rolled_back")
            system.release("v3")
            system.await_phase("probation", "succeeded")
        assert traffic.failed == 0, traffic.failures
        assert system.endpoint()["stable"]["name"] == "v3"
        assert "each as it was written" in system.run("audit", "verify")
        with pytest.raises(AssertionError, match="store-invalid"):
            system.run("up", "--store", "postgresql://ana:hush@db/gate")
    finally:
        system.down()


def _nobody_is_told_the_password(system: living.Living) -> None:
    """But control and the API: it is in no file, in nobody's arguments, and in no worker's environment."""
    secret = postgresql.PASSWORD.encode()
    assert not [path for path in system.home.root.rglob("*") if path.is_file() and secret in path.read_bytes()]
    for spec in system.home.instances.glob("*.json"):
        process = pathlib.Path(f"/proc/{system.pid(spec.stem)}")
        assert secret not in (process / "cmdline").read_bytes()
        knows = secret in (process / "environ").read_bytes()
        assert not (knows and spec.stem.startswith("w-")), spec.stem


def _told(system: living.Living) -> dict:
    with system.api as asked:
        return asked.status()
