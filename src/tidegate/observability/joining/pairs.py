"""Pairs: a mirrored request and its copy, joined by prediction id, compared, and counted by release and slice.

The copy's record (role shadow) and the request's come in any order, from one gateway or two. The latest requests of mirrored
endpoints are held in memory. A copy whose request is not among them waits in the catalogue's database, and after three seconds
its request is looked for in Parquet, so that neither a kill nor a recorder far behind costs a pair. A copy that has found
nothing after a minute is unmatched. When two answers are the same, and which pairs are none: `predlog.pairing`.

Counts and the pairs that may still get an outcome are in the same database, committed with the places read. Shadow records are in
no cohort and no other count. Called by the recorder.
"""

import collections
import os
import pathlib
import sqlite3
from collections.abc import Callable, Iterable, Sequence

import msgspec

from tidegate.core.vocabulary import arms, ids, records, sums
from tidegate.dataplane.predlog import catalogue, pairing
from tidegate.observability.joining import hearing, joins, labels, slicing
from tidegate.observability.reading import bodies, rules

LOOK_AFTER_SECONDS = 3.0
UNMATCHED_SECONDS = 60.0
COPIES_MOST = 20_000
"""Copies that wait at once; what comes beyond is unmatched."""
HELD_MOST = 50_000
HELD_BYTES = 32 << 20
"""Requests that are held in memory, and the bytes of their bodies."""
_LOOK_UP_MOST = 2_000
_TABLES = """
CREATE TABLE IF NOT EXISTS paired (of INTEGER PRIMARY KEY, terms TEXT, unmatched INTEGER);
CREATE TABLE IF NOT EXISTS pairsum (of INTEGER, slice TEXT, pairs INTEGER, disagreed INTEGER, failed INTEGER, largest REAL,
  copy_only_wrong INTEGER, served_only_wrong INTEGER, PRIMARY KEY (of, slice)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS pair (id BLOB PRIMARY KEY, of INTEGER, given BLOB, slices BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS same (of INTEGER, minute INTEGER, input BLOB, PRIMARY KEY (of, minute, input)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS copy (id BLOB PRIMARY KEY, record BLOB, since REAL) WITHOUT ROWID;
"""
_pack = msgspec.msgpack.Encoder().encode
_copy = msgspec.msgpack.Decoder(records.Prediction)
_given = msgspec.msgpack.Decoder(pairing.Given)
_Settled = list[tuple[str, tuple[int, ...] | None, int]]
"""A pair's slices, each with what its outcome showed."""
_slices = msgspec.msgpack.Decoder(_Settled)
Lookup = Callable[[Sequence[bytes]], Sequence[records.Prediction]]
"""Recorded predictions of ids, from Parquet."""


class Tally(msgspec.Struct):
    """Counts since the caller last looked."""

    paired: int = 0
    same_input: int = 0
    """Pairs that were none of their own: an identical input had come within the minute."""
    unpaired: int = 0
    """Copies whose request was never found."""


class _Waiting(msgspec.Struct):
    copy: records.Prediction
    since: float
    looked: bool = False


class _Book(msgspec.Struct):
    """One release's."""

    mirroring: rules.Mirroring
    known: slicing.Known
    unmatched: int = 0
    waiting: int = 0
    changes: int = 0


