"""A keeper that was killed is succeeded by one that finds everything alive and as it was."""

import os
import pathlib
import signal
import socket

from keeper_fixtures import GATEWAY, IDLE, Keeper, place, put, ready, until

from tidegate.core.vocabulary import home, instances

__all__ = ["place"]


def asked(port: int) -> str:
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        return client.recv(100).decode()


def test_nothing_dies_with_the_keeper_and_the_next_one_adopts_what_lives(place: home.Home) -> None:
    put(place, "w-1")
    put(place, "w-2")
    first = Keeper(place)
    first.up()
    pids = [until(lambda: ready(place, "w-1")), until(lambda: ready(place, "w-2"))]
    first.kill()
    put(place, "w-3")
    Keeper(place).up()
    until(lambda: ready(place, "w-3"))
    assert [ready(place, "w-1"), ready(place, "w-2")] == pids
    os.kill(int(str(pids[0])), signal.SIGKILL)
    until(lambda: ready(place, "w-1", but=int(str(pids[0]))))
    assert instances.read_restarts(place.instances, "w-1")["exit"] is None


def test_the_successor_gets_the_listening_socket_back_from_a_living_gateway(place: home.Home) -> None:
    put(place, "gateway-0", GATEWAY, kind="gateway", passes=("http",))
    first = Keeper(place)
    port = first.port()
    gateway = until(lambda: ready(place, "gateway-0"))
    until((place.run / "gateway-0.fds").exists)
    assert asked(port) == str(gateway)
    first.kill()
    assert asked(port) == str(gateway)
    second = Keeper(place)
    assert second.port() == port
    os.kill(int(str(gateway)), signal.SIGKILL)
    until(lambda: instances.holder(place.instances, "gateway-0") != gateway)
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:  # into the backlog, with no gateway alive
        answer = client.recv(100).decode()
    assert answer == str(until(lambda: ready(place, "gateway-0", but=int(str(gateway)))))


def test_a_holder_that_hands_nothing_over_is_replaced(place: home.Home) -> None:
    put(place, "api", IDLE, kind="api", passes=("api",))
    first = Keeper(place)
    first.up()
    before = int(str(until(lambda: ready(place, "api"))))
    first.kill()
    Keeper(place).up()
    until(lambda: ready(place, "api", but=before))


def test_what_lost_its_specification_while_there_was_no_keeper_is_stopped(place: home.Home) -> None:
    put(place, "w-1")
    first = Keeper(place)
    first.up()
    until(lambda: ready(place, "w-1"))
    first.kill()
    (place.instances / "w-1.json").unlink()
    Keeper(place).up()
    until(lambda: not list(place.instances.glob("w-1*")))


def test_a_token_changed_while_there_was_no_keeper_replaces_the_process(place: home.Home) -> None:
    put(place, "w-1")
    first = Keeper(place)
    first.up()
    before = int(str(until(lambda: ready(place, "w-1"))))
    first.kill()
    put(place, "w-1")
    Keeper(place).up()
    until(lambda: ready(place, "w-1", but=before))


def test_a_second_keeper_of_one_home_is_refused(place: home.Home) -> None:
    Keeper(place).up()
    second = Keeper(place)
    assert "already up" in second.ended()
    assert second.child.returncode == 1


def test_a_taken_port_is_named_and_nothing_is_started(place: home.Home, tmp_path: pathlib.Path) -> None:
    put(place, "w-1")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        keeper = Keeper(place, f"127.0.0.1:{port}")
        said = keeper.ended()
    assert f"port {port} is taken by another program. Choose one with --port" in said
    assert not (place.logs / "w-1.log").exists()
    assert not instances.holder(place.instances, "keeper")
