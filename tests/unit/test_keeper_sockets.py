"""Listening sockets: where they are, and how they pass from one process to another."""

import os
import pathlib
import socket
from collections.abc import Iterator

import pytest

from tidegate.control.loop.keeper import logfiles, sockets
from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import handover


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with sockets.bind("127.0.0.1:0") as bound:
        yield bound


@pytest.mark.parametrize("address", ["8080", "127.0.0.1:", "127.0.0.1:http", "127.0.0.1:70000", ""])
def test_what_is_no_address_is_named_with_the_cure(address: str) -> None:
    with pytest.raises(errors.ProcessError, match="Write HOST:PORT"):
        sockets.resolve(address)


def test_ipv6_is_written_in_brackets() -> None:
    assert sockets.resolve("[::1]:8080") == (socket.AF_INET6, ("::1", 8080))
    assert sockets.resolve(":8080") == (socket.AF_INET, ("127.0.0.1", 8080))


def test_a_taken_port_names_the_port_and_the_cure(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    with pytest.raises(errors.PortInUse, match=rf"port {port} is taken by another program\. Choose one with --port"):
        sockets.bind(f"127.0.0.1:{port}")


def test_an_address_of_another_machine_cannot_be_listened_at() -> None:
    with pytest.raises(errors.ProcessError, match="cannot listen at 192"):
        sockets.bind("192.0.2.1:0")


def test_a_socket_suits_its_own_address_and_any_free_port(listening: socket.socket) -> None:
    port = listening.getsockname()[1]
    assert sockets.suits(listening, f"127.0.0.1:{port}")
    assert sockets.suits(listening, "127.0.0.1:0")
    assert not sockets.suits(listening, f"127.0.0.1:{port + 1}")
    assert not sockets.suits(listening, f"127.0.0.2:{port}")


def test_sockets_are_handed_over_by_name(listening: socket.socket, tmp_path: pathlib.Path) -> None:
    with sockets.bind("127.0.0.1:0") as other:
        gateway = handover.Handover(tmp_path / "s", {"http": listening.fileno(), "api": other.fileno()})
        found = sockets.fetch(tmp_path / "s")
        gateway.close()
        assert {name: one.getsockname() for name, one in found.items()} == {
            "http": listening.getsockname(),
            "api": other.getsockname(),
        }
        for one in found.values():
            one.close()


def test_who_does_not_answer_hands_nothing_over(tmp_path: pathlib.Path) -> None:
    assert sockets.fetch(tmp_path / "nobody") == {}


def test_a_long_log_is_moved_aside_while_its_writer_goes_on(tmp_path: pathlib.Path) -> None:
    with os.fdopen(logfiles.opened(tmp_path / "w-1.log"), "w") as writer:
        writer.write("before\n")
        writer.flush()
        writer.truncate(logfiles.LARGEST + 1)
        logfiles.trim(tmp_path)
        writer.write("after\n")
    assert (tmp_path / "w-1.log").read_text() == "after\n"
    assert (tmp_path / "w-1.log.1").stat().st_size == logfiles.LARGEST + 1
    logfiles.trim(tmp_path)
    assert (tmp_path / "w-1.log").read_text() == "after\n"


def test_an_address_is_held_for_a_program_that_binds_by_itself():
    with sockets.reserve("127.0.0.1:0") as held, socket.socket() as sharing, socket.socket() as greedy:
        there = held.getsockname()
        sharing.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sharing.bind(there)
        sharing.listen()
        greedy.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            greedy.bind(there)
        with pytest.raises(errors.PortInUse):
            sockets.reserve(f"127.0.0.1:{there[1]}")
