"""One sink of one endpoint: the next rows that it has not, delivered in order, and how far it has got, kept after each parcel.

Rows come from the log itself, in the order in which they were recorded, a chunk at a time: nothing is kept for a sink that is
down, and one that was down for days catches up in large pieces. What is delivered and not yet noted when the process is killed is
delivered again. A sink that fails is tried again after 1 s, 2 s, 4 s, up to a minute, with what the log has by then: the rows of
whoever was forgotten meanwhile are in it no more. Lost, counted and told is only what the endpoint's retention has deleted first,
and what cannot be read.
"""

import contextlib
import logging
import sqlite3
import threading
import time
from collections.abc import Callable
from typing import NamedTuple

from tidegate.core.vocabulary import alarms, errors, home, instants, keeping
from tidegate.dataplane.predlog import catalogue, recorded, shipped
from tidegate.dataplane.sinks import opening, sink

AT_ONCE = 1_000
"""Messages of one parcel."""
IDLE_SECONDS = 0.5
LONGEST_SECONDS = 60.0
log = logging.getLogger(__name__)
Open = Callable[[str, str], sink.Sink]


class Subject(NamedTuple):
    """Whose line it is."""

    endpoint: str
    sink: keeping.Sink
    origin: str
    """Of this home: first in the names of parcels."""


