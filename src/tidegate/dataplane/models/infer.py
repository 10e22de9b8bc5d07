"""The Open Inference Protocol's JSON: a body -> tensors -> a batch, and a batch's answer -> a body.

Models of columns take one tensor a column, [n] or [n, 1], by the columns' own names; where all columns are numbers, also one
tensor [n, columns] under any other name. A model of one tensor takes it under any name. Optional columns may be left out.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, complaints, datatypes, outputs, tensors


class Tensor(msgspec.Struct, gc=False):
    """One input tensor as sent. `data` stays raw until the signature has said what it must be."""

    name: str
    shape: list[int]
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: dict[str, Any] | None = None


class Wanted(msgspec.Struct, gc=False):
    """An output asked for."""

    name: str
    parameters: dict[str, Any] | None = None


class Body(msgspec.Struct, gc=False):
    """An inference request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: dict[str, Any] | None = None
    outputs: list[Wanted] | None = None


class Output(msgspec.Struct, gc=False):
    """One output tensor; data is flat, row-major."""

    name: str
    shape: list[int]
    datatype: str
    data: Sequence[Any]


class Answer(msgspec.Struct, gc=False, omit_defaults=True):
    """An inference response."""

    model_name: str
    model_version: str
    outputs: list[Output]
    parameters: dict[str, str]
    id: str | None = None


class Infer:
    """Both ways, for one signature."""

    def __init__(self, signature: manifests.Signature) -> None:
        self._columns = signature.kind == "columns"
        self._inputs = {column.name: column for column in signature.inputs}
        self._outputs = signature.outputs
        self._sole = signature.inputs[0] if not self._columns and len(signature.inputs) == 1 else None
        self._readers = {column.name: tensors.Reader(column) for column in signature.inputs}
        matrix = _matrix(signature)
        self._matrix = tensors.Reader(matrix) if matrix else None
        self._decode = msgspec.json.Decoder(Body).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, raw: bytes) -> tuple[batches.Batch, str | None, tuple[str, ...]]:
        """The batch, the client's id, and the names of the outputs wanted. Raises BodyMalformed or InputInvalid."""
        try:
            body = self._decode(raw)
        except msgspec.ValidationError as wrong:
            where = complaints.path(str(wrong)).lstrip(".")
            said = complaints.expectation(str(wrong))
            raise errors.InputInvalid(f"not an inference request: {f'{where}: ' if where else ''}{said}.", cure=_CURE) from wrong
        wanted = self._wanted(body.outputs) if body.outputs else ()
        return self._batch(body.inputs), body.id, wanted

    def _batch(self, given: list[Tensor]) -> batches.Batch:
        if not given:
            raise complaints.missing("input", self._inputs)
        if len(given) == 1 and self._sole is not None:
            # A model of one unnamed tensor cannot call the client's name for it wrong.
            rows, values, tail = self._readers[self._sole.name].read(given[0])
            return batches.Batch(rows, {self._sole.name: values}, {self._sole.name: tail})
        if len(given) == 1 and self._matrix is not None and len(given[0].shape) == 2 and given[0].name not in self._inputs:
            rows, values, _ = self._matrix.read(given[0])
            width = len(self._inputs)
            columns = enumerate(self._inputs.values())
            return batches.Batch(rows, {column.name: _narrowed(column, values[place::width]) for place, column in columns})
        return self._named(given)

    def _named(self, given: list[Tensor]) -> batches.Batch:
        inputs: dict[str, list[Any]] = {}
        tails: dict[str, tuple[int, ...]] = {}
        rows = -1
        for tensor in given:
            column = self._inputs.get(tensor.name)
            if column is None:
                raise complaints.unknown("column" if self._columns else "input", tensor.name, self._inputs)
            if column.name in inputs:
                raise errors.InputInvalid(f"input `{column.name}` is there twice")
            count, inputs[column.name], tails[column.name] = self._readers[column.name].read(tensor)
            if rows not in (-1, count):
                raise errors.InputInvalid(f"input `{column.name}` has {count} rows, those before it have {rows}")
            rows = count
        absent = [name for name in self._inputs if name not in inputs]
        if required := [name for name in absent if self._inputs[name].required or not self._columns]:
            raise complaints.missing("column" if self._columns else "input", required)
        inputs.update((name, [None] * rows) for name in absent)
        ordered = {name: inputs[name] for name in self._inputs}
        return batches.Batch(rows, ordered, {} if self._columns else {name: tails[name] for name in self._inputs})

    def _wanted(self, given: list[Wanted]) -> tuple[str, ...]:
        known = [output.name for output in self._outputs]
        names = tuple(wanted.name for wanted in given)
        for name in names:
            if name not in known:
                raise complaints.unknown("output", name, known)
            if names.count(name) > 1:
                raise errors.InputInvalid(f"output `{name}` is asked for twice")
        return names

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> bytes:
        """The response body. `identity`: endpoint, version, prediction id."""
        answered = [
            Output(
                output.name,
                [request.batch.rows, *outputs.tail(output, values[output.name])],
                datatypes.of(output).v2,
                outputs.flat(output, values[output.name]),
            )
            for output in self._outputs
            if not request.wanted or output.name in request.wanted
        ]
        endpoint, version, prediction = identity
        return self._encode(Answer(endpoint, version, answered, {"prediction_id": prediction}, request.id))

    def metadata(self, endpoint: str, version: str, platform: str) -> bytes:
        """The model's v2 metadata."""
        described = {
            "name": endpoint,
            "versions": [version],
            "platform": platform,
            "inputs": [_described(column) for column in self._inputs.values()],
            "outputs": [_described(column) for column in self._outputs],
        }
        return self._encode(described)


_CURE = 'Send {"inputs": [{"name", "shape", "datatype", "data"}]}.'


def _matrix(signature: manifests.Signature) -> manifests.Column | None:
    """All columns as one tensor, where every one of them is numbers."""
    families = {datatypes.of(column).family for column in signature.inputs}
    if signature.kind != "columns" or not families <= {"number", "integer"}:
        return None
    widest = "long" if families == {"integer"} else "double"
    return manifests.Column("inputs", widest, required=False, shape=(-1, len(signature.inputs)))


def _narrowed(column: manifests.Column, values: list[Any]) -> list[Any]:
    """One column of such a tensor, as the column's own type."""
    if column.type == "double":
        return values
    whole = datatypes.of(column).family == "integer"
    narrow = [int(value) if whole and type(value) is float and value.is_integer() else value for value in values]
    wanted: Any = list[datatypes.json_type(column)]  # type: ignore[misc]
    try:
        return list(msgspec.convert(narrow, wanted))
    except msgspec.ValidationError as wrong:
        at = complaints.rows(str(wrong))
        raise errors.InputInvalid(f"column `{column.name}`, row {at[0]}: {complaints.expectation(str(wrong))}") from wrong


def _described(column: manifests.Column) -> dict[str, object]:
    described: dict[str, object] = {
        "name": column.name,
        "datatype": datatypes.of(column).v2,
        "shape": list(column.shape) if column.shape else [-1],
    }
    if not column.required:
        described["parameters"] = {"optional": True}
    return described
