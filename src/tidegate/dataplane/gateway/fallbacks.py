"""What is answered when no version can: the first fallback whose conditions hold for the request's first row.

Only then, and where an endpoint is sticky by a field (`units`), does a gateway look into a body: JSON records, v2 tensors with
their data as JSON, MLflow's forms and CSV. Of a body that it cannot read (binary tensors, gRPC) no condition holds, and the
next fallback is tried.
"""

import csv
import io
import operator
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import tables
from tidegate.dataplane.wire import frames

Row = dict[str, Any]
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_decode = msgspec.json.Decoder().decode


def chosen(fallbacks: Sequence[tables.Fallback], content: int, body: bytes) -> bytes | None:
    """The JSON of the first fallback that applies; None where none does."""
    row: Row | None = None
    for one in fallbacks:
        if not one.when:
            return one.value.encode()
        if row is None:
            row = first(content, body)
        if row and all(holds(condition, row) for condition in one.when):
            return one.value.encode()
    return None


def holds(condition: tables.Condition, row: Row) -> bool:
    """Whether it holds: a column that was not sent is null, numbers are ordered with numbers and words with words."""
    given, value = row.get(condition.column), condition.value
    if condition.op in ("==", "!="):
        return (_alike(given, value) and given == value) == (condition.op == "==")
    return given is not None and _alike(given, value) and _ORDER[condition.op](given, value)


def first(content: int, body: bytes) -> Row:
    """The first row of a request, by column; empty where it cannot be told."""
    if content == frames.Content.CSV:
        return {name: _cell(cell) for name, cell in cells(body).items()}
    try:
        return _of_json(_decode(body))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {}


def _of_json(sent: Any) -> Row:
    if isinstance(sent, list):
        return _record(sent[:1])
    if not isinstance(sent, dict):
        return {}
    for key in ("records", "dataframe_records", "instances"):
        if key in sent:
            return _record(sent[key])
    if "dataframe_split" in sent:
        return _split(sent["dataframe_split"])
    inputs = sent.get("inputs")
    if isinstance(inputs, list):
        return {
            one["name"]: _scalar(one.get("data")) for one in inputs if isinstance(one, dict) and isinstance(one.get("name"), str)
        }
    if isinstance(inputs, dict):
        return {name: _scalar(values) for name, values in inputs.items()}
    return sent


def _record(rows: Any) -> Row:
    return rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], dict) else {}


def _split(frame: Any) -> Row:
    if not isinstance(frame, dict) or not isinstance(frame.get("columns"), list) or not isinstance(frame.get("data"), list):
        return {}
    rows = frame["data"]
    if not rows or not isinstance(rows[0], list):
        return {}
    return {str(name): value for name, value in zip(frame["columns"], rows[0], strict=False)}


def _scalar(values: Any) -> Any:
    """The first number or word of a tensor's data, however deep it is nested."""
    while isinstance(values, list):
        values = values[0] if values else None
    return values


def cells(body: bytes) -> dict[str, str]:
    """The first row of a CSV as it is written; empty where it cannot be told."""
    try:
        rows = csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline=""))
        found: Row = next(rows, {})
    except (UnicodeDecodeError, csv.Error):
        return {}
    return {name: cell for name, cell in found.items() if isinstance(name, str) and isinstance(cell, str)}


def _cell(cell: str) -> Any:
    if not cell.strip():
        return None
    if cell.strip().lower() in ("true", "false"):
        return cell.strip().lower() == "true"
    try:
        return float(cell)
    except ValueError:
        return cell


def _alike(left: Any, right: Any) -> bool:
    """Whether two values can be compared: both numbers, or of one kind. true is no number."""
    return _kind(left) == _kind(right)


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    return "number" if isinstance(value, int | float) else type(value).__name__
