"""Predictions of a time with the truth that was heard of them, as columns: what performance is computed from.

One row a row predicted, live requests only; a request that got no answer counts with the rows it asked for, unanswered. Of two
outcomes for one row and label version the one received first counts; the highest label version speaks, and the row's lag is that
of the first label of any version. Labels that cannot be held against an answer are passed over, as the recorder does.

By DuckDB over the Parquet files; what is in segments only (the last seconds) is not in it. Of more than `MOST` rows an even
sample by request is read. Called by the monitors of performance and the command line.
"""

import math
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.vocabulary import arms, errors, home, ids, marks, tables
from tidegate.dataplane.predlog import columns, outcomes, parquet, posts, reader

MOST = 1_000_000
"""Rows, of which a million takes a few seconds and some hundred megabytes."""
NEUTRAL = tuple(int(one) for one in marks.NEUTRAL)
_UNLABELLED = math.nan
_answers = msgspec.json.Decoder(list[float | str | None]).decode
_label = msgspec.json.Decoder(float | str).decode
Floats = npt.NDArray[np.float64]
_Columns = dict[str, npt.NDArray[Any]]


class Rows(msgspec.Struct, frozen=True):
    """Columns of the same length, by time of arrival."""

    version: npt.NDArray[np.int64]
    """The version drawn: the answer is its own, whoever answered the client."""
    at: Floats
    """Unix seconds of arrival."""
    answer: npt.NDArray[np.object_]
    """A number, a word, or None where the arm gave none."""
    label: npt.NDArray[np.object_]
    """Likewise; None where nothing was heard."""
    lag: Floats
    """Seconds from arrival to the first label, never below 0; NaN where there is none."""
    segment: npt.NDArray[np.object_]
    """The value of the column asked for, in words; empty where none was."""
    id: npt.NDArray[np.bytes_]
    """The prediction's, 36 characters (ASCII)."""
    row: npt.NDArray[np.int64]
    drawn: npt.NDArray[np.bool_]
    """Whether only the labelling queue brought its truth: `lag` is else that of the first label that came by itself."""
    sampled: int = 1
    """One request in so many was read."""

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Of which rows truth was heard."""
        return ~np.isnan(self.lag)

    def of(self, wanted: npt.NDArray[np.bool_]) -> "Rows":
        """These rows only."""
        names = [field.name for field in msgspec.structs.fields(self) if field.name != "sampled"]
        return Rows(**{name: getattr(self, name)[wanted] for name in names}, sampled=self.sampled)

    def until(self, then: float) -> "Rows":
        """As they stood at a Unix time: without the predictions and labels that came later."""
        rows = self.of(self.at <= then)
        late = rows.at + np.nan_to_num(rows.lag) > then
        lag, label = rows.lag.copy(), rows.label.copy()
        lag[late], label[late] = math.nan, None
        return msgspec.structs.replace(rows, lag=lag, label=label)

    def __len__(self) -> int:
        return int(self.at.size)


def read(
    place: home.Home, endpoint: str, rule: tables.Outcomes, span: tuple[float, float], segment: str = "", most: int = MOST
) -> Rows:
    """The rows of an endpoint that arrived between two Unix times; `segment` is an input column. Of more than `most` a sample.

    Raises SpecInvalid for a column that the log does not have, StoreUnavailable.
    """
    ends = [ids.uuid7(max(0, int(at * 1e3)), chance) for at, chance in zip(span, (0, (1 << 74) - 1), strict=True)]
    told = {"least": ids.text(ends[0]), "most": ids.text(ends[1]), "role": int(arms.Role.LIVE)}

    def files() -> dict[str, list[str]]:
        return {"predictions": reader.paths(place.log, parquet.PREDICTIONS, endpoint, *ends)}

    def both() -> dict[str, list[str]]:
        return files() | {"outcomes": reader.paths(place.log, parquet.OUTCOMES, "", *ends)}

    column = _column(segment, reader.answer(_NAMES, {}, files, _named) or set())
    counted = reader.answer(_COUNT, told, files, _first) or 0
    one_in = max(1, math.ceil(counted / most))
    asked = _PREDICTIONS.replace("SEGMENT", column)
    found = reader.answer(asked, {**told, "one_in": one_in}, files, _columns)
    if found is None or not found["id"].size:
        return _empty()
    heard = reader.answer(_OUTCOMES, {**told, "one_in": one_in}, both, _columns)
    return _joined(found, heard, rule, one_in)


def copies(place: home.Home, endpoint: str, span: tuple[float, float]) -> dict[str, list[outcomes.Answer]]:
    """What mirrored copies of these requests answered, by prediction id. Raises StoreUnavailable."""
    ends = [ids.uuid7(max(0, int(at * 1e3)), chance) for at, chance in zip(span, (0, (1 << 74) - 1), strict=True)]
    told = {"least": ids.text(ends[0]), "most": ids.text(ends[1]), "role": int(arms.Role.SHADOW)}

    def files() -> dict[str, list[str]]:
        return {"predictions": reader.paths(place.log, parquet.PREDICTIONS, endpoint, *ends)}

    found = reader.answer(f"SELECT id, answers {_LIVE}", told, files, _columns)
    if found is None:
        return {}
    return {name: _answers(text) for name, text in zip(found["id"].tolist(), found["answers"].tolist(), strict=True)}


_NAMES = (
    "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet($predictions, union_by_name = true, hive_partitioning = false))"
)
_LIVE = (
    "FROM read_parquet($predictions, union_by_name = true, hive_partitioning = false)"
    f" WHERE role = $role AND id BETWEEN $least AND $most AND mark NOT IN ({', '.join(map(str, NEUTRAL)) or '-1'})"
)
_COUNT = f"SELECT coalesce(sum(greatest(rows, 1)), 0)::BIGINT {_LIVE}"
_SAMPLED = f"{_LIVE} AND hash(id) % $one_in = 0"
_PREDICTIONS = f"SELECT id, version, epoch_ns(arrived) AS at, mark, rows, answers, SEGMENT AS segment {_SAMPLED} ORDER BY id"
_OUTCOMES = (
    "WITH asked AS (SELECT id " + _SAMPLED + "), first AS ("  # noqa: S608
    ' SELECT id, "row", label_version, arg_min(label, (received, sequence)) AS label,'
    " min(epoch_ns(received)) AS received,"
    f" min(epoch_ns(received)) FILTER (NOT starts_with(request_id, '{posts.LABELLING}')) AS came"
    " FROM read_parquet($outcomes, union_by_name = true, hive_partitioning = false)"
    " WHERE metric = '' AND coalesce(key_hash, '') = '' AND role = $role AND id BETWEEN $least AND $most"
    " AND id IN (SELECT id FROM asked)"
    ' GROUP BY id, "row", label_version)'
    ' SELECT id, "row", label, received, coalesce(came, -1) AS came FROM first ORDER BY id, "row", label_version'
)


def _named(told: Any) -> set[str]:
    return {row[0] for row in told.fetchall()}


def _first(told: Any) -> int:
    return int(told.fetchone()[0])


def _columns(told: Any) -> _Columns:
    found: _Columns = told.fetchnumpy()
    return found


def _column(segment: str, there: set[str]) -> str:
    if not segment:
        return "NULL::VARCHAR[]"
    name = f"{columns.PREFIX}{segment}"
    if there and name not in there:
        known = ", ".join(sorted(one.removeprefix(columns.PREFIX) for one in there if one.startswith(columns.PREFIX)))
        raise errors.SpecInvalid(
            f"no input of this time has a column {segment}.", cure=f"There are: {known}." if known else "Inputs are not logged."
        )
    quoted = name.replace('"', '""')
    return f'CAST("{quoted}" AS VARCHAR[])'


def _joined(found: _Columns, heard: _Columns | None, rule: tables.Outcomes, one_in: int) -> Rows:
    requests = found["id"].astype("S36")
    answered = [
        _answers(text) if mark == marks.Mark.OK else []
        for text, mark in zip(found["answers"].tolist(), found["mark"].tolist(), strict=True)
    ]
    asked = np.maximum(1, found["rows"])
    sizes = np.array([len(one) or int(many) for one, many in zip(answered, asked, strict=True)], np.int64)
    begins = np.cumsum(sizes) - sizes
    total = int(sizes.sum())
    answer = np.full(total, None, object)
    segment = np.full(total, "", object)
    parts = found["segment"].tolist()
    for begin, one, values in zip(begins.tolist(), answered, parts, strict=True):
        answer[begin : begin + len(one)] = one
        for row, value in enumerate(() if values is None else values[: len(one) or 1]):
            segment[begin + row] = _word(value)
    of = np.repeat(np.arange(sizes.size), sizes)
    at_ns = found["at"]
    label, lag, asked_for = np.full(total, None, object), np.full(total, _UNLABELLED), np.full(total, _UNLABELLED)
    if heard is not None and heard["id"].size:
        _hear(heard, (requests, begins, sizes, at_ns), rule, (answer, label, lag, asked_for))
    version = found["version"]
    places = np.arange(total) - begins[of]
    drawn = np.isnan(lag) & ~np.isnan(asked_for)
    lag = np.where(drawn, asked_for, lag)
    return Rows(version[of], at_ns[of] / 1e9, answer, label, lag, segment, requests[of], places, drawn, one_in)


def _hear(heard: _Columns, places: tuple[Any, ...], rule: tables.Outcomes, into: tuple[Any, ...]) -> None:
    """Put what was heard where it belongs: in the order of label versions, so that the highest speaks."""
    requests, begins, sizes, at_ns = places
    answer, label, lag, asked_for = into
    place = np.searchsorted(requests, heard["id"].astype("S36"))
    rows = heard["row"]
    inside = (rows >= 0) & (rows < sizes[place])
    told = zip(
        (begins[place] + rows).tolist(),
        inside.tolist(),
        heard["label"].tolist(),
        np.where(heard["came"] < 0, _UNLABELLED, (heard["came"] - at_ns[place]) / 1e9).tolist(),
        ((heard["received"] - at_ns[place]) / 1e9).tolist(),
        strict=True,
    )
    for at, is_inside, text, came, first in told:
        if not is_inside:
            continue
        value = _label(text)
        if outcomes.fault(rule, outcomes.Given((answer[at],)), 0, value):
            continue
        label[at] = value
        # A clock behind another's may have it come before it was asked for.
        lag[at] = np.fmin(lag[at], np.maximum(0.0, came))
        asked_for[at] = np.fmin(asked_for[at], max(0.0, first))


def _word(value: Any) -> str:
    """A value of a column in words, as slices have it: 7.0 is 7."""
    text = "null" if value is None else str(value)[:60]
    return text.removesuffix(".0")


def _empty() -> Rows:
    nothing: Sequence[Any] = ()
    floats, objects = np.array(nothing, np.float64), np.array(nothing, object)
    whole = np.array(nothing, np.int64)
    return Rows(whole, floats, objects, objects, floats, objects, np.array(nothing, "S36"), whole, np.array(nothing, bool))
