"""Example rows: from a CSV or JSON file, and from the input example that an MLflow model carries.

A row is an object by column name, or a (nested) list for models of a tensor. Missing values are None.
"""

import csv
import json
import math
import pathlib
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests

MOST = 10_000
"""Rows read at most: enough for a profile."""
KEPT = 20
"""Rows that go into the bundle as its example."""
CURE = 'An example is a CSV with a header, or JSON: [{"column": value}, ...] or [[number, ...], ...].'


def read(path: pathlib.Path) -> list[Any]:
    """The rows of a file. Raises ModelSourceInvalid where it has none."""
    try:
        rows = _csv(path) if path.suffix.lower() == ".csv" else rows_of(json.loads(path.read_bytes()))
    except OSError as gone:
        raise errors.ModelSourceInvalid(f"the example {path} cannot be read: {gone.strerror}.", cure=CURE) from gone
    except (ValueError, csv.Error) as broken:
        raise errors.ModelSourceInvalid(f"the example {path} cannot be read: {broken}.", cure=CURE) from broken
    if not rows:
        raise errors.ModelSourceInvalid(f"the example {path} has no rows.", cure=CURE)
    return rows[:MOST]


def _csv(path: pathlib.Path) -> list[Any]:
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        names = [name for name in reader.fieldnames or () if name]
        raw = [row for row, _ in zip(reader, range(MOST), strict=False)]
    columns = {name: _typed([row.get(name) for row in raw]) for name in names}
    return [{name: columns[name][place] for name in names} for place in range(len(raw))]


_MISSING = frozenset({"", "NA", "NaN", "nan", "null", "None"})


def _typed(texts: list[str | None]) -> list[Any]:
    """A column's values: true/false, whole numbers, numbers, or text; what pandas too reads as missing is None."""
    present = [text for text in texts if text is not None and text not in _MISSING]
    if present and {text.lower() for text in present} <= {"true", "false"}:
        return [None if text is None or text in _MISSING else text.lower() == "true" for text in texts]
    for kind in (int, float):
        try:
            for text in present:
                kind(text)
        except ValueError:
            continue
        return [None if text is None or text in _MISSING else kind(text) for text in texts]
    return [None if text is None or text in _MISSING else text for text in texts]


def rows_of(given: Any) -> list[Any]:
    """Rows out of JSON: a list of rows, {"records": [...]}, or pandas' split form {"columns": [...], "data": [...]}."""
    if isinstance(given, dict) and isinstance(given.get("records"), list):
        given = given["records"]
    elif isinstance(given, dict) and isinstance(given.get("columns"), list) and isinstance(given.get("data"), list):
        names = [str(name) for name in given["columns"]]
        given = [dict(zip(names, row, strict=False)) for row in given["data"]]
    elif isinstance(given, dict):
        given = [given]
    return given if isinstance(given, list) and all(isinstance(row, (dict, list)) for row in given) else []


def of_mlflow(folder: pathlib.Path, info: dict[str, Any], signature: manifests.Signature) -> list[Any]:
    """The rows of the input example saved with an MLflow model; none where it has none or one that is not rows."""
    path = folder / str(info.get("artifact_path") or "input_example.json")
    try:
        given = json.loads(path.read_bytes())  # the standard library's, since MLflow writes missing numbers as NaN
    except (OSError, ValueError):
        return []
    given = given.get("inputs", given) if isinstance(given, dict) and info.get("type") == "ndarray" else given
    if signature.kind == "tensor" and isinstance(given, dict):
        named = {column.name: given.get(column.name) for column in signature.inputs}
        if not all(isinstance(values, list) for values in named.values()):
            return []
        return [dict(zip(named, row, strict=True)) for row in zip(*named.values(), strict=False)]
    rows = rows_of(given)
    wanted = {column.name for column in signature.inputs}
    return [{name: value for name, value in row.items() if name in wanted} if isinstance(row, dict) else row for row in rows][
        :MOST
    ]


def made_up(signature: manifests.Signature) -> list[Any]:
    """One row that fits the signature and means nothing: the last resort where a model came without an example."""
    blank: dict[str, Any] = {"string": "", "BYTES": "", "boolean": False, "BOOL": False, "datetime": "2000-01-01T00:00:00"}
    row = {}
    for column in signature.inputs:
        value = blank.get(column.type, 0)
        for size in reversed(column.shape[1:]):
            value = [value] * max(1, size)
        row[column.name] = value
    return [row] if signature.kind == "columns" or len(signature.inputs) > 1 else list(row.values())


def body(rows: list[Any]) -> bytes:
    """A request body in JSON records form. NaN, which JSON has not, becomes null."""
    return msgspec.json.encode({"records": [_plain(row) for row in rows]})


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_plain(entry) for entry in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
