"""All clients' connections: taken from the inherited listening socket, watched for their times, drained at the end."""

import asyncio
import socket
import time

from tidegate.dataplane.gateway import http, service

GRACE_SECONDS = 0.5
"""While draining, for how long a quiet connection may still bring a request: closing it at once would lose one on its way."""


class Front:
    """See the module."""

    def __init__(self, answering: service.Service) -> None:
        self.service = answering
        self.connections: set[http.Connection] = set()
        self._server: asyncio.Server | None = None

    async def listen(self, listener: socket.socket) -> None:
        """Take clients from now on."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: http.Connection(self), sock=listener, backlog=1_024)

    def joined(self, connection: http.Connection) -> bool:
        """Keep it; False when there are too many, and then it is refused."""
        self.connections.add(connection)
        return len(self.connections) <= self.service.bounds.connections

    def left(self, connection: http.Connection) -> None:
        """It is gone."""
        self.connections.discard(connection)

    def sweep(self) -> None:
        """End the connections whose time has run out."""
        now = time.monotonic()
        for connection in list(self.connections):
            connection.check(now)

    async def drain(self) -> bool:
        """Take no more clients, answer what is under way, end all connections; whether that was possible in time."""
        self.service.draining = True
        if self._server is not None:
            self._server.close()
        began = time.monotonic()
        while self.connections and time.monotonic() - began < self.service.bounds.drain_seconds:
            if time.monotonic() - began >= GRACE_SECONDS:
                for connection in list(self.connections):
                    connection.retire()
            self.sweep()
            await asyncio.sleep(0.02)
        return not self.connections
