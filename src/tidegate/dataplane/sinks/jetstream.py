"""NATS JetStream: nats://[USER:PASSWORD@|TOKEN@]HOST:PORT[,HOST:PORT]/STREAM, or tls://.

A message a row, on STREAM.predictions.ENDPOINT or STREAM.outcomes; each is acknowledged by the stream. `Nats-Msg-Id` is the row's
identity, so a repeat within the stream's window is dropped by the server itself. A stream that is not there is made.
"""

import asyncio
from typing import Any
from urllib import parse

from tidegate.core.vocabulary import errors
from tidegate.dataplane.sinks import opening, sink

TIMEOUT_SECONDS = 10.0
AT_ONCE = 256
"""Messages that wait for their acknowledgement together."""
HEADER = "Nats-Msg-Id"


class JetStream:
    """One stream. It has an event loop of its own, which runs while something is delivered."""

    whole = False

    def __init__(self, address: str, _: str = "") -> None:
        """Raises SinkInvalid, ExtraMissing."""
        self._library = opening.library("nats", "nats")
        self._errors = opening.library("nats.errors", "nats")
        given = parse.urlsplit(address)
        people, _, hosts = given.netloc.rpartition("@")
        self._stream = given.path.strip("/")
        if not hosts or not self._stream or "/" in self._stream or "." in self._stream:
            raise errors.SinkInvalid("it has to be nats://HOST:PORT/STREAM.")
        before = f"{people}@" if people else ""
        self._servers = [f"{given.scheme}://{before}{host}" for host in hosts.split(",")]
        self._loop = asyncio.new_event_loop()
        self._connection: Any = None

    def deliver(self, parcel: sink.Parcel) -> None:
        """Publish all rows, and wait until the stream has acknowledged each."""
        try:
            self._loop.run_until_complete(asyncio.wait_for(self._deliver(parcel), 6 * TIMEOUT_SECONDS))
        except (OSError, self._errors.Error, TimeoutError) as failed:
            self._drop()
            raise errors.SinkUnavailable(f"not all of it was acknowledged: {type(failed).__name__}.") from failed

    async def _deliver(self, parcel: sink.Parcel) -> None:
        if self._connection is None or not self._connection.is_connected:
            self._connection = await self._library.connect(
                self._servers, connect_timeout=TIMEOUT_SECONDS, allow_reconnect=False, error_cb=_silent, name="tidegate"
            )
            await self._prepare()
        stream = self._connection.jetstream(timeout=TIMEOUT_SECONDS)
        subject = ".".join(part for part in (self._stream, parcel.table, parcel.endpoint) if part)
        messages = parcel.messages()
        for begin in range(0, len(messages), AT_ONCE):
            some = messages[begin : begin + AT_ONCE]
            await asyncio.gather(*(stream.publish(subject, one.body, headers={HEADER: one.identity}) for one in some))

    async def _prepare(self) -> None:
        manager = self._connection.jsm(timeout=TIMEOUT_SECONDS)
        try:
            await manager.stream_info(self._stream)
        except opening.library("nats.js.errors", "nats").NotFoundError:
            await manager.add_stream(name=self._stream, subjects=[f"{self._stream}.>"])

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            try:
                self._loop.run_until_complete(asyncio.wait_for(connection.close(), 1.0))
            except (OSError, self._errors.Error, TimeoutError):
                pass

    def close(self) -> None:
        """Let go of the connection."""
        self._drop()
        self._loop.close()


async def _silent(_: Exception) -> None:
    """What a connection complains of is raised where it matters."""
