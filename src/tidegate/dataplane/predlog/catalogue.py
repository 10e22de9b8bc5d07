"""The catalogue: which Parquet files count, and how far each segment is recorded, changed together in one transaction.

So `kill -9` between two steps of the recorder loses nothing and repeats nothing: a file that the catalogue does not name
does not count, and what it held is read from its segment again. SQLite, in `log/catalogue.db`; the recorder writes, all read.
The recorder keeps its joins in the same database (`observability.joining.labels`), hence under the same transaction.
"""

import collections
import contextlib
import pathlib
import sqlite3
from collections.abc import Collection

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import parquet, seals

NAME = "catalogue.db"
_MOMENT = "moment"
"""The tally that is no count."""
_TABLES = """
CREATE TABLE IF NOT EXISTS file (path TEXT PRIMARY KEY, "table" TEXT, endpoint TEXT, day TEXT, level INTEGER, rows INTEGER,
  size INTEGER, first BLOB, last BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (incarnation TEXT, number INTEGER, offset INTEGER, done INTEGER, at REAL,
  PRIMARY KEY (incarnation, number)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boot (incarnation TEXT PRIMARY KEY, expected INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seal (path TEXT PRIMARY KEY, told BLOB) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS damaged (path TEXT PRIMARY KEY, why TEXT, lost INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tally (name TEXT PRIMARY KEY, value INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS unshipped (endpoint TEXT, sink TEXT, rows INTEGER, first INTEGER, last INTEGER,
  PRIMARY KEY (endpoint, sink)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS recount (path TEXT, since INTEGER, until INTEGER, after TEXT, PRIMARY KEY (path, since)) WITHOUT ROWID;
"""
_AT_ONCE = 500
"""Ids in one question."""
EVER = 1 << 40
"""Unix seconds behind all times."""

_pack = msgspec.msgpack.Encoder().encode
_seal = msgspec.msgpack.Decoder(seals.Seal).decode


class Place(msgspec.Struct, frozen=True):
    """How far a segment has been read: everything before `offset`."""

    offset: int = 0
    done: bool = False
    """Nothing will follow: a later segment exists, or its writer is dead."""
    at: float = 0.0
    """Unix time at which this was last changed."""


class Missed(msgspec.Struct, frozen=True):
    """What was deleted before a sink had it: `log.retention` waits for nobody."""

    rows: int = 0
    first: int = 0
    last: int = 0
    """The moments (`recorded`) between which it was recorded; 0 where nothing was."""


class Recount(msgspec.Struct, frozen=True):
    """Rows of a file that are to be counted in the profiles once more."""

    path: str
    since: int
    until: int
    """Those that arrived from `since` to before `until`, Unix seconds."""
    after: str = ""
    """And whose prediction id is behind this one, which is the last that was counted."""


class Progress(msgspec.Struct):
    """How far all segments have been read."""

    places: dict[tuple[str, int], Place] = {}
    expected: dict[str, int] = {}
    """The next sequence number by incarnation: more is a gap, less a repeat."""


