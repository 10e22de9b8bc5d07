"""Losses of labelled predictions, counted by bucket in the cells of the label sums: which cell, says `labels`.

Every labelled prediction of an endpoint whose outcomes are measured is in one bucket of its cell. The bucket is noted with its id
for as long as it waits for outcomes, so that a correction moves the count instead of adding one, whenever the recorder is
killed. Kept in the catalogue's database, committed with everything else. Called by `labels`.
"""

import collections
import sqlite3
from collections.abc import Sequence

from tidegate.dataplane.predlog import catalogue

_TABLES = """
CREATE TABLE IF NOT EXISTS loss (cohort INTEGER, span INTEGER, tick INTEGER, bucket INTEGER, count INTEGER,
  PRIMARY KEY (cohort, span, tick, bucket)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS measured (id BLOB PRIMARY KEY, bucket INTEGER) WITHOUT ROWID;
"""
_OLD = "span = 1 AND tick < ? AND cohort IN (SELECT number FROM cohort WHERE of = ?)"
Histogram = tuple[tuple[int, int], ...]
"""(bucket, count), ascending, none of them 0."""


class Histograms:
    """The counts. What `put` counts is in memory until `save`; which bucket an id is in is in the transaction at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none."""
        self._connection = connection
        connection.executescript(_TABLES)
        self._counts: dict[tuple[int, int, int], int] = {}

    def put(self, identifier: bytes, cohort: int, tick: int, bucket: int | None) -> None:
        """Count a prediction of this cell in this bucket (None: in none any more), and no more in the one it was in."""
        found = self._connection.execute("SELECT bucket FROM measured WHERE id = ?", (identifier,)).fetchone()
        before = found[0] if found else None
        if before == bucket:
            return
        for at, more in ((before, -1), (bucket, 1)):
            if at is not None:
                key = (cohort, tick, at)
                self._counts[key] = self._counts.get(key, 0) + more
        if bucket is None:
            self._connection.execute("DELETE FROM measured WHERE id = ?", (identifier,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO measured VALUES (?, ?)", (identifier, bucket))

    def save(self) -> None:
        """Put what was counted into the transaction under way."""
        rows = [(*key, count) for key, count in self._counts.items()]
        self._connection.executemany(
            "INSERT INTO loss (cohort, span, tick, bucket, count) VALUES (?, 1, ?, ?, ?)"
            " ON CONFLICT DO UPDATE SET count = count + excluded.count",
            rows,
        )
        self._counts.clear()

    def of(self, release: int, since: int, before: int) -> dict[tuple[int, int, int], Histogram]:
        """A release's, by (cohort, span, tick), from the tick `since` on and ended by `before`; call `save` before."""
        rows = self._connection.execute(
            "SELECT cohort, span, tick, bucket, count FROM loss WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)"
            " AND span IN (1, 60) AND tick >= ? AND tick + span <= ? AND count > 0 ORDER BY cohort, span, tick, bucket",
            (release, since, before),
        )
        found: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
        for cohort, span, tick, bucket, count in rows:
            found.setdefault((cohort, span, tick), []).append((bucket, count))
        return {cell: tuple(counts) for cell, counts in found.items()}

    def fold(self, release: int, until: int) -> None:
        """Fold a release's ticks before this one, the first of a minute, into minutes; call `save` before."""
        self._connection.execute(
            "INSERT INTO loss SELECT cohort, 60, tick / 60 * 60, bucket, sum(count)"  # noqa: S608
            f" FROM loss WHERE {_OLD} GROUP BY cohort, tick / 60, bucket HAVING sum(count) > 0",
            (until, release),
        )
        self._connection.execute(f"DELETE FROM loss WHERE {_OLD}", (until, release))  # noqa: S608

    def forget(self, release: int) -> None:
        """Forget a release."""
        gone = "DELETE FROM loss WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)"
        self._connection.execute(gone, (release,))

    def erase(self, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget the buckets of these predictions; how many there were of each."""
        return catalogue.erase(self._connection, "measured", gone)

    def expire(self, cut: bytes) -> None:
        """Forget the buckets of predictions before this id."""
        self._connection.execute("DELETE FROM measured WHERE id < ?", (cut,))
