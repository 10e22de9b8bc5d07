"""Requests of our own to a named version, through a gateway's front socket: does it answer at all, before any client asks it?

They are recorded with the role smoke, and are nobody's evidence, limit or quota. A client for one thread, blocking, within a
time of its own. It needs the vocabulary and `wire` alone, whatever else this room needs; control's smoke job calls it.
"""

import pathlib
import socket
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from tidegate.core.vocabulary import arms, errors, home, instances
from tidegate.dataplane.wire import frames, fronts, samples

AT_ONCE = 8
"""Requests under way at a time."""
NAME = "smoke"
_RECEIVED = 1 << 16
_ASKS = {
    frames.Content.INFER: "infer",
    frames.Content.RECORDS: "records",
    frames.Content.INVOCATIONS: "invocations",
    frames.Content.CSV: "invocations",
    frames.Content.GRPC: "grpc",
}
_decode_told = msgspec.msgpack.Decoder(fronts.Told).decode


class Answer(NamedTuple):
    """What came of one request."""

    status: int
    """As HTTP has it; 0: no answer within the time."""
    body: bytes = b""
    """The answer, or the error as JSON."""

    @property
    def failure(self) -> str:
        """Why it was not answered well, for people; empty: it was."""
        if self.status == 200:
            return ""
        if not self.status:
            return "no answer within the time"
        try:
            said = msgspec.json.decode(self.body, type=dict[str, object])
        except msgspec.DecodeError:
            said = {}
        return f"{said.get('code', '')} ({self.status}): {said.get('error', '')}".strip()


class Target(NamedTuple):
    """Whom to ask."""

    path: pathlib.Path
    """The gateway's front socket."""
    token: str
    """The gateway instance's."""
    endpoint: str
    version: str
    """v3, as the route lists it: stable, candidate or kept."""


def target(where: home.Home, gateway: instances.Spec, endpoint: str, version: str) -> Target:
    """The version of an endpoint as a gateway of this home reaches it."""
    return Target(where.run / f"{gateway.name}.front.sock", gateway.token, endpoint, version)


def ask(whom: Target, bodies: Sequence[samples.Sample], seconds: float) -> list[Answer]:
    """The answers to these requests, in their order; those without one when the time is up have the status 0.

    Raises CapacityError where the gateway cannot be reached, refuses the token, or is lost.
    """
    until = time.monotonic() + seconds
    found: dict[int, Answer] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            _left(sock, until)
            sock.connect(str(whom.path))
            sock.sendall(frames.pack(frames.Kind.HELLO, 0, _hello(whom.token)))
            heard = _heard(sock, until)
            if next(heard)[0] != frames.Kind.WELCOME:
                raise errors.CapacityError("The gateway refuses this process.")
            for number, sample in enumerate(bodies):
                if number >= AT_ONCE:
                    _take(heard, found)
                _left(sock, until)
                sock.sendall(frames.pack(frames.Kind.CALL, number, _asked(whom, sample), sample.body))
            while len(found) < len(bodies):
                _take(heard, found)
        except TimeoutError:
            pass
        except (OSError, *frames.UNREADABLE) as lost:
            raise errors.CapacityError(f"The gateway was lost, or cannot be reached: {lost}.") from lost
    return [found.get(number, Answer(0)) for number in range(len(bodies))]


def _hello(token: str) -> fronts.Hello:
    return fronts.Hello(frames.PROTOCOL, frames.OLDEST, token, NAME, exposed=False)


def _asked(whom: Target, sample: samples.Sample) -> fronts.Asked:
    fields = {}
    if sample.json_bytes >= 0:
        fields[b"inference-header-content-length"] = b"%d" % sample.json_bytes
    if sample.content == frames.Content.CSV:
        fields[b"content-type"] = b"text/csv"
    what = _ASKS[frames.Content(sample.content)]
    return fronts.Asked(what, whom.endpoint, whom.version, fields, int(arms.Role.SMOKE))


def _take(heard: Iterator[tuple[int, int, bytes, bytes]], found: dict[int, Answer]) -> None:
    """The next answer. A gateway that drains still answers what it was asked."""
    for kind, call, head, body in heard:
        if kind == frames.Kind.REPLY:
            found[call] = Answer(_decode_told(head).status, body)
            return


def _heard(sock: socket.socket, until: float) -> Iterator[tuple[int, int, bytes, bytes]]:
    """Frames as they come. Raises TimeoutError, OSError when the gateway goes away."""
    reader = frames.Reader()
    while True:
        _left(sock, until)
        data = sock.recv(_RECEIVED)
        if not data:
            raise ConnectionResetError("it closed the connection")
        yield from reader.feed(data)


def _left(sock: socket.socket, until: float) -> None:
    """Raises TimeoutError when the time is up."""
    left = until - time.monotonic()
    if left <= 0:
        raise TimeoutError
    sock.settimeout(left)
