"""The prediction log by second of arrival: how one version's live requests ended, how long its model took, what came of them.

One pass, in pieces of a quarter of an hour, so memory grows with the time that is read (40 MB a day) and with what is not yet
recorded, and not with requests. Called by `control.batch`. Not here: what is made of the counts (`core.stats.thinning`).
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import thinning
from tidegate.core.vocabulary import arms, home, ids, marks, records, sums, tables
from tidegate.dataplane.predlog import outcomes, parquet, reader

PIECE_SECONDS = 900
_AT_ONCE = 10_000
_COLUMNS = ("arrived", "version", "mark", "model_us", "bin", "alone")
_BACK_SECONDS = (86_400.0, 30 * 86_400.0, math.inf)
_EDGES = np.array([marks.latency_edge(bucket) for bucket in range(marks.LATENCY_BUCKETS - 1)])
_READ = "read_parquet($files, union_by_name = true, hive_partitioning = false)"
_WITHIN = "role = $role AND id BETWEEN $least AND $most"
_json = msgspec.json.Decoder()
_Columns = dict[str, npt.NDArray[Any]]


class Wanted(msgspec.Struct, frozen=True):
    """Whose requests, of when."""

    endpoint: str
    version: int
    """Ordinal of the version drawn."""
    span: tuple[float, float]
    """Unix seconds of arrival, from and to."""
    outcomes: tables.Outcomes = tables.Outcomes()
    """Outcomes count when they came within its label age; with an age of 0 none are read."""


class Read(msgspec.Struct, frozen=True):
    """What was found."""

    seconds: thinning.Seconds | None
    """From the first request's second to the last one's; None where there is none."""
    others: int = 0
    """Live requests of the endpoint in that time that were drawn for another version."""


def latest(place: home.Home, endpoint: str, version: int, until: float) -> float:
    """When the version's newest live request by a Unix time arrived, in Unix seconds; 0 where the log has none."""
    _, most = ids.between(0.0, until)
    fresh = (one.arrived_ns for one in _live(place, endpoint) if one.version == version and one.id <= most)
    found = max(fresh, default=0) / 1e9
    ask = f"SELECT max(epoch_ns(arrived)) AS at FROM {_READ} WHERE {_WITHIN} AND version = $version"  # noqa: S608
    for back in _BACK_SECONDS:
        ends = ids.between(max(0.0, until - back), until)
        files = {"files": reader.anew(place.log, parquet.PREDICTIONS, endpoint, *ends)}
        rows = reader.answer(ask, _given(*ends) | {"version": version}, files, lambda told: told.fetchall())
        if rows and rows[0][0]:
            return max(found, float(rows[0][0]) / 1e9)
    return found


def read(place: home.Home, wanted: Wanted) -> Read:
    """The counts of a version's live requests. Raises StoreUnavailable when the log's catalogue cannot be read."""
    gathered = _Gathered(wanted)
    least, most = ids.between(*wanted.span)
    # Segments first: what the recorder moves to Parquet in between is then seen twice and counted once, never missed.
    fresh: list[str] = []
    told: set[bytes] = set()
    for record in reader.unrecorded(place):
        if isinstance(record, records.Outcome):
            if record.role == arms.Role.LIVE and not record.metric:
                told.add(record.id)
        elif record.role == arms.Role.LIVE and record.endpoint == wanted.endpoint and least <= record.id <= most:
            fresh.append(ids.text(record.id))
            gathered.add(record)
    gathered.flush()
    for begin in range(gathered.begin, gathered.end, PIECE_SECONDS):
        first, after = ids.first(begin * 1_000), ids.last((begin + PIECE_SECONDS) * 1_000 - 1)
        piece = max(least, first), min(most, after)
        if (columns := _piece(place, wanted, piece, fresh)) is not None:
            gathered.take(columns)
        if wanted.outcomes.within_seconds > 0:
            for prediction, heard in _labelled(place, wanted, piece, told):
                gathered.label(prediction, heard)
    if wanted.outcomes.within_seconds > 0:
        late = sorted(one for one in told if least <= one <= most)
        for predictions, given in reader.requests(place, late):
            gathered.hear(predictions, given)
    return gathered.found()


class _Answered(msgspec.Struct, frozen=True):
    """Of a prediction what its outcome is held against."""

    arrived_ns: int
    mark: int
    answers: tuple[outcomes.Answer, ...]


