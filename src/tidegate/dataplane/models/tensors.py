"""One tensor of a request against what the signature says of it: datatype, shape, and every value."""

import itertools
import math
import re
from typing import Any, Protocol

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import complaints, datatypes

_NESTED = re.compile(rb"\s*\[\s*\[")


class Sent(Protocol):
    """A tensor as it came."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType


class Reader:
    """Reads the tensors sent for one column or tensor of the signature; all that can be known before they come is prepared."""

    def __init__(self, column: manifests.Column) -> None:
        self._column = column
        self._kind = datatypes.of(column)
        self._accepted = datatypes.accepted(column)
        self._rank = len(column.shape) or 1
        self._inner = column.shape[1:]
        self._flat = datatypes.decoder(column, 1).decode

    def read(self, tensor: Sent) -> tuple[int, list[Any], tuple[int, ...]]:
        """(rows, values flat and row-major, sizes of the dimensions after the rows). Raises InputInvalid, BodyMalformed.

        `data` may be flat or nested, as the protocol allows; nested, it must be nested as `shape` says.
        """
        if tensor.datatype not in self._accepted:
            raise errors.InputInvalid(f"input `{tensor.name}`: expected datatype {self._kind.v2}, got {tensor.datatype[:20]!r}")
        rows, tail = self._shape(tensor)
        if tensor.data is msgspec.UNSET:
            cure = "Binary tensor data is not taken; send it as JSON."
            raise errors.InputInvalid(f"input `{tensor.name}` has no data.", cure=cure)
        raw = bytes(tensor.data)
        values = self._nested(tensor, raw) if _NESTED.match(raw) else self._listed(tensor, raw)
        count = rows * math.prod(tail)
        if len(values) != count:
            raise errors.InputInvalid(f"input `{tensor.name}`: shape {tensor.shape} needs {count} values, data has {len(values)}")
        if self._kind.family == "time":
            values = datatypes.times(self._column, values)
        return rows, values, tail if self._column.shape else ()

    def _shape(self, tensor: Sent) -> tuple[int, tuple[int, ...]]:
        shape = tensor.shape
        if shape and min(shape) < 0:
            raise errors.InputInvalid(f"input `{tensor.name}`: shape {shape} has a negative size")
        tail = tuple(shape[1:])
        fits = len(shape) == self._rank and (tail == self._inner or all(map(_fits, self._inner, tail)))
        if not fits and (self._column.shape or len(shape) != 2 or shape[1] != 1):
            raise errors.InputInvalid(f"input `{tensor.name}`: expected shape {list(self._column.shape or (-1,))}, got {shape}")
        if shape[0] == 0:
            raise errors.InputInvalid(f"input `{tensor.name}` has no rows")
        return shape[0], tail

    def _listed(self, tensor: Sent, raw: bytes) -> list[Any]:
        try:
            return self._flat(raw)  # type: ignore[no-any-return]
        except msgspec.ValidationError as wrong:
            at = complaints.rows(str(wrong))
            width = math.prod(tensor.shape[1:])
            raise _complaint(tensor, str(wrong), [at[0] // width, at[0] % width] if at and width > 1 else at) from wrong

    def _nested(self, tensor: Sent, raw: bytes) -> list[Any]:
        try:
            level: list[Any] = datatypes.decoder(self._column, len(tensor.shape)).decode(raw)
        except msgspec.ValidationError as wrong:
            raise _complaint(tensor, str(wrong), complaints.rows(str(wrong))) from wrong
        outer = 1
        # One level is opened at a time and its lengths are held against the shape first: a hostile shape costs no memory.
        for size, deeper in itertools.pairwise(tensor.shape):
            outer *= size
            if len(level) != outer or any(len(entry) != deeper for entry in level):
                raise errors.InputInvalid(f"input `{tensor.name}`: data is not nested as its shape {tensor.shape} says")
            level = [value for entry in level for value in entry]
        return level


def _fits(promised: int, given: int) -> bool:
    return promised in (-1, given)


def _complaint(tensor: Sent, words: str, at: list[int]) -> errors.InputInvalid:
    place = "".join([f", row {at[0]}" if at else "", f", element {at[1:]}" if len(at) > 1 else ""])
    return errors.InputInvalid(f"input `{tensor.name}`{place}: {complaints.expectation(words)}")
