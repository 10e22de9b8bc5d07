"""One gateway's connection: the handshake, frames in, bytes out. Never blocks."""

import contextlib
import hmac
import logging
import socket
from collections.abc import Callable

import msgspec

from tidegate.dataplane.wire import frames

_CHUNK = 1 << 18
_TURNS = 64
"""Chunks read from one gateway in one turn: 16 MiB, so that none is starved by another."""
FULL = 64 << 20
"""Bytes waiting to be taken by a gateway beyond which nothing more is read from it."""

_log = logging.getLogger(__name__)


class Connection:
    """A gateway, known once it has said the worker's token."""

    def __init__(self, sock: socket.socket, token: str, welcome: frames.Welcome) -> None:
        sock.setblocking(False)
        self.sock = sock
        self.incarnation = ""
        self._token = token
        self._welcome = welcome
        self._reader = frames.Reader(body_max=0)
        self._out: list[bytes] = []
        self._unsent = b""
        self.open = True
        self.confirmed = False
        """Whether it has answered DRAIN: what it sent before has all come, and nothing follows."""

    @property
    def known(self) -> bool:
        """Whether the handshake is done."""
        return bool(self.incarnation)

    @property
    def unsent(self) -> int:
        """Bytes that the gateway has not taken yet."""
        return len(self._unsent)

    def read(self, take: Callable[["Connection", int, int, bytes, bytes], None]) -> None:
        """Hand every frame that has come to `take`; closes on end of file and on anything that is no frame of ours."""
        try:
            for _ in range(_TURNS):
                data = self.sock.recv(_CHUNK)
                if not data:
                    self.close()
                    return
                for kind, number, head, body in self._reader.feed(data):
                    if self.known:
                        take(self, kind, number, head, body)
                    else:
                        self._greet(kind, head)
                if len(data) < _CHUNK or not self.open:
                    return
        except BlockingIOError:
            return
        except (ConnectionError, *frames.UNREADABLE) as broken:
            _log.warning("a gateway's connection is closed", extra={"gateway": self.incarnation, "error": str(broken)})
            self.close()

    def _greet(self, kind: int, head: bytes) -> None:
        if kind != frames.Kind.HELLO:
            self._refuse("say HELLO first")
            return
        hello = msgspec.msgpack.decode(head, type=frames.Hello)
        if hello.oldest > frames.PROTOCOL or hello.protocol < frames.OLDEST:
            self._refuse(f"no common protocol: this worker speaks {frames.OLDEST} to {frames.PROTOCOL}")
        elif not hmac.compare_digest(hello.token.encode(), self._token.encode()):
            self._refuse("wrong token")
        else:
            self.incarnation = hello.incarnation or "unnamed"
            self._reader.body_max = frames.BODY_MAX
            self.send(frames.pack(frames.Kind.WELCOME, 0, self._welcome))

    def _refuse(self, why: str) -> None:
        _log.warning("a connection is refused", extra={"why": why})
        self.send(frames.pack(frames.Kind.REFUSED, 0, None, why.encode()))
        self.flush()
        self.close()

    def send(self, data: bytes) -> None:
        """Queue bytes; `flush` writes all that was queued in a turn at once."""
        self._out.append(data)

    def flush(self) -> None:
        """Write what the kernel takes; the rest stays `unsent` until the socket can be written to."""
        if not self.open or not (self._out or self._unsent):
            self._out.clear()
            return
        data = self._unsent + b"".join(self._out) if self._unsent else b"".join(self._out)
        self._out.clear()
        try:
            sent = self.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError as gone:
            _log.info("a gateway went away before its answers", extra={"gateway": self.incarnation, "error": str(gone)})
            self.close()
            return
        self._unsent = data[sent:]

    def close(self) -> None:
        """End it. The socket itself stays the server's to close, so that its number is not given anew within the turn."""
        if self.open:
            self.open = False
            self._unsent = b""
            with contextlib.suppress(OSError):
                self.sock.shutdown(socket.SHUT_RDWR)
