"""Values that did not come as JSON, as the column's own: raw bytes and gRPC's typed contents are held to what JSON is held to.

NaN is a missing number, as null is. Infinity is no input in any protocol: JSON cannot write it, and models answer it with an
error that would count against them. Whole numbers may fill columns of numbers; a whole number has to be within its column's
type.
"""

import math
import sys
from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import complaints, datatypes

_ENDLESS = "expected a finite number; infinity, and what is too large for the model's type, is none"


def listed(column: manifests.Column, datatype: str, values: list[Any], coerce: bool = False) -> list[Any]:
    """A list sent as a v2 datatype, as the column's values. Raises complaints.Misfit with the place of the first that is none."""
    sent = datatypes.TYPES[datatype]
    if sent.family == "number":
        if math.inf in values or -math.inf in values:
            raise complaints.Misfit(_ENDLESS, next(place for place, value in enumerate(values) if math.isinf(value)))
        if any(map(math.isnan, values)):
            values = [None if math.isnan(value) else value for value in values]
    if sent.v2 != datatypes.of(column).v2 or sent.v2 == "UINT64":
        _convert(values, list[sent.json | None])  # type: ignore[name-defined] # typed contents are wider than their datatype
    return held(column, values, coerce)


def held(column: manifests.Column, values: list[Any], coerce: bool = False) -> list[Any]:
    """A list of plain values as the column's. Raises complaints.Misfit with the place of the first that is none."""
    return _convert(values, list[datatypes.json_type(column)], coerce)  # type: ignore[misc]


def _convert(values: list[Any], wanted: Any, coerce: bool = False) -> list[Any]:
    try:
        return list(msgspec.convert(values, wanted, strict=not coerce))
    except msgspec.ValidationError as wrong:
        at = complaints.rows(str(wrong))
        raise complaints.Misfit(complaints.expectation(str(wrong)), at[0] if at else -1) from wrong


def cast(column: manifests.Column, values: Any) -> Any:
    """A numpy array as one of the column's own type; the same array where it is that already. Raises complaints.Misfit."""
    numpy = sys.modules["numpy"]
    kind = datatypes.of(column)
    with numpy.errstate(over="ignore"):
        made = values.astype(kind.numpy, copy=False)
    if kind.family == "number":
        # What is too large for a narrower type has become infinite: one look finds both.
        if (endless := numpy.isinf(made)).any():
            raise complaints.Misfit(_ENDLESS, int(endless.argmax()))
        return made
    if made is not values and (changed := made != values).any():
        place = int(changed.argmax())
        raise complaints.Misfit(f"expected a whole number that {kind.v2} can hold, got {values[place]}", place)
    return made
