"""Copies of requests to the version that does not serve them: its answer is recorded, and no client ever sees or waits for it.

Everything here gives way. A copy is made after the turn in which its request was sent, waits behind whatever a client waits
for, and is dropped, and counted, when too many or too large ones are under way, or the version has no room or no worker. It
has a deadline of its own, is tried once, is never rescued and leaves no mark in the sums: it is known by its record alone.
"""

import asyncio
import collections
import time

from tidegate.core.vocabulary import arms, errors, marks, records
from tidegate.dataplane.gateway import endpoints, flights, limits, links, remedies, wheel
from tidegate.dataplane.gateway import journal as log
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import frames

OK = int(marks.Mark.OK)
BOUND, BUSY = "bound", "busy"
"""Why one was dropped: too many are under way; its version has no room for it, or no worker."""
_now = time.monotonic


class Copy(links.Caller, wheel.Item, log.Entry):
    """One, from its sending to its record."""

    is_copy = True
    link: links.Link | None = None
    call = 0
    slot: "set[wheel.Item] | None" = None
    must_keep = must_sync = False
    done = False
    mark, status, error = OK, 200, ""
    output = b""
    reply: frames.Reply | None = None
    total_us = 0

    def __init__(self, mirror: "Mirror", flight: flights.Flight, side: endpoints.Side) -> None:
        self._mirror, self._side, self._flight = mirror, side, flight
        self.body = flight.body
        self.arrived = _now()
        self.until = self.arrived + flight.endpoint.timeout

    def send(self) -> bool:
        """Have it wait for its version; False: there is no room for it."""
        if not self._side.pool.take_copy(self, self.arrived):
            return False
        self._flight.endpoint.boot.wheel.add(self, self.until)
        return True

    def frame(self, call: int, now: float) -> bytes:
        """The CALL: the request's own, but for the version and the time left."""
        flight, budget = self._flight, max(1, int((self.until - now) * 1e6))
        endpoint, json_bytes = flight.endpoint, flight.exchange.json_bytes
        name = endpoint.route.endpoint
        head = frames.Call(flight.id, name, self._side.name, flight.content, budget, json_bytes, endpoint.terms)
        return frames.pack(frames.Kind.CALL, call, head, self.body)

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """A worker has answered, well or not."""
        action = self._flight.endpoint.route.guard if reply.breach else ""
        self.reply, self.output, self.status = reply, body, reply.status
        self.mark = OK if action == remedies.FLAG else reply.mark
        if reply.error or action:
            self.error = remedies.said(reply, action)
        self._end()

    def expired(self) -> None:
        """Its time is up."""
        self._side.pool.forget(self)
        self._fail(marks.Mark.TIMEOUT, errors.DeadlinePassed)

    def lost(self, *, first: bool) -> None:
        """The worker died with it, or none is up any more; `first`: of those that share this cause."""
        self._fail(marks.Mark.ERROR if first else marks.Mark.COLLATERAL, errors.WorkerUnavailable)

    def records(self, sequence: int) -> list[segments.Record]:
        """Its record: beside the request's own, by the same id, without the input."""
        flight, reply, version = self._flight, self.reply, self._side.draw.version
        endpoint, exchange = flight.endpoint, flight.exchange
        route, boot = endpoint.route, endpoint.boot
        told = (0, 0, 0, -1, ()) if reply is None else (reply.model_us, reply.rows, reply.batch_rows, reply.bin, reply.answers)
        return [
            records.Prediction(
                records.SCHEMA,
                boot.host,
                boot.incarnation,
                sequence,
                flight.id,
                exchange.request_id if exchange.fields else "",
                route.environment,
                route.endpoint,
                route.release,
                route.stage,
                route.generation,
                version.ordinal,
                version.digest,
                int(self._side.draw.arm),
                flight.side.draw.weight,
                False,
                flight.key_hash,
                int(arms.Role.SHADOW),
                self.mark,
                self.status,
                0 if reply is None else version.ordinal,
                False,
                flight.arrived_ns,
                self.total_us,
                *told,
                flights.CONTENT[flight.content] if exchange.json_bytes < 0 else records.BINARY,
                b"",
                self.output if endpoint.logs(flight.id) else b"",
                self.error,
                0 if reply is None else reply.worker_us,
                exchange.json_bytes,
                *((b"", ()) if reply is None else (reply.numbers, reply.words)),
            )
        ]

    def settled(self, *, kept: bool) -> None:
        """Nobody waits for it."""

    def _fail(self, mark: marks.Mark, failure: type[errors.TidegateError]) -> None:
        self.mark, self.status, self.error = int(mark), failure.status, failure.code
        self._end()

    def _end(self) -> None:
        if self.done:
            return
        self.done = True
        boot = self._flight.endpoint.boot
        self.total_us = int((_now() - self.arrived) * 1e6)
        boot.wheel.remove(self)
        self._mirror.ended(self)
        boot.journal.settle(self)


class Mirror:
    """One gateway's: which requests are copied, and how many copies there may be."""

    def __init__(self, loop: asyncio.AbstractEventLoop, bounds: limits.Service) -> None:
        self.dropped: collections.Counter[str] = collections.Counter()
        """Copies that were not sent, by BOUND or BUSY."""
        self._loop, self._most, self._most_bytes = loop, bounds.copies, bounds.copy_bytes
        self._flying = self._bytes = 0
        self._turn: list[flights.Flight] = []

    def consider(self, flight: flights.Flight) -> None:
        """A request has been drawn: copy it behind this turn, if it is one of those that are."""
        if flight.cell is None or not flight.endpoint.router.mirrored(flight.id):
            return
        if not self._turn:
            self._loop.call_soon(self._send)
        self._turn.append(flight)

    def ended(self, copy: Copy) -> None:
        """One is no longer under way."""
        self._flying -= 1
        self._bytes -= len(copy.body)

    def _send(self) -> None:
        turn, self._turn = self._turn, []
        for flight in turn:
            side = flight.endpoint.shadow(flight.side)
            if side is None or (flight.done and flight.reply is None):
                continue  # nobody has been asked: there is nothing to compare
            size = len(flight.body)
            if self._flying >= self._most or self._bytes + size > self._most_bytes:
                self.dropped[BOUND] += 1
                continue
            self._flying += 1
            self._bytes += size
            copy = Copy(self, flight, side)
            if not copy.send():
                self._flying -= 1
                self._bytes -= size
                self.dropped[BUSY] += 1
