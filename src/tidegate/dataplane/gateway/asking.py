"""GET of a model's metadata: asked from a worker of the version, once, then remembered with the version's pool."""

import time

from tidegate.core.vocabulary import errors
from tidegate.dataplane.gateway import exchanges, links, pool, wheel
from tidegate.dataplane.wire import frames

SECONDS = 5.0


class Question(links.Caller, wheel.Item):
    """One client that waits for metadata."""

    def __init__(self, exchange: exchanges.Exchange, endpoint: str, where: pool.Pool, timers: wheel.Wheel) -> None:
        self._exchange, self._endpoint, self._pool, self._timers = exchange, endpoint, where, timers
        self.arrived = time.monotonic()
        exchange.cancel = self.cancelled

    def ask(self) -> None:
        """Answer from memory, or put it to a worker."""
        if self._pool.metadata:
            self._exchange.respond(200, self._pool.metadata)
            return
        refused = self._pool.take(self)
        if refused is not None:
            self._exchange.fail(refused())
        else:
            self._timers.add(self, self.arrived + SECONDS)

    def frame(self, call: int, now: float) -> bytes:
        """The CALL for metadata."""
        budget = int((self.arrived + SECONDS - now) * 1e6)
        head = frames.Call(b"", self._endpoint, self._pool.deployed.name, frames.Content.METADATA, max(1, budget))
        return frames.pack(frames.Kind.CALL, call, head)

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """Pass it on."""
        self._timers.remove(self)
        if reply.status == 200:
            self._pool.metadata = body
        self._exchange.respond(reply.status, body)

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
