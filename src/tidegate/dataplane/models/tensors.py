"""One tensor of a request against what the signature says of it: datatype, shape, and every value.

A tensor's data comes as JSON (flat or nested), as raw bytes (the binary extension, gRPC's raw contents) or as a list (gRPC's
typed contents); which of them changes nothing in what is taken.
"""

import itertools
import math
import re
from typing import Any, Protocol

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, binary, casting, complaints, datatypes

_NESTED = re.compile(rb"\s*\[\s*\[")
_SHOWN = 8
"""Sizes of a wrong shape that an error repeats."""


class Sent(Protocol):
    """A tensor as it came."""

    name: str
    shape: list[int]
    datatype: str
    data: Any
    """msgspec.Raw (JSON), bytes (raw), a list (typed), or UNSET: none at all."""


class Given(msgspec.Struct, gc=False):
    """A tensor whose data is not JSON: bytes, or a list of as many values."""

    name: str
    shape: list[int]
    datatype: str
    data: Any


class Reader:
    """Reads the tensors sent for one column or tensor of the signature; all that can be known before they come is prepared."""

    def __init__(self, column: manifests.Column, coerce: bool = False) -> None:
        self._column = column
        self._coerce = coerce
        self._kind = datatypes.of(column)
        self._accepted = datatypes.accepted(column, coerce)
        self._rank = len(column.shape) or 1
        self._inner = list(column.shape[1:])
        self._flat = datatypes.decoder(column, 1, coerce).decode
        self._plain = not datatypes.unfinished(column, coerce)

    def read(self, tensor: Sent) -> tuple[int, Any, tuple[int, ...]]:
        """(rows, values flat and row-major, sizes of the dimensions after the rows). Raises InputInvalid, BodyMalformed."""
        shape, data = tensor.shape, tensor.data
        if tensor.datatype not in self._accepted:
            raise errors.InputInvalid(f"{_named(tensor)}: expected datatype {self._kind.v2}, got {tensor.datatype[:20]!r}")
        if len(shape) != self._rank or not 0 < shape[0] <= batches.MOST_ROWS or shape[1:] != self._inner:
            self._measured(tensor)
        count = math.prod(shape)
        if type(data) is msgspec.Raw:
            raw = bytes(data)
            values = self._flat_json(tensor, raw) if raw[1:2] != b"[" else self._nested(tensor, raw)
            if len(values) != count:
                raise errors.InputInvalid(f"{_named(tensor)}: shape {shape} needs {count} values, data has {len(values)}")
            if not self._plain:
                values = datatypes.finished(self._column, values)
        else:
            values = self._sent(tensor, count)
        return shape[0], values, tuple(shape[1:]) if self._rank > 1 else ()

    def _measured(self, tensor: Sent) -> None:
        """A shape that is not plainly right: raises InputInvalid unless it is right all the same."""
        shape = tensor.shape
        if shape and min(shape) < 0:
            raise errors.InputInvalid(f"{_named(tensor)}: shape {_shown(shape)} has a negative size")
        fits = len(shape) == self._rank and all(map(_fits, self._inner, shape[1:]))
        if not fits and (self._rank > 1 or len(shape) != 2 or shape[1] != 1):
            expected = list(self._column.shape or (-1,))
            raise errors.InputInvalid(f"{_named(tensor)}: expected shape {expected}, got {_shown(shape)}")
        if shape[0] == 0:
            raise errors.InputInvalid(f"{_named(tensor)} has no rows")
        batches.bounded(shape[0])

    def _flat_json(self, tensor: Sent, raw: bytes) -> list[Any]:
        try:
            return self._flat(raw)  # type: ignore[no-any-return]
        except msgspec.ValidationError as wrong:
            if _NESTED.match(raw):
                return self._nested(tensor, raw)
            at = complaints.rows(str(wrong))
            raise _refused(tensor, complaints.expectation(str(wrong)), _unfolded(tensor, at[0]) if at else at) from wrong

    def _nested(self, tensor: Sent, raw: bytes) -> list[Any]:
        try:
            level: list[Any] = datatypes.decoder(self._column, len(tensor.shape), self._coerce).decode(raw)
        except msgspec.ValidationError as wrong:
            raise _refused(tensor, complaints.expectation(str(wrong)), complaints.rows(str(wrong))) from wrong
        outer = 1
        # One level is opened at a time and its lengths are held against the shape first: a hostile shape costs no memory.
        for size, deeper in itertools.pairwise(tensor.shape):
            outer *= size
            if len(level) != outer or any(len(entry) != deeper for entry in level):
                raise errors.InputInvalid(f"{_named(tensor)}: data is not nested as its shape {tensor.shape} says")
            level = list(itertools.chain.from_iterable(level))
        return level

    def _sent(self, tensor: Sent, count: int) -> Any:
        """Values that did not come as JSON, as JSON would have given them."""
        if tensor.data is msgspec.UNSET:
            cure = "Send `data`, or raw bytes behind the JSON with `parameters.binary_data_size`."
            raise errors.InputInvalid(f"{_named(tensor)} has no data.", cure=cure)
        try:
            values = binary.read(tensor.datatype, tensor.data, count) if type(tensor.data) is bytes else tensor.data
            if len(values) != count:
                raise complaints.Misfit(f"shape {tensor.shape} needs {count} values, there are {len(values)}")
            if type(values) is not list:
                if not self._coerce:
                    return casting.cast(self._column, values)
                values = values.tolist()
            values = casting.listed(self._column, tensor.datatype, values, self._coerce)
        except complaints.Misfit as wrong:
            raise _refused(tensor, str(wrong), _unfolded(tensor, wrong.place) if wrong.place >= 0 else []) from wrong
        return values if self._plain else datatypes.finished(self._column, values)


def _fits(promised: int, given: int) -> bool:
    return promised in (-1, given)


def _named(tensor: Sent) -> str:
    return f"input `{tensor.name[:80]}`"


def _shown(shape: list[int]) -> str:
    return str(shape) if len(shape) <= _SHOWN else f"{str(shape[:_SHOWN])[:-1]}, ...] of {len(shape)} dimensions"


def _unfolded(tensor: Sent, place: int) -> list[int]:
    """A place among flat values as [row, element]."""
    width = math.prod(tensor.shape[1:])
    return [place // width, place % width] if width > 1 else [place]


def _refused(tensor: Sent, words: str, at: list[int]) -> errors.InputInvalid:
    place = "".join([f", row {at[0]}" if at else "", f", element {at[1:]}" if len(at) > 1 else ""])
    return errors.InputInvalid(f"{_named(tensor)}{place}: {words}")
