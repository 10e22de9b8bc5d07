"""Hostile requests for a fixed time, by a fixed seed: all are refused or ended, others are served, nothing is left behind."""

import itertools
import json
import random
import socket
import ssl

import pytest

from tests.process import hostile, hostile_requests
from tests.process.gateway_fixtures import Rig, deployed, until
from tidegate.core.vocabulary import tables, tokens

SECONDS = 10.0
SEED = 7
GROWTH = 24 << 20
"""Bytes that a process may grow by while it is attacked: what it remembers of paths and heads, and what malloc keeps."""


def test_attackers_are_refused_others_are_served_and_nothing_is_left_behind(system):
    pids = {"gateway": system.rig.gateway.pid, **{name: worker.process.pid for name, worker in system.workers.items()}}
    with hostile.Good(system.rig.port) as good:
        hostile.attack(system.rig.port, SEED, seconds=SECONDS / 4)  # buffers grow to what is usual
        until(lambda: system.rig.state["connections"] <= 1, what="the first attackers to be gone")
        before = {name: hostile.holds(pid) for name, pid in pids.items()}
        tally = hostile.attack(system.rig.port, SEED + 1, seconds=SECONDS)
        until(lambda: system.rig.state["connections"] <= 1, what="the attackers to be gone")
    assert tally.wrong == []
    assert good.wrong == []
    assert tally.total > 500
    assert len(tally.counts) > 30  # of all kinds
    assert good.answered > 100
    for name, pid in pids.items():
        (memory, files), (memory_then, files_then) = hostile.holds(pid), before[name]
        assert memory - memory_then < GROWTH, name
        assert files <= files_then, name
    assert '"level": "error"' not in system.rig.log()
    assert not any("could not be read" in worker.words() for worker in system.workers.values())


def ask(number: int, pad: int, chance: random.Random) -> bytes:
    """A request that no other looks like, by its body; its head is one of a few."""
    given = {"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [number % 300, 1, 2]}
    body = json.dumps({"id": str(number), "inputs": [given]}).encode() + b" " * pad
    headers = chance.choice([(), (), ("tidegate-timeout-ms: 9000",), ("x-request-id: a",), ("accept: */*", "user-agent: t")])
    return hostile_requests.post(body, *headers)


@pytest.mark.parametrize("seed", range(3))
def test_a_head_that_is_known_means_what_it_meant_however_it_comes(system, seed):
    chance = random.Random(seed)
    numbers = itertools.count()
    with system.rig.client() as client:
        client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for _ in range(300):
            group = [next(numbers) for _ in range(chance.choice([1, 1, 1, 2, 5]))]
            raw = b"".join(ask(number, chance.choice([0, 0, 1, 2, 500]), chance) for number in group)
            if chance.random() < 0.1:
                raw = b"\r\n" + raw  # allowed before a request
            places = sorted(chance.randrange(len(raw) + 1) for _ in range(chance.choice([0, 0, 0, 1, 4])))
            for begin, end in zip([0, *places], [*places, len(raw)], strict=True):
                client.send(raw[begin:end])
            for number in group:
                answer = client.read()
                assert (answer.status, answer.json["id"]) == (200, str(number))
                assert answer.json["outputs"][0]["data"] == [number % 300 + 3.0]


def test_a_known_head_with_a_body_of_another_length_is_another_request(system):
    raw = ask(1, 0, random.Random(0))
    head, _, body = raw.partition(b"\r\n\r\n")
    head += b"\r\n\r\n"
    with system.rig.client() as client:
        for _ in range(2):
            client.send(raw)
            assert client.read().status == 200
        client.send(head + body + hostile_requests.LIVE)  # more than its length: the next request begins there
        assert [client.read().status, client.read().json] == [200, {"live": True}]
        client.send(head + body[:-1])  # less: its last byte is still to come
        client.socket.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.socket.recv(1)
    with system.rig.client() as client:
        client.send(raw + head + body[:-1])
        assert client.read().status == 200
        client.send(body[-1:])
        assert client.read().status == 200
        client.send(head + body.replace(b'"1"', b'"\xff"'))
        assert client.read().status == 400
        client.send(raw + b"garbage\r\n\r\n" + raw)
        assert [client.read().status, client.read().status, client.read()] == [200, 405, None]


@pytest.fixture
def rig():
    made = Rig()
    try:
        made.route(deployed(1, made.worker(1)))
        yield made.start()
    finally:
        made.close()


def test_a_known_head_is_held_to_the_limits_of_now(rig):
    deployed_now = rig.route(deployed(1, rig.worker(1, ordinal=1))).routes["flights"].stable
    body = json.dumps({"pad": "x" * 500}).encode()
    with rig.client() as client:
        for _ in range(3):
            assert client.predict(body).status == 200
        rig.route(deployed_now, limits=tables.Limits(body=100))
        assert client.predict(body).status == 413
        assert client.read() is None
    with rig.client() as client:
        assert client.predict(b"{}").status == 200
        rig.route(deployed_now, tokens=(tokens.digest(b"secret"),))
        assert client.predict(b"{}").status == 401
        rig.route(deployed_now)
        assert client.predict(b"{}").status == 200


def test_a_path_of_any_length_is_refused_and_not_remembered(rig):
    with rig.client() as client:
        for path in (b"/" + b"v" * 5_000, b"/v2/models/" + b"%41" * 60_000):
            client.send(b"GET %b HTTP/1.1\r\n\r\n" % path)
            answer = client.read()
            assert (answer.status, answer.json["code"]) == (400, "header-invalid")
            assert client.read() is None
            client.__init__(rig.port)
        assert client.request("GET", "/v2?" + "q" * 4_000).status == 200


@pytest.mark.parametrize(
    "said",
    [
        "gzip, chunked",
        "identity, chunked",
        ",chunked",
        "chunked\r\ntransfer-encoding: gzip",
        "gzip\r\nTransfer-Encoding: chunked",
    ],
)
def test_transfer_encodings_that_others_may_read_otherwise_are_refused(rig, said):
    with rig.client() as client:
        client.send(hostile_requests.post(b"0\r\n\r\n" + hostile_requests.LIVE, framing=f"transfer-encoding: {said}"))
        assert (client.read().status, client.read()) == (400, None)


def test_chunks_are_taken_in_http_1_1_only(rig):
    chunked = hostile_requests.post(
        b"2\r\n{}\r\n0\r\n\r\n", framing="Transfer-Encoding: Chunked", path="/v2/models/flights/infer"
    )
    with rig.client() as client:
        client.send(chunked)
        assert client.read().status == 200
        client.send(chunked.replace(b"HTTP/1.1", b"HTTP/1.0", 1))
        assert (client.read().status, client.read()) == (400, None)


def test_tls_to_a_port_without_it_is_an_end_and_no_hang(rig):
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", rig.port), timeout=5) as raw, pytest.raises((ssl.SSLError, ConnectionError)):
        context.wrap_socket(raw, server_hostname="localhost")
    with rig.client() as client:
        assert client.predict().status == 200
