"""One connection to one worker: greets it, sends it batches, matches its replies, comes back when it was lost.

A link has credit for one batch, and for a second one that lies ready while its pool finds that this pays (`batching`).
"""

import asyncio
import enum
import logging
import math
import time
import typing
from collections.abc import Sequence
from typing import Protocol

import msgspec

from tidegate.core.vocabulary import ids, tables
from tidegate.dataplane.wire import counts, frames

WELCOME_SECONDS = 5.0
BACK_OFF = (0.02, 1.0)
_REPLY, _WELCOME, _DRAIN, _REFUSED = (
    int(kind) for kind in (frames.Kind.REPLY, frames.Kind.WELCOME, frames.Kind.DRAIN, frames.Kind.REFUSED)
)
_decode_reply = msgspec.msgpack.Decoder(frames.Reply).decode
_decode_welcome = msgspec.msgpack.Decoder(frames.Welcome).decode
logger = logging.getLogger(__name__)


class Caller(Protocol):
    """What waits for a worker's reply."""

    link: "Link | None" = None
    call: int = 0
    crashed: bool = False
    """Whether a worker has died with it already."""
    arrived: float = 0.0
    until: float = math.inf
    """When its answer is of no use any more."""
    body: bytes = b""
    id: bytes = b""
    """Of the prediction; empty where it is none."""
    is_copy: bool = False
    """Whether no client waits for it: it is not tried again, and gives way."""

    def frame(self, call: int, now: float) -> bytes:
        """The CALL to send."""

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """The worker has answered."""

    def lost(self, *, first: bool) -> None:
        """The worker died with it, or none is up; `first`: of those that share this cause."""


def _tell(caller: Caller, reply: frames.Reply, body: bytes) -> None:
    """Hand a reply over. A fault in handling one is no reason to lose the others; its caller will run out of time."""
    try:
        caller.replied(reply, body)
    except Exception:
        logger.exception("a reply could not be handled", extra={"prediction_id": ids.text(caller.id)})


class Owner(Protocol):
    """What a link tells about itself: its pool."""

    deployed: tables.Deployed

    def freed(self) -> None:
        """There may be credit for another batch."""

    def answered(self, batch: "Batch", seconds: float) -> None:
        """All of a batch was answered or given up; it took the worker so long."""

    def bereaved(self, callers: list[Caller]) -> None:
        """The worker was lost with these in flight, or the link's state changed (none)."""


class State(enum.Enum):
    """How a link stands."""

    CONNECTING = "connecting"
    READY = "ready"
    DRAINING = "draining"
    """The worker takes nothing new."""
    DOWN = "down"
    """Not reached at the last attempt."""


class Batch:
    """What one worker was sent at once."""

    __slots__ = ("requests", "rows", "sent", "size", "waiting")

    def __init__(self, requests: int, sent: float) -> None:
        self.requests = self.waiting = requests
        self.sent = sent
        self.rows = self.size = 0
        """Rows of those that were answered; bytes of all."""


class _Probe(Caller):
    """Asks a worker whose whole batch was given up for a sign of life: its reply says that there is credit again."""

    crashed = True

    def __init__(self, version: str) -> None:
        self._version = version

    def frame(self, call: int, now: float) -> bytes:  # noqa: ARG002 - a caller's
        return frames.pack(frames.Kind.CALL, call, frames.Call(b"", "", self._version, frames.Content.METADATA, 0))

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """All that matters is that it came."""

    def lost(self, *, first: bool) -> None:
        """Nobody waits for it."""


