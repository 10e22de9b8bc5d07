"""The gRPC front and its gateways: several of them, deaths, draining, strangers on the socket, TLS, limits that grow."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import grpc
import pytest

from tests.process import grpc_fixtures, tls_fixtures
from tests.process.gateway_fixtures import Rig, deployed, until
from tests.process.grpc_fixtures import message
from tidegate.core.vocabulary import instances, marks, tables
from tidegate.dataplane.wire import frames, fronts


class Several(Rig):
    """A rig with a second gateway on the same listening socket."""

    def start_second(self):
        instances.Spec("gateway-1", "gateway", (), token="u" * 32).write(self.home.instances)
        environment = {**os.environ, "TIDEGATE_FDS": f"http={self.listener.fileno()}"}
        argv = [sys.executable, "-m", "tidegate.dataplane.gateway", str(self.root), "gateway-1"]
        with (self.root / "gateway-1.log").open("ab") as log:
            self.second = subprocess.Popen(argv, env=environment, pass_fds=(self.listener.fileno(),), stderr=log)
        until(lambda: instances.read_state(self.home.instances, "gateway-1").get("state") == "ready", what="the second")

    def close(self):
        if getattr(self, "second", None):
            self.second.kill()
            self.second.wait()
        super().close()


@pytest.fixture
def rig():
    made = Several()
    try:
        made.route(deployed(1, made.worker(1)))
        yield made.start()
    finally:
        made.close()


@pytest.fixture
def front(rig):
    made = grpc_fixtures.Front(rig)
    yield made
    made.close()


class Load:
    """Calls one after another in some threads."""

    def __init__(self, client, threads=4):
        self.client, self.answered, self.failures = client, 0, []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(threads)]

    def _ask(self):
        while not self._over.is_set():
            try:
                self.client.infer(message())
                self.answered += 1
            except grpc.RpcError as failed:
                self.failures.append(failed)

    def more(self, number=50):
        begun = self.answered
        until(lambda: self.answered >= begun + number, what="answers")

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.more()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()


def test_calls_spread_over_gateways_and_survive_the_death_and_the_drain_of_one(rig, front):
    rig.start_second()
    until(lambda: front.state["gateways"] == ["gateway-0", "gateway-1"], what="both gateways")
    with front.client() as client, Load(client) as load:
        load.more(100)
        rig.second.send_signal(signal.SIGKILL)
        rig.second.wait()
        load.more(100)
        rig.start_second()
        until(lambda: front.state["gateways"] == ["gateway-0", "gateway-1"], what="both gateways again")
        load.more(100)
        assert rig.stop() == 0
        load.more(100)
    assert load.failures == []
    boots = {record.incarnation for record in rig.records()}
    assert len(boots) == 3


def test_while_the_only_gateway_is_away_calls_wait_for_the_next(rig, front):
    with front.client() as client:
        assert client.infer(message())[0]
        rig.gateway.kill()
        rig.gateway.wait()
        found = []
        waiting = threading.Thread(target=lambda: found.append(client.infer(message(), timeout=20)))
        waiting.start()
        rig.start()
        waiting.join()
        assert json.loads(found[0][0])["did"] == "ok"


def test_without_any_gateway_a_call_is_unavailable_and_not_hanging(rig, front):
    rig.gateway.kill()
    rig.gateway.wait()
    with front.client() as client, pytest.raises(grpc.RpcError) as failed:
        client.infer(message(), timeout=30)
    assert failed.value.code() is grpc.StatusCode.UNAVAILABLE


def test_a_front_that_is_ended_answers_what_it_has_begun(front):
    with front.client() as client:
        slow = client.method("ModelInfer").future(message("slow"), timeout=10)
        time.sleep(0.1)  # the call is on its way: nothing tells when it has come
        front.process.send_signal(signal.SIGTERM)
        assert slow.result() == b'{"slow": true}'
    assert front.process.wait(15) == 0


def test_strangers_on_the_socket_are_sent_away_and_others_go_on(rig, front):
    path = rig.home.run / "gateway-0.front.sock"
    assert path.stat().st_mode & 0o777 == 0o600
    hello = fronts.Hello(frames.PROTOCOL, frames.OLDEST, "wrong", "stranger")
    future = fronts.Hello(99, 99, rig.spec.token, "from the future")
    call = frames.pack(frames.Kind.CALL, 1, fronts.Asked("grpc", "flights"), b"")
    welcome = frames.pack(frames.Kind.HELLO, 0, fronts.Hello(frames.PROTOCOL, frames.OLDEST, rig.spec.token, "broken"))
    known = len(rig.records())
    for said in (
        frames.pack(frames.Kind.HELLO, 0, hello) + call,
        frames.pack(frames.Kind.HELLO, 0, future) + call,
        call,
        b"GET / HTTP/1.1\r\n\r\n" + bytes(30),
        welcome + b"\xff" * 64,
        welcome + frames.HEADER.pack(frames.PROTOCOL, frames.Kind.CALL, 0, 0, 7, 3, 0) + b"abc",
    ):
        with socket.socket(socket.AF_UNIX) as stranger:
            stranger.settimeout(10)
            stranger.connect(str(path))
            stranger.sendall(said)
            while stranger.recv(4_096):
                pass
    with front.client() as client:
        assert client.infer(message())[0]
    assert len(rig.records()) == known + 1


class Raw:
    """A front of our own, as far as the gateway knows."""

    def __init__(self, rig):
        path = until(lambda: (path := rig.home.run / "gateway-0.front.sock").exists() and path, what="the socket")
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        self.socket.connect(str(path))
        self.reader, self.found = frames.Reader(), []
        hello = fronts.Hello(frames.PROTOCOL, frames.OLDEST, rig.spec.token, "odd", exposed=False)
        self.socket.sendall(frames.pack(frames.Kind.HELLO, 0, hello))
        assert self.frame()[0] == frames.Kind.WELCOME

    def frame(self):
        while not self.found:
            self.found += self.reader.feed(self.socket.recv(65_536))
        return self.found.pop(0)

    def send(self, number, asked, body=b""):
        self.socket.sendall(frames.pack(frames.Kind.CALL, number, asked, body))

    def ask(self, number, asked, body=b""):
        """(status, JSON)."""
        self.send(number, asked, body)
        kind, call, head, answer = self.frame()
        assert (kind, call) == (frames.Kind.REPLY, number)
        return frames.msgspec.msgpack.decode(head, type=fronts.Told).status, json.loads(answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def test_what_a_front_asks_is_held_to_the_same_bounds(rig):
    with Raw(rig) as mine:
        status, said = mine.ask(1, fronts.Asked("dance"))
        assert (status, said["code"]) == (404, "path-unknown")
        status, said = mine.ask(2, fronts.Asked("grpc", "flights"), bytes((4 << 20) + 1))
        assert (status, said["code"]) == (413, "body-too-large")
        status, said = mine.ask(3, fronts.Asked("grpc", "flights", fields={b"x-request-id": b"a" * 129}))
        assert (status, said["code"]) == (400, "header-invalid")
        assert mine.ask(4, fronts.Asked("grpc", "flights"), message())[0] == 200


def test_a_front_that_dies_leaves_nothing_that_anybody_waits_for(rig):
    with Raw(rig) as mine:
        mine.send(1, fronts.Asked("grpc", "flights"), message("hang"))
        assert mine.ask(2, fronts.Asked("live"))[0] == 200
    record = until(rig.records, what="the record")[0]
    assert (record.mark, record.status) == (marks.Mark.CANCELLED, 499)


def test_a_limit_that_grows_holds_without_a_restart(rig, front):
    large = message(pad="x" * (6 << 20))
    with front.client() as client:
        with pytest.raises(grpc.RpcError):
            client.infer(large)
        rig.route(deployed(1, rig.worker(1, ordinal=1)), limits=tables.Limits(body=8 << 20))

        def taken():
            try:
                return client.infer(large)[0]
            except grpc.RpcError:
                return None

        assert json.loads(until(taken, what="the larger limit"))["got"] == len(large)


def test_tls_and_a_renewed_certificate(rig, tmp_path):
    chain, key = tls_fixtures.issue(tmp_path)
    first = chain.read_bytes()
    front = grpc_fixtures.Front(rig, **{"tls.cert": str(chain), "tls.key": str(key)})
    try:
        with front.client(grpc.ssl_channel_credentials(first)) as client:
            assert json.loads(client.infer(message())[0])["did"] == "ok"
            assert ssl.get_server_certificate(("127.0.0.1", front.port)).encode() == first
            (tmp_path / "new").mkdir()
            later, later_key = tls_fixtures.issue(tmp_path / "new")
            tls_fixtures.put(key, later_key.read_bytes())  # does not fit the chain yet
            assert ssl.get_server_certificate(("127.0.0.1", front.port)).encode() == first
            tls_fixtures.put(chain, later.read_bytes())
            assert ssl.get_server_certificate(("127.0.0.1", front.port)).encode() == later.read_bytes()
            assert client.infer(message())[0]
        with front.client() as plain, pytest.raises(grpc.RpcError):
            plain.infer(message(), timeout=5)
    finally:
        front.close()
