"""The Open Inference Protocol's REST bodies, with its binary tensor extension: a body -> a request, an answer -> a body.

A body is JSON, or JSON and then tensors' bytes in the order of those inputs that say `parameters.binary_data_size`. An output
is sent as bytes when it is asked for with `parameters.binary_data`, or all are, with the request's
`parameters.binary_data_output`. Parameters that are not known are ignored; those that would change what the answer means, and
are not spoken here, are refused.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, columnar, complaints, datatypes, inputs, outputs, tensors
from tidegate.dataplane.wire import frames

Parameters = dict[str, bool | int | float | str | None]
HEADER = "Inference-Header-Content-Length"
_NONE: frozenset[str] = frozenset()
_CURE = 'Send {"inputs": [{"name", "shape", "datatype", "data"}]}.'
_UNSPOKEN = {"classification": "the scores themselves are sent", "shared_memory_region": "send the tensor itself"}


class Tensor(msgspec.Struct, gc=False):
    """One input tensor as sent. `data` stays raw until the signature has said what it must be."""

    name: str
    shape: list[Annotated[int, msgspec.Meta(ge=-(1 << 63), le=(1 << 63) - 1)]]
    datatype: str
    data: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    parameters: Parameters | None = None


class Wanted(msgspec.Struct, gc=False):
    """An output asked for."""

    name: str
    parameters: Parameters | None = None


class Body(msgspec.Struct, gc=False):
    """An inference request."""

    inputs: list[Tensor]
    id: str | None = None
    parameters: Parameters | None = None
    outputs: list[Wanted] | None = None


_ENVELOPE = (("id", str | None, None), ("parameters", Parameters | None, None), ("outputs", list[Wanted] | None, None))
"""A body's fields besides its inputs."""


class Output(msgspec.Struct, gc=False):
    """One output tensor; data is flat, row-major, or in bytes behind the JSON."""

    name: str
    shape: list[int]
    datatype: str
    data: Any = msgspec.UNSET
    parameters: dict[str, int] | msgspec.UnsetType = msgspec.UNSET


class Answer(msgspec.Struct, gc=False, omit_defaults=True):
    """An inference response."""

    model_name: str
    model_version: str
    outputs: list[Output]
    parameters: dict[str, str]
    id: str | None = None


