"""Bins that are called by a value which somebody had who was erased: they stay while twenty other rows of the log have it.

What a column's frame calls its bins by are its commonest values. Which of them were in rows that went is noted in the transaction
with which these go; then the log is looked through, the newest file first, until enough others are found. A bin of which there
are too few becomes a part of the last one, of all other values, in every hour. Called by the recorder, nothing being open.
"""

import collections
import logging
import pathlib
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tidegate.core.stats import counting
from tidegate.core.vocabulary import ids, profiles
from tidegate.dataplane.predlog import catalogue, columns, intact, parquet
from tidegate.observability.profiling import hourly
from tidegate.observability.reading import outputs

BUSY_SECONDS = 0.5
_TABLE = (
    "CREATE TABLE IF NOT EXISTS doubt (endpoint TEXT, name TEXT, label TEXT, PRIMARY KEY (endpoint, name, label)) WITHOUT ROWID"
)
_ANSWERS = "answers"
log = logging.getLogger(__name__)
_Labels = dict[str, set[str]]
"""By column, values that bins are called by."""


class Doubts:
    """Of all endpoints. How far the log has been looked through is in memory: a restart begins with the newest file."""

    def __init__(self, folder: pathlib.Path, known: catalogue.Catalogue, counted: hourly.Profiles) -> None:
        """Make the table where there is none. `folder`: the log's."""
        self._log, self._known, self._counted = folder, known, counted
        known.connection.execute(_TABLE)
        self._looked: dict[str, set[str]] = collections.defaultdict(set)
        """By endpoint, paths of files that have been looked through."""
        self._found: collections.Counter[tuple[str, str, str]] = collections.Counter()

    @property
    def pending(self) -> bool:
        """Whether there are any."""
        return bool(self._known.connection.execute("SELECT 1 FROM doubt LIMIT 1").fetchone())

    def cast(self, file: parquet.File, gone: Sequence[bytes]) -> None:
        """Note which bins rows of a file have that are to go; in the caller's transaction. Raises pyarrow.ArrowException."""
        endpoint = file.partition.endpoint
        frames = self._counted.frames(endpoint).items()
        labels = {name: set(frame.classes) for name, frame in frames if frame.classes}
        shown = pa.array([ids.text(one) for one in gone], pa.string())
        for name, words in self._words(file, labels, lambda rows: pc.is_in(rows["id"], shown)):
            held = [(endpoint, name, word) for word in words if word in labels[name]]
            self._known.connection.executemany("INSERT OR IGNORE INTO doubt VALUES (?, ?, ?)", held)
        self._looked.pop(endpoint, None)
        self._found = collections.Counter({key: count for key, count in self._found.items() if key[0] != endpoint})

    def settle(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Go on looking for others, for a while. Raises OSError and sqlite3.Error."""
        until = clock() + BUSY_SECONDS
        while clock() < until and (due := self._due()):
            endpoint, labels = due
            files = self._known.files(parquet.PREDICTIONS, endpoint)
            left = [file for file in files if file.path not in self._looked[endpoint]]
            if left:
                self._look_through(max(left, key=lambda file: file.last), labels)
            else:
                self._decide(endpoint, labels)

    def _due(self) -> tuple[str, _Labels] | None:
        """An endpoint with what is in doubt there; what is in none any more is let go."""
        found: dict[str, _Labels] = {}
        for endpoint, name, label in self._known.connection.execute("SELECT * FROM doubt").fetchall():
            if self._found[endpoint, name, label] < profiles.FEWEST_ALIKE:
                found.setdefault(endpoint, {}).setdefault(name, set()).add(label)
            else:
                row = (endpoint, name, label)
                self._known.connection.execute("DELETE FROM doubt WHERE endpoint = ? AND name = ? AND label = ?", row)
        return next(iter(found.items()), None)

    def _look_through(self, file: parquet.File, labels: _Labels) -> None:
        endpoint = file.partition.endpoint
        self._looked[endpoint].add(file.path)
        try:
            for name, words in self._words(file, labels):
                self._found.update({(endpoint, name, label): words[label] for label in labels[name] if label in words})
        except (pa.ArrowException, OSError) as broken:
            if not intact.is_damage(broken):
                raise
            log.warning("a file cannot be looked through", extra={"file": file.path, "why": str(broken)})

    def _words(
        self, file: parquet.File, names: Iterable[str], chosen: Callable[[pa.Table], pa.Array] | None = None
    ) -> Iterator[tuple[str, dict[str, int]]]:
        """By column, how often each value is in a file, in the rows that are chosen."""
        there = set(pq.read_schema(self._log / file.path).names)
        for name in names:
            column = _column(name)
            if column in there:
                rows = pq.read_table(self._log / file.path, columns=["id", column], partitioning=None)
                held = (rows.filter(chosen(rows)) if chosen else rows)[column]
                yield name, counting.worded(_values(held))[0]

    def _decide(self, endpoint: str, labels: _Labels) -> None:
        self._known.begin()
        for name, few in labels.items():
            self._counted.unname(endpoint, name, few)
        self._known.connection.execute("DELETE FROM doubt WHERE endpoint = ?", (endpoint,))
        self._known.commit()
        self._looked.pop(endpoint, None)
        log.info("bins of values that too few have are a part of others", extra={"endpoint": endpoint, "columns": sorted(labels)})


def _column(name: str) -> str:
    """What a profiled column is called in the log."""
    if name == profiles.PREDICTION:
        return _ANSWERS
    return outputs.column(name) if profiles.is_output(name) else columns.PREFIX + name


def _values(column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_list(column.type):
        return pc.list_flatten(column).to_pylist()  # type: ignore[no-any-return]
    return [value for row in column.to_pylist() for value in parquet.answers(row)]
