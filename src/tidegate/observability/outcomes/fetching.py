"""Outcomes from tables, on a schedule: what was added to one since the last time is posted through the gateway.

So the same durability, segments and joins hold as for any other outcome. The place reached (the watermark, and which rows at it
were taken) is in `outcomes/ENDPOINT.db`, moved on after the gateway has acknowledged. `kill -9` in between posts some rows
again, and the recorder drops repeats. Rows that cannot be taken are listed and passed over; a table that cannot be asked, or a
gateway that refuses, is an alarm with the cure, and is tried again when it is due.

Called by the monitor. Each endpoint is asked in a thread of its own: a table that does not answer holds no other up.
"""

import datetime as dt
import decimal
import hashlib
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import alarms, errors, home, monitoring
from tidegate.dataplane.predlog import posts
from tidegate.observability.outcomes import asking
from tidegate.observability.reading import rules

RETRY_SECONDS = 30.0
"""After what failed, unless it is due sooner."""
LONG_SECONDS = 600.0
"""An answer that has taken so long is an alarm."""
REFUSED_MOST = 1_000
_TABLES = """
CREATE TABLE IF NOT EXISTS place (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (row BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS refused (number INTEGER PRIMARY KEY, at REAL, words TEXT, row TEXT);
"""
Post = Callable[[Sequence[dict[str, Any]]], object]
"""Has the gateway keep entries, or raises a TidegateError."""
LookUp = Callable[[str], str]
"""What env:NAME or file:PATH holds; empty where nothing is there."""


class Book:
    """How far one endpoint's table has been taken. Use as a context manager."""

    def __init__(self, folder: pathlib.Path, endpoint: str) -> None:
        """Raises sqlite3.Error and OSError."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._connection = sqlite3.connect(folder / f"{endpoint}.db", timeout=10)
        self._connection.executescript(_TABLES)

    def __enter__(self) -> "Book":
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def begin(self, truth: monitoring.Truth) -> Any:
        """The watermark reached; another query begins anew."""
        asked = msgspec.json.encode((truth.query, truth.url, truth.watermark)).decode()
        places = dict(self._connection.execute("SELECT name, value FROM place"))
        if places.get("asked") != asked:
            with self._connection:
                self._connection.execute("DELETE FROM place")
                self._connection.execute("DELETE FROM taken")
                self._connection.execute("INSERT INTO place VALUES ('asked', ?)", (asked,))
            return None
        return _read(places["since"]) if "since" in places else None

    def fresh(self, rows: asking.Rows) -> asking.Rows:
        """Those that were not taken yet."""
        known = "SELECT 1 FROM taken WHERE row = ?"
        return [row for row in rows if not self._connection.execute(known, (_digest(row),)).fetchone()]

    def reach(self, rows: asking.Rows, watermark: str) -> None:
        """These were taken, in the order of the watermark."""
        with self._connection:
            if watermark:
                last = rows[-1][watermark]
                before = self._connection.execute("SELECT value FROM place WHERE name = 'since'").fetchone()
                if before is None or before[0] != _written(last):
                    self._connection.execute("DELETE FROM taken")
                self._connection.execute("INSERT OR REPLACE INTO place VALUES ('since', ?)", (_written(last),))
                rows = [row for row in rows if row[watermark] == last]
            self._connection.executemany("INSERT OR IGNORE INTO taken VALUES (?)", [(_digest(row),) for row in rows])

    def refuse(self, at: float, refused: Sequence[tuple[str, dict[str, Any]]]) -> None:
        """Keep what could not be taken, the newest `REFUSED_MOST`."""
        rows = [(at, words, _json(row)) for words, row in refused]
        with self._connection:
            self._connection.executemany("INSERT INTO refused (at, words, row) VALUES (?, ?, ?)", rows)
            self._connection.execute("DELETE FROM refused WHERE number <= (SELECT max(number) FROM refused) - ?", (REFUSED_MOST,))


class Refused(msgspec.Struct, frozen=True):
    """A row of a table that is no outcome."""

    at: float
    """Unix seconds."""
    words: str
    row: str
    """JSON."""


def refused(place: home.Home, endpoint: str, most: int = 100) -> list[Refused]:
    """The rows of an endpoint's table that could not be taken, newest first."""
    path = place.truths / f"{endpoint}.db"
    if not path.exists():
        return []
    connection = sqlite3.connect(path, timeout=10)
    try:
        rows = connection.execute("SELECT at, words, row FROM refused ORDER BY number DESC LIMIT ?", (most,)).fetchall()
    finally:
        connection.close()
    return [Refused(*row) for row in rows]


class Asked(msgspec.Struct):
    """How it stands with one endpoint's table."""

    due: float = 0.0
    began: float = 0.0
    """Unix seconds at which the one under way began; 0: none is."""
    trouble: str = ""
    refused: int = 0
    example: str = ""
    since: float = 0.0


