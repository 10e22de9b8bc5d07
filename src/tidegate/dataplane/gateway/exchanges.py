"""One request of one connection, and the bytes of its answer. Answers leave in the order the requests came."""

import asyncio
import http
import math
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from tidegate.core.vocabulary import arms, errors, ids
from tidegate.dataplane.gateway import encodings, paths
from tidegate.dataplane.wire import answers

JSON = b"content-type: application/json\r\n"
RETRY_AFTER = b"retry-after: 1\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_CLOSE = b"connection: close\r\n"
_KEEP = b"connection: keep-alive\r\n"
_STATUS = {status: b"HTTP/1.1 %d \r\n" % status for status in range(200, 600)}
_STATUS |= {status.value: b"HTTP/1.1 %d %s\r\n" % (status.value, status.phrase.encode()) for status in http.HTTPStatus}


class Date:
    """The date header's line, made once a second."""

    line = b""

    @classmethod
    def look(cls, now: float) -> None:
        """Make it for this Unix time."""
        cls.line = time.strftime("date: %a, %d %b %Y %H:%M:%S GMT\r\n", time.gmtime(now)).encode()


class Connection(Protocol):
    """What an exchange needs of the connection it came by."""

    def flush(self) -> None:
        """Send the answers that are next in order."""


class Exchange:
    """See the module. Attributes with a default are set where they differ."""

    method: bytes = b"GET"
    url: bytes = b""
    target = paths.Target(paths.Ask.NOTHING)
    """What the URL asks for."""
    body: bytes = b""
    json_bytes: int = -1
    """How many bytes at the body's beginning are its JSON, where binary tensors follow; -1: all of it."""
    lines: bytes = b""
    """Header lines that every answer to it has."""
    role: arms.Role = arms.Role.LIVE
    """SMOKE: it is a request of our own."""
    exposed: bool = False
    """Whether it may come from another machine, as far as its connection knows."""
    takes_cookies: bool = True
    """Whether an answer can bring the client a cookie."""
    half_read: bool = False
    """Whether other headers matter by now than did when it was read."""
    keep: bool = True
    """Whether the connection stays open behind it."""
    answer: bytes | None = None
    cancel: Callable[[], None] | None = None
    """To be called when the client goes away before its answer."""

    def __init__(self, connection: Connection, fields: dict[bytes, bytes] | None = None) -> None:
        self.connection = connection
        self.fields = {} if fields is None else fields
        """The headers that matter here, by lower-case name."""

    @property
    def request_id(self) -> str:
        """The client's own request id; empty when it sent none, or one that may not be echoed."""
        given = self.fields.get(b"x-request-id", b"").decode("latin-1")
        return given if ids.is_request_id(given) else ""

    def respond(self, status: int, body: bytes, headers: bytes = JSON) -> None:
        """Answer; `headers` are whole lines."""
        if len(body) >= encodings.LEAST and b"accept-encoding" in self.fields:
            encoding = encodings.wished(self.fields[b"accept-encoding"])
            if encoding:
                self._compress(status, body, headers, encoding)
                return
        self._write(status, body, headers)

    def _compress(self, status: int, body: bytes, headers: bytes, encoding: bytes) -> None:
        """Answer compressed: at once, or when a thread is done where that takes milliseconds. The order of answers stays."""
        headers += b"content-encoding: %s\r\nvary: accept-encoding\r\n" % encoding
        compress = encodings.compressor(encoding)
        if len(body) < encodings.LARGE:
            self._write(status, compress(body), headers)
            return
        self.cancel = None
        done = asyncio.get_running_loop().run_in_executor(None, compress, body)
        done.add_done_callback(lambda made: self._write(status, made.result(), headers))

    def _write(self, status: int, body: bytes, headers: bytes) -> None:
        parts = [_STATUS[status], Date.line, headers, b"content-length: %d\r\n" % len(body)]
        if self.fields or self.lines:
            parts += (self.lines, self._echo())
        if not self.keep:
            parts.append(_CLOSE)
        parts.append(b"\r\n")
        if self.method != b"HEAD":
            parts.append(body)
        self.answer = b"".join(parts)
        self.cancel = None
        self.connection.flush()

    def fail(self, error: errors.TidegateError, prediction_id: str = "") -> None:
        """Answer with an error."""
        headers = JSON
        if prediction_id:
            headers += b"tidegate-prediction-id: %s\r\n" % prediction_id.encode()
        if error.retryable:
            headers += RETRY_AFTER if error.wait <= 1 else b"retry-after: %d\r\n" % math.ceil(error.wait)
        elif isinstance(error, errors.TokenMissing):
            headers += b"www-authenticate: Bearer\r\n"
        self.respond(error.status, answers.failure(error, prediction_id), headers)

    def refuse_method(self, allowed: Iterable[bytes]) -> None:
        """405, naming what is allowed."""
        headers = JSON + b"allow: %s\r\n" % b", ".join(allowed)
        self.respond(errors.MethodRefused.status, answers.failure(errors.MethodRefused()), headers)

    def _echo(self) -> bytes:
        """The client's own request id, untouched, and HTTP/1.0's keep-alive."""
        lines = b""
        if request_id := self.request_id:
            lines = b"x-request-id: %s\r\n" % request_id.encode()
        if self.keep and self.fields.get(b"connection", b"").lower() == b"keep-alive":
            lines += _KEEP
        return lines
