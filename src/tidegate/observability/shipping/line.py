"""One sink of one endpoint: the next rows that it has not, delivered in order, and how far it has got, kept after each parcel.

What is delivered and not yet noted when the process is killed is delivered again. A sink that fails is tried again after 1 s, 2
s, 4 s, up to a minute; meanwhile everything waits in the outbox. Given up, counted and told is only what the endpoint's retention
has let go, what cannot be read, and, while the disk is almost full, the oldest first of what nothing but the outbox has.
"""

import collections
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from tidegate.core.vocabulary import alarms, errors, home, keeping, room
from tidegate.dataplane.predlog import intact, outbox, parquet
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
    """For a thread of its own; the properties are for others too."""

    def __init__(self, place: home.Home, subject: Subject, look_up: Callable[[str], str], opened: Open = opening.opened) -> None:
        """`look_up`: what env:NAME or file:PATH holds."""
        self.subject, self.keeping = subject, keeping.ALL
        self.trouble = ""
        self.delivered = 0
        """Rows, since this process began."""
        self.waits, self.behind = 0, 0.0
        """Files, and for how many seconds the oldest of them has been recorded, as of the last `look`."""
        self._queue: collections.deque[outbox.Item] = collections.deque()
        self._home, self._look_up, self._opened = place, look_up, opened
        self._position = outbox.position(place.log, subject.endpoint, subject.sink.to)
        self._sink: sink.Sink | None = None
        self._failures, self._due = 0, 0.0

    @property
    def position(self) -> outbox.Position:
        """How far it has got."""
        return self._position

    def concerns(self, item: outbox.Item) -> bool:
        """Whether an item is for this sink."""
        mine = item.endpoint == self.subject.endpoint
        return mine if item.table == parquet.PREDICTIONS else self.subject.sink.outcomes

    def waiting(self, listed: Sequence[outbox.Item] | None = None) -> list[outbox.Item]:
        """What it has not got, or not all of; `listed`: of these."""
        every = outbox.listing(self._home.log) if listed is None else listed
        return [one for one in every if one.number >= self._position.number and self.concerns(one)]

    def look(self, listed: Sequence[outbox.Item], now: float) -> None:
        """See how much waits, and since when."""
        mine = self.waiting(listed)
        self.waits, self.behind = len(mine), 0.0
        with contextlib.suppress(FileNotFoundError):
            self.behind = max(0.0, now - mine[0].path.stat().st_mtime) if mine else 0.0

    def _next(self) -> outbox.Item | None:
        """The first that it has not got. The outbox is listed when what was listed before is used up: it may be long."""
        while self._queue and self._queue[0].number < self._position.number:
            self._queue.popleft()
        if not self._queue:
            self._queue.extend(self.waiting())
        return self._queue[0] if self._queue else None

    def go(self, stop: threading.Event) -> None:
        """Deliver until told to stop."""
        try:
            while not stop.is_set():
                if not self.turn(time.time()):
                    stop.wait(IDLE_SECONDS)
        finally:
            self._let_go()

    def turn(self, now: float) -> bool:
        """Deliver the next parcel, at Unix time `now`; whether to go on at once. Never raises."""
        if now < self._due:
            return False
        item = self._next()
        if item is None:
            return False
        begin = self._position.row if item.number == self._position.number else 0
        if self.keeping.expired(item.ended, now):
            self._give_up(item, begin, "it is older than what is kept")
            return True
        try:
            self._deliver(item, begin)
        except FileNotFoundError:  # not here any more: somebody has cleared the outbox
            self._queue.clear()
            return False
        except _Damaged:
            self._give_up(item, begin, "it cannot be read")
        except Exception as failed:  # whatever a sink's library raises: a line that has ended would be missed by nobody
            self._failed(failed, now)
            if room.short(self._home.log) and item.alone:
                self._give_up(item, begin, "the disk is almost full")
            return False
        self._failures, self.trouble = 0, ""
        return True

    def _deliver(self, item: outbox.Item, begin: int) -> None:
        if self._sink is None:
            self._sink = self._made()
        rows = _read(item)
        some = rows.slice(begin, rows.num_rows if self._sink.whole else AT_ONCE)
        end = begin + some.num_rows
        name = f"{self.subject.origin}-{item.number:012d}{f'-{begin}' if begin else ''}"
        if some.num_rows:
            self._sink.deliver(sink.Parcel(item.table, item.endpoint, item.day, name, some))
        self.delivered += some.num_rows
        self._reach(*((item.number + 1, 0) if end >= rows.num_rows else (item.number, end)))

    def _made(self) -> sink.Sink:
        wanted = self.subject.sink
        address, sign = self._look_up(wanted.to), self._look_up(wanted.sign) if wanted.sign else ""
        missing = wanted.to if not address else wanted.sign if wanted.sign and not sign else ""
        if missing:
            raise errors.SinkInvalid(
                f"{missing} holds nothing.", cure="Set it where `tidegate up` is started, or write the file."
            )
        return self._opened(address, sign)

    def _reach(self, number: int, row: int, given_up: int = 0) -> None:
        before = self._position
        self._position = outbox.Position(before.endpoint, before.to, number, row, before.given_up + given_up)
        outbox.reach(self._home.log, self._position)

    def _give_up(self, item: outbox.Item, begin: int, why: str) -> None:
        try:
            left = pq.read_metadata(item.path).num_rows - begin
        except (pa.ArrowException, OSError):
            left = 0
        log.error(
            "rows never reach a sink", extra={"sink": self.subject.sink.to, "rows": left, "file": item.path.name, "why": why}
        )
        with contextlib.suppress(OSError):
            self._reach(item.number + 1, 0, max(left, 1))

    def _failed(self, failed: Exception, now: float) -> None:
        if not self.trouble:
            bug = not isinstance(failed, (errors.TidegateError, OSError))
            log.warning("a sink takes nothing", extra={"sink": self.subject.sink.to, "why": str(failed)}, exc_info=bug)
        self.trouble = failed.message if isinstance(failed, errors.TidegateError) else type(failed).__name__
        self._failures += 1
        self._due = now + min(LONGEST_SECONDS, 2.0 ** min(self._failures - 1, 10))
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
        if behind <= wanted.behind_seconds and not self._position.given_up:
            return None
        words = f"{wanted.to} is {behind:,.0f} s behind." if behind > wanted.behind_seconds else f"{wanted.to} has a gap."
        if self.trouble:
            words += f" It takes nothing: {self.trouble}"
        if self._position.given_up:
            words += f" {self._position.given_up:,} rows were given up."
        subject = wanted.to
        return alarms.Alarm(
            alarms.Kind.SHIPPING, self.subject.endpoint, words, now, subject=subject, next="tidegate logs shipper"
        )


class _Damaged(Exception):
    """What waits is not what was recorded."""


def _read(item: outbox.Item) -> pa.Table:
    """Its rows. Raises _Damaged, and OSError where it is gone or the disk refuses."""
    try:
        return pq.read_table(item.path, partitioning=None)
    except (pa.ArrowException, OSError) as failed:
        if intact.is_damage(failed):
            raise _Damaged from failed
        raise