class Catalogue:
    """A connection. Not thread-safe; use it as a context manager, or close it."""

    def __init__(self, log: pathlib.Path, *, readonly: bool = False) -> None:
        """Open it, making it unless `readonly`. Raises StoreUnavailable when there is none, or it cannot be opened."""
        self.log = log
        path = log / NAME
        if readonly and not path.exists():
            raise errors.StoreUnavailable("The prediction log has no catalogue yet.", where=str(path))
        try:
            self.connection = sqlite3.connect(path, timeout=10, isolation_level=None)
            if readonly:
                self.connection.execute("PRAGMA query_only = 1")
                self.connection.execute("SELECT 1 FROM place LIMIT 1")
            else:
                self.connection.execute("PRAGMA journal_mode = WAL")
                self.connection.execute("PRAGMA synchronous = NORMAL")
                # What is erased, or was learned from a column before it was veiled: not every SQLite overwrites by itself.
                self.connection.execute("PRAGMA secure_delete = ON")
                self.connection.executescript(_TABLES)
            # One that was made by a release before has neither, until its recorder has been replaced.
            self._sealed = has(self.connection, "seal")
            self._inode = path.stat().st_ino
        except (sqlite3.Error, FileNotFoundError) as failed:
            raise errors.StoreUnavailable(f"The catalogue cannot be opened: {failed}.", where=str(path)) from failed

    def __enter__(self) -> "Catalogue":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; what was not committed is undone."""
        self.connection.close()

    @property
    def displaced(self) -> bool:
        """Whether another file lies where this one was opened, or none: nobody would find what is made to count here."""
        try:
            return (self.log / NAME).stat().st_ino != self._inode
        except FileNotFoundError:
            return True

    def begin(self) -> None:
        """Begin a transaction, unless one is open."""
        if not self.connection.in_transaction:
            self.connection.execute("BEGIN IMMEDIATE")

    def commit(self) -> None:
        """Make everything since `begin` count, all at once."""
        if self.connection.in_transaction:
            self.connection.execute("COMMIT")

    def rollback(self) -> None:
        """Undo everything since `begin`."""
        with contextlib.suppress(sqlite3.Error):
            self.connection.rollback()

    @property
    def new(self) -> bool:
        """Whether nothing was ever made to count here, not even that the log began empty (`begun`)."""
        return "begun" not in self.tallies()

    def begun(self) -> None:
        """Say that from here on, what is not in here does not count."""
        self.tally({"begun": 1})

    def add(self, files: list[parquet.File]) -> None:
        """Have these files count."""
        rows = [
            (
                one.path,
                one.partition.table,
                one.partition.endpoint,
                one.partition.day,
                one.level,
                one.rows,
                one.size,
                one.first,
                one.last,
            )
            for one in files
        ]
        self.connection.executemany("INSERT OR REPLACE INTO file VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
        sealed = [(one.path, _pack(one.seal)) for one in files if one.seal]
        self.connection.executemany("INSERT OR REPLACE INTO seal VALUES (?, ?)", sealed)

    def drop(self, files: list[parquet.File]) -> None:
        """Have these files count no more."""
        for table in ("file", "seal", "recount"):
            self.connection.executemany(f"DELETE FROM {table} WHERE path = ?", [(one.path,) for one in files])  # noqa: S608

    def swap(self, file: parquet.File, new: parquet.File | None) -> None:
        """Have what is left of a file count in its place; what was to be counted of it is to be counted of that."""
        if new:
            self.connection.execute("UPDATE recount SET path = ? WHERE path = ?", (new.path, file.path))
        self.drop([file])
        self.add([new] if new else [])

    def recount(self, files: list[parquet.File], since: int = 0, until: int = EVER) -> None:
        """Note that rows which arrived in this time are to be counted once more, all of them."""
        for file in files:
            overlap = (file.path, until, since)
            rows = self.connection.execute("SELECT * FROM recount WHERE path = ? AND since < ? AND until > ?", overlap).fetchall()
            self.connection.execute("DELETE FROM recount WHERE path = ? AND since < ? AND until > ?", overlap)
            parts = [part for row in rows for part in _outside(Recount(*row), since, until)]
            told = [msgspec.structs.astuple(one) for one in (*parts, Recount(file.path, since, until))]
            self.connection.executemany("INSERT INTO recount VALUES (?, ?, ?, ?)", told)

    def recounts(self, most: int = -1) -> list[Recount]:
        """What is still to be counted once more, by path and time; so many at most."""
        rows = self.connection.execute("SELECT * FROM recount ORDER BY path, since LIMIT ?", (most,))
        return [Recount(*row) for row in rows]

    def recounted(self, one: Recount, after: str = "") -> None:
        """Say that this has been counted: up to a prediction id, or all of it."""
        self.connection.execute("DELETE FROM recount WHERE path = ? AND since = ?", (one.path, one.since))
        if after:
            self.connection.execute("INSERT INTO recount VALUES (?, ?, ?, ?)", (one.path, one.since, one.until, after))

    def damaged(self, file: parquet.File, why: str, lost: int) -> None:
        """Note that a file was set aside, why, and how many of its rows could not be saved."""
        self.connection.execute("INSERT OR REPLACE INTO damaged VALUES (?, ?, ?)", (file.path, why, lost))

    def all_damaged(self) -> list[tuple[str, str, int]]:
        """(path, why, rows lost) of all files that were ever set aside."""
        return list(self.connection.execute("SELECT path, why, lost FROM damaged ORDER BY path")) if self._sealed else []

    def files(self, table: str = "", endpoint: str = "", *, least: bytes = b"", most: bytes = b"") -> list[parquet.File]:
        """The files that count, by path; only those of a table and an endpoint, and of ids from `least` to `most`."""
        known = "seal.told FROM file LEFT JOIN seal USING (path)" if self._sealed else "NULL FROM file"
        wanted = (
            f"SELECT file.*, {known} WHERE (? IN ('', \"table\")) AND (? IN ('', endpoint))"
            " AND last >= ? AND (? = x'' OR first <= ?)"
        )
        found = self.connection.execute(wanted + " ORDER BY path", (table, endpoint, least, most, most))
        return [
            parquet.File(path, parquet.Partition(kind, name, day), level, rows, size, first, last, _seal(told) if told else ())
            for path, kind, name, day, level, rows, size, first, last, told in found
        ]

    def progress(self) -> Progress:
        """How far every segment is recorded."""
        places = self.connection.execute("SELECT incarnation, number, offset, done, at FROM place")
        return Progress(
            {(incarnation, number): Place(offset, bool(done), at) for incarnation, number, offset, done, at in places},
            dict(self.connection.execute("SELECT incarnation, expected FROM boot")),
        )

    def advance(self, places: dict[tuple[str, int], Place], expected: dict[str, int]) -> None:
        """Say that segments are recorded up to these places."""
        rows = [(*key, place.offset, place.done, place.at) for key, place in places.items()]
        self.connection.executemany("INSERT OR REPLACE INTO place VALUES (?, ?, ?, ?, ?)", rows)
        self.connection.executemany("INSERT OR REPLACE INTO boot VALUES (?, ?)", list(expected.items()))

    def forget(self, incarnation: str, number: int) -> None:
        """Forget a segment that has been deleted. How far its gateway boot has counted stays: it may be brought once more."""
        self.connection.execute("DELETE FROM place WHERE incarnation = ? AND number = ?", (incarnation, number))

    def tallies(self) -> dict[str, int]:
        """Counts since the log began, by name."""
        return dict(self.connection.execute("SELECT name, value FROM tally"))

    def tally(self, counts: dict[str, int]) -> None:
        """Add to the counts."""
        rows = [(name, more, more) for name, more in counts.items() if more]
        self.connection.executemany("INSERT INTO tally VALUES (?, ?) ON CONFLICT DO UPDATE SET value = value + ?", rows)

    def last_moment(self) -> int:
        """The moment of the last batch that counts (`recorded`), in Unix milliseconds; 0: there is none."""
        found = self.connection.execute("SELECT value FROM tally WHERE name = ?", (_MOMENT,)).fetchone()
        return int(found[0]) if found else 0

    def next_moment(self, now: int) -> int:
        """That of the next one, noted: `now`, or the first behind the last where the clock is not past that."""
        moment = max(now, self.last_moment() + 1)
        self.connection.execute("INSERT OR REPLACE INTO tally VALUES (?, ?)", (_MOMENT, moment))
        return moment

    def missed(self, endpoint: str, sink: str) -> Missed:
        """What a sink never gets since it was deleted first."""
        ask = "SELECT rows, first, last FROM unshipped WHERE endpoint = ? AND sink = ?"
        try:
            found = self.connection.execute(ask, (endpoint, sink)).fetchone()
        except sqlite3.OperationalError:  # of a release before
            return Missed()
        return Missed(*found) if found else Missed()

    def miss(self, endpoint: str, sink: str, more: Missed) -> None:
        """Note that a sink never gets these either."""
        before = self.missed(endpoint, sink)
        first = min(before.first, more.first) if before.rows else more.first
        row = (endpoint, sink, before.rows + more.rows, first, max(before.last, more.last))
        self.connection.execute("INSERT OR REPLACE INTO unshipped VALUES (?, ?, ?, ?, ?)", row)

    def miss_nothing(self, endpoint: str, sink: str) -> None:
        """A sink begins anew."""
        self.connection.execute("DELETE FROM unshipped WHERE endpoint = ? AND sink = ?", (endpoint, sink))


def has(connection: sqlite3.Connection, table: str) -> bool:
    """Whether a table is there: a catalogue of an earlier release has not all of them, until its recorder has been replaced."""
    return bool(connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone())


def erase(connection: sqlite3.Connection, table: str, gone: Collection[bytes], endpoint: str = "") -> collections.Counter[bytes]:
    """Delete a table's rows of these predictions, or of an endpoint's only; how many of each. In the caller's transaction."""
    several, found = list(gone), collections.Counter[bytes]()
    for begin in range(0, len(several), _AT_ONCE):
        some = several[begin : begin + _AT_ONCE]
        of = f"id IN ({', '.join('?' * len(some))})" + (" AND endpoint = ?" if endpoint else "")
        ask = f"DELETE FROM {table} WHERE {of} RETURNING id"  # noqa: S608
        found.update(row[0] for row in connection.execute(ask, [*some, endpoint] if endpoint else some).fetchall())
    return found


def _outside(one: Recount, since: int, until: int) -> list[Recount]:
    """The parts of it that are not of this time."""
    before, after = msgspec.structs.replace(one, until=since), msgspec.structs.replace(one, since=until)
    return [part for part in (before, after) if part.since < part.until]
