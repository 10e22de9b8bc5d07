"""Whom predictions were about and when, for ground truth that names these instead of a prediction's id.

An outcome (key, time) is that of the key's latest prediction at that time or before, within the endpoint's lookback. The key is
what requests stick by, or an input column (`outcomes.key`); the time is when the request came, or an input column
(`outcomes.time`). Two predictions of one key at the same time cannot be told apart: such an outcome is put aside, not guessed.

About 80 bytes a row predicted, in the catalogue's database, kept for the lookback and a month (`within`, where that is longer).
Called by `joins`, and by the recorder.
"""

import collections
import logging
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import arms, assignment, ids, instants, records, tables
from tidegate.dataplane.predlog import catalogue
from tidegate.observability.joining import quarantine
from tidegate.observability.reading import bodies

LATEST_SECONDS = 30 * 86_400.0
"""How long after what it is about an outcome may come at the least."""
FORGET_SECONDS = 3_600.0
_TABLES = """
CREATE TABLE IF NOT EXISTS entity (endpoint TEXT, key BLOB, at_ns INTEGER, id BLOB, "row" INTEGER,
  PRIMARY KEY (endpoint, key, at_ns, id, "row")) WITHOUT ROWID;
"""
Rule = Callable[[str], tables.Outcomes]
log = logging.getLogger(__name__)
_Entry = tuple[str, bytes, int, bytes, int]
"""(endpoint, hash of the key, Unix nanoseconds, prediction id, row)."""


class Entities:
    """The recorder's index."""

    def __init__(self, connection: sqlite3.Connection, reader: bodies.Reader) -> None:
        """Make the table where there is none. `reader`: of inputs, by the signatures of their bundles."""
        self._connection = connection
        connection.executescript(_TABLES)
        self._reader = reader
        self._forgot_at = 0.0

    def take(self, predictions: Iterable[records.Prediction], rule: Rule) -> None:
        """Note whom these are about, where their endpoint takes outcomes by key."""
        groups: dict[tuple[str, str], list[records.Prediction]] = collections.defaultdict(list)
        for one in predictions:
            if one.role == arms.Role.LIVE:
                groups[one.endpoint, one.digest].append(one)
        for (endpoint, _), several in groups.items():
            wanted = rule(endpoint)
            if wanted.lookback_seconds:
                self._connection.executemany(
                    "INSERT OR IGNORE INTO entity VALUES (?, ?, ?, ?, ?)", list(self._entries(several, wanted))
                )

    def _entries(self, several: Sequence[records.Prediction], wanted: tables.Outcomes) -> Iterator[_Entry]:
        names = [name for name in (wanted.key, wanted.time) if name]
        read = self._read(several, names) if names else {}
        for place, one in enumerate(several):
            columns = read.get(place, {})
            # Rows that stick by one key cannot be told apart: two are enough to say so.
            rows = len(columns.get(names[0], ())) if names else min(one.rows, 2)
            for row in range(rows):
                key = assignment.digest(assignment.worded(columns[wanted.key][row])) if wanted.key else one.key_hash
                at = instants.parse(columns[wanted.time][row]) if wanted.time else one.arrived_ns
                if key and at is not None and not (wanted.key and not assignment.worded(columns[wanted.key][row])):
                    yield one.endpoint, key, at, one.id, row

    def _read(self, several: Sequence[records.Prediction], names: Sequence[str]) -> dict[int, dict[str, list[Any]]]:
        try:
            read = self._reader.inputs(several).each(names)
        except Exception:  # a fault of ours with one input: it would come again with every restart, and stop the whole log
            log.exception("inputs cannot be matched by", extra={"endpoint": several[0].endpoint, "digest": several[0].digest})
            return {}
        return {place: found for place, found in read.items() if all(name in found for name in names)}

    def match(self, one: records.Outcome, wanted: tables.Outcomes) -> records.Outcome | str:
        """The outcome with the prediction that it is for, or the reason why there is none (`quarantine`)."""
        if one.at_ns > one.received_ns + instants.SKEW_NS:
            return quarantine.CLOCK
        rows = self._connection.execute(
            'SELECT at_ns, id, "row" FROM entity WHERE endpoint = ? AND key = ? AND at_ns BETWEEN ? AND ?'
            " ORDER BY at_ns DESC LIMIT 2",
            (one.endpoint, one.key_hash, one.at_ns - int(wanted.lookback_seconds * 1e9), one.at_ns),
        ).fetchall()
        if not rows:
            return quarantine.UNMATCHED
        if len(rows) > 1 and rows[0][0] == rows[1][0]:
            return quarantine.AMBIGUOUS
        return msgspec.structs.replace(one, id=rows[0][1], row=rows[0][2], key_hash=b"")

    def of(self, endpoint: str, key_hash: bytes) -> set[bytes]:
        """The predictions that are known to be about a key."""
        rows = self._connection.execute("SELECT DISTINCT id FROM entity WHERE endpoint = ? AND key = ?", (endpoint, key_hash))
        return {row[0] for row in rows}

    def erase(self, endpoint: str, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget whom these predictions were about; how many rows that were of each."""
        return catalogue.erase(self._connection, "entity", gone, endpoint)

    def expire(self, now: float, rules: Rule) -> None:
        """Forget, once an hour, what no outcome can be for any more."""
        if not instants.passed(self._forgot_at, now, FORGET_SECONDS):
            return
        self._forgot_at = now
        for (endpoint,) in self._connection.execute("SELECT DISTINCT endpoint FROM entity").fetchall():
            rule = rules(endpoint)
            kept = rule.lookback_seconds + max(LATEST_SECONDS, rule.within_seconds)
            cut = ids.uuid7(max(0, int((now - kept) * 1e3)), 0)
            self._connection.execute("DELETE FROM entity WHERE endpoint = ? AND id < ?", (endpoint, cut))
