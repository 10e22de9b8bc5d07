"""Sketches of columns by endpoint, version and hour, beside their profiles and in the same transaction.

Of numbers a few hundred values themselves are in one, no longer joined to any row. Hours are kept for a week and then become
days. Called by `hourly`, which reads the values, and by `references`.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from tidegate.core.stats import logspace, seasons, sketches
from tidegate.core.vocabulary import profiles
from tidegate.dataplane.predlog import catalogue

HOURS_KEPT = 8 * seasons.DAY
DAYS_KEPT = 100 * seasons.DAY
_TABLE = """
CREATE TABLE IF NOT EXISTS sketch (endpoint TEXT, hour INTEGER, version INTEGER, name TEXT, numeric INTEGER, told BLOB,
  PRIMARY KEY (endpoint, hour, version, name)) WITHOUT ROWID;
"""
_Key = tuple[str, int, int]
"""(endpoint, version, hour)"""


class Sketches:
    """What is taken in is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the table where there is none."""
        self._connection = connection
        connection.executescript(_TABLE)
        self._open: dict[tuple[_Key, str], sketches.Sketch] = {}

    def numbers(self, key: _Key, name: str, values: logspace.Floats) -> None:
        """Take finite numbers of a column in."""
        found = self._open.get((key, name))
        if not isinstance(found, sketches.Numbers):
            found = self._open[key, name] = sketches.Numbers()
        found.add(values)

    def words(self, key: _Key, name: str, values: Iterable[str]) -> None:
        """Take different values of a column in."""
        found = self._open.get((key, name))
        if not isinstance(found, sketches.Words):
            found = self._open[key, name] = sketches.Words()
        found.add(values)

    def save(self) -> None:
        """Add what was taken to what there is of its hours."""
        for ((endpoint, version, hour), name), more in self._open.items():
            self._put((endpoint, hour, version, name), more)
        self._open.clear()

    def _put(self, key: tuple[str, int, int, str], more: sketches.Sketch) -> None:
        row = self._connection.execute(
            "SELECT numeric, told FROM sketch WHERE endpoint = ? AND hour = ? AND version = ? AND name = ?", key
        ).fetchone()
        whole = _added(_read(*row), more) if row else more
        told = (*key, int(isinstance(whole, sketches.Numbers)), whole.packed())
        self._connection.execute("INSERT OR REPLACE INTO sketch VALUES (?, ?, ?, ?, ?, ?)", told)

    def drop(self, endpoint: str, name: str) -> None:
        """Forget a column."""
        for key, of in [one for one in self._open if one[0][0] == endpoint and one[1] == name]:
            del self._open[key, of]
        self._connection.execute("DELETE FROM sketch WHERE endpoint = ? AND name = ?", (endpoint, name))

    def fold(self, now: float) -> None:
        """Hours that are old become days, and days that are very old go."""
        self._connection.execute("DELETE FROM sketch WHERE hour < ?", (seasons.floor(now - DAYS_KEPT, seasons.DAY),))
        before = seasons.floor(now - HOURS_KEPT, seasons.DAY)
        rows = self._connection.execute(
            "SELECT * FROM sketch WHERE hour < ? AND hour % ? != 0 ORDER BY endpoint, hour", (before, seasons.DAY)
        ).fetchall()
        for endpoint, hour, version, name, numeric, told in rows:
            self._put((endpoint, seasons.floor(hour, seasons.DAY), version, name), _read(numeric, told))
            self._connection.execute(
                "DELETE FROM sketch WHERE endpoint = ? AND hour = ? AND version = ? AND name = ?", (endpoint, hour, version, name)
            )


def known(connection: sqlite3.Connection) -> bool:
    """Whether the catalogue has sketches: one from before there were any has not."""
    return catalogue.has(connection, "sketch")


def read(
    connection: sqlite3.Connection,
    endpoint: str,
    times: Iterable[tuple[int, int, frozenset[int] | None]],
    frames: Mapping[str, profiles.Frame],
) -> dict[str, sketches.Sketch]:
    """By column, what was seen in these times: (since, until, versions), None being all."""
    found: dict[str, sketches.Sketch] = {}
    for since, until, versions in times:
        rows = connection.execute(
            "SELECT name, numeric, told, version FROM sketch WHERE endpoint = ? AND hour >= ? AND hour < ?",
            (endpoint, since, until),
        )
        for name, numeric, told, version in rows:
            if (versions is None or version in versions) and name in frames and frames[name].numeric == bool(numeric):
                one = _read(numeric, told)
                found[name] = _added(found[name], one) if name in found else one
    return found


def _read(numeric: int, told: bytes) -> sketches.Sketch:
    return sketches.Numbers(told) if numeric else sketches.Words(told)


def _added(one: sketches.Sketch, other: sketches.Sketch) -> sketches.Sketch:
    """The sum; of two kinds the later one."""
    if isinstance(one, sketches.Numbers) and isinstance(other, sketches.Numbers):
        one.merge(other)
        return one
    if isinstance(one, sketches.Words) and isinstance(other, sketches.Words):
        one.merge(other)
        return one
    return other
