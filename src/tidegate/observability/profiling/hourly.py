"""Profiles of what was asked and answered, by endpoint, version and hour: the recorder's part of watching for drift.

Every live request that was answered well counts with all of its rows: each input column that the model's signature names,
`prediction`, which is its answer, and what else its outputs say (`outputs`). How values are told apart (a column's frame) is
learned from the data that came with the first model, else from the column's first values, and kept for good, so that hours,
versions and seasons can be added up and compared; first values that teach are counted nowhere. Where inputs are not logged there
are predictions and outputs only.

Kept in the catalogue's database, so that profiles, places and files are committed together. Called by the recorder.
Not here: reading them (`profiled`).
"""

import collections
import logging
import sqlite3
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import msgspec
import numpy as np

from tidegate.core.stats import counting, logspace, seasons
from tidegate.core.vocabulary import arms, instants, keeping, marks, profiles, records
from tidegate.observability.profiling import baselines, profiled, sketching
from tidegate.observability.reading import bodies, outputs

TEACH = 1_000
"""Values from which a column's frame is learned."""
HOURS_KEPT = 100 * seasons.DAY
"""How old an hour becomes before it is a part of its day; days stay."""
COLUMNS = 1_000
"""Columns of an endpoint at the most; what is beyond is not profiled."""
_TABLES = """
CREATE TABLE IF NOT EXISTS frame (endpoint TEXT, name TEXT, told BLOB, PRIMARY KEY (endpoint, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS profile (endpoint TEXT, version INTEGER, hour INTEGER, told BLOB,
  PRIMARY KEY (endpoint, version, hour)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS profile_by_hour ON profile (endpoint, hour);
CREATE TABLE IF NOT EXISTS profiled (endpoint TEXT, version INTEGER, digest TEXT, PRIMARY KEY (endpoint, version)) WITHOUT ROWID;
"""
log = logging.getLogger(__name__)
_pack = msgspec.msgpack.Encoder().encode

Values = dict[str, list[Any]]
Reading = Callable[[Sequence[records.Prediction]], dict[str, Any]]
"""Inputs and outputs of requests to one bundle by column, all rows one after the other."""
_Key = tuple[str, int, int]
"""(endpoint, version, hour)"""


def _everything(_: str) -> keeping.Keeping:
    return keeping.ALL


