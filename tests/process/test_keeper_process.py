"""The keeper from outside: detached, asked for, ended; what is ended is ended in order and comes back."""

import socket

import pytest
from keeper_fixtures import IDLE, Keeper, place, put, ready, until

from tidegate.control.loop.keeper import process
from tidegate.core.vocabulary import errors, home, instances

__all__ = ["place"]
ANYWHERE = process.Up("127.0.0.1:0", "127.0.0.1:0")


def test_a_detached_keeper_tells_its_addresses_and_is_ended_by_stop(place: home.Home) -> None:
    put(place, "w-1")
    addresses = process.detach(place, ANYWHERE)
    assert set(addresses) == {"http", "api"}
    assert process.alive(place) > 0
    until(lambda: ready(place, "w-1"))
    process.stop(place)
    assert process.alive(place) == 0
    assert not instances.holder(place.instances, "w-1")
    assert not place.addresses.exists()
    with pytest.raises(errors.NotRunning):
        process.stop(place)


def test_a_detached_keeper_that_cannot_come_up_says_why_here(place: home.Home) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(errors.PortInUse, match="is taken by another program"):
            process.detach(place, process.Up(f"127.0.0.1:{taken.getsockname()[1]}", "127.0.0.1:0"))


def test_gateways_end_first_and_control_before_the_workers_it_watches(place: home.Home) -> None:
    kinds = {"api": "api", "recorder": "recorder", "w-1": "worker", "control": "control", "gateway-0": "gateway"}
    for name, kind in kinds.items():
        put(place, name, IDLE, kind=kind)
    keeper = Keeper(place)
    keeper.up()
    until(lambda: all(ready(place, name) for name in kinds))
    process.stop(place)
    assert (place.root / "ended").read_text().split() == ["gateway-0", "control", "w-1", "recorder", "api"]
    assert keeper.child.wait(10) == 0


def test_what_was_up_comes_up_again_by_the_same_specifications(place: home.Home) -> None:
    spec = put(place, "w-1")
    Keeper(place).up()
    until(lambda: ready(place, "w-1"))
    process.stop(place)
    Keeper(place).up()
    until(lambda: ready(place, "w-1"))
    assert instances.read_state(place.instances, "w-1")["token"] == spec.token


def test_what_a_dead_keeper_left_behind_can_be_ended_without_another(place: home.Home) -> None:
    put(place, "w-1")
    keeper = Keeper(place)
    keeper.up()
    until(lambda: ready(place, "w-1"))
    keeper.kill()
    process.stop(place)
    assert not instances.holder(place.instances, "w-1")
    assert (place.instances / "w-1.json").exists()


def test_core_specifications_keep_their_tokens_as_long_as_nothing_else_changes(place: home.Home) -> None:
    keeper_core = process.core
    keeper_core.write(place, 2)
    before = {path.name: path.read_text() for path in place.instances.glob("*.json")}
    assert set(before) == {"gateway-0.json", "gateway-1.json", "control.json", "recorder.json", "monitor.json", "api.json"}
    keeper_core.write(place, 1)
    after = {path.name: path.read_text() for path in place.instances.glob("*.json")}
    assert after == {name: text for name, text in before.items() if name != "gateway-1.json"}


def test_a_home_of_an_earlier_release_gets_the_processes_that_came_since(place: home.Home) -> None:
    process.core.write(place, 1)
    (place.instances / "monitor.json").unlink()
    before = {path.name: path.read_text() for path in place.instances.glob("*.json")}
    process.core.complete(place)
    after = {path.name: path.read_text() for path in place.instances.glob("*.json")}
    assert after.keys() - before.keys() == {"monitor.json"}
    assert {name: after[name] for name in before} == before
