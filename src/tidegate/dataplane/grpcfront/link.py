"""The connection to one gateway: calls go out with a number, replies come back by it. It comes back when it was lost."""

import asyncio
import logging
import typing
from typing import Protocol

import msgspec

from tidegate.core.vocabulary import instances
from tidegate.dataplane.wire import frames, fronts

BACK_OFF = (0.02, 1.0)
WELCOME_SECONDS = 5.0
_REPLY, _WELCOME, _DRAIN = int(frames.Kind.REPLY), int(frames.Kind.WELCOME), int(frames.Kind.DRAIN)
_decode_told = msgspec.msgpack.Decoder(fronts.Told).decode
logger = logging.getLogger(__name__)


class Lost(Exception):
    """The gateway died, or went away, before it answered."""


class Owner(Protocol):
    """Who keeps the links: `gateways`."""

    def changed(self) -> None:
        """A link can be asked, or cannot any more."""


class Link(asyncio.Protocol):
    """See the module. `ready` while it can be asked."""

    def __init__(self, gateway: instances.Spec, path: str, hello: fronts.Hello, owner: Owner) -> None:
        self.gateway = gateway
        self.ready = False
        self.open: dict[int, asyncio.Future[tuple[fronts.Told, bytes]]] = {}
        self._path, self._hello, self._owner = path, hello, owner
        self._transport: asyncio.Transport | None = None
        self._reader = frames.Reader()
        self._ended: asyncio.Future[None] | None = None
        self._number = 0
        self._task = asyncio.get_running_loop().create_task(self._keep())

    async def ask(self, asked: fronts.Asked, body: bytes) -> tuple[fronts.Told, bytes]:
        """The gateway's answer. Raises Lost; when it is cancelled, so is the call in the gateway."""
        if not self.ready or self._transport is None:
            raise Lost
        self._number = number = self._number + 1
        answer: asyncio.Future[tuple[fronts.Told, bytes]] = asyncio.get_running_loop().create_future()
        self.open[number] = answer
        self._transport.write(frames.pack(frames.Kind.CALL, number, asked, body))
        try:
            return await answer
        finally:
            if self.open.pop(number, None) is not None and self._transport is not None:
                self._transport.write(frames.pack(frames.Kind.CANCEL, number, None))

    def close(self) -> None:
        """End it for good."""
        self._task.cancel()
        if self._transport is not None:
            self._transport.abort()
        self._lose()

    # asyncio's
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected: greet."""
        self._transport = typing.cast("asyncio.Transport", transport)
        self._reader = frames.Reader()
        self._transport.write(frames.pack(frames.Kind.HELLO, 0, self._hello))

    def data_received(self, data: bytes) -> None:
        """Replies, mostly."""
        try:
            for kind, number, head, body in self._reader.feed(data):
                if kind == _REPLY:
                    answer = self.open.pop(number, None)
                    if answer is not None and not answer.done():
                        answer.set_result((_decode_told(head), body))
                elif kind == _WELCOME:
                    self._turn(ready=True)
                elif kind == _DRAIN:
                    self._turn(ready=False)
        except frames.UNREADABLE as broken:
            logger.warning("a gateway's answer cannot be read", extra={"gateway": self.gateway.name, "detail": str(broken)})
            if self._transport is not None:
                self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The gateway is gone; what it had not answered may be asked of another."""
        self._transport = None
        self._lose()
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)

    def _lose(self) -> None:
        waiting, self.open = self.open, {}
        for answer in waiting.values():
            if not answer.done():
                answer.set_exception(Lost())
        self._turn(ready=False)

    def _turn(self, *, ready: bool) -> None:
        if self.ready is not ready:
            self.ready = ready
            self._owner.changed()

    async def _keep(self) -> None:
        """Connect, wait for the end, connect again: almost at once after a good one, then at growing distances."""
        loop = asyncio.get_running_loop()
        least, most = BACK_OFF
        wait = least
        while True:
            self._ended = loop.create_future()
            try:
                await loop.create_unix_connection(lambda: self, self._path)
            except OSError:
                wait = min(most, wait * 2)
            else:
                timer = loop.call_later(WELCOME_SECONDS, self._ungreeted)
                greeted = loop.time()
                await self._ended
                timer.cancel()
                wait = least if loop.time() - greeted > least else min(most, wait * 2)
            await asyncio.sleep(wait)

    def _ungreeted(self) -> None:
        if not self.ready and not self.open and self._transport is not None:
            logger.warning("a gateway does not answer the greeting", extra={"gateway": self.gateway.name})
            self._transport.abort()
