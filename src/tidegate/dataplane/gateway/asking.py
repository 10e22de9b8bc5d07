"""What only a worker knows of a model: its metadata, its configuration, its OpenAPI document. Asked once of each version,
then remembered with the version's pool.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import exchanges, links, pool, wheel
from tidegate.dataplane.wire import frames

SECONDS = 5.0


class Topic(NamedTuple):
    """What is asked."""

    content: frames.Content
    endpoint: str
    show: Callable[[bytes], tuple[bytes, bytes]] | None = None
    """From what the worker says to (header lines, body) for the client; None: as it is."""


class Question(links.Caller, wheel.Item):
    """One client that waits for it."""

    def __init__(self, exchange: exchanges.Exchange, topic: Topic, where: pool.Pool, timers: wheel.Wheel) -> None:
        self._exchange, self._topic, self._pool, self._timers = exchange, topic, where, timers
        self.arrived = time.monotonic()
        exchange.cancel = self.cancelled

    def ask(self) -> None:
        """Answer from memory, or put it to a worker."""
        told = self._pool.told.get(self._topic.content)
        if told is not None:
            self._tell(told)
            return
        refused = self._pool.take(self, self.arrived)
        if refused is not None:
            self._exchange.fail(refused())
        else:
            self._timers.add(self, self.arrived + SECONDS)

    def frame(self, call: int, now: float) -> bytes:
        """The CALL for it."""
        budget = max(1, int((self.arrived + SECONDS - now) * 1e6))
        head = frames.Call(b"", self._topic.endpoint, self._pool.deployed.name, self._topic.content, budget)
        return frames.pack(frames.Kind.CALL, call, head)

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """Pass it on. The timer goes last: should showing it fail, the client is still told when its time is up."""
        if reply.status == 200:
            self._pool.told[self._topic.content] = body
            self._tell(body)
        else:
            self._exchange.respond(reply.status, body)
        self._timers.remove(self)

    def lost(self, *, first: bool) -> None:  # noqa: ARG002 - nothing is counted
        """No worker answers."""
        self._timers.remove(self)
        self._exchange.fail(errors.WorkerUnavailable())

    def expired(self) -> None:
        """The worker takes too long."""
        self._pool.forget(self)
        self._exchange.fail(errors.DeadlinePassed())

    def cancelled(self) -> None:
        """The client went away."""
        self._timers.remove(self)
        self._pool.forget(self)

    def _tell(self, told: bytes) -> None:
        if self._topic.show is None:
            self._exchange.respond(200, told)
            return
        lines, shown = self._topic.show(told)
        self._exchange.respond(200, shown, lines)
