"""Bundles made by hand and real workers spoken to over frames."""

import json
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import tempfile
import time

import msgspec

from tidegate.core.vocabulary import home, ids, instances, manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import frames

C = manifests.Column
TENSOR = manifests.Signature("tensor", (C("input", "FP64", shape=(-1, 2)),), (C("score", "double"),))
COLUMNS = manifests.Signature(
    "columns", (C("a", "double"), C("b", "long"), C("note", "string", required=False)), (C("score", "double"),)
)

ODD = '''
import time
import numpy as np

class Odd:
    """Sums its numbers. 666 raises, 777 answers NaN, 555 answers a row too many, 444 ends the process, 333 takes its time."""
    calls = 0
    def predict(self, given):
        given = np.asarray(given)[:, :2].astype(float)
        Odd.calls += 1
        if (given == 666).any():
            raise ValueError("no such carrier: 666")
        if (given == 444).any():
            raise SystemExit("a model that gives up")
        if (given == 333).any():
            time.sleep(0.4)
        total = given.sum(axis=1)
        total[(given == 777).any(axis=1)] = np.nan
        return np.append(total, 0.0) if (given == 555).any() else total
'''


def bundle(place: home.Home, signature=TENSOR, example=None, **changes) -> str:
    """The digest of a bundle whose model is `Odd`, from its own code."""
    example = example if example is not None else {"records": [[1, 2], [3, 4]]}
    scratch = pathlib.Path(tempfile.mkdtemp(dir=place.bundles))
    (scratch / "code").mkdir()
    (scratch / "code" / "odd_model.py").write_text(changes.pop("code", ODD))
    # Protocol 0 of pickle by hand: an instance of odd_model.Odd, without importing it here.
    (scratch / "model.pkl").write_bytes(b"codd_model\nOdd\n(tR.")
    (scratch / "example.json").write_text(json.dumps(example))
    files = tuple(bundles.measure(scratch, path) for path in ("code/odd_model.py", "example.json", "model.pkl"))
    given = {
        "name": "odd",
        "loader": "sklearn",
        "entry": "model.pkl",
        "options": {"format": "pickle", "code": "code"},
        "trust": "pickle",
        "example": "example.json",
        "profile": manifests.Profile(rows=2, edges=(3.0, 5.0)),
        **changes,
    }
    manifest = manifests.Manifest(signature=signature, files=files, **given)
    (scratch / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    scratch.rename(place.bundles / manifest.digest)
    return manifest.digest


class Worker:
    """One worker process."""

    def __init__(self, place: home.Home, digest: str, name: str = "w-1", **env: str) -> None:
        self.place, self.name, self.token = place, name, "t0ken"
        self.address = str(place.root / f"{name}.sock")
        labels = {"endpoint": "odd", "ordinal": "1", "digest": digest, "address": f"unix:{self.address}"}
        instances.Spec(name, "worker", (), self.token, labels=labels).write(place.instances)
        self.log = (place.logs / f"{name}.log").open("ab")
        argv = [sys.executable, "-m", "tidegate.dataplane.worker", str(place.root), name]
        self.process = subprocess.Popen(argv, stderr=self.log, env={**os.environ, "OMP_NUM_THREADS": "1", **env})

    def state(self) -> dict:
        return instances.read_state(self.place.instances, self.name)

    def until(self, *states: str, seconds: float = 30.0) -> dict:
        """Wait for what the worker says of itself."""
        deadline = time.monotonic() + seconds
        while (said := self.state()).get("state") not in states:
            assert time.monotonic() < deadline, (said, self.words())
            assert self.process.poll() is None or self.state().get("state") in states, (self.process.returncode, self.words())
            select.select([], [], [], 0.01)
        return said

    def words(self) -> str:
        return (self.place.logs / f"{self.name}.log").read_text()

    def gateway(self, token: str | None = None, protocol: int = frames.PROTOCOL) -> "Gateway":
        return Gateway(self.address, self.token if token is None else token, protocol)

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        self.log.close()

    def terminate(self) -> None:
        self.process.send_signal(signal.SIGTERM)


class Gateway:
    """The other end of a worker's socket."""

    def __init__(self, address: str, token: str, protocol: int = frames.PROTOCOL) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(address)
        self.reader = frames.Reader()
        self.waiting: list[tuple[int, int, bytes, bytes]] = []
        self.sock.sendall(frames.pack(frames.Kind.HELLO, 0, frames.Hello(protocol, protocol, token, "ab" * 16)))

    def frame(self) -> tuple[int, int, bytes, bytes] | None:
        """The next frame; None once the worker has closed."""
        while not self.waiting:
            data = self.sock.recv(1 << 20)
            if not data:
                return None
            self.waiting += self.reader.feed(data)
        return self.waiting.pop(0)

    def welcome(self) -> frames.Welcome:
        kind, _, head, _ = self.frame()
        assert kind == frames.Kind.WELCOME
        return msgspec.msgpack.decode(head, type=frames.Welcome)

    def send(self, *asked: tuple[int, object, int], budget: int = 5_000_000) -> None:
        """(call, body, content) each, in one write: the worker finds them together."""
        self.sock.sendall(b"".join(self.packed(*one, budget=budget) for one in asked))

    @staticmethod
    def packed(call: int, body: object, content: int, budget: int = 5_000_000) -> bytes:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        head = frames.Call(ids.uuid7(1_700_000_000_000, call), "odd", "v1", content, budget)
        return frames.pack(frames.Kind.CALL, call, head, raw)

    def replies(self, count: int) -> dict[int, tuple[frames.Reply, dict]]:
        found = {}
        while len(found) < count:
            kind, call, head, body = self.frame()
            assert kind == frames.Kind.REPLY, kind
            found[call] = (msgspec.msgpack.decode(head, type=frames.Reply), json.loads(body))
        return found


def infer(*rows: list[float], **more) -> dict:
    """A v2 body of one tensor."""
    tensor = {"name": "input", "shape": [len(rows), len(rows[0])], "datatype": "FP64", "data": [v for row in rows for v in row]}
    return {"inputs": [tensor], **more}
