"""The Open Inference Protocol's gRPC bodies: a ModelInferRequest -> a request, an answer -> a ModelInferResponse.

The answer is raw when the request was, else typed; FP16 and BF16 have no typed form, so an answer with one of them is raw.
"""

from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, binary, datatypes, infer, inputs, outputs, tensors
from tidegate.dataplane.wire import frames, inferences


class Messages:
    """Both ways, for one signature."""

    def __init__(self, signature: manifests.Signature, taken: inputs.Inputs) -> None:
        self._inputs = taken
        self._outputs = signature.outputs
        self._most = 1 + max(len(signature.inputs), len(signature.outputs))
        self._all = frozenset(output.name for output in signature.outputs)
        self._halves = frozenset(output.name for output in signature.outputs if datatypes.of(output).v2 not in inferences.FIELDS)

    def decode(self, raw: bytes) -> batches.Request:
        """The request. Raises BodyMalformed or InputInvalid."""
        message = inferences.read(raw, self._most)
        sent = [tensors.Given(tensor.name, tensor.shape, tensor.datatype, tensor.data) for tensor in message.inputs]
        for tensor in message.inputs:
            infer.spoken(f"input `{tensor.name[:80]}`", tensor.parameters)
        for name, parameters in message.outputs:
            infer.spoken(f"output `{name[:80]}`", parameters)
        wanted = infer.selected(self._outputs, [name for name, _ in message.outputs])
        raw_answer = message.raw or not self._halves.isdisjoint(wanted or self._all)
        batch = self._inputs.batch(sent)
        return batches.Request(batch, frames.Content.GRPC, message.id or None, wanted, self._all if raw_answer else frozenset())

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> bytes:
        """The response. `identity`: endpoint, version, prediction id."""
        made = []
        for output in self._outputs:
            if request.wanted and output.name not in request.wanted:
                continue
            entries = values[output.name]
            shape = [request.batch.rows, *outputs.tail(output, entries)]
            flat = outputs.flat(output, entries)
            sent = outputs.raw(output, flat) if request.binary else _typed(output, batches.entries(flat))
            made.append(inferences.Output(output.name, datatypes.of(output).v2, shape, sent))
        endpoint, version, prediction = identity
        named = (endpoint, version, request.id or "")
        return inferences.write(named, {"prediction_id": prediction}, made, bool(request.binary))


def _typed(output: manifests.Column, values: list[Any]) -> list[Any]:
    """Flat values without None. Raises InputInvalid where a value is missing that the type has no way to say is missing."""
    if None not in values:
        return values
    kind = datatypes.of(output)
    if kind.v2 == "BYTES":
        return ["" if value is None else value for value in values]
    try:
        return binary.missing(kind.v2, values)
    except ValueError as wrong:
        raise errors.InputInvalid(f"output `{output.name}`: {wrong}") from wrong
