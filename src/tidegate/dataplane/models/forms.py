"""The forms that a request may come in, for one signature: content -> how its body is read and its answer written."""

from collections.abc import Callable

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, delimited, grpc, infer, inputs, invocations, rows
from tidegate.dataplane.wire import frames

Content = frames.Content


class Forms:
    """All of them, strict or coercing: they differ in what they take for a value, not in what they answer."""

    def __init__(self, signature: manifests.Signature, coerce: bool = False) -> None:
        taken = inputs.Inputs(signature, coerce)
        self._infer = infer.Infer(signature, taken, coerce)
        self._messages = grpc.Messages(signature, taken)
        self.rows = rows.Rows(signature, coerce)
        self._invocations = invocations.Invocations(signature, coerce)
        lines = delimited.Delimited(signature)
        self._tables: dict[int, Callable[[bytes], batches.Batch]] = {
            Content.RECORDS: self.rows.decode,
            Content.INVOCATIONS: self._invocations.decode,
            Content.CSV: lines.decode,
        }

    def decode(self, body: bytes, content: int, json_bytes: int) -> batches.Request:
        """The request. Raises BodyMalformed, InputInvalid, msgspec.DecodeError, UnicodeDecodeError, RecursionError."""
        if content == Content.INFER:
            return self._infer.decode(body, json_bytes)
        if content == Content.GRPC:
            return self._messages.decode(body)
        read = self._tables.get(content)
        if read is None:
            raise errors.ProtocolMismatch(f"content {content} is not known to this worker")
        return batches.Request(read(body), content)

    def encode(self, request: batches.Request, values: batches.Values, identity: tuple[str, str, str]) -> tuple[bytes, int]:
        """(the response body, how much of it is JSON: -1 all). `identity`: endpoint, version, prediction id."""
        content = request.content
        if content == Content.INFER:
            return self._infer.encode(request, values, identity)
        if content == Content.RECORDS:
            return self.rows.encode(values, identity[1], identity[2]), -1
        if content == Content.GRPC:
            return self._messages.encode(request, values, identity), -1
        return self._invocations.encode(values), -1
