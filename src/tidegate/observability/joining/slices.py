"""Slices: how the requests of a release ended in each declared part of its traffic, for the judge to see who alone is hurt.

Counted are live requests of a release while both of its versions get some, by the arm drawn, bad or ok; a neutral mark is in no
count. A request of several rows is in each of its rows' slices, once, as a pair is. All is known of a tick once the tick is older
than a request may take and everything written until then has been read; only then is it shown, and it never changes.

Neither arm may have a say in where a request is counted. So inputs of both are read by stable's signature, and which values of a
column have a slice of their own is settled as ticks close, in order of arrival (in one tick: of the alphabet), never by which
request was answered or read first. Ticks that are closed are kept by `sums.slice_epoch`.

Kept in the catalogue's database, committed with everything else. Called by the recorder.
"""

import pathlib
import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from tidegate.core.vocabulary import arms, marks, records, sums
from tidegate.observability.joining import labels, slicing
from tidegate.observability.reading import bodies, rules

_TABLES = """
CREATE TABLE IF NOT EXISTS sliced (of INTEGER PRIMARY KEY, terms TEXT, began INTEGER, closed INTEGER, unread INTEGER);
CREATE TABLE IF NOT EXISTS sliceopen (cohort INTEGER, tick INTEGER, slice TEXT, bad INTEGER, ok INTEGER,
  PRIMARY KEY (cohort, tick, slice)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slicesum (cohort INTEGER, tick INTEGER, slice TEXT, bad INTEGER, ok INTEGER,
  PRIMARY KEY (cohort, tick, slice)) WITHOUT ROWID;
"""
_ADD = "INSERT INTO {} VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET bad = bad + excluded.bad, ok = ok + excluded.ok"
_Counts = dict[tuple[int, int, str], list[int]]
"""By cohort, tick and slice: bad and ok."""


class _Book(msgspec.Struct):
    """One release's."""

    terms: rules.Slicing
    known: slicing.Known
    began: int = 0
    """The first tick; 0 until it is closed."""
    closed: int = 0
    settled: int = 0
    """Ticks below this are in `slicesum`."""
    unread: int = 0
    last_tick: int = 0


