"""Retention: days of the log that ended longer ago than their endpoint keeps them are deleted, whole.

First the outcomes of the day's predictions, wherever they are, then the day itself, its objects, and the endpoint's profiles and
explanations of that time. No sink is waited for: what one has not got by then is noted. The catalogue goes first, so that a kill
leaves files that do not count and are swept up; each day is one erasure.
Called by the recorder, when nothing is open in its transaction.
"""

import datetime as dt
import logging
import shutil
from collections.abc import Mapping, Sequence

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from tidegate.core.vocabulary import erasures, home, instants, keeping
from tidegate.dataplane.predlog import catalogue, engine, erasing, explained, intact, objects, parquet, recorded, shipped
from tidegate.observability.recording import mending

EVERY_SECONDS = 600.0
log = logging.getLogger(__name__)
_Day = tuple[str, str]
"""Endpoint and UTC day."""
_Missing = tuple[shipped.Position, catalogue.Missed]
"""A sink, and what it never gets."""


class Expiring:
    """All endpoints'."""

    def __init__(self, place: home.Home, known: catalogue.Catalogue) -> None:
        self._home, self._known = place, known
        self._looked_at = 0.0
        self._clean: set[tuple[str, str]] = set()
        """(endpoint, path) of outcomes in which nothing old is posted for a key of that endpoint."""
        self._hearing: set[tuple[str, str]] = set()
        """(endpoint, to) of sinks that get outcomes."""

    def look(self, keepings: Mapping[str, keeping.Keeping], name: str, now: float) -> None:
        """Delete what is due at Unix time `now` (`believing`). `name`: the beginning of new files' names.

        Raises OSError and sqlite3.Error.
        """
        if not instants.passed(self._looked_at, now, EVERY_SECONDS):
            return
        self._looked_at = now
        self._hearing = {(name, one.to) for name, told in keepings.items() for one in told.sinks if one.outcomes}
        days: dict[_Day, list[parquet.File]] = {}
        for file in self._known.files(parquet.PREDICTIONS):
            told = keepings.get(file.partition.endpoint, keeping.ALL)
            if told.expired(ended(file.partition.day), now):
                days.setdefault((file.partition.endpoint, file.partition.day), []).append(file)
        for number, ((endpoint, day), files) in enumerate(sorted(days.items())):
            self._delete(endpoint, day, files, f"{name}-x{number}", now)
        for endpoint, told in keepings.items():
            if told.retention_seconds:
                self._forget(endpoint, now - told.retention_seconds)
                explained.expire(self._home.explanations, endpoint, before=parquet.day(now - told.retention_seconds))

    def _delete(self, endpoint: str, day: str, files: list[parquet.File], name: str, now: float) -> None:
        rows = sum(file.rows for file in files)
        outcomes = self._outcomes(files, name)
        missing = self._missing([one for one in shipped.positions(self._home.log) if one.endpoint == endpoint], files)
        identifier = f"expired-{endpoint}-{day}"
        told = erasures.Told(identifier, endpoint, erasures.EXPIRED, day, now, now, predictions=rows, outcomes=outcomes)
        folder = objects.folder(self._home.log, endpoint, day)
        kept = sum(1 for _ in folder.glob("*"))
        erasures.write(self._home.erasures, erasures.TOLD, msgspec.structs.replace(told, objects=kept))
        self._known.begin()
        self._known.drop(files)
        self._miss(missing)
        self._known.tally({"expired": rows, "expired_outcomes": outcomes})
        self._known.commit()
        for file in files:
            (self._home.log / file.path).unlink(missing_ok=True)
        for gone in (folder, self._home.log / files[0].partition.folder):  # what lies aside, damaged, goes too
            shutil.rmtree(gone, ignore_errors=True)
        log.info("a day of the log is not kept any more", extra={"endpoint": endpoint, "day": day, "predictions": rows})

    def _missing(
        self, sinks: Sequence[shipped.Position], files: list[parquet.File], gone: erasing.Gone | None = None
    ) -> list[_Missing]:
        """Which of these sinks have not got all of these files' rows, or of those that go, and what they never get."""
        found = ((one, recorded.missed(self._home.log, files, one.moment, gone)) for one in sinks)
        return [(one, missed) for one, missed in found if missed.rows]

    def _miss(self, missing: Sequence[_Missing]) -> None:
        """Note it, in the transaction that has the rows count no more."""
        for one, missed in missing:
            self._known.miss(one.endpoint, one.to, missed)

    def _outcomes(self, files: list[parquet.File], name: str) -> int:
        """Take the outcomes of these files' predictions out of theirs; how many they were."""
        least, most = min(file.first for file in files), max(file.last for file in files)
        count = 0
        for number, file in enumerate(self._known.files(parquet.OUTCOMES, least=least, most=most)):
            gone = self._shared(file, files)
            count += self._without(file, _of_ids(gone), f"{name}-{number}") if gone else 0
        return count

    def _shared(self, outcomes: parquet.File, predictions: list[parquet.File]) -> list[str]:
        """Ids that a file of outcomes has in common with files of predictions."""
        ask = (
            "SELECT DISTINCT id FROM read_parquet($of, hive_partitioning = false) WHERE id IN"
            " (SELECT id FROM read_parquet($days, hive_partitioning = false))"
        )
        given = {"of": str(self._home.log / outcomes.path), "days": [str(self._home.log / file.path) for file in predictions]}
        try:
            with engine.asked() as connection:
                return [row[0] for row in connection.execute(ask, given).fetchall()]
        except duckdb.Error as broken:  # `mending` sets it aside; what it holds has lost its prediction
            log.warning("outcomes cannot be looked through", extra={"file": outcomes.path, "why": str(broken)})
            return []

    def _without(self, file: parquet.File, gone: erasing.Gone, name: str) -> int:
        try:
            new, went = erasing.without(self._home.log, name, file, gone)
        except (pa.ArrowException, OSError) as broken:
            if not intact.is_damage(broken):
                raise
            why = intact.differs(self._home.log, file)
            if why:  # what can be saved of it is a new file, which is looked through the next time
                mending.set_aside(self._known, file, why, name)
            log.warning("outcomes cannot be looked through", extra={"file": file.path, "why": str(broken)})
            return 0
        if went.num_rows:
            hearing = [one for one in shipped.positions(self._home.log) if (one.endpoint, one.to) in self._hearing]
            missing = self._missing(hearing, [file], gone)
            self._known.begin()
            self._known.drop([file])
            self._known.add([new] if new else [])
            self._miss(missing)
            self._known.commit()
            (self._home.log / file.path).unlink(missing_ok=True)
        return int(went.num_rows)

    def _forget(self, endpoint: str, until: float) -> None:
        """Profiles of hours before this Unix time, and values that were posted for keys."""
        for number, file in enumerate(self._known.files(parquet.OUTCOMES)):
            if ended(file.partition.day) < until and (endpoint, file.path) not in self._clean:
                self._clean.add((endpoint, file.path))
                self._without(file, lambda table: _of_keys(table, endpoint), f"{int(until)}-k{number}-{file.level}")
        self._known.begin()
        for table in ("profile", "sketch", "odd"):
            self._known.connection.execute(f"DELETE FROM {table} WHERE endpoint = ? AND hour < ?", (endpoint, int(until)))  # noqa: S608
        self._known.commit()


def _of_ids(gone: list[str]) -> erasing.Gone:
    mine = pa.array(gone, pa.string())
    return lambda table: pc.is_in(table["id"], mine)


def _of_keys(table: pa.Table, endpoint: str) -> pa.Array:
    """The rows that name a key of this endpoint instead of a prediction."""
    if "key_hash" not in table.schema.names:
        return pa.array([False] * table.num_rows)
    return pc.fill_null(pc.and_(pc.equal(table["endpoint"], endpoint), pc.not_equal(table["key_hash"], "")), False)


def ended(day: str) -> float:
    """The Unix time at which a UTC day ended."""
    return dt.datetime.fromisoformat(f"{day}T00:00:00+00:00").timestamp() + keeping.DAY