class Profiles:
    """What the recorder counts. What `take` adds is in memory until `save`."""

    def __init__(self, connection: sqlite3.Connection, reader: bodies.Reader) -> None:
        """Make the tables where there are none, and load the frames. `reader`: of inputs, and it says where the bundles are."""
        self._connection = connection
        prepare(connection)
        self._reader = reader
        self._baselines = baselines.Baselines(reader.folder)
        self._frames: dict[str, dict[str, profiles.Frame]] = collections.defaultdict(dict)
        for (endpoint,) in connection.execute("SELECT DISTINCT endpoint FROM frame").fetchall():
            self._frames[endpoint] = profiled.frames(connection, endpoint)
        self._sketches = sketching.Sketches(connection)
        self._folded_at = 0.0
        self._teaching: dict[tuple[str, str], list[Any]] = {}
        self._met: set[tuple[str, str]] = set()
        """(endpoint, digest) of which something was counted."""
        self._values: dict[_Key, Values] = collections.defaultdict(lambda: collections.defaultdict(list))
        self._numbers: dict[_Key, dict[str, list[logspace.Floats]]] = collections.defaultdict(
            lambda: collections.defaultdict(list)
        )
        """Of outputs, which come as arrays."""
        self._rows: collections.Counter[_Key] = collections.Counter()

    def take(
        self,
        predictions: Iterable[records.Prediction],
        keeps: Callable[[str], keeping.Keeping] = _everything,
        read: Reading | None = None,
    ) -> None:
        """Count these. `keeps`: what an endpoint keeps of inputs; what it veils is counted nowhere.

        `read`: where inputs and outputs are read, if not in the records themselves.
        """
        groups: dict[tuple[_Key, str], list[records.Prediction]] = collections.defaultdict(list)
        for one in predictions:
            if one.role == arms.Role.LIVE and one.mark == marks.Mark.OK:
                hour = one.arrived_ns // 10**9 // seasons.HOUR * seasons.HOUR
                groups[(one.endpoint, one.version, hour), one.digest].append(one)
        for (key, digest), several in groups.items():
            if (key[0], digest) not in self._met:
                self._adopt(key[0], digest, keeps(key[0]).veiled)
            self._connection.execute("INSERT OR IGNORE INTO profiled VALUES (?, ?, ?)", (*key[:2], digest))
            begin = 0
            while begin < len(several):
                # One by one while anything is learned, so that no more values teach than have to.
                end = len(several) if self._learned(key[0], digest) else begin + 1
                self._take(key, several[begin:end], keeps(key[0]).veiled, read or self._told)
                self._met.add((key[0], digest))
                begin = end

    def _learned(self, endpoint: str, digest: str) -> bool:
        """Whether all columns of a bundle have their frames."""
        return (endpoint, digest) in self._met and not any(of == endpoint for of, _ in self._teaching)

    def _take(self, key: _Key, several: Sequence[records.Prediction], veiled: frozenset[str], read: Reading) -> None:
        """Count requests of one key that were drawn for one bundle."""
        endpoint, frames = key[0], self._frames[key[0]]
        answers = [answer for one in several for answer in one.answers]
        self._rows[key] += sum(one.rows for one in several) if profiles.PREDICTION in frames else 0
        for name, values in (*read(several).items(), (profiles.PREDICTION, answers)):
            if name in veiled:
                continue
            if name in frames:
                self._keep(key, name, values)
            elif len(frames) < COLUMNS:
                self._teach(endpoint, name, values)
            else:
                self._teaching.pop((endpoint, name), None)

    def _keep(self, key: _Key, name: str, values: Sequence[Any]) -> None:
        if isinstance(values, np.ndarray):
            self._numbers[key][name].append(values)
        else:
            self._values[key][name] += values

    def _told(self, several: Sequence[records.Prediction]) -> dict[str, Any]:
        return self._columns(several) | outputs.read(self._reader, several).values

    def _columns(self, several: Sequence[records.Prediction]) -> dict[str, list[Any]]:
        try:
            return self._reader.inputs(several).columns
        except Exception:  # a fault of ours with one input: it would come again with every restart, and stop the whole log
            if len(several) > 1:
                return _chained([self._columns([one]) for one in several])
            log.exception("an input is in no profile", extra={"endpoint": several[0].endpoint, "digest": several[0].digest})
            return {}

    def _adopt(self, endpoint: str, digest: str, veiled: frozenset[str]) -> None:
        """Take the frames of columns that have none yet from the data that came with the model."""
        for name, frame in baselines.taught(self._baselines.of(digest)).items():
            if name not in self._frames[endpoint] and name not in veiled and len(self._frames[endpoint]) < COLUMNS:
                self._learn(endpoint, frame)

    def _learn(self, endpoint: str, frame: profiles.Frame) -> None:
        self._frames[endpoint][frame.name] = frame
        self._teaching.pop((endpoint, frame.name), None)
        self._connection.execute("INSERT OR REPLACE INTO frame VALUES (?, ?, ?)", (endpoint, frame.name, _pack(frame)))

    def _teach(self, endpoint: str, name: str, values: Sequence[Any]) -> None:
        seen = self._teaching.setdefault((endpoint, name), [])
        seen.extend(values)
        if len(seen) >= TEACH:
            self._learn(endpoint, counting.framed(name, seen))

    def frames(self, endpoint: str) -> dict[str, profiles.Frame]:
        """Those that an endpoint has, by column. Not to be changed."""
        return self._frames[endpoint]

    def note(self, key: tuple[str, int, int], frame: profiles.Frame, values: Sequence[Any]) -> None:
        """Count values that are made of a request, as a column with a frame of its own, in (endpoint, version, hour)."""
        frames = self._frames[key[0]]
        if frame.name not in frames and len(frames) < COLUMNS:
            self._learn(key[0], frame)
        if frames.get(frame.name) == frame:
            self._values[key][frame.name] += values

    def drop(self, endpoint: str, name: str) -> None:
        """Forget a column: its frame, which was made of values, and what was counted by it."""
        self._teaching.pop((endpoint, name), None)
        for held in (self._values, self._numbers):
            for key, values in held.items():
                if key[0] == endpoint:
                    values.pop(name, None)
        if self._frames[endpoint].pop(name, None) is None:
            return
        self._sketches.drop(endpoint, name)
        self._connection.execute("DELETE FROM frame WHERE endpoint = ? AND name = ?", (endpoint, name))
        self._change(endpoint, lambda columns: columns.pop(name, None) is not None)

    def unname(self, endpoint: str, name: str, labels: Collection[str]) -> None:
        """Have these values of a column in the bin of all others from now on, in every hour; nothing may be unsaved."""
        frame = self._frames[endpoint].get(name)
        if frame is None or not set(labels) & set(frame.classes):
            return

        def changed(columns: dict[str, profiles.Column]) -> bool:
            if name in columns:
                columns[name] = counting.renamed(frame, labels, columns[name])
            return name in columns

        self._change(endpoint, changed)
        left = tuple(one for one in frame.classes if one not in labels)
        self._learn(endpoint, msgspec.structs.replace(frame, classes=left))

    def _change(self, endpoint: str, change: Callable[[dict[str, profiles.Column]], bool]) -> None:
        """Have what was counted by column another, wherever `change` has changed it."""
        rows = self._connection.execute("SELECT version, hour, told FROM profile WHERE endpoint = ?", (endpoint,)).fetchall()
        for version, hour, told in rows:
            known = profiled.profile(told)
            if change(known.columns):
                row = (endpoint, version, hour, _pack(known))
                self._connection.execute("INSERT OR REPLACE INTO profile VALUES (?, ?, ?, ?)", row)

    def forget(self, endpoint: str, since: int, until: int) -> None:
        """Forget what was counted of the hours that begin in this time (Unix seconds); nothing may be unsaved."""
        for table in ("profile", "sketch"):
            self._connection.execute(
                f"DELETE FROM {table} WHERE endpoint = ? AND hour >= ? AND hour < ?",  # noqa: S608
                (endpoint, since, until),
            )

    def save(self) -> None:
        """Add what was taken to the profiles of its hours."""
        for key, rows in (+self._rows).items():
            frames = self._frames[key[0]]
            taken: dict[str, Any] = {name: np.concatenate(seen) for name, seen in self._numbers[key].items()}
            taken |= self._values[key]
            self._add(key, profiles.Profile(rows, {name: self._counted(key, frames[name], seen) for name, seen in taken.items()}))
        self._values.clear()
        self._numbers.clear()
        self._rows.clear()
        self._sketches.save()

    def _counted(self, key: _Key, frame: profiles.Frame, seen: Sequence[Any]) -> profiles.Column:
        """Values in the bins of their frame, and in the sketch of their hour."""
        if frame.numeric:
            numbers, nulls, broken = counting.numbered(seen)
            self._sketches.numbers(key, frame.name, numbers)
            return counting.binned(frame, numbers, nulls, broken)
        words, nulls = counting.worded(seen)
        self._sketches.words(key, frame.name, words)
        return counting.classed(frame, words, nulls)

    def fold(self, now: float) -> None:
        """Hours that are old become days, once an hour."""
        if not instants.passed(self._folded_at, now, seasons.HOUR):
            return
        self._folded_at = now
        self._sketches.fold(now)
        before = seasons.floor(now - HOURS_KEPT, seasons.DAY)
        old = self._connection.execute(
            "SELECT endpoint, version, hour, told FROM profile WHERE hour < ? AND hour % ? != 0", (before, seasons.DAY)
        ).fetchall()
        for endpoint, version, hour, told in old:
            self._add((endpoint, version, seasons.floor(hour, seasons.DAY)), profiled.profile(told))
            self._connection.execute(
                "DELETE FROM profile WHERE endpoint = ? AND version = ? AND hour = ?", (endpoint, version, hour)
            )

    def _add(self, key: _Key, more: profiles.Profile) -> None:
        known = self._connection.execute(
            "SELECT told FROM profile WHERE endpoint = ? AND version = ? AND hour = ?", key
        ).fetchone()
        whole = profiled.profile(known[0]) + more if known else more
        self._connection.execute("INSERT OR REPLACE INTO profile VALUES (?, ?, ?, ?)", (*key, _pack(whole)))


def _chained(parts: Iterable[dict[str, list[Any]]]) -> dict[str, list[Any]]:
    whole: dict[str, list[Any]] = collections.defaultdict(list)
    for part in parts:
        for name, values in part.items():
            whole[name] += values
    return whole


def prepare(connection: sqlite3.Connection) -> None:
    """Make the tables where there are none."""
    connection.executescript(_TABLES)
