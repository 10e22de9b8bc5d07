"""Values that did not come as JSON, as the column's own: raw bytes and gRPC's typed contents are held to what JSON is held to.

NaN is a missing number, as null is. Infinity is no input in any protocol: JSON cannot write it, and models answer it with an
error that would count against them. Whole numbers may fill columns of numbers; a whole number has to be within its column's
type.
"""

import math
import sys
from typing import Any, NoReturn

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import complaints, datatypes

_ENDLESS = "expected a finite number, got infinity"


def listed(column: manifests.Column, datatype: str, values: list[Any], coerce: bool = False) -> list[Any]:
    """A list sent as a v2 datatype, as the column's values. Raises complaints.Misfit with the place of the first that is none."""
    sent = datatypes.TYPES[datatype]
    if sent.family == "number":
        for endless in (math.inf, -math.inf):
            if endless in values:
                raise complaints.Misfit(_ENDLESS, values.index(endless))
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
    if values.dtype == kind.numpy:
        made = values
    else:
        with numpy.errstate(over="ignore"):
            made = values.astype(kind.numpy, copy=False)
    # What is too large for a narrower type has become infinite, so one look finds both.
    wrong = numpy.isinf(made) if kind.family == "number" else made != values if made is not values else None
    if wrong is not None and wrong.any():
        place = int(wrong.argmax())
        _refuse(column, values[place].item(), place)
    return made


def _refuse(column: manifests.Column, value: Any, place: int) -> NoReturn:
    """In the words that the same value in a list would be refused with."""
    if math.isinf(value):
        raise complaints.Misfit(_ENDLESS, place)
    try:
        held(column, [value])
    except complaints.Misfit as wrong:
        raise complaints.Misfit(str(wrong), place) from wrong
    raise complaints.Misfit(f"{value!r} cannot be held as {datatypes.of(column).v2}", place)
