"""Predictions of a time with the truth that was heard of them, as columns: what performance is computed from.

One row a row predicted, live requests only; a request that got no answer counts with the rows it asked for, unanswered. Of two
outcomes for one row and label version the one received first counts; the highest label version speaks, and the row's lag is that
of the first label of any version. Labels that cannot be held against an answer are passed over, as the recorder does.

By DuckDB over the Parquet files; what is in segments only (the last seconds) is not in it. Of more than `MOST` rows an even
sample by request is read. Called by the monitors of performance and the command line.
"""

import math
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from tidegate.core.vocabulary import arms, errors, home, ids, marks, tables
from tidegate.dataplane.predlog import ciphers, columns, flat, outcomes, parquet, posts, reader

ENCRYPTED = "encrypted"
"""The segment of all rows whose column only who has the key can read."""
MOST = 3_000_000
"""Rows; a million takes three and a half seconds of processor time and half a gigabyte."""
NEUTRAL = tuple(int(one) for one in marks.NEUTRAL)
_NEVER = np.iinfo(np.int64).max
Floats = npt.NDArray[np.float64]


class Rows(msgspec.Struct, frozen=True):
    """Columns of the same length, by time of arrival."""

    version: npt.NDArray[np.int64]
    """The version drawn: the answer is its own, whoever answered the client."""
    at: Floats
    """Unix seconds of arrival."""
    answer: flat.Column
    """None (NaN) where the arm gave none."""
    label: flat.Column
    """Likewise where nothing was heard."""
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
    classes: tuple[str, ...] = ()
    probabilities: Floats | None = None
    """(rows, classes): of each, where the model says them (`outcomes.probable` looks them up); NaN where it did not."""

    @property
    def labelled(self) -> npt.NDArray[np.bool_]:
        """Of which rows truth was heard."""
        return ~np.isnan(self.lag)

    @property
    def answered(self) -> npt.NDArray[np.bool_]:
        """To which rows the arm gave an answer."""
        return ~flat.missing(self.answer)

    def of(self, wanted: npt.NDArray[np.bool_]) -> "Rows":
        """These rows only."""
        if wanted.all():
            return self
        of_all = ("sampled", "classes")
        there = {field.name: getattr(self, field.name) for field in msgspec.structs.fields(self) if field.name not in of_all}
        picked = {name: values if values is None else values[wanted] for name, values in there.items()}
        return msgspec.structs.replace(self, **picked)

    def until(self, then: float) -> "Rows":
        """As they stood at a Unix time: without the predictions and labels that came later."""
        rows = self.of(self.at <= then)
        late = rows.at + np.nan_to_num(rows.lag) > then
        lag, label = rows.lag.copy(), rows.label.copy()
        lag[late], label[late] = math.nan, math.nan if label.dtype == np.float64 else None
        return msgspec.structs.replace(rows, lag=lag, label=label)

    def __len__(self) -> int:
        return int(self.at.size)


def read(
    place: home.Home, endpoint: str, rule: tables.Outcomes, span: tuple[float, float], segment: str = "", most: int = MOST
) -> Rows:
    """The rows of an endpoint that arrived between two Unix times; `segment` is an input column. Of more than `most` a sample.

    Raises SpecInvalid for a column that the log does not have, StoreUnavailable.
    """
    ends = ids.between(*span)
    told = {"least": ids.text(ends[0]), "most": ids.text(ends[1]), "role": int(arms.Role.LIVE)}
    files = {"predictions": reader.anew(place.log, parquet.PREDICTIONS, endpoint, *ends)}
    column = _column(segment, reader.names(place.log, endpoint, *ends))
    counted = reader.answer(_COUNT, told, files, _first) or 0
    one_in = max(1, math.ceil(counted / most))
    asked = _PREDICTIONS.replace("SEGMENT", column)
    found = reader.answer(asked, {**told, "one_in": one_in}, files, _columns)
    if found is None or not found.num_rows:
        return _empty()
    heard_of = {"outcomes": reader.anew(place.log, parquet.OUTCOMES, "", *ends)}
    heard = reader.answer(_OUTCOMES, {**told, "one_in": one_in}, heard_of, _columns)
    return _joined(found, heard, rule, one_in)


