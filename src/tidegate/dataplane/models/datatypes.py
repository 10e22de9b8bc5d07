"""The types of columns and tensors: one table, from the name in a manifest to JSON, to the Open Inference Protocol, to numpy."""

import datetime as dt
import functools
from collections.abc import Sequence
from typing import Annotated, Any

import msgspec

from tidegate.core.vocabulary import errors, manifests


class Datatype(msgspec.Struct, frozen=True):
    """One type of value."""

    v2: str
    """Its name in the Open Inference Protocol."""
    family: str
    """number, integer, boolean, text or time."""
    numpy: str
    json: Any
    """What msgspec decodes one value as."""


def _integer(bits: int) -> Any:
    return Annotated[int, msgspec.Meta(ge=-(1 << bits - 1), le=(1 << bits - 1) - 1)]


def _natural(bits: int) -> Any:
    # msgspec holds bounds in 64 signed bits: the top half of UINT64 is refused rather than wrapped.
    return Annotated[int, msgspec.Meta(ge=0, le=min((1 << bits) - 1, (1 << 63) - 1))]


def _number(limit: float) -> Any:
    return Annotated[float, msgspec.Meta(ge=-limit, le=limit)]


_FP16, _FP32 = 65504.0, 3.4028234663852886e38
TYPES: dict[str, Datatype] = {
    "boolean": Datatype("BOOL", "boolean", "bool", bool),
    "integer": Datatype("INT32", "integer", "int32", _integer(32)),
    "long": Datatype("INT64", "integer", "int64", _integer(64)),
    "float": Datatype("FP32", "number", "float32", _number(_FP32)),
    "double": Datatype("FP64", "number", "float64", float),
    "string": Datatype("BYTES", "text", "object", str),
    "datetime": Datatype("BYTES", "time", "datetime64[ns]", str),
    "BOOL": Datatype("BOOL", "boolean", "bool", bool),
    "FP16": Datatype("FP16", "number", "float16", _number(_FP16)),
    "FP32": Datatype("FP32", "number", "float32", _number(_FP32)),
    "FP64": Datatype("FP64", "number", "float64", float),
    "BYTES": Datatype("BYTES", "text", "object", str),
    **{f"INT{bits}": Datatype(f"INT{bits}", "integer", f"int{bits}", _integer(bits)) for bits in (8, 16, 32, 64)},
    **{f"UINT{bits}": Datatype(f"UINT{bits}", "integer", f"uint{bits}", _natural(bits)) for bits in (8, 16, 32, 64)},
}
SAID = {
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "text": "a string",
    "time": "an ISO 8601 time",
}


def of(column: manifests.Column) -> Datatype:
    """The type of a column or tensor. Raises SignatureMissing for a type that no request could carry."""
    found = TYPES.get(column.type)
    if found is None:
        raise errors.SignatureMissing(
            f"column `{column.name}` has type {column.type}, which cannot be served",
            cure=f"Log the model with one of: {', '.join(sorted(TYPES))}.",
        )
    return found


def accepted(column: manifests.Column) -> frozenset[str]:
    """The v2 datatypes of tensors that may fill the column: whole numbers may stand for numbers, strings for times."""
    wanted = {"number": {"number", "integer"}, "time": {"text"}}.get(of(column).family, {of(column).family})
    return frozenset(kind.v2 for kind in TYPES.values() if kind.family in wanted)


def json_type(column: manifests.Column) -> Any:
    """What one value decodes as. null stands for a missing value: in any optional column, and in every number (NaN)."""
    kind = of(column)
    return kind.json | None if not column.required or kind.family == "number" else kind.json


@functools.lru_cache(maxsize=256)
def decoder(column: manifests.Column, depth: int) -> msgspec.json.Decoder[Any]:
    """Decodes `depth` levels of lists of the column's values."""
    wanted = json_type(column)
    for _ in range(depth):
        wanted = list[wanted]  # type: ignore[valid-type]
    return msgspec.json.Decoder(wanted)


def times(column: manifests.Column, values: Sequence[str | None]) -> list[dt.datetime | None]:
    """Times from their ISO 8601 text. Raises InputInvalid naming column and row."""
    read: list[dt.datetime | None] = []
    for row, value in enumerate(values):
        try:
            read.append(dt.datetime.fromisoformat(value) if value is not None else None)
        except ValueError as wrong:
            said = f"expected {SAID['time']}, got {str(value)[:40]!r}"
            raise errors.InputInvalid(f"column `{column.name}`, row {row}: {said}") from wrong
    return read
