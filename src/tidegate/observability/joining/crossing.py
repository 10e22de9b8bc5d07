"""The metric that a test is decided by: kept within its range, and crossed with its covariate, unit by unit.

A range is a promise of whoever wrote the file; a value that breaks it would make an exact interval false. So it enters as the
nearer end of the range and is counted as clipped: the interval is then exactly that of the clipped metric, and says how many
there were.

A unit's metric and covariate are posted one by one, in any order and as far apart as may be. What came first is held until the
other comes; then both are in the sums once, in the cohort that the metric's value was counted in. A unit that never gets both
is in none of them. Which of several values counts has been decided before (`values`): the first of each.

Kept in the catalogue's database, like `values`, which calls it.
"""

import sqlite3

import msgspec

from tidegate.core.vocabulary import sums, tables
from tidegate.observability.joining import labels

_TABLES = """
CREATE TABLE IF NOT EXISTS held (of INTEGER, unit BLOB, cohort INTEGER, value REAL, PRIMARY KEY (of, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS crossed (cohort INTEGER PRIMARY KEY, clipped INTEGER, count INTEGER, total REAL, covariate REAL,
  squares REAL, products REAL);
"""
_COVARIATE = 0
"""In place of the cohort, where it is the covariate that is held."""


class _Cell(msgspec.Struct):
    """What was added to one cohort since the last save."""

    clipped: int = 0
    count: int = 0
    total: float = 0.0
    covariate: float = 0.0
    squares: float = 0.0
    products: float = 0.0


class Crossing:
    """The sums. What is counted is in memory until `save`; what is held is in the transaction at once."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        """Make the tables where there are none."""
        self._connection = connection
        connection.executescript(_TABLES)
        self._cells: dict[int, _Cell] = {}

    def take(self, cohort: labels.Cohort, metric: str, unit: bytes, value: float) -> float:
        """A unit's first value of a metric, which counts; as it is to be summed."""
        measured = cohort.of.rule.measured
        if metric == measured.metric:
            value = self._within(cohort, measured, value)
        if measured.covariate and metric in (measured.metric, measured.covariate):
            self._cross(cohort, metric == measured.covariate, unit, value)
        return value

    def _within(self, cohort: labels.Cohort, measured: tables.Measured, value: float) -> float:
        if measured.limits is None:
            return value
        low, high = measured.limits
        if not low <= value <= high:
            self._cell(cohort.number).clipped += 1
        return min(max(value, low), high)

    def _cross(self, cohort: labels.Cohort, is_covariate: bool, unit: bytes, value: float) -> None:
        of = cohort.of.number
        other = self._connection.execute("SELECT cohort, value FROM held WHERE of = ? AND unit = ?", (of, unit)).fetchone()
        if other is None:
            held = (of, unit, _COVARIATE if is_covariate else cohort.number, value)
            self._connection.execute("INSERT INTO held VALUES (?, ?, ?, ?)", held)
            return
        self._connection.execute("DELETE FROM held WHERE of = ? AND unit = ?", (of, unit))
        y, x, number = (other[1], value, other[0]) if is_covariate else (value, other[1], cohort.number)
        cell = self._cell(number)
        cell.count += 1
        cell.total += y
        cell.covariate += x
        cell.squares += x * x
        cell.products += x * y

    def _cell(self, number: int) -> _Cell:
        return self._cells.setdefault(number, _Cell())

    def save(self) -> None:
        """Put what was counted into the transaction under way."""
        rows = [(number, *msgspec.structs.astuple(cell)) for number, cell in self._cells.items()]
        self._connection.executemany(
            "INSERT INTO crossed VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET clipped = clipped + excluded.clipped,"
            " count = count + excluded.count, total = total + excluded.total, covariate = covariate + excluded.covariate,"
            " squares = squares + excluded.squares, products = products + excluded.products",
            rows,
        )
        self._cells.clear()

    def told(self, tracked: labels.Tracked) -> dict[tuple[int, int], tuple[int, sums.Crossed]]:
        """By (weight, arm): how many of the metric's values were clipped, and the crossed sums; call `save` before."""
        rows = self._connection.execute(
            "SELECT weight, arm, sum(clipped), sum(count), sum(total), sum(covariate), sum(squares), sum(products)"
            " FROM crossed JOIN cohort ON crossed.cohort = cohort.number WHERE cohort.of = ? GROUP BY weight, arm",
            (tracked.number,),
        )
        return {(weight, arm): (clipped, sums.Crossed(*crossed)) for weight, arm, clipped, *crossed in rows}

    def forget(self, of: int) -> None:
        """Let go of a release that ended long ago."""
        self._connection.execute("DELETE FROM held WHERE of = ?", (of,))
        self._connection.execute("DELETE FROM crossed WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)", (of,))