def copies(place: home.Home, endpoint: str, span: tuple[float, float]) -> dict[str, list[outcomes.Answer]]:
    """What mirrored copies of these requests answered, by prediction id. Raises StoreUnavailable."""
    ends = ids.between(*span)
    told = {"least": ids.text(ends[0]), "most": ids.text(ends[1]), "role": int(arms.Role.SHADOW)}
    files = {"predictions": reader.anew(place.log, parquet.PREDICTIONS, endpoint, *ends)}
    found = reader.answer(f"SELECT id, answers {_LIVE}", told, files, _columns)
    if found is None:
        return {}
    return {name: parquet.answers(text) for name, text in zip(found["id"].to_pylist(), found["answers"].to_pylist(), strict=True)}


_LIVE = (
    "FROM read_parquet($predictions, union_by_name = true, hive_partitioning = false)"
    f" WHERE role = $role AND id BETWEEN $least AND $most AND mark NOT IN ({', '.join(map(str, NEUTRAL)) or '-1'})"
)
_COUNT = f"SELECT coalesce(sum(greatest(rows, 1)), 0)::BIGINT {_LIVE}"
_SAMPLED = "hash(id) % $one_in = 0"
_WORDS = f"mark = {int(marks.Mark.OK)} AND contains(answers, '\"')"
_NUMBERS = f"mark = {int(marks.Mark.OK)} AND NOT contains(answers, '\"')"
_PREDICTIONS = (
    "SELECT id, version, epoch_ns(arrived) AS at, greatest(rows, 1)::BIGINT AS rows,"
    f" CASE WHEN {_NUMBERS} THEN try_cast(answers AS DOUBLE[]) END AS numbers, CASE WHEN {_WORDS} THEN answers END AS texts,"
    f" SEGMENT AS segment {_LIVE} AND {_SAMPLED}"
)
_OUTCOMES = (
    """SELECT id, "row"::BIGINT AS place, label_version::BIGINT AS version, sequence, epoch_ns(received) AS received,"""  # noqa: S608
    f" starts_with(request_id, '{posts.LABELLING}') AS drawn,"
    """ CASE WHEN NOT starts_with(label, '"') THEN try_cast(label AS DOUBLE) END AS number,"""
    """ CASE WHEN starts_with(label, '"') THEN label END AS text"""
    " FROM read_parquet($outcomes, union_by_name = true, hive_partitioning = false)"
    " WHERE metric = '' AND coalesce(key_hash, '') = '' AND role = $role AND id BETWEEN $least AND $most"
    f" AND {_SAMPLED}"
)


def _first(told: Any) -> int:
    return int(told.fetchall()[0][0])


def _columns(told: Any) -> pa.Table:
    return told.to_arrow_table()


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
    told = f"CASE WHEN starts_with(one, '{ciphers.PREFIX}') THEN '{ENCRYPTED}' ELSE one END"  # each is another text
    return f'list_transform(CAST("{quoted}" AS VARCHAR[]), lambda one: {told})'


def _joined(found: pa.Table, heard: pa.Table | None, rule: tables.Outcomes, one_in: int) -> Rows:
    requests = flat.identifiers(found["id"])
    if (requests[1:] < requests[:-1]).any():  # files of one day may overlap
        order = np.argsort(requests, kind="stable")
        requests, found = requests[order], found.take(pa.array(order))
    sizes, answer = flat.answers(found["numbers"], found["texts"], flat.whole(found["rows"]))
    segment = flat.words(found["segment"], sizes)
    of = np.repeat(np.arange(sizes.size), sizes)
    at_ns, begins = flat.whole(found["at"]), np.cumsum(sizes) - sizes
    nothing = np.full(of.size, math.nan)
    label, lag, asked_for = nothing, nothing, nothing
    if heard is not None and heard.num_rows:
        label, lag, asked_for = _heard(heard, (requests, begins, sizes, at_ns), rule, answer)
    drawn = np.isnan(lag) & ~np.isnan(asked_for)
    lag = np.where(drawn, asked_for, lag)
    version = flat.whole(found["version"])[of]
    return Rows(
        version, at_ns[of] / 1e9, answer, label, lag, segment, requests[of], np.arange(of.size) - begins[of], drawn, one_in
    )


