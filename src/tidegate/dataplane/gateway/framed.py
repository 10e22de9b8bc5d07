"""A connection of another process of this machine (gRPC, smoke): its requests come as frames, and become exchanges as a
client's by HTTP do.
"""

import asyncio
import hmac
import logging
import typing
from typing import NamedTuple, Protocol

import msgspec

from tidegate.core.vocabulary import arms, errors
from tidegate.dataplane.gateway import exchanges, paths, service
from tidegate.dataplane.wire import frames, fronts

SECONDS = 2.0
"""From connecting to HELLO."""
BUFFER_BYTES = 1 << 22
_CALL, _CANCEL, _HELLO = int(frames.Kind.CALL), int(frames.Kind.CANCEL), int(frames.Kind.HELLO)
_ASKS = {one.value: one for one in paths.Ask}
_decode_asked = msgspec.msgpack.Decoder(fronts.Asked).decode
_decode_hello = msgspec.msgpack.Decoder(fronts.Hello).decode
logger = logging.getLogger(__name__)


class Greeting(NamedTuple):
    """What a front has to say, and what it hears."""

    token: str
    gateway: str


class Owner(Protocol):
    """Who keeps the connections: `front`."""

    service: service.Service
    framed: "set[Connection]"


class Exchange(exchanges.Exchange):
    """One request that came as a frame."""

    takes_cookies = False

    def __init__(self, connection: "Connection", call: int, *, exposed: bool) -> None:
        super().__init__(connection)
        self.exposed = exposed
        self._framed, self._call = connection, call

    def respond(self, status: int, body: bytes, headers: bytes = exchanges.JSON) -> None:
        """Answer with a REPLY, header lines as by HTTP."""
        self.answer, self.cancel = b"", None
        lines = headers
        if request_id := self.request_id:
            lines += b"x-request-id: %s\r\n" % request_id.encode()
        self._framed.reply(self._call, fronts.Told(status, lines), body)


class Connection(asyncio.Protocol):
    """See the module."""

    def __init__(self, owner: Owner, greeting: Greeting) -> None:
        self._owner, self._service, self._greeting = owner, owner.service, greeting
        self._reader = frames.Reader(body_max=0)
        self._open: dict[int, Exchange] = {}
        self._transport: asyncio.Transport | None = None
        self._name = ""
        self._exposed = True
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A front has connected."""
        self._transport = typing.cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(BUFFER_BYTES)
        self._timer = asyncio.get_running_loop().call_later(SECONDS, self._ungreeted)
        self._owner.framed.add(self)

    def data_received(self, data: bytes) -> None:
        """Take its frames; what is none of ours ends the connection."""
        try:
            for kind, call, head, body in self._reader.feed(data):
                if self._transport is None:
                    return
                if not self._name:
                    self._greet(kind, head)
                elif kind == _CALL:
                    self._ask(call, _decode_asked(head), body)
                elif kind == _CANCEL:
                    self._cancel(call)
        except frames.UNREADABLE as broken:
            logger.warning("a front's connection is closed", extra={"front": self._name, "detail": str(broken)})
            self._abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The front is gone; nobody waits for what it asked."""
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
        for call in list(self._open):
            self._cancel(call)
        self._owner.framed.discard(self)

    def pause_writing(self) -> None:
        """The front does not read its answers: take nothing more from it."""
        if self._transport is not None:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        """It reads again."""
        if self._transport is not None:
            self._transport.resume_reading()

    def flush(self) -> None:
        """Answers leave as they come: calls have numbers, so their order does not matter."""

    def reply(self, call: int, told: fronts.Told, body: bytes) -> None:
        """Answer a call."""
        if self._open.pop(call, None) is not None and self._transport is not None:
            self._transport.write(frames.pack(frames.Kind.REPLY, call, told, body))

    def drain(self) -> None:
        """Ask for nothing more to be sent."""
        if self._transport is not None:
            self._transport.write(frames.pack(frames.Kind.DRAIN, 0, None))

    def retire(self) -> None:
        """End it unless a request is under way."""
        if not self._open and self._transport is not None:
            self._transport.close()

    def _greet(self, kind: int, head: bytes) -> None:
        if kind != _HELLO:
            self._abort()
            return
        hello = _decode_hello(head)
        if not hmac.compare_digest(hello.token.encode(), self._greeting.token.encode()):
            logger.warning("a front is refused", extra={"front": hello.name, "detail": "wrong token"})
            self._abort()
        elif hello.oldest > frames.PROTOCOL or hello.protocol < frames.OLDEST:
            logger.warning("a front is refused", extra={"front": hello.name, "detail": "no common protocol"})
            self._abort()
        else:
            assert self._transport is not None
            self._name, self._exposed = hello.name or "unnamed", hello.exposed
            self._reader.body_max = frames.BODY_MAX
            self._transport.write(
                frames.pack(frames.Kind.WELCOME, 0, frames.Welcome(frames.PROTOCOL, self._greeting.gateway, ""))
            )

    def _ask(self, call: int, asked: fronts.Asked, body: bytes) -> None:
        exchange = Exchange(self, call, exposed=self._exposed)
        self._open[call] = exchange
        exchange.fields.update(asked.fields)
        if asked.role == arms.Role.SMOKE:
            exchange.role = arms.Role.SMOKE
        ask = _ASKS.get(asked.ask, paths.Ask.NOTHING)
        exchange.method = b"POST" if ask in paths.POSTED else b"GET"
        exchange.body = body
        if len(body) > self._service.aim(exchange, paths.target(ask, asked.endpoint, asked.version)):
            exchange.fail(errors.BodyTooLarge())
        else:
            self._service.answer(exchange)

    def _cancel(self, call: int) -> None:
        exchange = self._open.pop(call, None)
        if exchange is not None and exchange.cancel is not None:
            cancel, exchange.cancel = exchange.cancel, None
            cancel()

    def _ungreeted(self) -> None:
        if not self._name:
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()
