"""The tensors of one request -> a batch, whichever protocol brought them.

Models of columns take one tensor a column, [n] or [n, 1], by the columns' own names; where all columns are numbers, also one
tensor [n, columns] under any other name. A model of one tensor takes it under any name. Optional columns may be left out.
"""

import math
from collections.abc import Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, binary, casting, complaints, datatypes, tensors


class Inputs:
    """The inputs of one signature."""

    def __init__(self, signature: manifests.Signature, coerce: bool = False) -> None:
        self._columns = signature.kind == "columns"
        self._what = "column" if self._columns else "input"
        self._coerce = coerce
        self._inputs = {column.name: column for column in signature.inputs}
        self._readers = {column.name: tensors.Reader(column, coerce) for column in signature.inputs}
        self._block = datatypes.block(signature)
        matrix = self._block or _matrix(signature)
        self._matrix = tensors.Reader(matrix, coerce) if matrix else None
        sole = not self._columns and len(signature.inputs) == 1
        # The one tensor that may have any name: a model of one unnamed tensor cannot call the client's name for it wrong.
        self._sole = self._readers[signature.inputs[0].name] if sole else self._matrix if self._block else None
        self._called = signature.inputs[0].name if sole else batches.BLOCK

    def batch(self, given: Sequence[tensors.Sent]) -> batches.Batch:
        """The batch. Raises InputInvalid or BodyMalformed, naming the input, the row and the element."""
        if len(given) == 1:
            tensor = given[0]
            if self._sole is not None and (not self._columns or (len(tensor.shape) == 2 and tensor.name not in self._inputs)):
                rows, values, tail = self._sole.read(tensor)
                return batches.Batch(rows, {self._called: values}, {self._called: tail})
            if self._matrix is not None and len(tensor.shape) == 2 and tensor.name not in self._inputs:
                return self._spread(self._matrix, tensor)
        elif not given:
            raise complaints.missing("input", self._inputs)
        return self._named(given)

    def whole(self, body: bytes) -> tensors.Given:
        """A body that is nothing but the one input's bytes: its length gives the open size.

        Raises InputInvalid for models with more inputs or open sizes than one. Text has to be one value: the body itself.
        """
        if len(self._inputs) != 1:
            raise errors.InputInvalid(f"raw bytes alone are for models of one input; this one has {len(self._inputs)}")
        column = next(iter(self._inputs.values()))
        kind, shape = datatypes.of(column), list(column.shape or (-1,))
        if kind.v2 == "BYTES":
            try:
                said = binary.text(body, 0)
            except complaints.Misfit as wrong:
                raise errors.InputInvalid(f"input `{column.name}`: {wrong}") from wrong
            return tensors.Given(column.name, [1 if size < 0 else size for size in shape], kind.v2, [said])
        if shape.count(-1) > 1:
            raise errors.InputInvalid(f"raw bytes alone cannot tell the sizes of shape {shape}; send a JSON part with `shape`")
        row = binary.SIZES[kind.v2] * math.prod(size for size in shape if size >= 0)
        if row == 0 or len(body) % row:
            raise errors.InputInvalid(f"input `{column.name}`: {len(body)} bytes are no {kind.v2} of shape {shape}")
        return tensors.Given(column.name, [len(body) // row if size < 0 else size for size in shape], kind.v2, body)

    def _spread(self, reader: tensors.Reader, tensor: tensors.Sent) -> batches.Batch:
        """A matrix of columns of several types, column by column."""
        rows, values, _ = reader.read(tensor)
        listed, width = batches.entries(values), len(self._inputs)
        columns = enumerate(self._inputs.values())
        return batches.Batch(rows, {column.name: _narrowed(column, listed[place::width]) for place, column in columns})

    def _named(self, given: Sequence[tensors.Sent]) -> batches.Batch:
        inputs: dict[str, Any] = {}
        tails: dict[str, tuple[int, ...]] = {}
        rows = -1
        for tensor in given:
            name = tensor.name
            reader = self._readers.get(name)
            if reader is None:
                raise complaints.unknown(self._what, name, self._inputs)
            if name in inputs:
                raise errors.InputInvalid(f"input `{name}` is there twice")
            count, inputs[name], tails[name] = reader.read(tensor)
            if rows not in (-1, count):
                raise errors.InputInvalid(f"input `{name}` has {count} rows, those before it have {rows}")
            rows = count
        absent = [name for name in self._inputs if name not in inputs]
        if required := [name for name in absent if self._inputs[name].required or not self._columns]:
            raise complaints.missing(self._what, required)
        inputs.update((name, [None] * rows) for name in absent)
        ordered = {name: inputs[name] for name in self._inputs}
        if self._columns:
            return batches.of_columns(ordered, self._block is not None)
        return batches.Batch(rows, ordered, {name: tails[name] for name in self._inputs})


def _matrix(signature: manifests.Signature) -> manifests.Column | None:
    """All columns as one tensor, where every one of them is numbers."""
    families = {datatypes.of(column).family for column in signature.inputs}
    if signature.kind != "columns" or not families <= {"number", "integer"}:
        return None
    widest = "long" if families == {"integer"} else "double"
    return manifests.Column("inputs", widest, required=False, shape=(-1, len(signature.inputs)))


def _narrowed(column: manifests.Column, values: list[Any]) -> list[Any]:
    """One column of such a tensor, as the column's own type. 3.0 may be a whole number there: a matrix has one type for all."""
    if column.type == "double":
        return values
    if datatypes.of(column).family == "integer":
        values = [int(value) if type(value) is float and value.is_integer() else value for value in values]
    try:
        return casting.held(column, values)
    except complaints.Misfit as wrong:
        raise errors.InputInvalid(f"{datatypes.place_of(column, wrong.place)}: {wrong}") from wrong