class Pairs:
    """The copies that wait, the requests held, and the counts. What is counted is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection, cohorts: labels.Cohorts, bundles: pathlib.Path) -> None:
        """Make the tables where there are none, and load what waits. `bundles`: where slices' signatures are."""
        self._connection, self._cohorts = connection, cohorts
        connection.executescript(_TABLES)
        self._hearing = hearing.Hearing(connection)
        self._secret = b""
        self._reader = bodies.Reader(bundles)
        self._held: collections.OrderedDict[bytes, records.Prediction] = collections.OrderedDict()
        self._held_bytes = 0
        self._counts: dict[tuple[int, str], pairing.Count] = {}
        self._books: dict[int, _Book] = {}
        for of, terms, unmatched in connection.execute("SELECT of, terms, unmatched FROM paired"):
            names = [row[0] for row in connection.execute("SELECT slice FROM pairsum WHERE of = ? AND slice != ''", (of,))]
            told = msgspec.json.decode(terms, type=rules.Mirroring)
            self._books[of] = _Book(told, slicing.Known(names), unmatched)
        self._waiting: dict[bytes, _Waiting] = {}
        for identifier, record, since in connection.execute("SELECT id, record, since FROM copy"):
            copy = _copy.decode(record)
            self._waiting[identifier] = _Waiting(copy, since)
            self._books[self._number(copy)].waiting += 1
        self.tally = Tally()

    def take(self, predictions: Iterable[records.Prediction], now: float, routing: rules.Rules) -> None:
        """Pair these, or have them wait for their other half."""
        if routing.discreet() and not self._secret:
            self._secret = os.urandom(16)  # of this process: on the disk it would be no secret
        for one in predictions:
            if one.role == arms.Role.SHADOW and one.release:
                self._take_copy(one, now, routing)
            elif one.role == arms.Role.LIVE:
                waiting = self._waiting.get(one.id)
                if waiting is not None:
                    self._release(one.id)
                    self._pair(one, waiting.copy)
                elif routing.mirrors(one.endpoint):
                    self._hold(one)

    def erase(self, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget these requests and their copies; how many rows there were of each."""
        for one in gone:
            served = self._held.pop(one, None)
            self._held_bytes -= _size(served) if served is not None else 0
            if one in self._waiting:
                self._release(one)
        return catalogue.erase(self._connection, "pair", gone)

    def _take_copy(self, one: records.Prediction, now: float, routing: rules.Rules) -> None:
        book = self._book(one, routing)
        served = self._held.pop(one.id, None)
        if served is not None:
            self._held_bytes -= _size(served)
            self._pair(served, one)
            return
        if one.id in self._waiting:
            return
        if len(self._waiting) >= COPIES_MOST:
            self._give_up(book)
            return
        bare = msgspec.structs.replace(one, output=b"") if any(answer is not None for answer in one.answers) else one
        self._waiting[one.id] = _Waiting(bare, now)
        book.waiting += 1
        book.changes += 1
        self._connection.execute("INSERT OR REPLACE INTO copy VALUES (?, ?, ?)", (one.id, _pack(bare), now))

    def _book(self, one: records.Prediction, routing: rules.Rules) -> _Book:
        """The book of a copy's release, compared as the table says when it is begun."""
        of = self._cohorts.cohort(one, routing.rule).of.number
        book = self._books.get(of)
        if book is None:
            book = self._books[of] = _Book(routing.mirroring(one.endpoint), slicing.Known())
            self._connection.execute("INSERT OR IGNORE INTO paired VALUES (?, ?, 0)", (of, msgspec.json.encode(book.mirroring)))
        return book

    def _hold(self, one: records.Prediction) -> None:
        self._held[one.id] = one
        self._held_bytes += _size(one)
        while len(self._held) > HELD_MOST or self._held_bytes > HELD_BYTES:
            self._held_bytes -= _size(self._held.popitem(last=False)[1])

    def _release(self, identifier: bytes) -> None:
        """A copy waits no more."""
        copy = self._waiting.pop(identifier).copy
        book = self._books[self._number(copy)]
        book.waiting -= 1
        book.changes += 1
        self._connection.execute("DELETE FROM copy WHERE id = ?", (identifier,))

    def _number(self, copy: records.Prediction) -> int:
        """Of a copy's release, whose book has been begun."""
        return self._cohorts.tracked(copy.endpoint, copy.release).number

    def _give_up(self, book: _Book) -> None:
        book.unmatched += 1
        book.changes += 1
        self.tally.unpaired += 1

    def _pair(self, served: records.Prediction, copied: records.Prediction) -> None:
        if not pairing.is_pair(served, copied):
            return
        of = self._number(copied)
        book = self._books[of]
        minute, digest = pairing.sameness(served, self._secret)
        same = (of, minute, digest)
        if digest and not self._connection.execute("INSERT OR IGNORE INTO same VALUES (?, ?, ?)", same).rowcount:
            self.tally.same_input += 1
            return
        found = pairing.compared(book.mirroring.pairing, served, copied)
        given = pairing.given(served, copied)
        slices: _Settled = []
        for name, rows in book.known.slices(self._reader.words(served, book.mirroring.slices)):
            self._count(of, name).add(found, rows)
            slices.append((name, rows, pairing.NEITHER))
        row = (served.id, of, _pack(given), _pack(slices))
        self._connection.execute("INSERT OR IGNORE INTO pair VALUES (?, ?, ?, ?)", row)
        book.changes += 1
        self.tally.paired += 1
        self.heard(served.id)

    def _count(self, of: int, name: str) -> pairing.Count:
        return self._counts.setdefault((of, name), pairing.Count())

    def heard(self, identifier: bytes) -> None:
        """Hold a pair against what was heard of its request by now."""
        row = self._connection.execute("SELECT of, given, slices FROM pair WHERE id = ?", (identifier,)).fetchone()
        told = self._hearing.of(identifier) if row else []
        if not told:
            return
        of, given, slices = row[0], _given.decode(row[1]), _slices.decode(row[2])
        rule = self._cohorts.of_number(of).rule
        settled: _Settled = [(name, rows, pairing.wronged(rule, given, told, rows)) for name, rows, _ in slices]
        for (name, _, before), (_, _, after) in zip(slices, settled, strict=True):
            self._count(of, name).settle(before, after)
        if settled != slices:
            self._books[of].changes += 1
            self._connection.execute("UPDATE pair SET slices = ? WHERE id = ?", (_pack(settled), identifier))

    def settle(self, now: float, lookup: Lookup) -> None:
        """Look for what copies have waited for in Parquet, and let go of those that have waited too long."""
        for waiting in self._waiting.values():
            waiting.since = min(waiting.since, now)  # the clock was set back
        due = [one for one, waiting in self._waiting.items() if not waiting.looked and waiting.since <= now - LOOK_AFTER_SECONDS]
        for one in due[:_LOOK_UP_MOST]:
            self._waiting[one].looked = True
        for served in lookup(due[:_LOOK_UP_MOST]) if due else ():
            if served.role == arms.Role.LIVE and served.id in self._waiting:
                copy = self._waiting[served.id].copy
                self._release(served.id)
                self._pair(served, copy)
        late = [one for one, waiting in self._waiting.items() if waiting.looked and waiting.since <= now - UNMATCHED_SECONDS]
        for one in late:
            book = self._books[self._number(self._waiting[one].copy)]
            self._release(one)
            self._give_up(book)

    def save(self) -> None:
        """Put what was counted into the transaction under way."""
        rows = [(*key, *msgspec.structs.astuple(count)) for key, count in self._counts.items()]
        self._connection.executemany(
            "INSERT INTO pairsum VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET pairs = pairs + excluded.pairs,"
            " disagreed = disagreed + excluded.disagreed, failed = failed + excluded.failed,"
            " largest = max(largest, excluded.largest), copy_only_wrong = copy_only_wrong + excluded.copy_only_wrong,"
            " served_only_wrong = served_only_wrong + excluded.served_only_wrong",
            rows,
        )
        self._counts.clear()
        told = [(book.unmatched, of) for of, book in self._books.items()]
        self._connection.executemany("UPDATE paired SET unmatched = ? WHERE of = ?", told)

    def version(self, endpoint: str) -> tuple[tuple[int, int], ...]:
        """Changes when `told` does, and costs nothing; empty for an endpoint without mirrored requests."""
        return tuple((one.number, self._books[one.number].changes) for one in self._cohorts.newest(endpoint) if self._has(one))

    def told(self, endpoint: str) -> dict[str, sums.Pairs]:
        """What is known of the pairs of an endpoint's newest releases; call `save` before."""
        return {one.release: self._told(one.number) for one in self._cohorts.newest(endpoint) if self._has(one)}

    def _has(self, one: labels.Tracked) -> bool:
        return one.number in self._books

    def _told(self, of: int) -> sums.Pairs:
        rows = self._connection.execute(
            "SELECT slice, pairs, disagreed, failed, largest, copy_only_wrong, served_only_wrong FROM pairsum WHERE of = ?"
            " ORDER BY slice",
            (of,),
        )
        book = self._books[of]
        return sums.Pairs(tuple(sums.PairSum(*row) for row in rows), book.unmatched + book.waiting)

    def expire(self, now: float, longest_age: float) -> None:
        """Forget pairs older than the longest label age and ten minutes. Only to be called when all has been read."""
        cut = ids.uuid7(max(0, int((now - longest_age - joins.LATE_SECONDS) * 1e3)), 0)
        self._connection.execute("DELETE FROM pair WHERE id < ?", (cut,))
        self._connection.execute("DELETE FROM same WHERE minute < ?", (int(now - joins.LATE_SECONDS) // 60,))


def _size(one: records.Prediction) -> int:
    return len(one.input) + len(one.output)
