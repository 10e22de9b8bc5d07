"""One client's connection: HTTP/1.1 in, answers out in the order of the requests, within bounds that hostile clients meet.

A request that breaks the protocol or a bound is answered with its error as JSON, and the connection ends: what follows it
could be read as anything. Before it is closed such a client is read from for a moment, or it would see a reset, not the answer.
"""

import asyncio
import collections
import enum
import logging
import time
import typing
from typing import Protocol

import httptools

from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import exchanges, heads, service

BUFFER_BYTES = 1 << 18
CHUNKING = 8
"""Wire bytes a byte of body may take: chunks of one byte are foolish, endless chunk extensions hostile."""
URL_BYTES = 4_096
"""More than any path here needs: those that were asked for are remembered (`paths`)."""
LINGER_BYTES = 1 << 26
"""What a refused client may still send before it is cut off."""
_DIGITS = 20
_now = time.monotonic
logger = logging.getLogger(__name__)


class Phase(enum.Enum):
    """What the client is being waited for."""

    IDLE = "idle"
    HEAD = "head"
    BODY = "body"
    LINGER = "linger"
    """It has been refused; what it still sends is thrown away."""


_IDLE, _HEAD, _BODY = Phase.IDLE, Phase.HEAD, Phase.BODY


class Owner(Protocol):
    """Who keeps the connections: `front`."""

    service: service.Service
    heads: heads.Heads

    def joined(self, connection: "Connection") -> bool:
        """A client has connected; False: there are too many."""

    def left(self, connection: "Connection") -> None:
        """It is gone."""