def _heard(
    heard: pa.Table, requests: tuple[Any, ...], rule: tables.Outcomes, answer: flat.Column
) -> tuple[flat.Column, Floats, Floats]:
    """(label, lag of the first that came by itself, lag of the first) by row predicted."""
    names, begins, sizes, at_ns = requests
    asked = flat.identifiers(heard["id"])
    request = np.minimum(np.searchsorted(names, asked), names.size - 1)
    row = flat.whole(heard["place"])
    there = np.flatnonzero((names[request] == asked) & (row >= 0) & (row < sizes[request]))
    request, at = request[there], (begins[request] + row)[there]
    version, received = (flat.whole(heard[name])[there] for name in ("version", "received"))
    order = _in_order(at, (flat.whole(heard["sequence"])[there], received, version))
    at, version, received, there, request = (one[order] for one in (at, version, received, there, request))
    by_itself = np.where(heard["drawn"].to_numpy()[there], _NEVER, received)
    # The first received of each row and label version, and when one came that nobody was asked for.
    first = _begins(at, version)
    came = np.minimum.reduceat(by_itself, first) if first.size else by_itself
    labels = flat.Labels(heard["number"], heard["text"])
    kept = ~_faulty(rule, labels, there[first], answer[at[first]])
    first, came = first[kept], came[kept]
    at, there, begun = at[first], there[first], at_ns[request[first]]
    # A clock behind another's may have it come before it was asked for.
    late = np.where(came == _NEVER, math.inf, np.maximum(0.0, (came - begun) / 1e9))
    asked_for = np.maximum(0.0, (received[first] - begun) / 1e9)
    rows = _begins(at)
    if not rows.size:
        return (np.full(answer.size, math.nan),) * 3
    last = np.append(rows[1:], at.size) - 1  # the highest label version speaks
    found = [np.minimum.reduceat(one, rows) for one in (late, asked_for)]
    found[0][np.isinf(found[0])] = math.nan
    label = labels.of(there[last])
    return tuple(flat.spread(one, at[rows], answer.size) for one in (label, *found))  # type: ignore[return-value]


def _in_order(at: flat.Ints, by: tuple[flat.Ints, ...]) -> npt.NDArray[np.intp]:
    """The order of these places, and of those that are there more than once by the columns `by`, the last of them first."""
    order = np.argsort(at, kind="stable")
    same = at[order][1:] == at[order][:-1]
    again = np.append(same, False) | np.append(False, same)
    several = order[again]
    order[again] = several[np.lexsort((*(one[several] for one in by), at[several]))]
    return order


def _begins(*ordered: flat.Ints) -> npt.NDArray[np.intp]:
    """Where these columns, in order, have other values than before."""
    if not ordered[0].size:
        return np.empty(0, np.intp)
    other = np.logical_or.reduce([one[1:] != one[:-1] for one in ordered])
    return np.flatnonzero(np.append(True, other))


def _faulty(
    rule: tables.Outcomes, labels: flat.Labels, wanted: npt.NDArray[np.intp], answer: flat.Column
) -> npt.NDArray[np.bool_]:
    """Which of these labels can never be held against their answers: by word, and by whether the answer is a number."""
    codes = labels.codes[wanted]
    if not labels.words:
        return np.zeros(codes.size, bool)
    wrong = np.array([[outcomes.fault(rule, outcomes.Given((one,)), 0, word) for one in ("", 0.0)] for word in labels.words])
    number = ~np.isnan(answer) if answer.dtype == np.float64 else np.array([isinstance(one, float | int) for one in answer], bool)
    return np.where(codes < 0, False, wrong[codes, number.astype(int)])


def _empty() -> Rows:
    floats, whole = np.empty(0), np.empty(0, np.int64)
    return Rows(whole, floats, floats, floats, floats, np.empty(0, object), np.empty(0, f"S{flat.ID}"), whole, np.empty(0, bool))