class Link(asyncio.Protocol):
    """See the module. `keep` runs as the link's one task until `close`."""

    def __init__(self, worker: tables.Worker, owner: Owner, incarnation: str) -> None:
        self.worker = worker
        self.state = State.CONNECTING
        self.batches = 0
        self.leaving = False
        """The table does not list the worker any more: finish what is in flight, take nothing new."""
        self.given, self.taken = counts.Row(), counts.Row()
        """Where the bytes are counted that it was sent, and that came from it: of calls and replies."""
        self._owner, self._incarnation = owner, incarnation
        self._calls: dict[int, tuple[Caller, Batch]] = {}
        self._number = 0
        self._freed_at = 0.0
        self._transport: asyncio.Transport | None = None
        self._reader = frames.Reader()
        self._ended: asyncio.Future[None] | None = None
        self._welcomed = False
        self._task = asyncio.get_running_loop().create_task(self._keep())

    @property
    def idle(self) -> bool:
        """Whether it can take a batch and has none."""
        return not self.batches and self.state is State.READY and not self.leaving

    @property
    def waits(self) -> bool:
        """Whether it has one batch, and a second one might lie ready."""
        return self.batches == 1 and self.state is State.READY and not self.leaving

    @property
    def in_flight(self) -> int:
        """Requests that the worker has."""
        return len(self._calls)

    def silent(self, now: float) -> float:
        """Seconds for which the oldest batch in flight has been waited for; 0.0 when nothing is in flight."""
        oldest = min((batch.sent for _, batch in self._calls.values()), default=now)
        return now - oldest

    def send(self, callers: Sequence[Caller], now: float) -> None:
        """One batch, in one write."""
        batch = Batch(len(callers), now)
        self.batches += 1
        number, calls, parts = self._number, self._calls, []
        for caller in callers:
            number += 1
            calls[number] = (caller, batch)
            caller.link, caller.call = self, number
            parts.append(caller.frame(number, now))
        self._number = number
        data = b"".join(parts) if len(parts) > 1 else parts[0]
        batch.size = len(data)
        self.given.slots[0] += batch.size
        assert self._transport is not None
        self._transport.write(data)

    def drop(self, caller: Caller) -> None:
        """Its answer is not wanted any more. The credit comes back with the rest of its batch, or with a probe's reply."""
        found = self._calls.pop(caller.call, None)
        caller.link = None
        if found is None or self._transport is None:
            return
        self._transport.write(frames.pack(frames.Kind.CANCEL, caller.call, None))
        batch = found[1]
        if batch.waiting > 1 or self.state is not State.READY:
            batch.waiting -= 1
            self.batches -= not batch.waiting
            return
        probe = _Probe(self._owner.deployed.name)
        self._number += 1
        self._calls[self._number] = (probe, batch)
        probe.link, probe.call = self, self._number
        self._transport.write(probe.frame(self._number, time.monotonic()))

    def close(self) -> None:
        """End the connection and stop coming back."""
        self._task.cancel()
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the worker."""
        self._transport = typing.cast("asyncio.Transport", transport)  # uvloop's are none by class
        self._reader = frames.Reader()
        hello = frames.Hello(frames.PROTOCOL, frames.OLDEST, self.worker.token, self._incarnation)
        self._transport.write(frames.pack(frames.Kind.HELLO, 0, hello))

    def data_received(self, data: bytes) -> None:
        """Hand replies over, then see to what has queued up meanwhile."""
        self.taken.slots[0] += len(data)
        freed = False
        try:
            for kind, call, head, body in self._reader.feed(data):
                if kind != _REPLY:
                    self._heard(kind, head)
                    continue
                reply = _decode_reply(head)
                found = self._calls.pop(call, None)
                if found is None:
                    continue
                caller, batch = found
                batch.waiting -= 1
                batch.rows += reply.rows
                if not batch.waiting:
                    self._done(batch)
                    freed = True
                caller.link = None
                _tell(caller, reply, body)
        except frames.UNREADABLE as broken:
            self._complain("what the worker sent cannot be read", str(broken))
            self._abort()
        if freed:
            self._owner.freed()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        """The worker is gone, or let go of."""
        self._transport = None
        self.batches = 0
        self.state = State.CONNECTING
        callers = [caller for caller, _ in self._calls.values()]
        self._calls = {}
        for caller in callers:
            caller.link = None
        if self._ended is not None and not self._ended.done():
            self._ended.set_result(None)
        self._owner.bereaved(callers)

    def _heard(self, kind: int, head: bytes) -> None:
        if kind == _WELCOME:
            welcome = _decode_welcome(head)
            if (welcome.instance, welcome.digest) != (self.worker.instance, self._owner.deployed.digest):
                self._complain("another worker listens at this address", welcome.instance)
                self._abort()
                return
            self.state, self._welcomed = State.READY, True
            logger.info("worker connected", extra={"worker": self.worker.instance})
            self._owner.freed()
        elif kind == _DRAIN:
            self.state = State.DRAINING
            if self._transport is not None:
                self._transport.write(frames.pack(frames.Kind.DRAIN, 0, None))  # confirmed: nothing more comes from here
            self._owner.bereaved([])
        elif kind == _REFUSED:
            self._complain("the worker refuses this gateway", "its token or its protocol differs")
            self._abort()

    def _done(self, batch: Batch) -> None:
        now = time.monotonic()
        self.batches -= 1
        began, self._freed_at = max(batch.sent, self._freed_at), now
        self._owner.answered(batch, now - began)

    async def _keep(self) -> None:
        """Connect, wait for the end, connect again: almost at once after an end, then at growing distances."""
        loop = asyncio.get_running_loop()
        least, most = BACK_OFF
        wait = least
        while True:
            self._ended = loop.create_future()
            if await self._connect(loop):
                greeted = loop.call_later(WELCOME_SECONDS, self._ungreeted)
                await self._ended
                greeted.cancel()
            welcomed, self._welcomed = self._welcomed, False
            if welcomed:
                wait = least
                await asyncio.sleep(least / 10)
                continue
            self.state = State.DOWN
            self._owner.bereaved([])
            await asyncio.sleep(wait)
            wait = min(most, wait * 2)

    async def _connect(self, loop: asyncio.AbstractEventLoop) -> bool:
        scheme, _, address = self.worker.address.partition(":")
        try:
            if scheme == "unix":
                await loop.create_unix_connection(lambda: self, address)
            else:
                host, _, port = address.rpartition(":")
                await loop.create_connection(lambda: self, host, int(port))
        except (OSError, ValueError):
            return False
        return True

    def _ungreeted(self) -> None:
        if self.state is State.CONNECTING:
            self._complain("the worker does not answer the greeting", "")
            self._abort()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _complain(self, event: str, detail: str) -> None:
        logger.warning(event, extra={"worker": self.worker.instance, "detail": detail})
