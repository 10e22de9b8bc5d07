"""A worker and a gateway of this release, each with a peer of the release before: its own recorded bytes."""

import json
import pathlib
import socket
import struct
import threading

import gateway_fixtures
import pytest
import worker_fixtures

from tests.unit.test_wire_formats_before import BYTES, BeforeCall, BeforeReply
from tidegate.core.vocabulary import home, tables
from tidegate.dataplane.wire import frames

decode = frames.msgspec.msgpack.decode


def test_a_worker_answers_a_gateway_of_the_release_before(tmp_path: pathlib.Path) -> None:
    place = home.Home(tmp_path / "home")
    place.prepare()
    worker = worker_fixtures.Worker(place, worker_fixtures.bundle(place))
    try:
        worker.until("ready")
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(20)
            sock.connect(worker.address)
            sock.sendall(BYTES["hello"])
            reader, found = frames.Reader(), []
            while not found:  # as that release's gateway did: nothing is asked before the greeting is answered
                found += reader.feed(sock.recv(1 << 16))
            sock.sendall(BYTES["metadata"] + BYTES["call"] + BYTES["call_infer"])
            while len(found) < 4:
                found += reader.feed(sock.recv(1 << 16))
            sock.sendall(BYTES["cancel"] + BYTES["drain"])
        assert found[0][0] == frames.Kind.WELCOME
        replies = {number: (decode(head, type=BeforeReply), json.loads(body)) for kind, number, head, body in found[1:]}
        assert {number: reply.status for number, (reply, _) in replies.items()} == {7: 200, 8: 200, 9: 200}
        assert replies[7][1]["predictions"] == [3.0]
        assert replies[8][1]["outputs"][0]["data"] == [3.0]
        assert replies[9][1]["inputs"][0]["name"] == "input"
    finally:
        worker.close()


class Before:
    """A worker of the release before: it answers every call with the reply that was recorded."""

    def __init__(self, path: str) -> None:
        self.calls: list[BeforeCall] = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(4)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        sock, _ = self.listener.accept()
        reader = frames.Reader()
        with sock:
            while data := sock.recv(1 << 16):
                for kind, number, head, _ in reader.feed(data):
                    if kind == frames.Kind.HELLO:
                        sock.sendall(BYTES["welcome"])
                    elif kind == frames.Kind.CALL:
                        self.calls.append(decode(head, type=BeforeCall))
                        sock.sendall(BYTES["reply"][:8] + struct.pack("<Q", number) + BYTES["reply"][16:])


@pytest.fixture
def rig():
    made = gateway_fixtures.Rig()
    yield made
    made.close()


def test_a_gateway_serves_with_a_worker_of_the_release_before(rig: gateway_fixtures.Rig) -> None:
    path = str(rig.root / "before.sock")
    worker = Before(path)
    given = tables.Worker("w-1", f"unix:{path}", "t0ken")
    rig.start()
    rig.route(tables.Deployed(1, "d" * 64, "mlflow://flights/1", (given,)))
    gateway_fixtures.until(lambda: rig.state.get("workers") == ["w-1"], what="the worker to be connected")
    with rig.client() as client:
        answers = [client.predict(b'{"records": [[1, 2]]}') for _ in range(3)]
    assert [answer.status for answer in answers] == [200] * 3
    assert answers[0].json == {"predictions": [0.25]}
    assert {(call.endpoint, call.version) for call in worker.calls} == {("flights", "v1")}
    gateway_fixtures.until(lambda: len(rig.records()) == 3, what="the records")
    assert {record.answers for record in rig.records()} == {(0.25,)}
