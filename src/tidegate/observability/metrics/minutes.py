"""What was served and used, minute by minute: HOME/service.db (SQLite). So what is normal is known, and people can look back.

The monitor writes it, one thread; the command line and the API read it. What is older than 8 days goes.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec

from tidegate.core.vocabulary import home
from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import processes, totals

MINUTE = 60
DAY = 86_400
KEEP_SECONDS = 8 * DAY
_MADE = """
CREATE TABLE IF NOT EXISTS served (
    endpoint TEXT NOT NULL, ordinal INTEGER NOT NULL, minute INTEGER NOT NULL, slots BLOB NOT NULL,
    PRIMARY KEY (endpoint, ordinal, minute)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS served_by_minute ON served (minute);
CREATE TABLE IF NOT EXISTS samples (
    name TEXT NOT NULL, at INTEGER NOT NULL, began REAL NOT NULL, cpu REAL NOT NULL, resident INTEGER NOT NULL,
    descriptors INTEGER NOT NULL, read INTEGER NOT NULL, written INTEGER NOT NULL, PRIMARY KEY (name, at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS samples_by_time ON samples (at);
CREATE TABLE IF NOT EXISTS moved (
    name TEXT NOT NULL, at INTEGER NOT NULL, received INTEGER NOT NULL, sent INTEGER NOT NULL, PRIMARY KEY (name, at)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS moved_by_time ON moved (at);
CREATE TABLE IF NOT EXISTS machine (
    at INTEGER PRIMARY KEY, size INTEGER NOT NULL, free INTEGER NOT NULL, received INTEGER NOT NULL, sent INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS seen (one INTEGER PRIMARY KEY, counts BLOB NOT NULL);
"""
_encode = msgspec.msgpack.Encoder().encode
_sparse = msgspec.msgpack.Decoder(dict[int, int]).decode
_seen = msgspec.msgpack.Decoder(dict[str, tuple[int, ...]]).decode
_GAUGES = (counts.QUEUED, counts.IN_FLIGHT)


class Sample(NamedTuple):
    """What one process used, as of a minute."""

    name: str
    at: int
    """Unix seconds, a whole minute."""
    began: float
    """When the process did: another one is told from it by that."""
    cpu_seconds: float
    resident: int
    descriptors: int
    read: int
    written: int
    received: int = -1
    """Of a worker, as in `processes`; -1: not told."""
    sent: int = -1


class Machine(NamedTuple):
    """What the machine had, as of a minute."""

    at: int
    size: int
    """Bytes of the home's file system."""
    free: int
    received: int
    """Bytes, over all interfaces but the machine's own."""
    sent: int


class Minutes:
    """The database, for the one who writes it. Raises sqlite3.Error, as does whatever it does."""

    def __init__(self, place: home.Home) -> None:
        self._database = sqlite3.connect(path(place), timeout=5.0, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.executescript(_MADE)
        row = self._database.execute("SELECT counts FROM seen").fetchone()
        self._before: dict[str, tuple[int, ...]] | None = _seen(row[0]) if row else None

    def close(self) -> None:
        """Let go of it."""
        self._database.close()

    def count(self, served: Mapping[totals.Key, totals.Slots], now: float) -> None:
        """Add what was served since the last time to this minute; nothing at the first time ever: who knows when it was."""
        minute = int(now) // MINUTE * MINUTE
        fresh = {f"{name} {ordinal}": slots for (name, ordinal), slots in served.items()}
        with self._whole():
            for key, slots in fresh.items() if self._before is not None else ():
                more = _more(slots, (self._before or {}).get(key))
                if more:
                    name, _, ordinal = key.rpartition(" ")
                    self._add(name, int(ordinal), minute, more)
            self._database.execute("INSERT OR REPLACE INTO seen VALUES (1, ?)", (_encode(fresh),))
        self._before = fresh

    def sample(self, used: Collection[processes.Process], machine: Machine, now: float) -> None:
        """Note what processes and the machine have, as of this minute; let go of what is old."""
        minute = int(now) // MINUTE * MINUTE
        rows = [
            (one.name, minute, one.began, one.cpu_seconds, one.resident, one.descriptors, one.read, one.written)
            for one in used
            if one.pid
        ]
        moved = [(one.name, minute, one.received, one.sent) for one in used if one.pid and one.received >= 0]
        with self._whole():
            self._database.executemany("INSERT OR REPLACE INTO samples VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
            self._database.executemany("INSERT OR REPLACE INTO moved VALUES (?, ?, ?, ?)", moved)
            self._database.execute("INSERT OR REPLACE INTO machine VALUES (?, ?, ?, ?, ?)", machine._replace(at=minute))
            self._forget(minute)

    def _forget(self, now: int) -> None:
        """Let go of what is old, where there is something of a day ago too.

        A clock that was set ahead for a while deletes nothing.
        """
        lately = (now - 2 * DAY, now - DAY)
        if self._database.execute("SELECT 1 FROM machine WHERE at BETWEEN ? AND ? LIMIT 1", lately).fetchone():
            for table, column in (("samples", "at"), ("moved", "at"), ("machine", "at"), ("served", "minute")):
                self._database.execute(f"DELETE FROM {table} WHERE {column} < ?", (now - KEEP_SECONDS,))  # noqa: S608

    @contextlib.contextmanager
    def _whole(self) -> Iterator[None]:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def _add(self, name: str, ordinal: int, minute: int, more: dict[int, int]) -> None:
        key = (name, ordinal, minute)
        row = self._database.execute("SELECT slots FROM served WHERE endpoint = ? AND ordinal = ? AND minute = ?", key).fetchone()
        for slot, count in (_sparse(row[0]) if row else {}).items():
            more[slot] = more.get(slot, 0) + count
        self._database.execute("INSERT OR REPLACE INTO served VALUES (?, ?, ?, ?)", (*key, _encode(more)))


def path(place: home.Home) -> pathlib.Path:
    """Where it is."""
    return place.service


def served(place: home.Home, since: float, until: float, endpoint: str = "") -> dict[totals.Key, dict[int, list[int]]]:
    """All slots by version and minute, of minutes that begin in a stretch of time."""
    ask = "SELECT endpoint, ordinal, minute, slots FROM served WHERE minute >= ? AND minute < ? AND ? IN ('', endpoint)"
    found: dict[totals.Key, dict[int, list[int]]] = {}
    for name, ordinal, minute, raw in _read(place, ask, (since, until, endpoint)):
        slots = [0] * counts.SLOTS
        for slot, count in _sparse(raw).items():
            slots[slot] = count
        found.setdefault((name, ordinal), {})[minute] = slots
    return found


def fresh(place: home.Home, now: Mapping[totals.Key, totals.Slots]) -> dict[totals.Key, list[int]]:
    """What was served since the monitor last counted, a quarter of a minute ago; nothing where it never has."""
    found: dict[totals.Key, list[int]] = {}
    for (raw,) in _read(place, "SELECT counts FROM seen", ()):
        before = _seen(raw)
        for (name, ordinal), slots in now.items():
            more = _more(slots, before.get(f"{name} {ordinal}"))
            if more:
                found[name, ordinal] = [more.get(at, 0) for at in range(counts.SLOTS)]
    return found


def samples(place: home.Home, since: float) -> dict[str, list[Sample]]:
    """What each process used since a time, oldest first."""
    ask = (
        "SELECT name, at, began, cpu, resident, descriptors, read, written, ifnull(received, -1), ifnull(sent, -1)"
        " FROM samples LEFT JOIN moved USING (name, at) WHERE samples.at >= ? ORDER BY samples.at"
    )
    found: dict[str, list[Sample]] = {}
    for row in _read(place, ask, (since,)):
        found.setdefault(row[0], []).append(Sample(*row))
    return found


def machine(place: home.Home, since: float) -> list[Machine]:
    """What the machine had since a time, oldest first."""
    return [
        Machine(*row)
        for row in _read(place, "SELECT at, size, free, received, sent FROM machine WHERE at >= ? ORDER BY at", (since,))
    ]


def added(many: Iterable[list[int]]) -> list[int]:
    """Slots, together."""
    return [sum(each) for each in zip(*many, strict=True)] or [0] * counts.SLOTS


def _more(slots: totals.Slots, before: tuple[int, ...] | None) -> dict[int, int]:
    """What has been added; all of it where there is less than before, since the home is another one then."""
    less = before is None or any(
        now < then for at, (now, then) in enumerate(zip(slots, before, strict=True)) if at not in _GAUGES
    )
    base = (0,) * len(slots) if less or before is None else before
    return {at: now - base[at] for at, now in enumerate(slots) if now != base[at] and at not in _GAUGES}


def _read(place: home.Home, ask: str, given: tuple[object, ...]) -> list[tuple[Any, ...]]:
    """Nothing where nothing was ever noted."""
    with contextlib.suppress(sqlite3.Error), contextlib.closing(_readonly(path(place))) as opened:
        return list(opened.execute(ask, given))
    return []


def _readonly(where: pathlib.Path) -> sqlite3.Connection:
    return sqlite3.connect(f"{where.resolve().as_uri()}?mode=ro", uri=True, timeout=5.0)
