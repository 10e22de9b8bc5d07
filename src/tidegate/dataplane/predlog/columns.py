"""Typed columns of inputs and outputs: beside the body as it came, one column for each that the model's signature names.

`in_<name>` is a list with one entry a row of the request, so that all requests have one type; older files, and requests whose
input was not logged or could not be read, have null. Which version reads a request is its own affair: a column of which two
versions think differently is as wide as both (whole numbers and numbers: numbers; anything else: text).

    boolean -> bool, whole numbers -> their width, float -> float32, double -> float64, string -> text, datetime -> us UTC
    a tensor's row of known, few sizes -> the list of its values, row-major; all else -> a reference (`objects`)

`out_<name>` likewise is a list with one entry a row: an output, or a class's probability, that the answer itself does not say.

Called by `parquet` (write, merge). Not here: reading inputs by a signature (`observability.reading.bodies`).
"""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

PREFIX = "in_"
OUTPUT = "out_"
TEXT = "string"
ELEMENTS = "[]"
"""Behind a type: one entry is itself a list of such values."""
_ARROW = {
    **dict.fromkeys(("boolean", "BOOL"), pa.bool_()),
    **dict.fromkeys(("integer", "INT32"), pa.int32()),
    **dict.fromkeys(("long", "INT64"), pa.int64()),
    **dict.fromkeys(("float", "FP32", "FP16", "BF16"), pa.float32()),
    **dict.fromkeys(("double", "FP64"), pa.float64()),
    "datetime": pa.timestamp("us", "UTC"),
    "INT8": pa.int8(),
    "INT16": pa.int16(),
    "UINT8": pa.uint8(),
    "UINT16": pa.uint16(),
    "UINT32": pa.uint32(),
    "UINT64": pa.uint64(),
}
_FAILED = (pa.ArrowException, OverflowError, TypeError, ValueError, UnicodeError)


class Chunk(msgspec.Struct, frozen=True):
    """Columns of several requests."""

    keys: list[tuple[str, int]]
    """Incarnation and sequence of each."""
    lists: dict[str, pa.Array]
    """By column, as it is called in Parquet, one list for each of them."""


def arrow(type_name: str) -> pa.DataType:
    """The Arrow type of one entry."""
    if type_name.endswith(ELEMENTS):
        return pa.list_(arrow(type_name.removesuffix(ELEMENTS)))
    return _ARROW.get(type_name, pa.string())


def common(kinds: Sequence[pa.DataType]) -> pa.DataType:
    """The type that holds what is of any of these."""
    first = kinds[0]
    if all(one == first for one in kinds):
        return first
    if all(pa.types.is_list(one) for one in kinds):
        return pa.list_(common([one.value_type for one in kinds]))
    if all(map(pa.types.is_signed_integer, kinds)):
        return max(kinds, key=lambda one: one.bit_width)
    if all(pa.types.is_integer(one) or pa.types.is_floating(one) for one in kinds):
        return pa.float64()
    return pa.string()


def lists(kind: pa.DataType, flat: Sequence[Any], rows: Sequence[int], missing: Sequence[bool] = ()) -> pa.Array:
    """One column of several requests: `flat` are its values, `rows` how many of them each request has; null where `missing`."""
    ends = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(rows, out=ends[1:])
    mask = pa.array(missing) if missing else None
    return pa.ListArray.from_arrays(pa.array(ends), _flat(flat, kind), mask=mask)


def arrays(keys: Sequence[tuple[str, int]], chunks: Sequence[Chunk]) -> dict[str, pa.ChunkedArray]:
    """The columns of requests, in the order of `keys`, by name as they were met; null where no chunk has them."""
    wanted: dict[tuple[int, ...], pa.Array] = {}
    found = {}
    for name in dict.fromkeys(name for chunk in chunks for name in chunk.lists):
        having = tuple(at for at, chunk in enumerate(chunks) if name in chunk.lists)
        if having not in wanted:
            wanted[having] = _places(keys, [chunks[at] for at in having])
        parts = [chunks[at].lists[name] for at in having]
        kind = common([one.type for one in parts])
        parts = [one if one.type == kind else _cast(one, kind) for one in parts]
        found[name] = pa.chunked_array(parts, kind).take(wanted[having])
    return found


def _places(keys: Sequence[tuple[str, int]], chunks: Sequence[Chunk]) -> pa.Array:
    """Where each of these is in the chunks, one after the other; null where it is in none."""
    places: dict[tuple[str, int], int] = {}
    for chunk in chunks:
        begin = len(places)
        places.update((key, begin + at) for at, key in enumerate(chunk.keys))
    return pa.array([places.get(key) for key in keys], pa.int64())


def _flat(values: Sequence[Any], kind: pa.DataType) -> pa.Array:
    """Values as an array; one that the type cannot hold is null, whatever it is."""
    try:
        return pa.array(values, kind)
    except _FAILED:
        return pa.array([_one(value, kind) for value in values], kind)


def _one(value: Any, kind: pa.DataType) -> Any:
    if value is not None and pa.types.is_string(kind):
        return text(value)
    try:
        pa.array([value], kind)
    except _FAILED:
        return None
    return value


def text(value: Any) -> str:
    """A value as text: as JSON has it, times in ISO 8601."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return json.dumps(value, default=str)


def alike(tables: Sequence[pa.Table]) -> list[pa.Table]:
    """Tables of which the typed columns have the same types, so that they can be put together."""
    kinds: dict[str, list[pa.DataType]] = {}
    for one in tables:
        for field in one.schema:
            if field.name.startswith((PREFIX, OUTPUT)):
                kinds.setdefault(field.name, []).append(field.type)
    wanted = {name: common(found) for name, found in kinds.items() if any(one != found[0] for one in found)}
    return [_widened(one, wanted) for one in tables] if wanted else list(tables)


def texts(schema: pa.Schema) -> frozenset[str]:
    """The typed columns whose entries are texts: of another type before their values were encrypted."""
    return frozenset(field.name for field in schema if pa.types.is_list(field.type) and pa.types.is_string(field.type.value_type))


def _widened(table: pa.Table, wanted: dict[str, pa.DataType]) -> pa.Table:
    for place, field in enumerate(table.schema):
        kind = wanted.get(field.name)
        if kind is not None and kind != field.type:
            table = table.set_column(place, pa.field(field.name, kind), [_cast(one, kind) for one in table[field.name].chunks])
    return table


def _cast(column: pa.Array | pa.ChunkedArray, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if pa.types.is_string(kind.value_type):
        rows = [None if row is None else [None if one is None else text(one) for one in row] for row in column.to_pylist()]
        return pa.array(rows, kind)
    return pc.cast(column, kind, safe=False)
