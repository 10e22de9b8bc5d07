"""Posted metrics, and `right`: the sums that an A/B comparison is made from, one value a unit, by the arm drawn.

The unit is the sticky key where a prediction has one, else the prediction. Who counts, in full:

- live predictions of a release's evidence generations, whatever became of them: the arm drawn is the arm counted;
- a posted metric: each unit's first value that is read, whenever it came. So a value has to be posted for units to which nothing
  happened, too (0 for who did not buy), or the two arms' buyers are compared and not their visitors. The metric that a test is
  decided by is kept within its range, and crossed with its covariate, by `crossing`;
- `right`: the mark of the unit's first prediction in the release, as it stands at the label age; shown, like the label sums, once
  the tick it arrived in is closed. Endpoints without a label age have none.

A value may name a sticky key instead of a prediction: it goes to the latest evidence generation in which that key was drawn. Kept
in the catalogue's database, committed with everything else. Called by `joins` and the recorder.
"""

import collections
import logging
import sqlite3
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import arms, records, sums
from tidegate.dataplane.predlog import catalogue
from tidegate.observability.joining import crossing, labels

MOST = 16
"""Posted metrics of one release."""
LARGEST = 1e100
"""A value beyond counts nowhere: its square would be no number."""
_FOLDED = 0
"""The tick that values without one, and those of closed ticks long ago, are counted in."""
_TABLES = """
CREATE TABLE IF NOT EXISTS keyed (id BLOB PRIMARY KEY, unit BLOB, first INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claimed (of INTEGER, unit BLOB, PRIMARY KEY (of, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS assigned (endpoint TEXT, unit BLOB, cohort INTEGER, arrived_ns INTEGER, PRIMARY KEY (endpoint, unit))
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS metric (number INTEGER PRIMARY KEY, of INTEGER, name TEXT, UNIQUE (of, name));
CREATE TABLE IF NOT EXISTS posted (metric INTEGER, unit BLOB, PRIMARY KEY (metric, unit)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS value (cohort INTEGER, metric INTEGER, tick INTEGER, count INTEGER, total REAL, squares REAL,
  PRIMARY KEY (cohort, metric, tick)) WITHOUT ROWID;
"""
log = logging.getLogger(__name__)