class _Gathered:
    """The counts as they grow."""

    def __init__(self, wanted: Wanted) -> None:
        self.begin, self.end = math.floor(wanted.span[0]), math.floor(wanted.span[1]) + 1
        self._wanted = wanted
        self._counts = np.zeros((self.end - self.begin, thinning.WIDTH), np.int32)
        self._others = np.zeros(self.end - self.begin, np.int64)
        self._waiting: list[tuple[int, int, int, int, int, int]] = []

    def add(self, one: records.Prediction) -> None:
        """One that is in a segment: counted with others, once there are many or at `flush`."""
        self._waiting.append((one.arrived_ns, one.version, one.mark, one.model_us, one.bin, one.rows == one.batch_rows))
        if len(self._waiting) >= _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Count what was added."""
        if self._waiting:
            self.take(dict(zip(_COLUMNS, np.array(self._waiting, np.int64).T, strict=True)))
            self._waiting.clear()

    def take(self, columns: _Columns) -> None:
        """Many, by column."""
        at = columns["arrived"] // 10**9 - self.begin
        inside = (at >= 0) & (at < len(self._counts))
        mine = inside & (columns["version"] == self._wanted.version)
        np.add.at(self._others, at[inside & ~mine], 1)
        at, mark, took, bins, alone = (one[mine] for one in (at, *(columns[name] for name in _COLUMNS[2:])))
        np.add.at(self._counts, (at, thinning.MARKS.start + mark), 1)
        ended_well = mark == marks.Mark.OK
        timed = ended_well & (took > 0) & (alone != 0)  # as gateways count: of a call for this request alone
        np.add.at(self._counts, (at[timed], thinning.LATENCY.start + np.searchsorted(_EDGES, took[timed])), 1)
        binned = ended_well & (bins >= 0) & (bins < sums.BINS)
        np.add.at(self._counts, (at[binned], thinning.BINS.start + bins[binned]), 1)

    def hear(self, predictions: Iterable[records.Prediction], heard: Iterable[records.Outcome]) -> None:
        """Predictions with all outcomes that came, of which each row's first of a label version counts."""
        told: dict[bytes, list[outcomes.Heard]] = {}
        for of in reader.first_heard(list(heard)):
            told.setdefault(of.id, []).append(outcomes.Heard(of.row, of.label_version, of.label, of.received_ns))
        for one in predictions:
            if (one.endpoint, one.version) == (self._wanted.endpoint, self._wanted.version):
                self.label(_Answered(one.arrived_ns, one.mark, one.answers), told.get(one.id, []))

    def label(self, prediction: _Answered, heard: list[outcomes.Heard]) -> None:
        """Count what came of one, where it is known within the label age; neutral marks are in no cohort."""
        at, rule = prediction.arrived_ns // 10**9 - self.begin, self._wanted.outcomes
        if not 0 <= at < len(self._counts) or prediction.mark in marks.NEUTRAL:
            return
        failed, until = prediction.mark in marks.BAD, prediction.arrived_ns + int(rule.within_seconds * 1e9)
        wrong = outcomes.mark(rule, outcomes.Given(prediction.answers, failed), heard, until)
        if wrong is not None:
            self._counts[at, thinning.FAILED if failed else thinning.WRONG if wrong else thinning.RIGHT] += 1

    def found(self) -> Read:
        """Cut to where there are requests."""
        there = np.flatnonzero(self._counts[:, thinning.MARKS].any(axis=1))
        if not there.size:
            return Read(None)
        first, last = int(there[0]), int(there[-1]) + 1
        return Read(thinning.Seconds(self.begin + first, self._counts[first:last]), int(self._others[first:last].sum()))


def _piece(place: home.Home, wanted: Wanted, piece: tuple[bytes, bytes], fresh: list[str]) -> _Columns | None:
    ask = (
        f"SELECT epoch_ns(arrived) AS arrived, version, mark, model_us, bin, rows = batch_rows AS alone FROM {_READ}"  # noqa: S608
        f" WHERE {_WITHIN} AND id NOT IN (SELECT unnest($fresh::VARCHAR[]))"
    )
    given = _given(*piece) | {"fresh": fresh}
    files = {"files": reader.anew(place.log, parquet.PREDICTIONS, wanted.endpoint, *piece)}
    return reader.answer(ask, given, files, lambda told: told.fetchnumpy())


def _labelled(
    place: home.Home, wanted: Wanted, piece: tuple[bytes, bytes], told: set[bytes]
) -> Iterator[tuple[_Answered, list[outcomes.Heard]]]:
    """The recorded predictions of a time whose outcomes are all recorded, too."""
    ask = (
        "SELECT one.id, epoch_ns(one.arrived), one.mark, one.answers, heard.row, heard.label_version, heard.label,"  # noqa: S608
        f" epoch_ns(heard.received) AS received FROM {_READ} AS one"
        " JOIN read_parquet($told, union_by_name = true, hive_partitioning = false) AS heard ON heard.id = one.id"
        " WHERE one.role = $role AND one.version = $version AND one.id BETWEEN $least AND $most"
        " AND heard.role = $role AND heard.metric = '' AND heard.id BETWEEN $least AND $most"
        " AND one.id NOT IN (SELECT unnest($later::VARCHAR[])) ORDER BY one.id, received, heard.sequence"
    )
    least, most = piece
    later = [ids.text(one) for one in told if least <= one <= most]
    given = _given(least, most) | {"version": wanted.version, "later": later}
    files = {
        "told": reader.anew(place.log, parquet.OUTCOMES, "", *piece),
        "files": reader.anew(place.log, parquet.PREDICTIONS, wanted.endpoint, *piece),
    }
    rows = reader.answer(ask, given, files, lambda found: found.fetchall()) or []
    for _, of in itertools.groupby(rows, key=lambda row: row[0]):
        some = list(of)
        heard = [outcomes.Heard(row[4], row[5], _json.decode(row[6]), row[7]) for row in some]
        yield _Answered(some[0][1], some[0][2], tuple(_json.decode(some[0][3]))), heard


def _live(place: home.Home, endpoint: str) -> Iterator[records.Prediction]:
    for one in reader.unrecorded(place):
        if isinstance(one, records.Prediction) and one.endpoint == endpoint and one.role == arms.Role.LIVE:
            yield one


def _given(least: bytes, most: bytes) -> dict[str, Any]:
    return {"role": int(arms.Role.LIVE), "least": ids.text(least), "most": ids.text(most)}
