"""A worker process of one's own: the code that serves, over the frames that it serves by, for one bundle and one caller.

Its home is a scratch folder beside everything (bundles and recorded requests are links), so the keeper, control and gateways know
nothing of it. It runs at nice 10, without credentials in its environment, and ends with its caller, however that ends.

When it dies or falls silent, whoever was being asked is asked again alone, of a new one: so a request that kills it is found, and
its neighbours are answered.
"""

import collections
import contextlib
import pathlib
import secrets
import select
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from types import TracebackType

import msgspec

from tidegate.core.vocabulary import codes, errors, handling, home, instances
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import frozen, local
from tidegate.dataplane.wire import frames, samples
from tidegate.delivery.runtimes import runtimes
from tidegate.delivery.sources import children

AT_ONCE = 256
"""Requests that it is given before it has answered them."""
AT_ONCE_BYTES = 16 << 20
SILENT_SECONDS = 60.0
"""Without a reply for so long it is taken for hung."""
DEATHS_MOST = 10
LOAD_SECONDS = 600.0
DIED = "worker-unavailable: the worker died of this request, alone"
HUNG = "deadline-passed: the worker did not answer this request, alone, in {:.0f} s"
_NAME = "replay"
_LOOK_SECONDS = 0.02
_CHUNK = 1 << 18
_LAUNCH = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
os.nice(10)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""Die with the parent, give way to everybody, and be the worker."""
_decode = msgspec.msgpack.Decoder(frames.Reply).decode


class Question(msgspec.Struct, frozen=True):
    """One request to ask."""

    number: int
    id: bytes
    sample: samples.Sample


class Reply(msgspec.Struct, frozen=True):
    """What came of it; `head` is None where the worker died of it or never answered, and `trouble` says which."""

    number: int
    head: frames.Reply | None
    body: bytes = b""
    trouble: str = ""


Waiting = collections.OrderedDict[int, Question]
"""Who has been asked and not answered, by number."""


class Subject(msgspec.Struct, frozen=True):
    """Which version is asked, as which endpoint's."""

    digest: str
    endpoint: str
    name: str
    """v3, or what stands for a version that is none yet."""
    terms: handling.Terms = handling.PLAIN


