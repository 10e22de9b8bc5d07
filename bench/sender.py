"""Open-loop load: requests leave when they are due, whoever has not been answered yet. A process of its own does the sending.

Each request's time is counted from when it was *due*, not from when it was sent: what a slow server keeps waiting is part of what
its clients feel (no coordinated omission). How late the sender itself was is told apart, and `behind` says when that spoils the
figures. `python -m bench.sender PLAN OUT` is what `start` runs: one thread, keep-alive connections, a request each at a time.
"""

import array
import collections
import contextlib
import gc
import os
import pathlib
import select
import signal
import socket
import subprocess
import sys
import time
from typing import NamedTuple

import msgspec
import numpy as np

_AHEAD_NS = 30_000
"""The system wakes us up to this much late: so much earlier we wake, and look at the clock until it is time."""
_STEP_NS = 20_000_000
LATE_MS = 1.0
"""Sent later than that for one request in a hundred, the sender was what was slow."""
_START_NS = 200_000_000
PRIORITY = -10
_TIMER_SLACK = 29  # PR_SET_TIMERSLACK


class Plan(msgspec.Struct, frozen=True):
    """What to send."""

    port: int
    path: str
    bodies: list[str]
    """In turn."""
    rate: float
    """Requests a second."""
    seconds: float
    spacing: str = "constant"
    """constant, or poisson: independent clients."""
    connections: int = 128
    patience: float = 10.0
    """Seconds after the last request until the missing answers are given up."""
    seed: int = 0

    def due(self) -> np.ndarray:
        """Nanoseconds from the beginning at which requests are due."""
        count = round(self.rate * self.seconds)
        if self.spacing == "poisson":
            gaps = np.random.default_rng(self.seed).exponential(1e9 / self.rate, count)
        else:
            gaps = np.full(count, 1e9 / self.rate)
        return np.cumsum(gaps).astype(np.int64)


class Sent(NamedTuple):
    """What came of it, a request each; times are nanoseconds of the system's monotonic clock."""

    due: np.ndarray
    sent: np.ndarray
    done: np.ndarray
    """0 where no answer came."""
    status: np.ndarray
    """HTTP status; 0 where no answer came."""
    version: np.ndarray
    """Which version answered, by the header; 0 where it does not say."""
    ids: list[str]
    """Prediction ids."""
    starved: int
    """How many were due while every connection waited for an answer."""

    @property
    def failed(self) -> int:
        """Without an answer, or with another one than 200."""
        return int(np.count_nonzero(self.status != 200))

    @property
    def milliseconds(self) -> np.ndarray:
        """From due to answered, of those that were answered with 200."""
        good = self.status == 200
        return (self.done[good] - self.due[good]) / 1e6

    @property
    def late_ms(self) -> np.ndarray:
        """From due to sent."""
        left = self.sent > 0
        return (self.sent[left] - self.due[left]) / 1e6

    @property
    def behind(self) -> str:
        """What kept the sender from sending in time; empty: nothing."""
        late = float(np.percentile(self.late_ms, 99)) if self.late_ms.size else 0.0
        if self.starved > len(self.due) / 100:
            return f"{self.starved} requests found no free connection"
        return f"the sender itself fell behind: p99 {late:.1f} ms" if late > LATE_MS else ""

    def within(self, periods: list[tuple[int, int]], *, from_sent: bool = False) -> np.ndarray:
        """The milliseconds of requests that were due in one of these periods; `from_sent`: without the sender's lateness."""
        good = self.status == 200
        inside = np.zeros(len(self.due), dtype=bool)
        for begin, end in periods:
            inside |= (self.due >= begin) & (self.due < end)
        chosen = good & inside
        return (self.done[chosen] - (self.sent if from_sent else self.due)[chosen]) / 1e6


def percentiles(values: np.ndarray) -> dict[str, float]:
    """Of milliseconds."""
    if not len(values):
        return {}
    cuts = np.percentile(values, (50, 90, 99, 99.9, 100))
    return {
        name: round(float(cut), 3) for name, cut in zip(("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms"), cuts, strict=True)
    }


def described(sent: Sent) -> dict[str, object]:
    """As results carry it."""
    late = percentiles(sent.late_ms)
    return {
        "requests": len(sent.due),
        "errors": sent.failed,
        **percentiles(sent.milliseconds),
        "sender_late_p99_ms": late.get("p99_ms", 0.0),
        "sender_starved": sent.starved,
        "sender_behind": sent.behind,
    }


def line(cuts: dict[str, float]) -> str:
    """Percentiles as people read them."""
    return "  ".join(f"{name.removesuffix('_ms')} {value:.2f}" for name, value in cuts.items()) + "  ms"


def lateness(row: dict[str, object]) -> str:
    """How precise a described load was."""
    behind = f"; {row['sender_behind']}" if row["sender_behind"] else ""
    return f"sender late p99 {row['sender_late_p99_ms']} ms{behind}"