class Slices:
    """The counts. What `take` adds is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection, cohorts: labels.Cohorts, bundles: pathlib.Path) -> None:
        """Make the tables where there are none, and load the releases. `bundles`: where signatures are."""
        self._connection, self._cohorts = connection, cohorts
        connection.executescript(_TABLES)
        self._reader = bodies.Reader(bundles)
        self._books: dict[int, _Book] = {}
        for of, terms, began, closed, unread in connection.execute("SELECT * FROM sliced"):
            names = (row[0] for row in self._of("SELECT DISTINCT slice FROM slicesum", of))
            last = next(self._of("SELECT max(tick) FROM sliceopen", of))[0] or 0
            told = msgspec.json.decode(terms, type=rules.Slicing)
            self._books[of] = _Book(told, slicing.Known(names), began, closed, closed, unread, last)
        self._counts: _Counts = {}
        self._told: dict[int, sums.Slices] = {}

    def _of(self, query: str, of: int, until: int = 1 << 62) -> sqlite3.Cursor:
        """Rows of one release, from one of the two tables of counts."""
        return self._connection.execute(
            f"{query} JOIN cohort ON cohort = cohort.number WHERE of = ? AND tick < ? ORDER BY tick, slice, generation",
            (of, until),
        )

    def take(self, predictions: Iterable[records.Prediction], routing: rules.Rules) -> None:
        """Count these."""
        wanted: dict[int, list[tuple[records.Prediction, int]]] = {}
        for one in predictions:
            if one.release and one.role == arms.Role.LIVE and 0 < one.weight < arms.BUCKETS:
                cohort = self._cohorts.cohort(one, routing.rule)
                book = self._book(cohort.of, routing)
                tick = one.arrived_ns // 1_000_000_000
                if book.terms.columns and tick >= book.closed:
                    book.last_tick = max(book.last_tick, tick)
                    wanted.setdefault(cohort.of.number, []).append((one, cohort.number))
        for of, several in wanted.items():
            self._count(self._books[of], several)

    def _book(self, of: labels.Tracked, routing: rules.Rules) -> _Book:
        """A release's, sliced as the table says when it is begun."""
        book = self._books.get(of.number)
        if book is None:
            book = self._books[of.number] = _Book(routing.slicing(of.endpoint), slicing.Known())
            if book.terms.columns:
                row = (of.number, msgspec.json.encode(book.terms))
                self._connection.execute("INSERT OR IGNORE INTO sliced VALUES (?, ?, 0, 0, 0)", row)
        return book

    def _count(self, book: _Book, several: Sequence[tuple[records.Prediction, int]]) -> None:
        """Count requests of one release, each with the number of its cohort."""
        read = self._reader.all_words([one for one, _ in several], book.terms.columns, book.terms.digest)
        for (one, cohort), words in zip(several, read, strict=True):
            book.unread += any(not words.get(column) for column in book.terms.columns)
            for name in {f"{column}={value}" for column, values in words.items() for value in values}:
                cell = self._counts.setdefault((cohort, one.arrived_ns // 1_000_000_000, name), [0, 0])
                cell[0] += one.mark in marks.BAD
                cell[1] += one.mark == marks.Mark.OK

    def close(self, read_until: float, timeouts: dict[str, float]) -> None:
        """Everything written by this Unix time has been read: ticks old enough by then are closed, where there are new ones.

        `timeouts`: seconds by endpoint that a request may take, and its record with it.
        """
        for of, book in self._books.items():
            if book.closed <= book.last_tick:
                age = timeouts.get(self._cohorts.of_number(of).endpoint, 0.0) + labels.MARGIN_SECONDS
                book.closed = max(book.closed, int(read_until - age))

    def save(self) -> None:
        """Put what was counted into the transaction under way, ticks that are closed by epoch."""
        self._add("sliceopen", self._counts)
        self._counts.clear()
        for of, book in self._books.items():
            if book.closed > book.settled:
                self._settle(of, book)
        told = [(book.began, book.settled, book.unread, of) for of, book in self._books.items()]
        self._connection.executemany("UPDATE sliced SET began = ?, closed = ?, unread = ? WHERE of = ?", told)

    def _settle(self, of: int, book: _Book) -> None:
        counts: _Counts = {}
        rows = self._of("SELECT cohort, tick, slice, bad, ok FROM sliceopen", of, book.closed).fetchall()
        for cohort, tick, name, *cell in rows:
            book.began = book.began or tick
            first, _ = sums.slice_epoch(tick, book.began)
            held = counts.setdefault((cohort, first, book.known.name(name)), [0, 0])
            held[:] = map(int.__add__, held, cell)
        self._add("slicesum", counts)
        gone = [row[:3] for row in rows]
        self._connection.executemany("DELETE FROM sliceopen WHERE cohort = ? AND tick = ? AND slice = ?", gone)
        book.settled = book.closed

    def _add(self, table: str, counts: _Counts) -> None:
        self._connection.executemany(_ADD.format(table), [(*key, *cell) for key, cell in counts.items()])

    def version(self, endpoint: str) -> tuple[tuple[int, int], ...]:
        """Changes when `told` may, and costs nothing; empty for an endpoint without slices."""
        return tuple((one.number, book.closed) for one, book in self._newest(endpoint))

    def told(self, endpoint: str) -> dict[str, sums.Slices]:
        """What is known of the slices of an endpoint's newest releases; call `save` before."""
        found = {}
        for one, book in self._newest(endpoint):
            known = self._told.get(one.number)
            if known is None or known.closed_before != book.settled:
                known = self._told[one.number] = sums.Slices(book.settled, self._summed(one.number, book), book.unread)
            found[one.release] = known
        return found

    def _newest(self, endpoint: str) -> list[tuple[labels.Tracked, _Book]]:
        newest = [(one, self._books.get(one.number)) for one in self._cohorts.newest(endpoint)]
        return [(one, book) for one, book in newest if book is not None and book.terms.columns]

    def _summed(self, of: int, book: _Book) -> tuple[sums.SliceSum, ...]:
        cells: dict[tuple[str, int, int, bool, int], dict[int, tuple[int, int]]] = {}
        for name, generation, weight, evidence, tick, arm, bad, ok in self._of(
            "SELECT slice, generation, weight, evidence, tick, arm, bad, ok FROM slicesum", of
        ):
            cells.setdefault((name, generation, weight, bool(evidence), tick), {})[arm] = (bad, ok)
        found = []
        for key, both in cells.items():
            (bad1, ok1), (bad0, ok0) = both.get(arms.Arm.CANDIDATE, (0, 0)), both.get(arms.Arm.STABLE, (0, 0))
            span = min(sums.slice_epoch(key[-1], book.began)[1], book.settled) - key[-1]
            found.append(sums.SliceSum(*key, span, bad1, bad0, ok1, ok0))
        return tuple(found)

    def forget(self) -> None:
        """Forget the slices of releases long ended."""
        for ended in self._cohorts.ended():
            if self._books.pop(ended.number, None) is not None:
                self._told.pop(ended.number, None)
                for table in ("sliceopen", "slicesum"):
                    gone = f"DELETE FROM {table} WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)"  # noqa: S608
                    self._connection.execute(gone, (ended.number,))
                self._connection.execute("DELETE FROM sliced WHERE of = ?", (ended.number,))
