"""The log of probes: what came of each, by endpoint, in HOME/probes.db (SQLite). Bounded: what is older than 90 days goes.

The monitor writes it, one thread; the command line, the API and /metrics read it.
"""

import contextlib
import json
import pathlib
import sqlite3
from collections.abc import Iterator
from typing import Any, NamedTuple

from tidegate.core.vocabulary import home

KEEP_SECONDS = 90 * 86_400.0
LONGEST = 500
"""Letters of what is kept of a wrong answer."""
_MADE = """
CREATE TABLE IF NOT EXISTS probes (
    endpoint TEXT NOT NULL, at REAL NOT NULL, version TEXT NOT NULL, right INTEGER NOT NULL,
    seconds REAL NOT NULL, status INTEGER NOT NULL, words TEXT NOT NULL, prediction TEXT NOT NULL,
    PRIMARY KEY (endpoint, at)
) WITHOUT ROWID
"""
_BY_TIME = "CREATE INDEX IF NOT EXISTS probes_by_time ON probes (at)"
"""What is old is deleted, and the latest are read, every minute: of a hundred endpoints there are millions."""
_FIRSTS = """
CREATE TABLE IF NOT EXISTS firsts (
    endpoint TEXT NOT NULL, digest TEXT NOT NULL, answer TEXT NOT NULL, tries INTEGER NOT NULL, settled INTEGER NOT NULL,
    varies INTEGER NOT NULL, PRIMARY KEY (endpoint, digest)
) WITHOUT ROWID
"""
TRIES = 5
"""Probes in which a version's first answer has to come twice in a row; one that has not by then varies by itself."""
_FORGET = """
DELETE FROM probes WHERE at < :now - :kept AND EXISTS (SELECT 1 FROM probes WHERE at BETWEEN :now - 172800 AND :now - 86400)
"""
"""Only where probes were made a day ago too: a clock that was set ahead for a while deletes nothing."""
_COLUMNS = "endpoint, at, version, right, seconds, status, words, prediction"


class Probe(NamedTuple):
    """One."""

    endpoint: str
    at: float
    """Unix seconds at which it was sent."""
    version: str
    """That answered; empty: none did."""
    right: bool
    seconds: float
    status: int
    """HTTP status; 0: no answer."""
    words: str = ""
    """What was wrong; empty: nothing."""
    prediction: str = ""
    """The prediction id, where the answer had one."""


class Latest(NamedTuple):
    """An endpoint's last probe, and how many of the latest there were and were right."""

    last: Probe
    probes: int
    right: int


class First(NamedTuple):
    """What a version answered to its example when it was first asked."""

    answer: Any
    tries: int
    settled: bool
    """Whether it is known what the version answers."""
    varies: bool
    """Whether that is never the same: nothing is compared then."""


def first(place: home.Home, endpoint: str, digest: str) -> First | None:
    """A version's first answer; None where it has none yet."""
    ask = "SELECT answer, tries, settled, varies FROM firsts WHERE endpoint = ? AND digest = ?"
    with contextlib.suppress(sqlite3.Error), _opened(_path(place), readonly=True) as opened:
        row = opened.execute(ask, (endpoint, digest)).fetchone()
        return First(json.loads(row[0]), int(row[1]), bool(row[2]), bool(row[3])) if row else None
    return None


def settle(place: home.Home, endpoint: str, digest: str, told: First) -> None:
    """Keep what a version answers. Raises sqlite3.Error."""
    row = (endpoint, digest, json.dumps(told.answer), told.tries, told.settled, told.varies)
    with _opened(_path(place)) as opened, opened:
        opened.execute(_FIRSTS)
        opened.execute("INSERT OR REPLACE INTO firsts VALUES (?, ?, ?, ?, ?, ?)", row)


def note(place: home.Home, made: list[Probe], now: float) -> None:
    """Add these, and let go of what is old. Raises sqlite3.Error."""
    with _opened(_path(place)) as opened, opened:
        opened.execute(_MADE)
        opened.execute(_BY_TIME)
        opened.executemany(f"INSERT OR IGNORE INTO probes ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", made)  # noqa: S608
        opened.execute(_FORGET, {"now": now, "kept": KEEP_SECONDS})


def listed(place: home.Home, endpoint: str, since: float, until: float) -> list[Probe]:
    """An endpoint's, oldest first; none where nothing was ever probed."""
    ask = f"SELECT {_COLUMNS} FROM probes WHERE endpoint = ? AND at >= ? AND at < ? ORDER BY at"  # noqa: S608
    return list(_read(place, ask, (endpoint, since, until)))


def latest(place: home.Home, since: float) -> dict[str, Latest]:
    """The last probe of each endpoint that had some since a time."""
    ask = (
        f"SELECT {_COLUMNS}, probes, rights FROM probes"  # noqa: S608
        " JOIN (SELECT endpoint AS whose, max(at) AS last, count(*) AS probes, sum(right) AS rights FROM probes"
        " WHERE at >= ? GROUP BY +endpoint) ON whose = endpoint AND last = at"  # +: by the index on time
    )
    with contextlib.suppress(sqlite3.Error), _opened(_path(place), readonly=True) as opened:
        rows = opened.execute(ask, (since,)).fetchall()
        return {row[0]: Latest(_probe(row[:8]), int(row[8]), int(row[9])) for row in rows}
    return {}


def _read(place: home.Home, ask: str, given: tuple[object, ...]) -> Iterator[Probe]:
    try:
        with _opened(_path(place), readonly=True) as opened:
            yield from [_probe(row) for row in opened.execute(ask, given)]
    except sqlite3.Error:
        return


def _probe(row: tuple[str, float, str, int, float, int, str, str]) -> Probe:
    return Probe(row[0], row[1], row[2], bool(row[3]), *row[4:])


def _path(place: home.Home) -> pathlib.Path:
    return place.probes


@contextlib.contextmanager
def _opened(path: pathlib.Path, *, readonly: bool = False) -> Iterator[sqlite3.Connection]:
    opened = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro" if readonly else path, uri=readonly, timeout=5.0)
    try:
        if not readonly:
            opened.execute("PRAGMA journal_mode = WAL")
        yield opened
    finally:
        opened.close()