class Worker:
    """Use it as a context manager."""

    def __init__(self, place: home.Home, subject: Subject, silent: float = SILENT_SECONDS) -> None:
        """Nothing is started yet. `silent`: seconds without a reply that it may take."""
        self._place, self._subject, self._silent = place, subject, silent
        self._terms = b"" if subject.terms == handling.PLAIN else msgspec.msgpack.encode(subject.terms)
        self._scratch = pathlib.Path()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._reader = frames.Reader()
        self._unsent = bytearray()
        self._room = 16
        self._began = 0
        self.deaths = 0
        """How often it has died, or was ended since it was silent."""

    def __enter__(self) -> "Worker":
        """Start it, and wait until it has answered its warm-up.

        Raises BundleMissing, RuntimeUnavailable, what its model raises while it loads, InstanceLost and OSError.
        """
        self._scratch = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-replay-"))
        try:
            for there in (self._place.bundles, self._place.warm):
                (self._scratch / there.name).symlink_to(there.absolute())
            own = home.Home(self._scratch)
            own.instances.mkdir()
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, raised: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End it, and leave nothing."""
        self._end()
        shutil.rmtree(self._scratch, ignore_errors=True)

    def ask(self, questions: Iterator[Question]) -> Iterator[Reply]:
        """Every question's reply, in the order that they come. `questions` is drawn from as there is room.

        Raises InstanceLost once it has died too often, or does not come up again.
        """
        waiting: Waiting = collections.OrderedDict()
        left = True
        while left or waiting:
            left = left and self._give(questions, waiting)
            if not waiting:
                continue
            began = time.monotonic()
            try:
                yield from self._replies(waiting)
            except ConnectionError as lost:
                yield from self._alone(list(waiting.values()), lost)
                waiting.clear()
            self._pace(time.monotonic() - began)

    def _pace(self, seconds: float) -> None:
        """Give it more at once while it answers at once, and less before a batch takes so long that it seems to be hung."""
        if seconds < 1.0:
            self._room = min(AT_ONCE, 2 * self._room)
        elif seconds > self._silent / 8:
            self._room = max(1, self._room // 4)

    def _give(self, questions: Iterator[Question], waiting: Waiting) -> bool:
        """Queue what there is room for; whether there may be more."""
        size = sum(len(one.sample.body) for one in waiting.values())
        while len(waiting) < self._room and size < AT_ONCE_BYTES:
            one = next(questions, None)
            if one is None:
                return False
            waiting[one.number] = one
            size += len(one.sample.body)
            self._unsent += self._packed(one)
        return True

    def _alone(self, asked: list[Question], lost: ConnectionError) -> Iterator[Reply]:
        """Ask each again by itself: who was on its way when it died is suspected, until it is answered."""
        self._again(str(lost))
        for one in asked:
            waiting: Waiting = collections.OrderedDict([(one.number, one)])
            self._unsent += self._packed(one)
            try:
                while waiting:
                    yield from self._replies(waiting)
            except ConnectionError as guilty:
                yield Reply(one.number, None, trouble=str(guilty))
                self._again(str(guilty))

    def _packed(self, one: Question) -> bytes:
        subject, sample = self._subject, one.sample
        head = frames.Call(one.id, subject.endpoint, subject.name, sample.content, 0, sample.json_bytes, self._terms)
        return frames.pack(frames.Kind.CALL, one.number, head, sample.body)

    def _replies(self, waiting: Waiting) -> Iterator[Reply]:
        """Write what it takes, and the replies that the next bytes bring. Raises ConnectionError where it is dead, or silent."""
        assert self._socket is not None
        readable, writable, _ = select.select([self._socket], [self._socket] if self._unsent else [], [], self._silent)
        if not readable and not writable:
            raise ConnectionError(HUNG.format(self._silent))
        try:
            if writable:
                del self._unsent[: self._socket.send(self._unsent[:_CHUNK])]
            data = self._socket.recv(_CHUNK) if readable else None
        except OSError as gone:
            raise ConnectionError(DIED) from gone
        if data is None:
            return
        if not data:
            raise ConnectionError(DIED)
        for kind, number, head, body in self._reader.feed(data):
            if kind == frames.Kind.REPLY and waiting.pop(number, None) is not None:
                yield Reply(number, _decode(head), body)

    def _again(self, why: str) -> None:
        self.deaths += 1
        if self.deaths > DEATHS_MOST:
            raise errors.InstanceLost(
                f"the candidate's worker died {self.deaths} times ({why.partition(': ')[2]}).",
                cure="A shorter --limit finds the first requests that it dies of.",
            )
        self._end()
        self._start()

    def _start(self) -> None:
        """A new process, connected and greeted."""
        own, subject = home.Home(self._scratch), self._subject
        manifest = bundles.read_manifest(self._place.bundles / subject.digest)
        runtimes.ensure_of(self._place, subject.digest)
        python = str(self._place.runtimes / manifest.runtime / "bin" / "python") if manifest.runtime else sys.executable
        path = str(frozen.copy(self._place)) if manifest.runtime else ""
        self._began += 1
        address = self._scratch / f"{self._began}.sock"
        labels = {"endpoint": subject.endpoint, "ordinal": "0", "digest": subject.digest, "address": f"unix:{address}"}
        spec = instances.Spec(_NAME, "worker", (), secrets.token_hex(16), labels=labels)
        spec.write(own.instances)
        argv = [python, "-c", _LAUNCH, "-m", "tidegate.dataplane.worker", str(self._scratch), _NAME]
        env = children.bare_environment(self._scratch, path) | dict.fromkeys(local.THREADS, "1")
        with (self._scratch / "worker.log").open("ab") as said:
            self._process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, env=env)
        self._await(own, spec.token)
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.settimeout(self._silent)
        self._socket.connect(str(address))
        self._socket.sendall(frames.pack(frames.Kind.HELLO, 0, frames.Hello(frames.PROTOCOL, frames.OLDEST, spec.token, _NAME)))
        self._reader, self._unsent = frames.Reader(), bytearray()
        if not any(kind == frames.Kind.WELCOME for kind, *_ in self._reader.feed(self._socket.recv(_CHUNK))):
            raise errors.InstanceLost("the candidate's worker refused its own caller.")
        self._socket.setblocking(False)

    def _await(self, own: home.Home, token: str) -> None:
        """Wait until it is ready. Raises what it failed by."""
        assert self._process is not None
        until = time.monotonic() + LOAD_SECONDS
        while True:
            ended = self._process.poll()
            said = instances.read_state(own.instances, _NAME)
            said = said if said.get("token") == token else {}
            if said.get("state") == "ready" and ended is None:
                return
            if said.get("state") == "failed":
                raise codes.by_code(str(said.get("code", "")))(str(said.get("message", "")))
            if ended is not None:
                raise errors.InstanceLost(f"the candidate's worker ended with {ended} before it could answer: {self._last()}")
            if time.monotonic() > until:
                raise errors.InstanceLost(f"the candidate's worker was not ready after {LOAD_SECONDS:.0f} s.")
            time.sleep(_LOOK_SECONDS)

    def _last(self) -> str:
        lines = (self._scratch / "worker.log").read_text(errors="replace").strip().splitlines()
        return lines[-1][:300] if lines else "it said nothing"

    def _end(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None
