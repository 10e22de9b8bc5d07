"""Frames that are none, or not meant so: on a worker's socket, on a gateway's for other fronts, from a worker, and by gRPC."""

import contextlib
import random
import select
import socket
import threading

import grpc
import msgspec
import pytest

from tests.process import hostile, hostile_frames, worker_fixtures
from tests.process.gateway_fixtures import Rig, deployed, until
from tidegate.core.vocabulary import home, ids, marks, tables
from tidegate.dataplane.wire import frames, fronts, tablefile

SEED = 11
TIMES = 400


def throw(address: str, raw: bytes, hello: bytes = b"") -> None:
    """Say it, after a greeting where there is one; hear a moment of what comes back, and go."""
    with socket.socket(socket.AF_UNIX) as mine, contextlib.suppress(ConnectionError):
        mine.settimeout(5)
        mine.connect(address)
        if hello:
            mine.sendall(hello)
            assert mine.recv(1 << 16)
        mine.sendall(raw)
        if select.select([mine], [], [], 0.002)[0]:
            mine.recv(1 << 16)


@pytest.fixture(scope="module")
def worker(tmp_path_factory):
    place = home.Home(tmp_path_factory.mktemp("home"))
    place.prepare()
    started = worker_fixtures.Worker(place, worker_fixtures.bundle(place))
    started.until("ready")
    yield started
    started.close()


def test_a_worker_survives_whatever_is_said_on_its_socket_and_answers_its_gateway(worker):
    chance = random.Random(SEED)
    hello = frames.pack(frames.Kind.HELLO, 0, frames.Hello(frames.PROTOCOL, frames.OLDEST, worker.token, "ab" * 16))
    good = worker_fixtures.Gateway.packed(1, {"records": [[1, 2]]}, frames.Content.RECORDS)
    gateway = worker.gateway()
    gateway.welcome()
    before = None
    for number in range(2 * TIMES):
        if number % 2:
            throw(worker.address, hostile_frames.strangers(chance, hello))
        else:
            throw(worker.address, hostile_frames.calls(chance, good), hello)
        if number % 20 == 0:
            gateway.send((number, worker_fixtures.infer([number, 1]), frames.Content.INFER))
            reply, _ = gateway.replies(1)[number]
            assert (reply.mark, reply.answers) == (marks.Mark.OK, (number + 1.0,)), worker.words()
        if number == TIMES:
            before = hostile.holds(worker.process.pid)
    gateway.send((1, worker_fixtures.infer([3, 4]), frames.Content.INFER))
    assert gateway.replies(1)[1][0].answers == (7.0,)
    memory, files = hostile.holds(worker.process.pid)
    assert files <= before[1]
    assert memory - before[0] < 8 << 20
    assert "Traceback" not in worker.words()


def test_a_stranger_cannot_make_a_worker_set_memory_aside(worker):
    memory, _ = hostile.holds(worker.process.pid)
    lie = hostile_frames.header(kind=frames.Kind.HELLO, head=frames.HEAD_MAX, body=frames.BODY_MAX)
    with socket.socket(socket.AF_UNIX) as stranger, contextlib.suppress(ConnectionError):
        stranger.settimeout(5)
        stranger.connect(worker.address)
        for part in (lie, *[bytes(1 << 20)] * 64):
            stranger.sendall(part)
    assert hostile.holds(worker.process.pid)[0] - memory < 16 << 20


@pytest.fixture(scope="module")
def rig():
    made = Rig()
    try:
        made.route(deployed(1, made.worker(1)))
        yield made.start()
        assert '"level": "error"' not in made.log()
    finally:
        made.close()


def test_a_gateway_survives_whatever_is_said_on_its_socket_for_fronts(rig):
    chance = random.Random(SEED)
    path = str(until(lambda: (path := rig.home.run / "gateway-0.front.sock").exists() and path, what="the socket"))
    hello = frames.pack(frames.Kind.HELLO, 0, fronts.Hello(frames.PROTOCOL, frames.OLDEST, rig.spec.token, "odd"))
    asks = [fronts.Asked("grpc", "flights"), fronts.Asked("model", "flights"), fronts.Asked("outcomes"), fronts.Asked("server")]
    fields = {b"authorization": b"\xff", b"content-encoding": b"gzip", b"tidegate-timeout-ms": b"-1", b"x-request-id": b"\xff\0"}
    asks.append(fronts.Asked("grpc", "flights", "9", fields))
    before = None
    with rig.client() as client:
        for number in range(2 * TIMES):
            good = frames.pack(frames.Kind.CALL, number, chance.choice(asks), b"{}")
            if number % 2:
                throw(path, hostile_frames.strangers(chance, hello))
            else:
                throw(path, chance.choice([good, hostile_frames.calls(chance, good)]), hello)
            if number % 20 == 0:
                assert client.predict().status == 200
            if number == TIMES:
                before = hostile.holds(rig.gateway.pid)
        until(lambda: hostile.holds(rig.gateway.pid)[1] <= before[1], what="connections to be let go")
        assert hostile.holds(rig.gateway.pid)[0] - before[0] < 8 << 20
        assert client.predict().status == 200


