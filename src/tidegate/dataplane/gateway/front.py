"""All clients' connections: taken from the inherited listening socket, watched for their times, drained at the end."""

import asyncio
import ipaddress
import socket
import ssl
import time

from tidegate.dataplane.gateway import doorway, framed, heads, http, service

BACKLOG = 1_024
GRACE_SECONDS = 0.5
"""While draining, for how long a quiet connection may still bring a request: closing it at once would lose one on its way."""


class Front:
    """See the module."""

    def __init__(self, answering: service.Service) -> None:
        self.service = answering
        self.heads = heads.Heads()
        self.connections: set[http.Connection] = set()
        self.framed: set[framed.Connection] = set()
        """Those of other fronts on this machine, which speak frames."""
        self._doorway: doorway.Doorway | None = None
        self._servers: list[asyncio.Server] = []

    async def listen(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Take clients from now on; with a context, by TLS alone."""
        host, port = listener.getsockname()[:2]
        self.service.exposed = not ipaddress.ip_address(host).is_loopback
        self.service.address = f"http{'s' if context else ''}://{_shown(host)}:{port}"
        if context is None:
            made = await asyncio.get_running_loop().create_server(lambda: http.Connection(self), sock=listener, backlog=BACKLOG)
            self._servers.append(made)
        else:
            self._doorway = doorway.Doorway(listener, context, lambda: http.Connection(self), self._room)
            self._doorway.seconds = self.service.bounds.head_seconds

    async def listen_framed(self, listener: socket.socket, token: str, welcome: str) -> None:
        """Take other fronts from now on, on a unix socket. `token` is what they have to say; `welcome`, who we are."""
        loop = asyncio.get_running_loop()
        greeting = framed.Greeting(token, welcome)
        self._servers.append(await loop.create_unix_server(lambda: framed.Connection(self, greeting), sock=listener))

    def joined(self, connection: http.Connection) -> bool:
        """Keep it; False when there are too many, and then it is refused."""
        self.connections.add(connection)
        if self._doorway is not None:
            self._doorway.shaking.discard(connection)
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
        for server in (*self._servers, *([self._doorway] if self._doorway else ())):
            server.close()
        for other in list(self.framed):
            other.drain()
        began = time.monotonic()
        while self._busy and time.monotonic() - began < self.service.bounds.drain_seconds:
            if time.monotonic() - began >= GRACE_SECONDS:
                self._retire()
            self.sweep()
            await asyncio.sleep(0.02)
        return not self._busy

    @property
    def count(self) -> int:
        """Clients that are in, or shaking hands."""
        return len(self.connections) + (len(self._doorway.shaking) if self._doorway else 0)

    @property
    def _busy(self) -> bool:
        return bool(self.count or self.framed)

    def _room(self) -> bool:
        return self.count < self.service.bounds.connections

    def _retire(self) -> None:
        """End whoever is quiet."""
        if self._doorway is not None:
            self._doorway.clear()
        for connection in list(self.connections):
            connection.retire()
        for other in list(self.framed):
            other.retire()


def _shown(host: str) -> str:
    """An address as people here can write it into a URL."""
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"[{host}]" if ":" in host else host
