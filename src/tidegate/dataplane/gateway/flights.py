"""One prediction, from its draw to its record. The arm drawn is the arm counted, whoever answers in the end.

What happens to a flight: a worker replies, its time is up, its worker dies with it, or the client goes away. When a
candidate did not serve it, stable may (`rescuing`), and the other way round where the candidate owns the endpoint; when
nobody can, the endpoint's fallback does: another version (`standing_in`), then a value; else an error. An answer that breaks
one of the endpoint's rules is no answer, unless it is to be flagged.
"""

import time

from tidegate.core.vocabulary import arms, assignment, errors, ids, marks, records
from tidegate.core.vocabulary import sums as words
from tidegate.dataplane.gateway import bodies, endpoints, exchanges, fallbacks, journal, links, quota, remedies, tracing, wheel
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import answers, counts, frames, sums

OK, REJECTED = int(marks.Mark.OK), int(marks.Mark.REJECTED)
CONTENT = {int(one): one.name.lower() for one in frames.Content}
ANSWERED, CLIENT_GONE = 200, 499
FALLBACK = -1
_now = time.monotonic


class Flight(links.Caller, wheel.Item, journal.Entry):
    """See the module. To pools and links it is a caller, to the wheel an item, to the journal an entry."""

    slot: "set[wheel.Item] | None" = None
    link: links.Link | None = None
    call = 0
    crashed = False
    must_keep = False
    must_sync = False
    done = False
    rescuing = False
    rescued = False
    standing_in = False
    """Whether the fallback version was asked."""
    flagged = ""
    """The rule that the answer given out breaks."""
    by_rule = False
    """Whether the fallback value is one for this input."""
    mark = OK
    status = 200
    output = b""
    json_bytes = -1
    """How many bytes of the output are JSON, where binary tensors follow; -1: all of them."""
    answered_by = 0
    error = ""
    reply: frames.Reply | None = None
    """What the version drawn replied."""
    failure: errors.TidegateError | None = None
    total_us = 0
    cell: sums.Cell | None = None
    meter: quota.Meter | None = None
    """Where its rows are limited."""
    trace: tracing.Trace | None = None
    """Where it is traced."""
    key_hash = b""
    """Of its sticky key; empty: it has none."""

    def __init__(
        self, exchange: exchanges.Exchange, endpoint: endpoints.Endpoint, identifier: bytes, arrived_ns: int, content: int
    ) -> None:
        self.exchange, self.endpoint, self.body = exchange, endpoint, exchange.body
        self.id, self.content = identifier, content
        self.arrived_ns, self.arrived = arrived_ns, _now()

    def begin(self, side: endpoints.Side, timeout: float) -> None:
        """Count it as drawn, and have it wait for the version drawn. `timeout`: seconds it has from its arrival."""
        endpoint, draw = self.endpoint, side.draw
        self.side = self.asked = side
        self.deadline = self.until = self.arrived + timeout
        self.exchange.cancel = self.cancelled
        endpoint.open += 1
        endpoint.boot.flying += 1
        if endpoint.must_sync:
            self.must_keep = self.must_sync = True
        if side.lane is not None:
            self.cell = side.lane.opened()
            endpoint.guard.budgets[draw.arm].drawn += 1
            if endpoint.stable_is_spare and draw.arm:
                endpoint.guard.budgets[arms.Arm.STABLE].drawn += 1
            if side.rescuer is not None:
                reserve = endpoint.guard.reserve(side.rescuer.pool.recent.p99, timeout)
                self.until = self.deadline - reserve - wheel.SLOT
        self._ask(side)

    def frame(self, call: int, now: float) -> bytes:
        """The CALL, with the client's body untouched."""
        side = self.asked
        budget = max(1, int((self.until - now) * 1e6))  # 0 would be no limit
        endpoint, json_bytes = self.endpoint, self.exchange.json_bytes
        context = b"" if self.trace is None else self.trace.context
        head = frames.Call(self.id, endpoint.route.endpoint, side.name, self.content, budget, json_bytes, endpoint.terms, context)
        return frames.pack(frames.Kind.CALL, call, head, self.body)

    def replied(self, reply: frames.Reply, body: bytes) -> None:
        """A worker has answered, well or not."""
        if self.done:
            return
        asked, now = self.asked, _now()
        if self.trace is not None:
            self.trace.add(reply)
        action = self.endpoint.route.guard if reply.breach else ""
        if asked is self.side:
            self.reply, self.mark = reply, OK if action == remedies.FLAG else reply.mark
            if reply.error or action:
                self.error = remedies.said(reply, action)
        if reply.mark == OK or action == remedies.FLAG:
            self.rescued, self.flagged = self.rescuing and not self.standing_in, reply.breach
            asked.pool.recent.add(now - self.since)
            asked.pool.survived(self)
        elif action:
            self._refuse(action, now)
            return
        elif self._rescue(now) or ((reply.mark != REJECTED or self.standing_in) and self._fall_back(now)):
            return
        self.status, self.output, self.answered_by = reply.status, body, asked.draw.version.ordinal
        self.json_bytes = reply.json_bytes
        self._end(now)

    def expired(self) -> None:
        """The time of the version asked is up."""
        self._leave()
        self._fail(marks.Mark.TIMEOUT, errors.DeadlinePassed)

    def lost(self, *, first: bool) -> None:
        """No worker is up to answer it. The failures that share one cause count as one: the first."""
        self._fail(marks.Mark.ERROR if first else marks.Mark.COLLATERAL, errors.WorkerUnavailable)

    def cancelled(self) -> None:
        """The client went away: nobody wants the answer."""
        if self.done:
            return
        self._leave()
        if self.asked is self.side:
            self.mark = int(marks.Mark.CANCELLED)
        self.status = CLIENT_GONE
        self._end(_now())

    def records(self, sequence: int) -> list[segments.Record]:
        """Its record."""
        reply, endpoint, boot = self.reply, self.endpoint, self.endpoint.boot
        logs = endpoint.logs(self.id)
        told = (0, 0, 0, -1, ()) if reply is None else (reply.model_us, reply.rows, reply.batch_rows, reply.bin, reply.answers)
        stamp = self.side.stamped(self.key_hash) if self.key_hash else self.side.stamp
        return [
            records.Prediction(
                records.SCHEMA,
                boot.host,
                boot.incarnation,
                sequence,
                self.id,
                self.exchange.request_id if self.exchange.fields else "",
                *stamp,
                self.mark,
                self.status,
                self.answered_by,
                self.rescued,
                self.arrived_ns,
                self.total_us,
                *told,
                CONTENT[self.content] if self.exchange.json_bytes < 0 else records.BINARY,
                self.body if logs else b"",
                self.output if logs else b"",
                self.error,
                0 if reply is None else reply.worker_us,
                self.exchange.json_bytes,
                *((b"", ()) if reply is None else (reply.numbers, reply.words)),
            )
        ]

    def settled(self, *, kept: bool) -> None:
        """The record is kept, or will never be: give the mark and answer."""
        if self.cell is not None:
            reply = self.reply
            told = (0, -1) if reply is None else (reply.model_us if reply.rows == reply.batch_rows else 0, reply.bin)
            if self.endpoint.tells_keys and self.mark in marks.BAD:
                self._tell_key(self.cell.tick)
            self.cell.closed(self.mark, *told, self.rescued)
            self._count(kept=kept)
        shown, exchange = ids.text(self.id), self.exchange
        if not kept and self.must_keep:
            unkept = errors.LogUnavailable()
            self.endpoint.boot.admitting.count(unkept)
            exchange.fail(unkept, shown)
        elif self.failure is not None:
            exchange.fail(self.failure, shown)
        elif self.answered_by == FALLBACK:
            exchange.respond(self.status, self.output, remedies.head(self.by_rule) + shown.encode() + b"\r\n")
        elif self.status != CLIENT_GONE:
            head, tail = self.asked.head, b"\r\n"
            if self.rescued or self.standing_in or self.flagged:
                tail = remedies.tail(rescued=self.rescued, standing_in=self.standing_in, flagged=self.flagged)
            if self.json_bytes >= 0:
                head = bodies.binary(exchange.target, self.json_bytes) + head.removeprefix(exchanges.JSON)
            exchange.respond(self.status, self.output, head + shown.encode() + tail)

    def _count(self, *, kept: bool) -> None:
        """For people: how it ended, and how long the client waited."""
        served = self.side.pool.served
        served.ended(self.mark, self.status == ANSWERED and (kept or not self.must_keep), self.total_us)
        served.moved(len(self.body), len(self.output))
        if self.rescued:
            served.slots[counts.RESCUED] += 1
        elif self.answered_by == FALLBACK or self.standing_in:
            served.slots[counts.FALLBACKS] += 1

    def _ask(self, side: endpoints.Side) -> None:
        """Have it wait for this side's version."""
        self.asked, self.since = side, _now()
        refused = side.pool.take(self, self.since)
        if refused is None:
            self.endpoint.boot.wheel.add(self, self.until)
        elif refused is errors.QueueFull:
            self._fail(marks.Mark.SHED, refused)
        else:
            own = refused is errors.InputQuarantined or side.pool.blame()
            self._fail(marks.Mark.ERROR if own else marks.Mark.COLLATERAL, refused)

    def _fail(self, mark: marks.Mark, failure: type[errors.TidegateError]) -> None:
        """The version asked did not answer at all."""
        if self.done:
            return
        now = _now()
        if self.asked is self.side:
            self.mark, self.error = int(mark), failure.code
        if not self._rescue(now) and not self._fall_back(now):
            self._give_up(failure(), now)

    def _refuse(self, action: str, now: float) -> None:
        """The answer breaks a rule, and the action says what becomes of that."""
        if action == remedies.RESCUE and self._rescue(now):
            return
        if action == remedies.REJECT or not self._fall_back(now):
            self._give_up(errors.OutputRefused(), now)

    def _give_up(self, failure: errors.TidegateError, now: float) -> None:
        self.failure, self.status = failure, failure.status
        self.output = answers.failure(failure, ids.text(self.id))
        self._end(now)

    def _rescue(self, now: float) -> bool:
        """Have the other arm answer in the place of the one drawn, once, if it may and there is time."""
        endpoint, rescuer = self.endpoint, self.side.rescuer
        if rescuer is None or self.asked is not self.side or self.cell is None or now >= self.deadline:
            return False
        if not rescuer.pool.hopeful or not endpoint.guard.allows(endpoint.route, rescuer.draw.arm, now):
            return False
        endpoint.boot.wheel.remove(self)
        self.rescuing, self.until = True, self.deadline
        self._ask(rescuer)
        return True

    def _fall_back(self, now: float) -> bool:
        """Answer with the endpoint's declared fallback, if it has one. Who asked for one version gets that one's failure."""
        endpoint = self.endpoint
        if self.cell is None:
            return False
        if endpoint.standby is not None and self._stand_in(endpoint.standby, now):
            return True
        by_rule = fallbacks.chosen(endpoint.route.fallbacks, self.content, self.body) if endpoint.route.fallbacks else None
        value = endpoint.fallback if by_rule is None else by_rule
        if not value:
            return False
        self.by_rule = by_rule is not None
        self.status, self.output, self.answered_by = 200, value, FALLBACK
        self._end(now)
        return True

    def _stand_in(self, standby: endpoints.Side, now: float) -> bool:
        """Have the fallback version answer, once, if there is time and it was not what failed."""
        if self.standing_in or now >= self.deadline or not standby.pool.hopeful:
            return False
        if standby.pool is self.side.pool or standby.pool is self.asked.pool:
            return False
        self.endpoint.boot.wheel.remove(self)
        self.standing_in, self.until = True, self.deadline
        self._ask(standby)
        return True

    def _tell_key(self, tick: int) -> None:
        """The first bad request of its unit, before the sums say that the tick has its marks: no reader misses it then."""
        draw, route, keys = self.side.draw, self.endpoint.route, self.endpoint.boot.keys
        if keys is not None and draw.evidence:
            key = self.key_hash or assignment.digest(self.id)
            arm = int(draw.arm)
            keys.tell(words.KeyEvent(route.release, route.generation, draw.weight, True, tick, arm, int(self.mark), key))

    def _traced(self, trace: tracing.Trace) -> None:
        """Its spans, for the monitor to export."""
        attributes = tracing.told(self.id, self.exchange.request_id, self.side.stamp, self.mark, self.status)
        times = (self.arrived_ns, self.arrived_ns + self.total_us * 1_000)
        error = tracing.failed(self.mark, self.failure, self.error)
        self.endpoint.boot.spans.add(trace.ended(times, attributes, error))

    def _leave(self) -> None:
        self.asked.pool.forget(self)

    def _end(self, now: float) -> None:
        self.done = True
        self.total_us = int((now - self.arrived) * 1e6)
        boot = self.endpoint.boot
        boot.wheel.remove(self)
        if self.meter is not None and self.reply is not None:
            self.meter.more(self.reply.rows - 1)
        if self.failure is not None:
            boot.admitting.count(self.failure)
        if self.trace is not None:
            self._traced(self.trace)
        boot.flying -= 1
        boot.landed += 1
        self.endpoint.open -= 1
        boot.journal.settle(self)
