"""Plain JSON records: one object a row for models of columns, one (nested) list a row for models of a tensor.

The body is {"records": [...]}, the list alone, or (models of columns) one record alone. Answers are one prediction a record:
the value itself when the model has one output, else an object by output name.
"""

import re
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, complaints, records

_ENVELOPE = re.compile(rb'\s*\{\s*"records"\s*:\s*\[')
_PREFIX = re.compile(r"^(\.records)?(\[\d+\])?\.?")
_CURE = 'Send {"records": [...]}, a list of records, or one record.'


class Answer(msgspec.Struct, gc=False):
    """A response to records."""

    predictions: list[Any]
    prediction_id: str
    version: str


class Rows:
    """Both ways, for one signature."""

    def __init__(self, signature: manifests.Signature, coerce: bool = False) -> None:
        self._names = frozenset(column.name for column in signature.inputs)
        self._outputs = signature.outputs
        self._records = records.Records(signature, coerce)
        many: Any = list[self._records.type]  # type: ignore[name-defined]
        enveloped: Any = msgspec.defstruct("Enveloped", [("records", many)], gc=False)
        self._one = msgspec.json.Decoder(self._records.type, strict=not coerce)
        self._many = msgspec.json.Decoder(many, strict=not coerce)
        self._enveloped = msgspec.json.Decoder(enveloped, strict=not coerce)
        self._encode = msgspec.json.Encoder().encode

    def decode(self, raw: bytes) -> batches.Batch:
        """The batch. Raises BodyMalformed or InputInvalid, naming column and row."""
        try:
            given = self._given(raw)
        except msgspec.ValidationError as wrong:
            words = str(wrong)
            if complaints.field(words)[1] == "records" or (not complaints.path(words) and not complaints.field(words)[0]):
                raise errors.InputInvalid(f"not records: {complaints.expectation(words)}.", cure=_CURE) from wrong
            raise self._records.complaint(words, _PREFIX) from wrong
        if not given:
            raise errors.InputInvalid("there are no records.", cure=_CURE)
        return self._records.batch(given)

    def opened(self, raw: bytes) -> list[Any]:
        """The records of a body as they are decoded, for `gathered`. Raises msgspec.ValidationError, DecodeError."""
        return self._given(raw)

    def gathered(self, opened: list[Any]) -> batches.Batch:
        """The batch of records of several bodies, one after the other. Raises InputInvalid."""
        return self._records.batch(opened)

    def _given(self, raw: bytes) -> list[Any]:
        if _ENVELOPE.match(raw):
            return self._enveloped.decode(raw).records  # type: ignore[no-any-return]
        if raw.lstrip()[:1] == b"[":
            return list(self._many.decode(raw))
        try:
            return [self._one.decode(raw)]
        except msgspec.ValidationError:
            # `records` may come after other keys; only then is the body read twice.
            around = msgspec.json.decode(raw)
            if isinstance(around, dict) and isinstance(around.get("records"), list) and "records" not in self._names:
                return list(self._enveloped.decode(raw).records)
            raise

    def encode(self, values: batches.Values, version: str, prediction: str) -> bytes:
        """The response body."""
        return self._encode(Answer(predictions(self._outputs, values), prediction, version))


def predictions(outputs: tuple[manifests.Column, ...], values: batches.Values) -> list[Any]:
    """One prediction a row."""
    listed = [batches.entries(values[output.name]) for output in outputs]
    if len(listed) == 1:
        return listed[0]
    names = [output.name for output in outputs]
    return [dict(zip(names, row, strict=True)) for row in zip(*listed, strict=True)]