class Connection(asyncio.Protocol):
    """See the module."""

    def __init__(self, owner: Owner) -> None:
        self.phase = Phase.IDLE
        self.since = _now()
        """When the phase began."""
        self._owner, self._service, self._bounds = owner, owner.service, owner.service.bounds
        self._known = owner.heads
        self._reads = owner.heads.reads
        self._transport: asyncio.Transport | None = None
        self._exchange = exchanges.Exchange(self)
        self._waiting: collections.deque[exchanges.Exchange] = collections.deque()
        self._parts: list[bytes] = []
        self._deaf = self._paused = self._upgrading = self._continue = False
        self._stalled_since = 0.0
        self._begun = self._headers = self._size = self._length = self._limit = self._wire = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        self._parser = httptools.HttpRequestParser(self)
        self._transport = typing.cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._transport.set_write_buffer_limits(BUFFER_BYTES)
        if not self._owner.joined(self):
            self._refuse(errors.CapacityError("Too many connections are open.", cure="Try again in a while."))

    def data_received(self, data: bytes) -> None:
        """Parse; complete requests are answered from within."""
        if self._deaf:
            self._wire += len(data)
            if self._wire > LINGER_BYTES and self._transport is not None:
                self._transport.abort()
            return
        if self.phase is _IDLE:
            end = data.find(b"\r\n\r\n") + 4
            head = self._known.get(data[:end])
            if head is not None and end + head.length == len(data):
                self._again(head, data[end:])
                return
        within, begun = self.phase, self._begun
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on(data[upgrade.args[0] :])
        except httptools.HttpParserError as broken:
            if not self._deaf:  # else what follows the last request is of no interest
                self._refuse(_understood(broken))
        if self.phase is not _IDLE:
            self._wire = self._wire + len(data) if (within, begun) == (self.phase, self._begun) else 0
            self._bound_wire()
        elif within is _IDLE and self._begun == begun + 1 and not self._deaf:
            exchange = self._exchange
            if len(exchange.body) == self._length:  # not chunked
                self._known.add(data, heads.Head(exchange.method, exchange.url, exchange.fields, self._length))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The client is gone; what it waited for is cancelled."""
        self._transport = None
        for exchange in self._waiting:
            if exchange.cancel is not None:
                cancel, exchange.cancel = exchange.cancel, None
                cancel()
        self._waiting.clear()
        self._owner.left(self)

    def pause_writing(self) -> None:
        """The client does not read what it asked for: take no more from it."""
        self._stalled_since = _now()
        self._pause()

    def resume_writing(self) -> None:
        """It reads again."""
        self._stalled_since = 0.0
        self.flush()

    def flush(self) -> None:
        """Send the answers that are next in order."""
        waiting, transport = self._waiting, self._transport
        if transport is None:
            return
        while waiting and (answer := waiting[0].answer) is not None:
            transport.write(answer)
            if not waiting.popleft().keep:
                self._finish()
                return
        if self._continue and not waiting:
            self._continue = False
            transport.write(exchanges.CONTINUE)
        if self._paused and not self._stalled_since and len(waiting) < self._bounds.pipeline:
            self._paused = False
            transport.resume_reading()

    def check(self, now: float) -> None:
        """End it if a time has run out."""
        bounds, age, transport = self._bounds, now - self.since, self._transport
        if transport is None:
            return
        if self._stalled_since and now - self._stalled_since > bounds.stalled_seconds:
            transport.abort()
        elif self.phase is Phase.LINGER:
            if age > bounds.linger_seconds and not self._waiting:
                transport.abort()
        elif self.phase is Phase.IDLE:
            if age > bounds.idle_seconds and not self._waiting:
                transport.close()
        elif age > (bounds.head_seconds if self.phase is Phase.HEAD else bounds.body_seconds):
            self._refuse(errors.RequestSlow())

    def retire(self) -> None:
        """End it unless a request is under way."""
        if self._transport is not None and self.phase is Phase.IDLE and not self._waiting:
            self._transport.close()

    def _again(self, head: heads.Head, body: bytes) -> None:
        """A whole request whose head has been parsed before."""
        exchange = self._exchange = exchanges.Exchange(self, head.fields)
        exchange.method, exchange.url, exchange.body = head.method, head.url, body
        if head.length > self._service.body_limit(exchange):
            self._refuse(errors.BodyTooLarge())
            return
        if self._service.draining:
            exchange.keep, self._deaf = False, True
        self.since = _now()
        self._ask(exchange)

    # httptools' callbacks
    def on_message_begin(self) -> None:
        """The first byte of a request."""
        if self._deaf:
            raise errors.Draining  # only stops the parser: nobody is told
        self.phase, self.since = _HEAD, _now()
        self._exchange = exchanges.Exchange(self)
        self._reads = self._known.reads
        self._headers = self._size = self._length = 0

    def on_url(self, url: bytes) -> None:
        """The target, or a part of it."""
        self._exchange.url += url
        if len(self._exchange.url) > URL_BYTES:
            raise errors.HeaderInvalid(f"The path is over {URL_BYTES} bytes long.")

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header, or a trailer."""
        self._headers += 1
        self._size += len(name) + len(value)
        if self._headers > self._bounds.headers or self._size > self._bounds.head_bytes:
            raise errors.HeaderInvalid(f"Over {self._bounds.headers} headers, or {self._bounds.head_bytes} bytes of them.")
        name = name.lower()
        if name not in self._reads or self.phase is not _HEAD:
            return
        if name == b"content-length":
            if len(value) > _DIGITS:
                raise errors.HeaderInvalid("The content-length is no number that could be one.")
            self._length = int(value)
        elif name == b"transfer-encoding" and (value.lower() != b"chunked" or self._parser.get_http_version() != "1.1"):
            # Others read such a request's end elsewhere: what follows could be a body to them and a request to us.
            raise errors.HeaderInvalid("Of transfer encodings only `chunked` is taken, and in HTTP/1.1.")
        elif name == b"cookie" and name in self._exchange.fields:
            self._exchange.fields[name] += b"; " + value
        elif name != b"content-type" or value != b"application/json":  # which every path takes
            self._exchange.fields[name] = value

    def on_headers_complete(self) -> None:
        """What can be refused before the body is read is refused now."""
        exchange = self._exchange
        self._begun += 1
        self._size = 0
        self.phase = _BODY
        exchange.method = self._parser.get_method()
        self._limit = self._service.body_limit(exchange)
        if self._length > self._limit:
            raise errors.BodyTooLarge
        fields = exchange.fields
        if fields:
            if b"expect" in fields:
                self._expected(fields[b"expect"])
            self._upgrading = b"upgrade" in fields and self._parser.should_upgrade()
        if exchange.method == b"CONNECT":
            raise errors.MethodRefused

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._size += len(body)
        if self._size > self._limit:
            raise errors.BodyTooLarge
        self._parts.append(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._upgrading:
            return
        exchange, parts = self._exchange, self._parts
        if parts:
            exchange.body = parts[0] if len(parts) == 1 else b"".join(parts)
            self._parts = []
        self.phase, self.since = _IDLE, _now()
        self._continue = False
        if self._reads is not self._known.reads:
            exchange.half_read = True
        if not self._parser.should_keep_alive() or self._service.draining:
            exchange.keep, self._deaf = False, True
        self._ask(exchange)

    def _ask(self, exchange: exchanges.Exchange) -> None:
        """Have a whole request answered, in its turn."""
        waiting = self._waiting
        waiting.append(exchange)
        self._service.answer(exchange)
        if len(waiting) >= self._bounds.pipeline:
            self._pause()

    def _go_on(self, rest: bytes) -> None:
        """The client offers another protocol (h2c, websocket). It is not taken: the body is read as HTTP/1.1 all the same."""
        self._upgrading = False
        exchange = self._exchange
        framing = b"content-length: %d" % self._length if self._length else b"transfer-encoding: chunked"
        if not self._length and not rest:
            framing = b"content-length: 0"
        self._parser = httptools.HttpRequestParser(_Body(self))
        self._parser.feed_data(b"%b / HTTP/1.1\r\nconnection: close\r\n%b\r\n\r\n" % (exchange.method, framing))
        if rest:
            self.data_received(rest)

    def _expected(self, expectation: bytes) -> None:
        if expectation.lower() != b"100-continue":
            raise errors.HeaderInvalid("Only 100-continue can be expected.")
        self._continue = True
        self.flush()

    def _bound_wire(self) -> None:
        """Bytes that make neither a header nor a piece of body count too."""
        if self._deaf:
            return
        if self.phase is Phase.HEAD and self._wire > self._bounds.head_bytes:
            self._refuse(errors.HeaderInvalid(f"Over {self._bounds.head_bytes} bytes of headers."))
        elif self.phase is Phase.BODY and self._wire > CHUNKING * self._limit + BUFFER_BYTES:
            self._refuse(errors.BodyMalformed("The body's chunks are too small."))

    def _refuse(self, error: errors.TidegateError) -> None:
        """Answer the request that is being read with an error, and end the connection behind it."""
        exchange = exchanges.Exchange(self) if self.phase is Phase.IDLE else self._exchange
        exchange.keep = False
        self._deaf, self._continue, self._parts = True, False, []
        self.phase, self.since = Phase.LINGER, _now()
        self._waiting.append(exchange)
        exchange.fail(error)

    def _finish(self) -> None:
        """The last answer has been written."""
        assert self._transport is not None
        self._deaf = True
        if self.phase is Phase.LINGER:
            self.since = _now()
            if self._transport.can_write_eof():  # TLS cannot close one half
                self._transport.write_eof()
        else:
            self._transport.close()

    def _pause(self) -> None:
        if not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()


class _Body:
    """The rest of one request whose head has been read already."""

    def __init__(self, connection: Connection) -> None:
        self.on_body = connection.on_body
        self.on_message_complete = connection.on_message_complete


def _understood(broken: Exception) -> errors.TidegateError:
    """What the parser, or one of our callbacks in it, has against the request."""
    if isinstance(broken, httptools.HttpParserInvalidMethodError):
        return errors.MethodRefused()
    if not isinstance(broken, httptools.HttpParserCallbackError):
        return errors.BodyMalformed(f"The request is not HTTP/1.1: {broken}.")
    cause = broken.__context__
    if isinstance(cause, errors.TidegateError):
        return cause
    logger.error("a request could not be read", exc_info=cause)
    return errors.TidegateError("Something went wrong on our side.")