class _Cell(msgspec.Struct):
    """What was added to one cell since the last save."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0


class Values:
    """The sums. What is counted is in memory until `save`; which units have counted is in the transaction at once."""

    def __init__(self, connection: sqlite3.Connection, cohorts: labels.Cohorts) -> None:
        """Make the tables where there are none, and load the names."""
        self._connection, self._cohorts = connection, cohorts
        connection.executescript(_TABLES)
        self._metrics: dict[tuple[int, str], int] = {}
        self._metrics |= {(of, name): number for number, of, name in connection.execute("SELECT number, of, name FROM metric")}
        self._crossing = crossing.Crossing(connection)
        self._cells: dict[tuple[int, int, int], _Cell] = {}
        self._changes: dict[int, int] = {}
        self._refused: set[tuple[int, str]] = set()
        self._let_go: set[int] = set()

    def predict(self, one: records.Prediction, cohort: labels.Cohort) -> None:
        """Note the unit of a prediction that has a sticky key."""
        if not one.key_hash or not cohort.evidence or not cohort.of.release or one.role != arms.Role.LIVE:
            return
        claim = (cohort.of.number, one.key_hash)
        first = self._connection.execute("INSERT OR IGNORE INTO claimed VALUES (?, ?)", claim).rowcount
        self._connection.execute("INSERT OR IGNORE INTO keyed VALUES (?, ?, ?)", (one.id, one.key_hash, first))
        self._connection.execute(
            "INSERT INTO assigned VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET cohort = excluded.cohort,"
            " arrived_ns = excluded.arrived_ns WHERE excluded.arrived_ns > arrived_ns",
            (one.endpoint, one.key_hash, cohort.number, one.arrived_ns),
        )

    def erase(self, gone: Sequence[bytes]) -> collections.Counter[bytes]:
        """Forget the units of these predictions; how many there were of each."""
        return catalogue.erase(self._connection, "keyed", gone)

    def erase_key(self, endpoint: str, key_hash: bytes) -> int:
        """Forget a unit of an endpoint: one that comes back is a new one. How many rows that were."""
        ours = "of IN (SELECT number FROM release WHERE endpoint = ?)"
        metrics = f"metric IN (SELECT number FROM metric WHERE {ours})"  # noqa: S608
        count = self._connection.execute("DELETE FROM assigned WHERE endpoint = ? AND unit = ?", (endpoint, key_hash)).rowcount
        for table, where in (("claimed", ours), ("held", ours), ("posted", metrics)):
            gone = f"DELETE FROM {table} WHERE {where} AND unit = ?"  # noqa: S608
            count += self._connection.execute(gone, (endpoint, key_hash)).rowcount
        return count

    def again(self, one: records.Prediction) -> None:
        """Note the unit of a prediction that comes back from the log, long after its cohort."""
        if one.key_hash:
            self._connection.execute("INSERT OR IGNORE INTO keyed VALUES (?, ?, 0)", (one.id, one.key_hash))

    def assigned(self, endpoint: str, key_hash: bytes) -> labels.Cohort | None:
        """The cohort that a key was drawn in last; None where none of its predictions has been read."""
        found = self._connection.execute(
            "SELECT cohort FROM assigned WHERE endpoint = ? AND unit = ?", (endpoint, key_hash)
        ).fetchone()
        return self._cohorts.numbered(found[0]) if found else None

    def moved(self, cohort: labels.Cohort, identifier: bytes, arrived_ns: int, marks: tuple[int, int]) -> None:
        """A prediction in an open tick went from one mark to another (0 unlabelled, 1 right, 2 wrong)."""
        before, after = marks
        if before == after or not cohort.evidence or not self._unit(identifier)[1]:
            return
        labelled, right = (after > 0) - (before > 0), (after == 1) - (before == 1)
        self._add((cohort, self._number(cohort, sums.RIGHT), arrived_ns // 1_000_000_000), labelled, float(right), float(right))

    def post(self, cohort: labels.Cohort, one: records.Outcome) -> bool:
        """Count a posted value for its unit; whether it is the first (one that is no evidence is taken, and counts nowhere)."""
        if not cohort.evidence or not cohort.of.release or isinstance(one.label, str) or abs(one.label) > LARGEST:
            return True
        unit = one.key_hash or self._unit(one.id)[0]
        number = self._number(cohort, one.metric)
        if not number:
            return True
        if not self._connection.execute("INSERT OR IGNORE INTO posted VALUES (?, ?)", (number, unit)).rowcount:
            return False
        value = self._crossing.take(cohort, one.metric, unit, one.label)
        self._add((cohort, number, _FOLDED), 1, value, value * value)
        return True

    def _unit(self, identifier: bytes) -> tuple[bytes, bool]:
        """A prediction's unit, and whether it is its unit's first."""
        found = self._connection.execute("SELECT unit, first FROM keyed WHERE id = ?", (identifier,)).fetchone()
        return (found[0], bool(found[1])) if found else (identifier, True)

    def _number(self, cohort: labels.Cohort, name: str) -> int:
        """A metric's number; 0 for one too many."""
        key = (cohort.of.number, name)
        if key in self._metrics:
            return self._metrics[key]
        posted = sum(of == key[0] and known != sums.RIGHT for of, known in self._metrics)
        if name != sums.RIGHT and posted >= MOST:
            if key not in self._refused and len(self._refused) < 1_000:
                self._refused.add(key)
                log.warning("a release has too many metrics", extra={"release": cohort.of.release, "metric": name, "most": MOST})
            return 0
        row = self._connection.execute("INSERT INTO metric (of, name) VALUES (?, ?) RETURNING number", key).fetchone()
        self._metrics[key] = int(row[0])
        return self._metrics[key]

    def _add(self, where: tuple[labels.Cohort, int, int], count: int, total: float, squares: float) -> None:
        cohort, number, tick = where
        cell = self._cells.setdefault((cohort.number, number, tick), _Cell())
        cell.count += count
        cell.total += total
        cell.squares += squares
        self._changes[cohort.of.number] = self._changes.get(cohort.of.number, 0) + 1

    def save(self) -> None:
        """Put what was counted into the transaction under way."""
        rows = [(*key, cell.count, cell.total, cell.squares) for key, cell in self._cells.items()]
        self._connection.executemany(
            "INSERT INTO value VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count,"
            " total = total + excluded.total, squares = squares + excluded.squares",
            rows,
        )
        self._cells.clear()
        self._crossing.save()

    def version(self, tracked: labels.Tracked) -> int:
        """Changes when `told` may have, besides by the closing of ticks."""
        return self._changes.get(tracked.number, 0)

    def told(self, tracked: labels.Tracked) -> tuple[sums.Values, ...]:
        """A release's metrics by name and weight; call `save` before."""
        rows = self._connection.execute(
            "SELECT name, weight, arm, sum(count), sum(total), sum(squares) FROM value JOIN metric ON metric = metric.number"
            " JOIN cohort ON value.cohort = cohort.number WHERE cohort.of = ? AND (name != ? OR tick < ?)"
            " GROUP BY name, weight, arm ORDER BY name, weight",
            (tracked.number, sums.RIGHT, tracked.closed_before),
        )
        found: dict[tuple[str, int], dict[int, sums.Moments]] = {}
        measured, crossed = tracked.rule.measured, self._crossing.told(tracked)
        for name, weight, arm, *moments in rows:
            more = crossed.get((weight, arm), ()) if name == measured.metric else ()
            found.setdefault((name, weight), {})[arm] = sums.Moments(*moments, *more)
        none = sums.Moments()
        return tuple(
            sums.Values(
                *(name, weight, both.get(arms.Arm.CANDIDATE, none), both.get(arms.Arm.STABLE, none)),
                limits=measured.limits if name == measured.metric else None,
            )
            for (name, weight), both in found.items()
        )

    def fold(self) -> None:
        """Count what is closed together, and forget the units of releases long ended; call `save` before."""
        for tracked in self._cohorts.kept():
            number = self._metrics.get((tracked.number, sums.RIGHT))
            if number is None:
                continue
            closed = (number, _FOLDED, tracked.closed_before)
            rows = self._connection.execute(
                "SELECT cohort, metric, sum(count), sum(total), sum(squares) FROM value"
                " WHERE metric = ? AND tick > ? AND tick < ? GROUP BY cohort",
                closed,
            ).fetchall()
            self._connection.execute("DELETE FROM value WHERE metric = ? AND tick > ? AND tick < ?", closed)
            for cohort, metric, *moments in rows:
                self._cells[cohort, metric, _FOLDED] = _Cell(*moments)
        self.save()
        for tracked in self._cohorts.ended():
            if tracked.number not in self._let_go:
                self._let_go.add(tracked.number)
                self._forget(tracked.number)

    def _forget(self, of: int) -> None:
        for gone in (
            "DELETE FROM claimed WHERE of = ?",
            "DELETE FROM assigned WHERE cohort IN (SELECT number FROM cohort WHERE of = ?)",
            "DELETE FROM posted WHERE metric IN (SELECT number FROM metric WHERE of = ?)",
            "DELETE FROM value WHERE metric IN (SELECT number FROM metric WHERE of = ?)",
        ):
            self._connection.execute(gone, (of,))
        self._crossing.forget(of)

    def expire(self, cut: bytes) -> None:
        """Forget the units of predictions before this id."""
        self._connection.execute("DELETE FROM keyed WHERE id < ?", (cut,))