class Mad(threading.Thread):
    """A worker that greets its gateway as it should, and then says anything."""

    def __init__(self, address: str, instance: str, digest: str) -> None:
        super().__init__(daemon=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(address)
        self.listener.listen()
        self.said = 0
        self._welcome = frames.pack(frames.Kind.WELCOME, 0, frames.Welcome(frames.PROTOCOL, instance, digest))

    def run(self) -> None:
        chance = random.Random(SEED)
        with contextlib.suppress(OSError):
            while True:
                peer, _ = self.listener.accept()
                peer.settimeout(0.1)  # who has half a frame of ours waits for the rest: begin anew
                with peer, contextlib.suppress(ConnectionError, TimeoutError):
                    self._talk(peer, chance)

    def _talk(self, peer: socket.socket, chance: random.Random) -> None:
        reader = frames.Reader()
        peer.recv(1 << 16)
        peer.sendall(self._welcome)
        while data := peer.recv(1 << 20):
            for kind, call, _, _ in reader.feed(data):
                if kind != frames.Kind.CALL:
                    continue
                good = frames.pack(frames.Kind.REPLY, call, frames.Reply(200, marks.Mark.OK, 1, 1, 1), b"{}")
                peer.sendall(hostile_frames.replies(chance, good))
                self.said += 1


def test_a_gateway_survives_whatever_a_worker_says_and_its_other_endpoints_are_served(rig):
    placed = tables.Worker("mad-v1-0", f"unix:{rig.root}/mad.sock", "t")
    mad = Mad(f"{rig.root}/mad.sock", placed.instance, deployed(7).digest)
    mad.start()
    route = tables.Route("mad", "production", deployed(7, placed), release="r2", salt=b"s", limits=tables.Limits(timeout_ms=50))
    tablefile.write(rig.home.table, lambda now: msgspec.structs.replace(now, routes={**now.routes, "mad": route}))
    until(lambda: "mad-v1-0" in rig.state.get("workers", ()), what="the mad worker")
    try:
        with rig.client() as client:
            asked = 0
            while mad.said < TIMES // 4:
                asked += 1
                assert client.predict({"n": asked}, endpoint="mad").status >= 200  # each another: what workers die of is refused
                assert asked < 10 * TIMES
                if asked % 20 == 0:
                    assert client.predict().status == 200
    finally:
        mad.listener.close()
    assert rig.gateway.poll() is None


def test_protobuf_that_is_none_is_an_invalid_argument_and_never_a_failure(system):
    chance = random.Random(SEED)
    codes = set()
    memory, files = hostile.holds(system.front.process.pid)
    with system.front.client() as client:
        for _ in range(2 * TIMES):
            try:
                client.infer(hostile_frames.protobufs(chance))
                codes.add(grpc.StatusCode.OK)
            except grpc.RpcError as refused:
                codes.add(refused.code())
        for method in ("ModelReady", "ModelMetadata", "ModelConfig"):
            with contextlib.suppress(grpc.RpcError):
                client.method(method)(chance.randbytes(30))
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND}
    assert {grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT} <= codes
    assert hostile.holds(system.front.process.pid)[0] - memory < 16 << 20
    assert not any("could not be read" in worker.words() for worker in system.workers.values())
    until(lambda: hostile.holds(system.front.process.pid)[1] <= files + 1, what="connections to be let go")


def test_what_is_no_http_2_does_not_stop_the_grpc_front(system):
    chance = random.Random(SEED)
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    for _ in range(100):
        said = [
            b"GET / HTTP/1.1\r\n\r\n",
            chance.randbytes(200),
            preface,
            preface + chance.randbytes(100),
            preface + b"\0" * 90,
            b"",
        ]
        with socket.create_connection(("127.0.0.1", system.front.port), timeout=5) as mine, contextlib.suppress(ConnectionError):
            mine.sendall(chance.choice(said))
    with system.front.client() as client:
        assert client.method("ServerLive")(b"") == b"\x08\x01"
        assert client.infer(hostile_frames.protobufs(_Whole()))[1]["tidegate-version"] == "v1"


class _Whole(random.Random):
    """Chance that changes nothing."""

    def choice(self, seq):
        return seq[0]


def test_terms_that_are_none_fail_their_call_alone(worker):
    gateway = worker.gateway()
    gateway.welcome()
    head = frames.Call(ids.uuid7(1, 1), "odd", "v1", frames.Content.RECORDS, 5_000_000, -1, msgspec.msgpack.encode("nonsense"))
    gateway.sock.sendall(frames.pack(frames.Kind.CALL, 1, head, b"[[1, 2]]"))
    gateway.send((2, {"records": [[1, 2]]}, frames.Content.RECORDS))
    replies = gateway.replies(2)
    assert (replies[1][0].mark, replies[2][0].mark) == (marks.Mark.ERROR, marks.Mark.OK)