class Infer:
    """Both ways, for one signature."""

    def __init__(self, signature: manifests.Signature, taken: inputs.Inputs, coerce: bool = False) -> None:
        self._inputs = taken
        several = signature.kind == "columns" and len(signature.inputs) > 1
        self._columnar = columnar.Columnar(signature, coerce, _ENVELOPE) if several else None
        self._outputs = signature.outputs
        self._all = frozenset(output.name for output in signature.outputs)
        single = all(len(output.shape) <= 1 for output in signature.outputs)
        self._singles = [(output.name, datatypes.of(output).v2) for output in signature.outputs] if single else []
        """The outputs' names and datatypes, where each has one value a row."""
        self._decode = msgspec.json.Decoder(Body).decode
        self._encode = msgspec.json.Encoder().encode

    def decode(self, raw: bytes, json_bytes: int = -1) -> batches.Request:
        """The request. `json_bytes`: how much of it is JSON; -1 all, 0 none. Raises BodyMalformed or InputInvalid."""
        if json_bytes == 0:
            return batches.Request(self._inputs.batch([self._inputs.whole(raw)]), frames.Content.INFER, binary=self._all)
        if json_bytes > len(raw):
            raise errors.InputInvalid(f"{HEADER} says {json_bytes} bytes of JSON, the body has {len(raw)}")
        if json_bytes < 0 and self._columnar is not None and raw.count(b'"datatype"') > 1:
            table = self._columnar.read(raw)
            batch = self._columnar.batch(table.inputs) if table is not None else None
            if batch is not None:
                return batches.Request(batch, frames.Content.INFER, table.id, *self._wanted(table))
        try:
            body = self._decode(raw if json_bytes < 0 else raw[:json_bytes])
        except msgspec.ValidationError as wrong:
            where = complaints.path(str(wrong)).lstrip(".")
            said = complaints.expectation(str(wrong))
            raise errors.InputInvalid(f"not an inference request: {f'{where}: ' if where else ''}{said}.", cure=_CURE) from wrong
        sent: list[Tensor] | list[tensors.Given | Tensor] = body.inputs
        if json_bytes > 0:
            sent = _attached(body.inputs, raw, json_bytes)
        for tensor in body.inputs:
            if tensor.parameters:
                spoken(f"input `{tensor.name[:80]}`", tensor.parameters)
        return batches.Request(self._inputs.batch(sent), frames.Content.INFER, body.id, *self._wanted(body))

    def _wanted(self, body: Any) -> tuple[tuple[str, ...], frozenset[str]]:
        """Names of the outputs asked for (none: all), and of those that are to come as bytes."""
        if not body.outputs and not body.parameters:
            return (), _NONE
        every = _flag(body.parameters, "binary_data_output")
        if not body.outputs:
            return (), self._all if every else frozenset()
        names = selected(self._outputs, [wanted.name for wanted in body.outputs])
        for wanted in body.outputs:
            spoken(f"output `{wanted.name}`", wanted.parameters)
        return names, frozenset(one.name for one in body.outputs if _flag(one.parameters, "binary_data", every))

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> tuple[bytes, int]:
        """(the response body, how much of it is JSON: -1 all). `identity`: endpoint, version, prediction id."""
        endpoint, version, prediction = identity
        parameters = {"prediction_id": prediction}
        wanted, in_bytes = request.wanted, request.binary
        if self._singles and not wanted and not in_bytes:
            rows = [request.batch.rows]
            every = [Output(name, rows, datatype, batches.entries(values[name])) for name, datatype in self._singles]
            return self._encode(Answer(endpoint, version, every, parameters, request.id)), -1
        answered, behind = [], []
        for output in self._outputs:
            name = output.name
            if wanted and name not in wanted:
                continue
            entries = values[name]
            made = Output(name, [request.batch.rows, *outputs.tail(output, entries)], datatypes.of(output).v2)
            flat = outputs.flat(output, entries)
            if name in in_bytes:
                behind.append(outputs.raw(output, flat))
                made.parameters = {"binary_data_size": len(behind[-1])}
            else:
                made.data = batches.entries(flat)
            answered.append(made)
        head = self._encode(Answer(endpoint, version, answered, parameters, request.id))
        return (head + b"".join(behind), len(head)) if behind else (head, -1)


def selected(known: tuple[manifests.Column, ...], names: list[str]) -> tuple[str, ...]:
    """The names of outputs that a client asks for, each known and there once. Raises InputInvalid."""
    there = {output.name for output in known}
    seen: set[str] = set()
    for name in names:
        if name not in there:
            raise complaints.unknown("output", name, [output.name for output in known])
        if name in seen:
            raise errors.InputInvalid(f"output `{name}` is asked for twice")
        seen.add(name)
    return tuple(names)


def _attached(given: list[Tensor], raw: bytes, at: int) -> list[tensors.Given | Tensor]:
    """The inputs, those that come as bytes with their part of the body. Raises InputInvalid unless it is used up exactly."""
    sent: list[tensors.Given | Tensor] = []
    for tensor in given:
        size = tensor.parameters.get("binary_data_size") if tensor.parameters else None
        if size is None:
            sent.append(tensor)
            continue
        named = f"input `{tensor.name[:80]}`"
        if type(size) is not int or size < 0:
            raise errors.InputInvalid(f"{named}: binary_data_size has to be a number of bytes")
        if tensor.data is not msgspec.UNSET:
            raise errors.InputInvalid(f"{named} has `data` and binary_data_size; send one of them")
        if size > len(raw) - at:
            raise errors.InputInvalid(f"{named}: binary_data_size is {size}, but {len(raw) - at} bytes are left of the body")
        sent.append(tensors.Given(tensor.name, tensor.shape, tensor.datatype, raw[at : at + size]))
        at += size
    if at != len(raw):
        raise errors.InputInvalid(f"{len(raw) - at} bytes follow the last tensor: no binary_data_size accounts for them")
    return sent


def spoken(named: str, parameters: Mapping[str, object] | None) -> None:
    """Raises InputInvalid for a parameter that would change what a tensor means, and is not spoken here."""
    for name, instead in _UNSPOKEN.items():
        if parameters and name in parameters:
            raise errors.InputInvalid(f"{named}: {name} is not spoken here; {instead}")


def _flag(parameters: Parameters | None, name: str, default: bool = False) -> bool:
    value = parameters.get(name, default) if parameters else default
    if type(value) is not bool:
        raise errors.InputInvalid(f"{name} has to be true or false")
    return value
