"""Plain JSON records: one object a row for models of columns, one (nested) list a row for models of a tensor.

The body is {"records": [...]}, the list alone, or (models of columns) one record alone. Answers are one prediction a record:
the value itself when the model has one output, else an object by output name.
"""

import itertools
import re
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, complaints, datatypes

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

    def __init__(self, signature: manifests.Signature) -> None:
        self._inputs = signature.inputs
        self._columns = signature.kind == "columns"
        self._outputs = signature.outputs
        self._lists = not self._columns and len(signature.inputs) == 1
        record = _nested(signature.inputs[0]) if self._lists else _record(signature)
        many: Any = list[record]  # type: ignore[valid-type]
        enveloped: Any = msgspec.defstruct("Enveloped", [("records", many)], gc=False)
        self._one = msgspec.json.Decoder(record)
        self._many = msgspec.json.Decoder(many)
        self._enveloped = msgspec.json.Decoder(enveloped)
        self._encode = msgspec.json.Encoder().encode

    def decode(self, raw: bytes) -> batches.Batch:
        """The batch. Raises BodyMalformed or InputInvalid, naming column and row."""
        try:
            records = self._records(raw)
        except msgspec.ValidationError as wrong:
            raise self._complaint(str(wrong)) from wrong
        if not records:
            raise errors.InputInvalid("there are no records.", cure=_CURE)
        return self._tensors(records) if not self._columns else self._table(records)

    def _records(self, raw: bytes) -> list[Any]:
        if _ENVELOPE.match(raw):
            return self._envelope(raw)
        if raw.lstrip()[:1] == b"[":
            return list(self._many.decode(raw))
        try:
            return [self._one.decode(raw)]
        except msgspec.ValidationError:
            # `records` may come after other keys; only then is the body read twice.
            around = msgspec.json.decode(raw)
            if isinstance(around, dict) and isinstance(around.get("records"), list) and not self._has("records"):
                return self._envelope(raw)
            raise

    def _envelope(self, raw: bytes) -> list[Any]:
        return list(self._enveloped.decode(raw).records)

    def _has(self, name: str) -> bool:
        return any(column.name == name for column in self._inputs)

    def _table(self, records: list[Any]) -> batches.Batch:
        columns = zip(*map(msgspec.structs.astuple, records), strict=True)
        inputs: dict[str, list[Any]] = {}
        for column, values in zip(self._inputs, columns, strict=True):
            read = list(values)
            inputs[column.name] = datatypes.times(column, read) if datatypes.of(column).family == "time" else read
        return batches.Batch(len(records), inputs)

    def _tensors(self, records: list[Any]) -> batches.Batch:
        batch = batches.Batch(len(records), {}, {})
        for place, column in enumerate(self._inputs):
            entries = records if self._lists else [msgspec.structs.astuple(record)[place] for record in records]
            batch.inputs[column.name], batch.tails[column.name] = _opened(column, entries)
        return batch

    def _complaint(self, words: str) -> errors.InputInvalid:
        at = complaints.rows(words)
        row = at[0] if at else 0
        kind, name = complaints.field(words)
        what = "column" if self._columns else "input"
        if name == "records" or (not complaints.path(words) and not kind):
            return errors.InputInvalid(f"not records: {complaints.expectation(words)}.", cure=_CURE)
        if kind == "missing":
            return errors.InputInvalid(f"row {row}: missing required {what} `{name}`")
        if kind == "unknown":
            wrong = complaints.unknown(what, name, (column.name for column in self._inputs))
            return errors.InputInvalid(f"row {row}: {wrong.message}", cure=wrong.cure)
        named = _PREFIX.sub("", complaints.path(words))
        element = f", element {at[1:]}" if at[1:] else ""
        place = f"row {row}{element}" if self._lists or not named else f"{what} `{named}`, row {row}"
        return errors.InputInvalid(f"{place}: {complaints.expectation(words)}")

    def encode(self, values: batches.Values, version: str, prediction: str) -> bytes:
        """The response body."""
        return self._encode(Answer(self.predictions(values), prediction, version))

    def predictions(self, values: batches.Values) -> list[Any]:
        """One prediction a row."""
        names = [output.name for output in self._outputs]
        if len(names) == 1:
            return values[names[0]]
        return [dict(zip(names, row, strict=True)) for row in zip(*(values[name] for name in names), strict=True)]


def _nested(column: manifests.Column) -> Any:
    wanted = datatypes.json_type(column)
    for _ in column.shape[1:]:
        wanted = list[wanted]  # type: ignore[valid-type]
    return wanted


def _record(signature: manifests.Signature) -> Any:
    """A class with a field a column: msgspec then checks names, types and missing values in one pass over the bytes."""
    fields: list[Any] = []
    for place, column in enumerate(signature.inputs):
        wanted = _nested(column)
        fields.append((f"f{place}", wanted) if column.required else (f"f{place}", wanted, None))
    names = {f"f{place}": column.name for place, column in enumerate(signature.inputs)}
    return msgspec.defstruct("Record", fields, rename=names, forbid_unknown_fields=True, kw_only=True, gc=False)


def _opened(column: manifests.Column, entries: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """A tensor's rows as (values flat and row-major, sizes after the first). Raises InputInvalid for ragged or wrong sizes."""
    level, tail = entries, []
    for promised in column.shape[1:]:
        size = len(level[0]) if promised < 0 and level else promised
        for place, entry in enumerate(level):
            if len(entry) != size:
                row = place * len(entries) // len(level)
                raise errors.InputInvalid(f"row {row}: expected {size} values, got {len(entry)}")
        tail.append(size)
        level = list(itertools.chain.from_iterable(level))
    return level, tuple(tail)
