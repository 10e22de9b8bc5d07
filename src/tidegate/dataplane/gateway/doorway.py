"""The way in by TLS: clients are accepted here and shake hands before their connection speaks HTTP.

A handshake under way counts as a connection, and has little time: without that, clients who never finish one would be
bounded by nothing. It takes a task, which no request does: there is one a connection, and it costs a millisecond anyway.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import Callable

AT_ONCE = 64
"""Clients accepted in one turn of the event loop."""
PAUSE_SECONDS = 0.5
"""How long nobody is accepted when there are no descriptors left."""
logger = logging.getLogger(__name__)


class Doorway:
    """Accepts clients of one listening socket."""

    def __init__(
        self, listener: socket.socket, context: ssl.SSLContext, make: Callable[[], asyncio.Protocol], room: Callable[[], bool]
    ) -> None:
        """`make`: the protocol of one that is in; `room`: whether one more may come."""
        self._listener, self._context, self._make, self._room = listener, context, make, room
        self._loop = asyncio.get_running_loop()
        self.shaking: set[asyncio.Protocol] = set()
        """Those whose handshake is under way. Whoever counts them elsewhere once they are in takes them out of here."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.seconds = 10.0
        """How long a handshake may take."""
        listener.setblocking(False)
        self._resume()

    def close(self) -> None:
        """Take no more clients; those that shake hands may come in."""
        if self._listener.fileno() >= 0:
            self._loop.remove_reader(self._listener)
            self._listener.close()

    def clear(self) -> None:
        """Send away who is still shaking hands."""
        for task in self._tasks:
            task.cancel()
        self.shaking.clear()

    def _resume(self) -> None:
        if self._listener.fileno() >= 0:
            self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        for _ in range(AT_ONCE):
            try:
                client, _ = self._listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as full:
                logger.error("no client can be accepted", extra={"detail": str(full)})  # noqa: TRY400 - no fault of ours
                self._loop.remove_reader(self._listener)
                self._loop.call_later(PAUSE_SECONDS, self._resume)
                return
            if not self._room():
                client.close()  # to say why would take the very handshake that is one too many
                continue
            client.setblocking(False)
            connection = self._make()
            self.shaking.add(connection)
            task = self._loop.create_task(self._shake(client, connection))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _shake(self, client: socket.socket, connection: asyncio.Protocol) -> None:
        try:
            with contextlib.suppress(OSError):  # errors of TLS and of time are such too: the client is gone, and that is all
                await self._loop.connect_accepted_socket(
                    lambda: connection, client, ssl=self._context, ssl_handshake_timeout=self.seconds, ssl_shutdown_timeout=1.0
                )
        finally:
            self.shaking.discard(connection)
