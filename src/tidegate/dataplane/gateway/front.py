"""All clients' connections: taken from the inherited listening socket, watched for their times, drained at the end."""

import asyncio
import functools
import ipaddress
import socket
import ssl
import time

from tidegate.dataplane.gateway import doorway, framed, http, service

BACKLOG = 1_024
GRACE_SECONDS = 0.5
"""While draining, for how long a quiet connection may still bring a request: closing it at once would lose one on its way."""


class Front:
    """See the module."""

    def __init__(self, answering: service.Service) -> None:
        self.service = answering
        self.connections: set[http.Connection] = set()
        self.framed: set[framed.Connection] = set()
        """Those of other fronts on this machine, which speak frames."""
        self._doorways: set[doorway.Doorway] = set()
        self._servers: list[asyncio.Server] = []

    async def listen(self, listener: socket.socket, context: ssl.SSLContext | None = None) -> None:
        """Take clients from now on; with a context, by TLS alone."""
        host, port = listener.getsockname()[:2]
        self.service.exposed = not ipaddress.ip_address(host).is_loopback
        self.service.address = f"http{'s' if context else ''}://{_shown(host)}:{port}"
        make = self._plain if context is None else functools.partial(self._secured, context)
        self._servers.append(await asyncio.get_running_loop().create_server(make, sock=listener, backlog=BACKLOG))

    async def listen_framed(self, listener: socket.socket, token: str, welcome: str) -> None:
        """Take other fronts from now on, on a unix socket. `token` is what they have to say; `welcome`, who we are."""
        loop = asyncio.get_running_loop()
        greeting = framed.Greeting(token, welcome)
        self._servers.append(await loop.create_unix_server(lambda: framed.Connection(self, greeting), sock=listener))

    def joined(self, connection: http.Connection) -> bool:
        """Keep it; False when there are too many, and then it is refused."""
        self.connections.add(connection)
        return self._room

    def left(self, connection: http.Connection) -> None:
        """It is gone."""
        self.connections.discard(connection)

    def arrived(self, door: doorway.Doorway) -> bool:
        """Someone wants to shake hands; False when there are too many."""
        self._doorways.add(door)
        return self._room

    def passed(self, door: doorway.Doorway) -> None:
        """The handshake is over, well or not."""
        self._doorways.discard(door)

    def sweep(self) -> None:
        """End the connections whose time has run out."""
        now = time.monotonic()
        for connection in list(self.connections):
            connection.check(now)

    async def drain(self) -> bool:
        """Take no more clients, answer what is under way, end all connections; whether that was possible in time."""
        self.service.draining = True
        for server in self._servers:
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
    def _busy(self) -> bool:
        return bool(self.connections or self.framed or self._doorways)

    @property
    def _room(self) -> bool:
        return len(self.connections) + len(self._doorways) <= self.service.bounds.connections

    def _retire(self) -> None:
        """End whoever is quiet."""
        for door in list(self._doorways):
            door.close()
        for connection in list(self.connections):
            connection.retire()
        for other in list(self.framed):
            other.retire()

    def _plain(self) -> http.Connection:
        return http.Connection(self)

    def _secured(self, context: ssl.SSLContext) -> doorway.Doorway:
        return doorway.Doorway(self, context, self.service.bounds.head_seconds, http.Connection(self))


def _shown(host: str) -> str:
    """An address as people here can write it into a URL."""
    if ipaddress.ip_address(host).is_unspecified:
        host = socket.gethostname()
    return f"[{host}]" if ":" in host else host