class Fetching:
    """The watch."""

    name = "outcomes"
    every = 1.0

    def __init__(self, place: home.Home, post: Post, look_up: LookUp) -> None:
        self._place, self._post, self._look_up = place, post, look_up
        self._rules = rules.Rules(place.table)
        self._asked: dict[str, Asked] = {}

    def look(self, now: float) -> Iterable[alarms.Alarm]:
        """Ask the tables that are due; what is wrong with any."""
        self._rules.refresh()
        wanted = {route.endpoint: route.monitors.truth for route in self._rules.routes() if route.monitors.truth.query}
        for endpoint in self._asked.keys() - wanted.keys():
            del self._asked[endpoint]
        for endpoint, truth in wanted.items():
            asked = self._asked.setdefault(endpoint, Asked())
            if not asked.began and not 0.0 < asked.due - now <= truth.every_seconds + self.every:  # clocks are set back
                asked.began = now
                threading.Thread(target=self._turn, args=(endpoint, truth, asked), name=endpoint, daemon=True).start()
        return [alarm for endpoint, asked in self._asked.items() for alarm in _alarms(endpoint, asked, now)]

    def _turn(self, endpoint: str, truth: monitoring.Truth, asked: Asked) -> None:
        wait = truth.every_seconds
        try:
            refusals = self.take(endpoint, truth, asked.began)
            asked.trouble, asked.refused = "", len(refusals)
            asked.example = refusals[0] if refusals else ""
        except (errors.TidegateError, OSError, sqlite3.Error) as failed:
            asked.trouble, wait = str(failed), min(wait, RETRY_SECONDS)
        except Exception as failed:  # a driver's own: it has to be heard of, and tried again
            asked.trouble, wait = f"{type(failed).__name__}: {failed}", min(wait, RETRY_SECONDS)
        if not asked.trouble and not asked.refused:
            asked.since = 0.0
        elif not asked.since:
            asked.since = asked.began
        asked.due, asked.began = time.time() + wait, 0.0

    def take(self, endpoint: str, truth: monitoring.Truth, now: float) -> list[str]:
        """Post what is new in a table; why rows of it could not be taken. Raises OutcomeInvalid and what posting does."""
        url = self._look_up(truth.url) if truth.url else ""
        if truth.url and not url:
            raise errors.OutcomeInvalid(
                f"{truth.url} holds no address.", cure="Have it in the environment that Tidegate is started in, or in that file."
            )
        found: list[str] = []
        with Book(self._place.truths, endpoint) as book:
            number = 0
            for rows in asking.rows(truth, url, book.begin(truth)):
                if truth.watermark and truth.watermark not in rows[0]:
                    raise errors.OutcomeInvalid(
                        f"the query has no column {truth.watermark}.", cure="Correct `outcomes.watermark`."
                    )
                entries, refusals = [], []
                for row in book.fresh(rows):
                    number += 1
                    try:
                        entries.append(posts.entry({"endpoint": endpoint} | row, f"row {number}"))
                    except errors.OutcomeInvalid as wrong:
                        refusals.append((str(wrong), row))
                if entries:
                    self._post(entries)
                if refusals:
                    book.refuse(now, refusals)
                    found += [words for words, _ in refusals]
                book.reach(rows, truth.watermark)
        return found


def _alarms(endpoint: str, asked: Asked, now: float) -> Iterator[alarms.Alarm]:
    words = asked.trouble
    if not words and asked.began and now - asked.began > LONG_SECONDS:
        words = f"the table has not answered for {(now - asked.began) / 60:.0f} minutes. Look at the query, or at its database."
    if words:
        since, following = asked.since or now, "tidegate logs monitor"
        yield alarms.Alarm(alarms.Kind.OUTCOMES, endpoint, f"outcomes do not come: {words}", since, "query", next=following)
    elif asked.refused:
        words = (
            f"{asked.refused:,} {'row' if asked.refused == 1 else 'rows'} of the table cannot be taken, such as {asked.example}"
        )
        following = f"tidegate feedback {endpoint} --rejected"
        yield alarms.Alarm(alarms.Kind.OUTCOMES, endpoint, words, asked.since, "rows", next=following)


def _digest(row: dict[str, Any]) -> bytes:
    return hashlib.blake2b(_json(row).encode(), digest_size=12).digest()


def _json(row: dict[str, Any]) -> str:
    return msgspec.json.encode(row, enc_hook=str, order="sorted").decode()


def _written(value: Any) -> str:
    """A watermark with its type, so that it is asked for as it was told."""
    kind = next((name for name, kind in _KINDS.items() if isinstance(value, kind)), "text")
    return msgspec.json.encode((kind, value if kind in {"int", "float"} else _worded(value))).decode()


def _worded(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.date) else str(value)


def _read(written: str) -> Any:
    kind, value = msgspec.json.decode(written)
    return _READ[kind](value)


_KINDS: dict[str, type] = {"datetime": dt.datetime, "date": dt.date, "int": int, "float": float, "decimal": decimal.Decimal}
_READ: dict[str, Callable[[Any], Any]] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "int": int,
    "float": float,
    "decimal": decimal.Decimal,
    "text": str,
}
