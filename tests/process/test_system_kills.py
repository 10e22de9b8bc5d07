"""Control is killed ten times, at moments drawn by lot, while releases of every kind go on under load: nobody notices.

Where exactly it dies is enumerated in `test_loop_every_effect`; here the processes, the signal and the clients are real.
"""

import collections
import random

import pytest

from tests.process import living, strategy_settings
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import arms
from tidegate.dataplane.wire import tablefile

RATE = 100
KILLS = (("full",), ("canary",), ("rolling",), ("blue-green",), ("shadow",), ("canary",), ("shadow", "canary", "full"))
BACKS = 3
"""Releases that a person ends, killed likewise."""
SEED = random.SystemRandom().randrange(1 << 32)


@pytest.fixture(scope="class")
def system(tmp_path_factory, models):
    """One for the releases and one for the ways back: who dies often is restarted ever later."""
    with living.alive(tmp_path_factory.mktemp("kills"), models, "replicas: 2\nlimits: {timeout: 5s}") as found:
        yield found


def kill(system: living.Living, after: int) -> None:
    """Kill control once so many more events are in the log, or the release has ended; wait for its successor."""

    def last() -> int:
        well_formed(system)
        with system.api as asked:
            return asked.history(living.ENDPOINT, 1)["events"][-1]["sequence"]

    wanted = last() + after
    living.wait(lambda: last() >= wanted or system.endpoint()["release"]["ended"], 60.0, f"event {wanted}")
    pid = system.kill("control")
    system.await_successor("control", pid, 45.0)


def well_formed(system: living.Living) -> None:
    """All traffic is with somebody, at any moment."""
    for route in tablefile.read(system.home.table).routes.values():
        assert 0 <= route.weight <= arms.BUCKETS
        assert route.stable.workers or route.weight == arms.BUCKETS
        assert not route.weight or (route.candidate is not None and route.candidate.workers)


def ended(system: living.Living, phase: str) -> None:
    release = living.wait(lambda: (found := system.endpoint()["release"])["ended"] and found, 60.0, f"phase {phase}")
    assert release["phase"] == phase, release["reason"]


def other(system: living.Living) -> str:
    return "v2" if "v2" not in system.endpoint()["stable"]["model"] else "v3"


@pytest.fixture(scope="module")
def lot():
    """Random numbers that can be had again."""
    return random.Random(SEED)


@pytest.fixture
def load(system):
    print(f"seed {SEED}")
    with living.Traffic(system.address, RATE) as traffic:
        yield
    assert traffic.failed == 0, traffic.failures
    once_each(system)


class TestReleases:
    @pytest.mark.usefixtures("load")
    @pytest.mark.parametrize("names", KILLS, ids="-".join)
    def test_a_release_ends_as_it_would_have(self, system, lot, names):
        before = system.endpoint()["stable"]["name"]
        system.release(other(system), **strategy_settings.of(*names))
        kill(system, lot.randrange(6))
        ended(system, "concluded" if names == ("shadow",) else "succeeded")
        assert (system.endpoint()["stable"]["name"] == before) == (names == ("shadow",))


class TestWaysBack:
    @pytest.mark.usefixtures("load")
    @pytest.mark.parametrize("after", range(BACKS))
    def test_a_way_back_is_gone_to_its_end(self, system, after):
        before = system.endpoint()["stable"]["name"]
        slow = [{"name": "half", "weight": 5_000, "min_seconds": 600, "max_seconds": 900}]
        system.release(other(system), **{**strategy_settings.of("canary"), "stages": slow})
        system.await_phase("running")
        system.run("rollback", living.ENDPOINT, "--reason", "a drill")
        kill(system, after)
        ended(system, "rolled_back")
        assert system.endpoint()["stable"]["name"] == before
        system.run("unhold", living.ENDPOINT)


def once_each(system: living.Living) -> None:
    """No release has entered a phase twice, none was begun twice, and the log's chain is whole."""
    with stores.Store(location.url(system.home), create=False) as store:
        assert store.verify() == store.head()[0]
        entered = collections.Counter(
            (one.release, one.phase_after)
            for one in store.events("production", living.ENDPOINT)
            if one.release and one.phase_after != one.phase_before
        )
        begun = store.releases("production", living.ENDPOINT)
    assert [which for which, times in entered.items() if times > 1] == []
    assert [one.candidate.ordinal for one in begun] == list(range(len(begun), 0, -1))
