"""ModelInferRequest and ModelInferResponse, the two large messages of the gRPC service: bytes <-> tensors as they were sent.

A tensor's values come raw (`raw_input_contents`, one entry an input, for all inputs or none) or typed (`contents`, in the field
that belongs to its datatype). Nothing is held against a signature here, and nothing is set aside for what a shape claims.
Raises BodyMalformed for what is no such message.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import protobuf

FIELDS = {
    "BOOL": 1, "INT8": 2, "INT16": 2, "INT32": 2, "INT64": 3, "UINT8": 4, "UINT16": 4, "UINT32": 4, "UINT64": 5,
    "FP32": 6, "FP64": 7, "BYTES": 8,
}  # fmt: skip
"""The field of InferTensorContents by datatype. FP16 and BF16 have none: they only come raw."""
_TENSOR = 128
"""Fields of one tensor, its sizes and parameters among them."""
_VALUES = 1 << 20
"""Values of one tensor that do not come packed, as text never does."""
Parameters = dict[str, bool | int | float | str]


class Tensor(msgspec.Struct, gc=False):
    """One input as sent."""

    name: str
    datatype: str
    shape: list[int]
    data: bytes | list[Any]
    """Raw bytes, or the typed values."""
    parameters: Parameters = {}


class Request(msgspec.Struct, gc=False):
    """A ModelInferRequest."""

    name: str = ""
    version: str = ""
    id: str = ""
    parameters: Parameters = {}
    inputs: list[Tensor] = []
    outputs: list[tuple[str, Parameters]] = []
    """Names of the outputs asked for, each with its parameters."""
    raw: bool = False
    """Whether the tensors came as raw bytes."""


class Output(msgspec.Struct, gc=False):
    """One output to be sent: flat values, or their raw bytes."""

    name: str
    datatype: str
    shape: Sequence[int]
    values: Sequence[Any] | bytes


def read(data: bytes, most: int) -> Request:
    """A ModelInferRequest with at most so many inputs, and as many outputs asked for."""
    request = Request()
    inputs: list[tuple[Tensor, list[bytes]]] = []
    raws: list[bytes] = []
    for field in protobuf.fields(data):
        number = field[0]
        if number == 5:
            _bound(inputs, most, "inputs")
            inputs.append(_input(protobuf.blob(field)))
        elif number == 7:
            raws.append(protobuf.blob(field))
        elif number == 6:
            _bound(request.outputs, most, "outputs")
            request.outputs.append(_wanted(protobuf.blob(field)))
        elif number == 4:
            _parameter(request.parameters, protobuf.blob(field))
        elif number in _TEXTS:
            setattr(request, _TEXTS[number], protobuf.text(field))
    request.raw = bool(raws)
    if raws and len(raws) != len(inputs):
        raise errors.InputInvalid(f"raw_input_contents has {len(raws)} entries for {len(inputs)} inputs")
    for place, (tensor, contents) in enumerate(inputs):
        if raws and contents:
            raise errors.InputInvalid(f"input `{tensor.name[:80]}` has contents although raw_input_contents is there")
        tensor.data = raws[place] if raws else _typed(tensor, contents)
        request.inputs.append(tensor)
    return request


_TEXTS = {1: "name", 2: "version", 3: "id"}


def _bound(there: Sequence[object], most: int, what: str) -> None:
    if len(there) == most:
        raise errors.InputInvalid(f"over {most} {what} are there, more than the model has")


def _input(data: bytes) -> tuple[Tensor, list[bytes]]:
    tensor, shape, contents = Tensor("", "", [], b""), [], []
    for field in protobuf.fields(data, _TENSOR):
        number = field[0]
        if number == 1:
            tensor.name = protobuf.text(field)
        elif number == 2:
            tensor.datatype = protobuf.text(field)
        elif number == 3:
            shape.append(field)
        elif number == 4:
            _parameter(tensor.parameters, protobuf.blob(field))
        elif number == 5:
            contents.append(protobuf.blob(field))
    tensor.shape = protobuf.signeds(shape)
    return tensor, contents


def _typed(tensor: Tensor, contents: list[bytes]) -> list[Any]:
    """The values of InferTensorContents, which may come in pieces. Raises InputInvalid for a field of another datatype."""
    wanted = FIELDS.get(tensor.datatype, 0)
    named = f"input `{tensor.name[:80]}`"
    if not wanted:
        raise errors.InputInvalid(f"{named}: {tensor.datatype[:20]!r} has no typed contents; send raw_input_contents")
    given = [field for piece in contents for field in protobuf.fields(piece, _VALUES)]
    if any(field[0] != wanted for field in given if 0 < field[0] < 9):
        raise errors.InputInvalid(f"{named}: its contents are in a field that does not belong to {tensor.datatype}")
    given = [field for field in given if field[0] == wanted]
    if wanted == 8:
        return [_said(named, protobuf.blob(field)) for field in given]
    if wanted in (6, 7):
        return protobuf.floats(given, "f" if wanted == 6 else "d")
    if wanted in (2, 3):
        return protobuf.signeds(given)
    return protobuf.varints(given) if wanted != 1 else [bool(value) for value in protobuf.varints(given)]


def _said(named: str, value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError as wrong:
        raise errors.InputInvalid(f"{named}: expected text in UTF-8, got other bytes") from wrong


def _wanted(data: bytes) -> tuple[str, Parameters]:
    name, parameters = "", Parameters()
    for field in protobuf.fields(data, _TENSOR):
        if field[0] == 1:
            name = protobuf.text(field)
        elif field[0] == 2:
            _parameter(parameters, protobuf.blob(field))
    return name, parameters


def _parameter(parameters: Parameters, data: bytes) -> None:
    """An entry of a map of InferParameter."""
    name, chosen = "", b""
    for field in protobuf.fields(data, _TENSOR):
        if field[0] == 1:
            name = protobuf.text(field)
        elif field[0] == 2:
            chosen = protobuf.blob(field)
    for field in protobuf.fields(chosen, _TENSOR):
        if field[0] in _CHOICES:
            parameters[name] = _CHOICES[field[0]](field)


_CHOICES: dict[int, Any] = {
    1: lambda field: bool(protobuf.unsigned(field)),
    2: protobuf.signed,
    3: protobuf.text,
    4: protobuf.double,
    5: protobuf.unsigned,
}


def write(identity: tuple[str, str, str], parameters: Mapping[str, str], outputs: Sequence[Output], raw: bool) -> bytes:
    """A ModelInferResponse. `identity`: model name, version, the client's id; `raw`: values are bytes, for all outputs."""
    parts = [protobuf.string(number, said) for number, said in enumerate(identity, 1)]
    for name, value in parameters.items():
        entry = protobuf.string(1, name) + protobuf.counted(2, protobuf.counted(3, value.encode()))
        parts.append(protobuf.counted(4, entry))
    for output in outputs:
        made = protobuf.string(1, output.name) + protobuf.string(2, output.datatype) + protobuf.packed(3, output.shape)
        if not raw:
            made += protobuf.counted(5, _contents(output.datatype, output.values))
        parts.append(protobuf.counted(5, made))
    if raw:
        parts += [protobuf.counted(6, bytes(output.values)) for output in outputs]
    return b"".join(parts)


def _contents(datatype: str, values: Sequence[Any]) -> bytes:
    number = FIELDS[datatype]
    if number == 8:
        return b"".join([protobuf.counted(8, value.encode()) for value in values])
    if number in (6, 7):
        return protobuf.packed_floats(number, values, "f" if number == 6 else "d")
    return protobuf.packed(number, values)
