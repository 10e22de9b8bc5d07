"""Predictions that show what an alarm is about: their ids, from the log."""

import duckdb

from tidegate.core.vocabulary import arms, home, ids, marks
from tidegate.dataplane.predlog import parquet, reader

MOST = 5
_OK = int(marks.Mark.OK)
_FROM = " FROM read_parquet($files, union_by_name = true, hive_partitioning = false) WHERE version = $version AND role = $role"


def marked(place: home.Home, endpoint: str, ordinal: int, mark: int, since: float) -> tuple[str, ...]:
    """The newest with this mark since a Unix time."""
    return _ids(place, endpoint, since, "SELECT id" + _FROM + " AND mark = $mark ORDER BY id DESC", (ordinal, mark))


def slow(place: home.Home, endpoint: str, ordinal: int, since: float) -> tuple[str, ...]:
    """The slowest of those that were answered since a Unix time."""
    return _ids(place, endpoint, since, "SELECT id" + _FROM + " AND mark = $mark ORDER BY total_us DESC", (ordinal, _OK))


def _ids(place: home.Home, endpoint: str, since: float, ask: str, wanted: tuple[int, int]) -> tuple[str, ...]:
    begins, ends = ids.first(max(0, int(since * 1e3))), b"\xff" * 16
    given = {"version": wanted[0], "mark": wanted[1], "role": int(arms.Role.LIVE)}
    files = {"files": reader.anew(place.log, parquet.PREDICTIONS, endpoint, begins, ends)}
    try:
        found = reader.answer(f"{ask} LIMIT {MOST}", given, files, lambda answered: answered.fetchall())
    except (duckdb.Error, OSError):
        return ()
    return tuple(str(row[0]) for row in found or ())
