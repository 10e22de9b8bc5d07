"""The types of columns and tensors: one table, from the name in a manifest to JSON, to the Open Inference Protocol, to numpy."""

import datetime as dt
import functools
import math
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
    # msgspec holds bounds in 64 signed bits: what is over UINT64 is found by `overflown` afterwards.
    return Annotated[int, msgspec.Meta(ge=0, le=(1 << bits) - 1 if bits < 64 else None)]


def _number(limit: float) -> Any:
    return Annotated[float, msgspec.Meta(ge=-limit, le=limit)]


_FP16, _FP32, _BF16 = 65504.0, 3.4028234663852886e38, 3.3895313892515355e38
TYPES: dict[str, Datatype] = {
    "boolean": Datatype("BOOL", "boolean", "bool", bool),
    "integer": Datatype("INT32", "integer", "int32", _integer(32)),
    "long": Datatype("INT64", "integer", "int64", _integer(64)),
    "float": Datatype("FP32", "number", "float32", _number(_FP32)),
    "double": Datatype("FP64", "number", "float64", float),
    "string": Datatype("BYTES", "text", "object", str),
    "datetime": Datatype("BYTES", "time", "datetime64[ns]", str),
    "BOOL": Datatype("BOOL", "boolean", "bool", bool),
    "BF16": Datatype("BF16", "number", "float32", _number(_BF16)),
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


_FILL = {"number": {"number", "integer"}, "integer": {"integer"}, "boolean": {"boolean"}, "text": {"text"}, "time": {"text"}}
_COERCED = {"number": {"text"}, "integer": {"number", "text"}, "boolean": {"integer", "text"}}


@functools.lru_cache(maxsize=1_024)
def accepted(column: manifests.Column, coerce: bool = False) -> frozenset[str]:
    """The v2 datatypes of tensors that may fill the column: whole numbers may stand for numbers, strings for times."""
    family = of(column).family
    wanted = _FILL[family] | (_COERCED.get(family, set()) if coerce else set())
    return frozenset(kind.v2 for kind in TYPES.values() if kind.family in wanted)


def json_type(column: manifests.Column) -> Any:
    """What one value decodes as. null stands for a missing value: in any optional column, and in every number (NaN)."""
    kind = of(column)
    return kind.json | None if not column.required or kind.family == "number" else kind.json


@functools.lru_cache(maxsize=1_024)
def decoder(column: manifests.Column, depth: int, coerce: bool = False) -> msgspec.json.Decoder[Any]:
    """Decodes `depth` levels of lists of the column's values; coerced, "3" is 3, 3.0 is 3 and 1 is true."""
    wanted = json_type(column)
    for _ in range(depth):
        wanted = list[wanted]  # type: ignore[valid-type]
    return msgspec.json.Decoder(wanted, strict=not coerce)


@functools.lru_cache(maxsize=1_024)
def bounds(column: manifests.Column) -> tuple[float, float] | None:
    """The least and the greatest value of a column of numbers; None where any double is one."""
    kind = of(column)
    if kind.family == "integer":
        bits = int(kind.v2.lstrip("UINT"))
        return (0, (1 << bits) - 1) if kind.v2.startswith("U") else (-(1 << bits - 1), (1 << bits - 1) - 1)
    limit = {"FP16": _FP16, "BF16": _BF16, "FP32": _FP32}.get(kind.v2)
    return (-limit, limit) if limit else None


def unfinished(column: manifests.Column, coerce: bool = False) -> bool:
    """Whether decoded values still have to go through `finished`."""
    kind = of(column)
    return kind.family == "time" or kind.v2 == "UINT64" or (coerce and kind.family == "number")


def finished(column: manifests.Column, values: list[Any]) -> list[Any]:
    """Decoded values with what msgspec does not check: times are read, UINT64 is held to its range, infinity is refused.

    Raises InputInvalid naming column and row (for tensors: the place among its values).
    """
    kind = of(column)
    if kind.family == "time":
        return times(column, values)
    if kind.v2 == "UINT64":
        for place, value in enumerate(values):
            if value is not None and value >> 64:
                raise errors.InputInvalid(f"{place_of(column, place)}: expected a whole number of at most {(1 << 64) - 1}")
    elif math.inf in values or -math.inf in values:  # "inf", taken for a number where texts are
        place = next(place for place, value in enumerate(values) if value is not None and math.isinf(value))
        raise errors.InputInvalid(f"{place_of(column, place)}: expected a number, got infinity")
    return values


def place_of(column: manifests.Column, place: int) -> str:
    """Where a value is, for people."""
    if not column.shape:
        return f"column `{column.name}`, row {place}"
    return f"input `{column.name}`, value {place}"


@functools.lru_cache(maxsize=1_024)
def categories(column: manifests.Column) -> tuple[Any, ...]:
    """A column's categories as values of its type. Raises SignatureMissing for one that is none."""
    try:
        return tuple(msgspec.convert(column.categories, list[of(column).json], strict=False))  # type: ignore[misc]
    except msgspec.ValidationError as wrong:
        raise errors.SignatureMissing(f"column `{column.name}` has a category that is no {column.type}: {wrong}") from wrong


def block(signature: manifests.Signature) -> manifests.Column | None:
    """The one tensor that a model's columns are decoded into where all are numbers of one type: rows of a matrix.

    Its values are row-major and its name is `batches.BLOCK`. None for tensors, mixed types, and columns with categories.
    """
    kinds = {column.type for column in signature.inputs}
    if signature.kind != "columns" or len(kinds) != 1 or any(column.categories for column in signature.inputs):
        return None
    if of(signature.inputs[0]).family != "number":
        return None
    return manifests.Column("", kinds.pop(), required=False, shape=(-1, len(signature.inputs)))


def times(column: manifests.Column, values: Sequence[str | None]) -> list[dt.datetime | None]:
    """Times from their ISO 8601 text. Raises InputInvalid naming column and row."""
    read: list[dt.datetime | None] = []
    for row, value in enumerate(values):
        try:
            read.append(dt.datetime.fromisoformat(value) if value is not None else None)
        except ValueError as wrong:
            said = f"expected {SAID['time']}, got {str(value)[:40]!r}"
            raise errors.InputInvalid(f"{place_of(column, row)}: {said}") from wrong
    return read
