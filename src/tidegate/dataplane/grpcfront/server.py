"""The listening gRPC server: handlers that take and give bytes."""

import asyncio
import logging
import pathlib
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc import aio

from tidegate.core.vocabulary import errors
from tidegate.dataplane.grpcfront import methods, statuses
from tidegate.dataplane.wire import grpcmessages

CALLS = 10_000
"""Calls in progress altogether; gRPC refuses the next as RESOURCE_EXHAUSTED."""
STREAMS = 1_000
"""Calls in progress of one connection; the next wait in the client."""
IDLE_MS = 300_000
HANDSHAKE_MS = 10_000
METADATA_BYTES = 32_768
GRACE_SECONDS = 10.0
logger = logging.getLogger(__name__)
Handle = Callable[[bytes, Any], Awaitable[bytes]]


class Handlers(grpc.GenericRpcHandler):  # type: ignore[misc]
    """The service's methods by their paths."""

    def __init__(self, doing: methods.Methods) -> None:
        self._doing = doing

    def service(self, handler_call_details: Any) -> Any:
        """The handler of one call; None: there is no such method, and gRPC says UNIMPLEMENTED."""
        service, _, name = handler_call_details.method.lstrip("/").partition("/")
        if service != grpcmessages.SERVICE or name not in self._doing:
            return None
        return grpc.unary_unary_rpc_method_handler(self._handle(name))

    def _handle(self, name: str) -> Handle:
        async def handle(message: bytes, context: Any) -> bytes:
            fields = statuses.fields(context.invocation_metadata() or (), context.time_remaining())
            status, lines, body = await self._doing.call(name, message, fields)
            trailing = tuple(statuses.trailing(lines))
            if status == 200:
                context.set_trailing_metadata(trailing)
                return body
            said = statuses.failure(body)
            await context.abort(statuses.code(status), said.error, (*trailing, (statuses.ERROR, said.code)))
            return b""  # abort has raised already

        return handle


class Certificate:
    """A certificate chain and its key, taken again for new connections when the files have changed."""

    def __init__(self, chain: pathlib.Path, key: pathlib.Path) -> None:
        """Raises OSError."""
        self._paths = (chain, key)
        self._seen = self._read()

    def credentials(self) -> Any:
        """For a server."""
        first = grpc.ssl_server_certificate_configuration([self._seen])
        return grpc.dynamic_ssl_server_credentials(first, self._look)

    def _look(self) -> Any:
        """At each handshake: another one, or None for the one before. gRPC keeps that, too, where the files do not fit."""
        try:
            found = self._read()
        except OSError:
            return None
        if found == self._seen:
            return None
        self._seen = found
        return grpc.ssl_server_certificate_configuration([found])

    def _read(self) -> tuple[bytes, bytes]:
        chain, key = self._paths
        return key.read_bytes(), chain.read_bytes()


class Server:
    """Listens at one address. What it takes for the largest message can change while it serves."""

    def __init__(self, address: str, doing: methods.Methods, certificate: Certificate | None = None) -> None:
        """`address`: HOST:PORT, held by the keeper; with a certificate, by TLS alone."""
        self._address, self._handlers, self._certificate = address, Handlers(doing), certificate
        self._serving: Any = None
        self._ending: set[asyncio.Task[None]] = set()
        self._largest = 0

    async def listen(self, largest: int) -> None:
        """Take messages of up to so many bytes: from the start, or by a second server that takes the first one's place.

        Raises PortInUse.
        """
        if self._serving is not None and largest <= self._largest:
            return
        made = aio.server(options=_options(largest), maximum_concurrent_rpcs=CALLS)
        made.add_generic_rpc_handlers((self._handlers,))
        try:
            if self._certificate is None:
                made.add_insecure_port(self._address)
            else:
                made.add_secure_port(self._address, self._certificate.credentials())
        except RuntimeError as taken:
            raise errors.PortInUse(f"gRPC cannot listen at {self._address}: {taken}.") from taken
        await made.start()
        before, self._serving, self._largest = self._serving, made, largest
        if before is not None:
            logger.info("larger messages are taken", extra={"bytes": largest})
            task = asyncio.get_running_loop().create_task(before.stop(GRACE_SECONDS))
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)

    async def stop(self) -> None:
        """Take no more calls, answer those in progress, end."""
        if self._serving is not None:
            await asyncio.gather(self._serving.stop(GRACE_SECONDS), *self._ending)


def _options(largest: int) -> list[tuple[str, int]]:
    return [
        ("grpc.max_receive_message_length", largest),
        ("grpc.max_send_message_length", -1),
        ("grpc.max_concurrent_streams", STREAMS),
        ("grpc.max_connection_idle_ms", IDLE_MS),
        ("grpc.server_handshake_timeout_ms", HANDSHAKE_MS),
        ("grpc.absolute_max_metadata_size", METADATA_BYTES),
        ("grpc.so_reuseport", 1),  # the keeper holds the port by a socket of its own, bound but not listening
    ]
