"""The handshake of TLS, before a connection speaks HTTP. It counts as a connection from its first byte on.

A handshake takes a task, which no request does: there is one a connection, and it costs a millisecond anyway.
"""

import asyncio
import ssl
import typing
from typing import Protocol

from tidegate.dataplane.gateway import http


class Owner(Protocol):
    """Who keeps the connections: `front`."""

    def arrived(self, doorway: "Doorway") -> bool:
        """A client wants to come in; False: there are too many."""

    def passed(self, doorway: "Doorway") -> None:
        """It is in, or gone."""


class Doorway(asyncio.Protocol):
    """One client that has not shaken hands yet."""

    def __init__(self, owner: Owner, context: ssl.SSLContext, seconds: float, connection: http.Connection) -> None:
        self._owner, self._context, self._seconds, self._connection = owner, context, seconds, connection
        self._transport: asyncio.Transport | None = None
        self._task: asyncio.Task[None] | None = None
        self._early: list[bytes] = []
        self._gone = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client has connected."""
        if self._transport is not None:
            return
        self._transport = typing.cast("asyncio.Transport", transport)
        self._transport.pause_reading()  # what comes is the handshake's, and not for us
        if self._owner.arrived(self):
            self._task = asyncio.get_running_loop().create_task(self._shake(self._transport))
        else:
            self._transport.abort()  # to say why would take the very handshake that is one too many

    def data_received(self, data: bytes) -> None:
        """What a client sent right behind its handshake, before its connection was made."""
        self._early.append(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The client went away before it was in."""
        self._gone = True
        self._owner.passed(self)

    def close(self) -> None:
        """Send it away."""
        if self._transport is not None:
            self._transport.abort()

    async def _shake(self, transport: asyncio.Transport) -> None:
        loop = asyncio.get_running_loop()
        try:
            inner = await loop.start_tls(
                transport, self, self._context, server_side=True, ssl_handshake_timeout=self._seconds, ssl_shutdown_timeout=1.0
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            transport.abort()
            inner = None
        self._owner.passed(self)
        if inner is None or self._gone:
            return
        inner.set_protocol(self._connection)
        self._connection.connection_made(inner)
        for data in self._early:
            self._connection.data_received(data)
