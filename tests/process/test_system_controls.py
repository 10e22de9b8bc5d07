"""Two control processes on one store: one decides, the other goes on where it left off. On SQLite and on PostgreSQL."""

import contextlib
import os
import signal
import sqlite3
import time

import pytest

from tests import postgresql
from tests.process import living
from tidegate.control.store import location, store
from tidegate.core.vocabulary import instances

NAMES = ("control", "control-1")


@pytest.fixture(params=["sqlite", "postgresql"])
def more(request: pytest.FixtureRequest) -> tuple[str, ...]:
    """What `up` is told besides."""
    if request.param == "sqlite":
        return ("--controls", "2")
    made: postgresql.Server = request.getfixturevalue("server")
    return ("--controls", "2", "--store", made.empty())


def state(system: living.Living, name: str) -> str:
    said = instances.read_state(system.home.instances, name)
    return str(said.get("state", "")) if said.get("pid") == system.pid(name) else ""


def leader(system: living.Living) -> str:
    try:
        return str(living.wait(lambda: next((name for name in NAMES if state(system, name) == "ready"), ""), what="a leader"))
    except AssertionError as failed:
        said = [instances.read_state(system.home.instances, name) for name in NAMES]
        lines = [(system.home.logs / f"{name}.log").read_text().splitlines()[-5:] for name in NAMES]
        raise AssertionError(f"{failed}: {said}, {[system.pid(name) for name in NAMES]}, {lines}") from failed


def other(name: str) -> str:
    return NAMES[1 - NAMES.index(name)]


def events(system: living.Living) -> list[tuple[object, ...]]:
    """What happened to releases; the chain is whole, and no step is there twice."""
    with store.Store(location.url(system.home), create=False) as books:
        books.verify()
        found = [(one.release, one.generation, one.kind, one.phase_after) for one in books.events("production") if one.release]
    steps = [(release, generation) for release, generation, *_ in found]
    assert len(set(steps)) == len(steps), "a step was taken twice"
    return found


def test_the_other_goes_on_within_five_seconds_when_the_leader_is_killed_or_hangs(tmp_path, models, more):
    system = living.Living(tmp_path, models)
    system.up(*more)
    try:
        with living.Traffic(system.address, 400) as traffic:
            _killed_under_a_release(system)
            _hung_and_overtaken(system)
            _ended_cleanly(system)
        assert traffic.failed == 0, traffic.failures
        told = system.run("status")
        assert "control" not in told, told
    finally:
        system.down()


def one_decides(system: living.Living) -> bool:
    """Whether both are up and one stands by: which one, a busy machine may decide."""
    return sorted(state(system, name) for name in NAMES) == ["ready", "standby"]


def hangs_between_transactions(system: living.Living, pid: int) -> bool:
    """Stop it, and let it go on where it has SQLite's file locked: nobody can write then, and nobody is to blame."""
    os.kill(pid, signal.SIGSTOP)
    if location.is_server(system.home):
        return True
    try:
        with contextlib.closing(sqlite3.connect(system.home.store, timeout=0.2)) as probe:
            probe.execute("BEGIN IMMEDIATE")
            return True
    except sqlite3.OperationalError:
        os.kill(pid, signal.SIGCONT)
        return False


def _killed_under_a_release(system: living.Living) -> None:
    first = leader(system)
    living.wait(lambda: state(system, other(first)) == "standby", what="a standby")
    system.release("v2")
    system.await_phase("running")
    began = time.monotonic()
    system.kill(first)
    spec = system.home.instances / f"{first}.json"
    spec.rename(spec.with_suffix(".off"))  # else the keeper has it back before anybody can take over
    living.wait(lambda: state(system, other(first)) == "ready", 15.0, "the other to decide")
    assert time.monotonic() - began < 5.0
    system.await_phase("probation", "succeeded")
    spec.with_suffix(".off").rename(spec)
    living.wait(lambda: one_decides(system), what="both to be there, and one to decide")
    assert [kind for _, _, kind, _ in events(system)].count("created") == 2


def _hung_and_overtaken(system: living.Living) -> None:
    hung = leader(system)
    pid = system.pid(hung)
    system.release("v3")
    system.await_phase("running")
    living.wait(lambda: hangs_between_transactions(system, pid), what="a moment in which it writes nothing")
    began = time.monotonic()
    try:
        living.wait(lambda: state(system, other(hung)) == "ready", 15.0, "the other to decide")
        assert time.monotonic() - began < 5.0
        system.await_phase("probation", "succeeded")
    finally:
        os.kill(pid, signal.SIGCONT)
    living.wait(lambda: one_decides(system), what="who was overtaken to stand by")
    assert system.endpoint()["stable"]["name"] == "v3"
    assert [kind for _, _, kind, _ in events(system)].count("created") == 3


def _ended_cleanly(system: living.Living) -> None:
    """At once: it gives the lease up."""
    first = leader(system)
    began = time.monotonic()
    os.kill(system.pid(first), signal.SIGTERM)
    living.wait(lambda: state(system, other(first)) == "ready", 15.0, "the other to decide")
    assert time.monotonic() - began < 5.0
    living.wait(lambda: one_decides(system), what="the first to be back")