class Running:
    """A load under way."""

    def __init__(self, process: "subprocess.Popen[bytes]", out: pathlib.Path) -> None:
        self._process, self._out = process, out

    def wait(self) -> Sent:
        """What came of it. Raises SystemExit when the sender broke."""
        if self._process.wait():
            raise SystemExit("the sender broke")
        with np.load(self._out) as found:
            ids = [each.decode() for each in found["ids"]]
            rows = (found[name] for name in ("due", "sent", "done", "status", "version"))
            return Sent(*rows, ids, int(found["starved"]))

    def enough(self) -> Sent:
        """Have it send no more; what came of it until now."""
        self._process.terminate()
        return self.wait()

    def stop(self) -> None:
        """Give up, if it has not ended."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def start(plan: Plan, folder: pathlib.Path) -> Running:
    """Send it from a process of its own; what it writes goes into this folder."""
    number = len(list(folder.glob("plan-*.json")))
    given, out = folder / f"plan-{number}.json", folder / f"sent-{number}.npz"
    given.write_bytes(msgspec.json.encode(plan))
    return Running(subprocess.Popen([sys.executable, "-m", "bench.sender", str(given), str(out)]), out)


def send(plan: Plan, folder: pathlib.Path) -> Sent:
    """Send it all and wait."""
    return start(plan, folder).wait()


class _Loop:
    """The sending thread."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        head = f"POST {plan.path} HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: "
        self._raw = [f"{head}{len(body.encode())}\r\n\r\n{body}".encode() for body in plan.bodies]
        offsets = plan.due()
        self._count = len(offsets)
        self._idle = collections.deque(self._connected() for _ in range(plan.connections))
        self._flying: dict[int, tuple[socket.socket, int]] = {}
        self._read: dict[int, bytes] = {}
        self._due = array.array("q", (offsets + time.monotonic_ns() + _START_NS).tolist())
        self.sent, self.done = array.array("q", bytes(8 * self._count)), array.array("q", bytes(8 * self._count))
        self.status, self.version = array.array("q", bytes(8 * self._count)), array.array("q", bytes(8 * self._count))
        self.ids = [b""] * self._count
        self.starved = 0
        self.enough = False
        """Set by SIGTERM: nothing more is sent."""

    def run(self) -> None:
        """Until everything is answered, or given up."""
        at, waited = 0, -1
        due, count, clock = self._due, self._count, time.monotonic_ns
        give_up = due[-1] + int(self._plan.patience * 1e9)
        while at < count or self._flying:
            now = clock()
            if self.enough and at < count:
                count = self._count = at
                give_up = now + int(self._plan.patience * 1e9)
            while at < count and due[at] <= now and self._idle:
                self._send(at)
                at += 1
            if at < count and due[at] <= now and waited < at:
                waited = at
                self.starved += 1
            if now > give_up:
                return
            until = due[at] if at < count and self._idle else now + _STEP_NS
            left = min(until - _AHEAD_NS - clock(), _STEP_NS)
            ready = select.select(list(self._flying), (), (), max(0, left) / 1e9)[0]
            now = clock()
            for number in ready:
                self._receive(number, now)

    def save(self, path: pathlib.Path) -> None:
        """As `Running.wait` reads it."""
        columns = {"due": self._due, "sent": self.sent, "done": self.done, "status": self.status, "version": self.version}
        arrays = {name: np.array(values[: self._count], dtype=np.int64) for name, values in columns.items()}
        np.savez(path, **arrays, ids=np.array(self.ids[: self._count], dtype="S36"), starved=self.starved)

    def _send(self, at: int) -> None:
        connection = self._idle.popleft()
        self._flying[connection.fileno()] = (connection, at)
        self.sent[at] = time.monotonic_ns()
        try:
            connection.sendall(self._raw[at % len(self._raw)])  # never blocks: a request on its own fits into the socket
        except OSError:
            self._lost(connection.fileno())

    def _receive(self, number: int, now: int) -> None:
        connection, at = self._flying[number]
        try:
            data = connection.recv(1 << 16)
        except OSError:
            data = b""
        if not data:
            self._lost(number)
            return
        data = self._read.pop(number, b"") + data
        end = data.find(b"\r\n\r\n")
        length = _field(data, b"content-length: ", end)
        if end < 0 or len(data) < end + 4 + int(length or 0):
            self._read[number] = data
            return
        del self._flying[number]
        self._idle.append(connection)
        self.done[at], self.status[at] = now, int(data[9:12])
        self.ids[at] = _field(data, b"tidegate-prediction-id: ", end)
        self.version[at] = int(_field(data, b"tidegate-version: v", end) or 0)

    def _lost(self, number: int) -> None:
        """Its request is lost; the next one gets a new connection."""
        connection, _ = self._flying.pop(number)
        self._read.pop(number, None)
        connection.close()
        self._idle.append(self._connected())

    def _connected(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self._plan.port))
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection


def _field(data: bytes, name: bytes, end: int) -> bytes:
    begin = data.find(name, 0, end)
    return b"" if begin < 0 else data[begin + len(name) : data.find(b"\r\n", begin)]


def _be_precise() -> None:
    """Wake up when asked to, not 50 us later; never stop to look for garbage; come before the servers, where this account may.

    Clients are other machines: that this one has to share its cores with what it measures is not to slow them down.
    """
    gc.disable()
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, PRIORITY)
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415 - of this system only

        ctypes.CDLL(None).prctl(_TIMER_SLACK, 1, 0, 0, 0)


def main(argv: list[str]) -> int:
    loop = _Loop(msgspec.json.decode(pathlib.Path(argv[1]).read_bytes(), type=Plan))
    _be_precise()
    signal.signal(signal.SIGTERM, lambda *_: setattr(loop, "enough", True))
    loop.run()
    loop.save(pathlib.Path(argv[2]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
