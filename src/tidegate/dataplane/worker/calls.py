"""Calls that wait for their turn: in order of arrival, found again when they are cancelled or their gateway goes."""

from collections.abc import Iterator
from typing import Protocol

import msgspec

from tidegate.dataplane.models import batches, tracing
from tidegate.dataplane.wire import frames


class Peer(Protocol):
    """Where a reply goes."""

    def send(self, data: bytes) -> None:
        """Queue bytes for the gateway; they leave at the end of the turn."""


class Pending(msgspec.Struct, gc=False):
    """One call that has not begun."""

    peer: Peer
    number: int
    head: frames.Call
    body: bytes
    deadline_ns: float
    """On the monotonic clock; infinite when the call came without a budget."""
    arrived_ns: int = 0
    """On the monotonic clock; 0 where nobody noted it."""
    request: batches.Request | None = None
    """Once decoded."""
    trace: tracing.Collector | None = None
    """Where it is traced."""


class Backlog:
    """Every call that has come and not begun."""

    def __init__(self) -> None:
        self._calls: dict[tuple[int, int], Pending] = {}

    def __len__(self) -> int:
        return len(self._calls)

    def __iter__(self) -> Iterator[Pending]:
        """In order of arrival; safe against removal on the way."""
        return iter(list(self._calls.values()))

    def add(self, call: Pending) -> None:
        """At the end."""
        self._calls[(id(call.peer), call.number)] = call

    def remove(self, call: Pending) -> None:
        """It begins, or is answered."""
        self._calls.pop((id(call.peer), call.number), None)

    def cancel(self, peer: Peer, number: int) -> None:
        """It is not wanted any more; one that has begun goes on, and its reply is the gateway's to drop."""
        self._calls.pop((id(peer), number), None)

    def forget(self, peer: Peer) -> None:
        """Its gateway is gone: nobody waits for these."""
        for key in [key for key in self._calls if key[0] == id(peer)]:
            del self._calls[key]