class Line:
    """For a thread of its own; `look` and what it sees are for another one."""

    def __init__(self, place: home.Home, subject: Subject, look_up: Callable[[str], str], opened: Open = opening.opened) -> None:
        """`look_up`: what env:NAME or file:PATH holds."""
        self.subject = subject
        self.trouble = ""
        self.waits, self.behind = 0, 0.0
        """Files of the log, and for how many seconds the oldest row has been recorded, as of the last `look`."""
        self.missed = catalogue.Missed()
        self._home, self._look_up, self._opened = place, look_up, opened
        self._book, self._watched = (
            recorded.Book(place.log, subject.endpoint, outcomes=subject.sink.outcomes) for _ in ("to deliver", "to look")
        )
        self._position = self._kept()
        self._chunk: recorded.Chunk | None = None
        self._sink: sink.Sink | None = None
        self._failures, self._due = 0, 0.0
        self._oldest = 0, 0.0
        """What has waited for longest: its moment, and since when by this clock."""

    @property
    def position(self) -> shipped.Position:
        """How far it has got; of one that has not begun, nowhere."""
        return self._position or shipped.Position(self.subject.endpoint, self.subject.sink.to)

    @property
    def given_up(self) -> int:
        """Rows that it never gets."""
        return self.position.given_up + self.missed.rows

    def _kept(self) -> shipped.Position | None:
        return shipped.position(self._home.log, self.subject.endpoint, self.subject.sink.to)

    def look(self, now: float) -> None:
        """See how much waits, and since when. Raises OSError, StoreUnavailable and sqlite3.Error."""
        where = self._position
        if where is None:  # the recorder has not begun it
            return
        moment = where.moment
        self._watched.look()
        self.waits = len(self._watched.waiting(moment))
        oldest = self._watched.oldest(moment)
        since = self._oldest[1] if oldest == self._oldest[0] else oldest / 1e3
        self._oldest = oldest, min(since, now)  # what a clock that was ahead has recorded, was recorded by now
        self.behind = max(0.0, now - self._oldest[1]) if oldest else 0.0
        with catalogue.Catalogue(self._home.log, readonly=True) as known:
            self.missed = known.missed(self.subject.endpoint, self.subject.sink.to)

    def go(self, stop: threading.Event) -> None:
        """Deliver until told to stop."""
        self._position = None  # the line before, of the same sink as it was described before, may have gone on
        try:
            while not stop.is_set():
                if not self.turn(time.time()):
                    stop.wait(IDLE_SECONDS)
        finally:
            self._let_go()

    def turn(self, now: float) -> bool:
        """Deliver the next parcel, at Unix time `now`; whether to go on at once. Never raises."""
        if 0.0 < self._due - now <= LONGEST_SECONDS:  # further away it is where the clock was set back
            return False
        try:
            chunk = self._chunk = self._chunk or self._next()
        except (OSError, errors.StoreUnavailable, sqlite3.Error) as failed:  # of files merged this moment, or a log not begun
            log.debug("the log is looked at again", extra={"why": str(failed)})
            return False
        except Exception as failed:  # a fault of ours, of which a line that has ended would tell nobody
            self._failed(failed, now)
            return False
        if chunk is None:
            return False
        try:
            self._deliver(chunk)
        except Exception as failed:  # whatever a sink's library raises: a line that has ended would be missed by nobody
            self._failed(failed, now)
            return False
        self._failures, self.trouble = 0, ""
        return True

    def _next(self) -> recorded.Chunk | None:
        """What it has not got, in order."""
        where = self._position = self._position or self._kept()
        if where is None:
            return None
        self._book.look()
        found = self._book.chunk(where.moment, where.until, where.damaged)
        return found.behind(where.last) if found and where.until else found

    def _deliver(self, chunk: recorded.Chunk) -> None:
        if self._sink is None:
            self._sink = self._made()
        if not chunk.parts:
            self._reach(chunk, recorded.Place(), 0)
            return
        part = chunk.parts[0]
        count = part.rows.num_rows if self._sink.whole else min(AT_ONCE, part.rows.num_rows)
        some = part._replace(rows=part.rows.slice(0, count))
        where = some.partition
        self._sink.deliver(sink.Parcel(where.table, where.endpoint, where.day, self._name(some), some.rows))
        self._reach(chunk, some.place(count - 1), count)

    def _name(self, some: recorded.Part) -> str:
        """A file's by where its chunk begins, so that one which is delivered again has its place whoever was forgotten meanwhile;
        else by the first of its rows.
        """
        if self._sink is not None and self._sink.whole:
            return f"{self.subject.origin}-{self.position.moment + 1:013d}"
        first = some.place(0)
        return f"{self.subject.origin}-{first.moment:013d}-{first.incarnation[:8]}-{first.sequence}"

    def _made(self) -> sink.Sink:
        wanted = self.subject.sink
        address, sign = self._look_up(wanted.to), self._look_up(wanted.sign) if wanted.sign else ""
        missing = wanted.to if not address else wanted.sign if wanted.sign and not sign else ""
        if missing:
            raise errors.SinkInvalid(
                f"{missing} holds nothing.", cure="Set it where `tidegate up` is started, or write the file."
            )
        return self._opened(address, sign)

    def _reach(self, chunk: recorded.Chunk, last: recorded.Place, count: int) -> None:
        """Note that rows up to this place have been delivered."""
        left, before = chunk.behind(last), self.position
        lost = sum(chunk.lost.values())
        if lost:
            log.error("rows never reach a sink", extra={"sink": before.to, "rows": lost, "why": "they cannot be read"})
        told = (before.delivered + count, before.given_up + lost)
        self._chunk = left._replace(lost={}) if left.parts else None
        moment, until, last = (before.moment, chunk.until, last) if left.parts else (chunk.until, 0, recorded.Place())
        damaged = self._book.lost(moment).keys() & {*before.damaged, *chunk.lost}
        self._position = shipped.Position(before.endpoint, before.to, moment, until, last, *told, tuple(sorted(damaged)))
        shipped.reach(self._home.log, self._position)

    def _failed(self, failed: Exception, now: float) -> None:
        if not self.trouble:
            bug = not isinstance(failed, (errors.TidegateError, OSError))
            log.warning("a sink takes nothing", extra={"sink": self.subject.sink.to, "why": str(failed)}, exc_info=bug)
        self.trouble = failed.message if isinstance(failed, errors.TidegateError) else type(failed).__name__
        self._failures += 1
        self._due = now + min(LONGEST_SECONDS, 2.0 ** min(self._failures - 1, 10))
        self._chunk = None  # the log may have changed by the next time
        if not isinstance(failed, errors.SinkUnavailable):
            self._let_go()  # what its address holds may have been put right by the next time

    def _let_go(self) -> None:
        if self._sink is not None:
            with contextlib.suppress(Exception):  # of a connection that is in pieces already
                self._sink.close()
            self._sink = None

    def wrong(self, now: float) -> alarms.Alarm | None:
        """What a person should know of it, by the last `look`."""
        wanted, behind = self.subject.sink, self.behind
        if behind <= wanted.behind_seconds and not self.given_up:
            return None
        words = f"{wanted.to} is {behind:,.0f} s behind." if behind > wanted.behind_seconds else f"{wanted.to} has a gap."
        if self.trouble:
            words += f" It takes nothing: {self.trouble}"
        words += self._gap()
        return alarms.Alarm(
            alarms.Kind.SHIPPING, self.subject.endpoint, words, now, subject=wanted.to, next="tidegate logs shipper"
        )

    def _gap(self) -> str:
        """What it never gets, in words."""
        words = ""
        if self.missed.rows:
            since, until = (instants.shown(one * 10**6) for one in (self.missed.first, self.missed.last))
            words += f" {self.missed.rows:,} rows, recorded from {since} to {until}, were deleted by `log.retention` first."
        if self.position.given_up:
            words += f" {self.position.given_up:,} rows cannot be read."
        return words
