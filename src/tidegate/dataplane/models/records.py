"""Rows as objects or lists -> a batch: what plain records and MLflow's bodies have in common.

A record is a class with a field a column: msgspec then checks names, types and missing values in one pass over the bytes. For a
model of one tensor it is a (nested) list.
"""

import itertools
import re
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, complaints, datatypes


class Records:
    """The rows of one signature."""

    def __init__(self, signature: manifests.Signature, coerce: bool = False) -> None:
        self._inputs = signature.inputs
        self._columns = signature.kind == "columns"
        self.lists = not self._columns and len(signature.inputs) == 1
        """Whether a row is a list rather than an object."""
        self._block = datatypes.block(signature)
        self._unfinished = [column for column in signature.inputs if datatypes.unfinished(column, coerce)]
        self.type: Any = nested(signature.inputs[0]) if self.lists else _record(signature)
        """What one row decodes as."""

    def batch(self, rows: list[Any]) -> batches.Batch:
        """Decoded rows as a batch. Raises InputInvalid for what decoding could not see."""
        if not self._columns:
            return self._tensors(rows)
        if self._block is not None and not self._unfinished:
            return batches.of_rows([*map(msgspec.structs.astuple, rows)])
        columns = zip(*map(msgspec.structs.astuple, rows), strict=True)
        by_name = {column.name: list(values) for column, values in zip(self._inputs, columns, strict=True)}
        for column in self._unfinished:
            by_name[column.name] = datatypes.finished(column, by_name[column.name])
        return batches.of_columns(by_name, self._block is not None)

    def _tensors(self, rows: list[Any]) -> batches.Batch:
        batch = batches.Batch(len(rows), {}, {})
        for place, column in enumerate(self._inputs):
            entries = rows if self.lists else [msgspec.structs.astuple(record)[place] for record in rows]
            values, batch.tails[column.name] = opened(column, entries)
            batch.inputs[column.name] = datatypes.finished(column, values) if column in self._unfinished else values
        return batch

    def complaint(self, words: str, prefix: re.Pattern[str]) -> errors.InputInvalid:
        """The error in msgspec's words about a list of rows; `prefix` is the way to a row in its paths."""
        at = complaints.rows(words)
        row = at[0] if at else 0
        kind, name = complaints.field(words)
        what = "column" if self._columns else "input"
        if kind == "missing":
            return errors.InputInvalid(f"row {row}: missing required {what} `{name}`")
        if kind == "unknown":
            wrong = complaints.unknown(what, name, (column.name for column in self._inputs))
            return errors.InputInvalid(f"row {row}: {wrong.message}", cure=wrong.cure)
        named = prefix.sub("", complaints.path(words))
        element = f", element {at[1:]}" if at[1:] else ""
        place = f"row {row}{element}" if self.lists or not named else f"{what} `{named}`, row {row}"
        return errors.InputInvalid(f"{place}: {complaints.expectation(words)}")


def nested(column: manifests.Column) -> Any:
    """What one row of a tensor decodes as."""
    wanted = datatypes.json_type(column)
    for _ in column.shape[1:]:
        wanted = list[wanted]  # type: ignore[valid-type]
    return wanted


def _record(signature: manifests.Signature) -> Any:
    fields: list[Any] = []
    for place, column in enumerate(signature.inputs):
        wanted = nested(column)
        fields.append((f"f{place}", wanted) if column.required else (f"f{place}", wanted, None))
    names = {f"f{place}": column.name for place, column in enumerate(signature.inputs)}
    return msgspec.defstruct("Record", fields, rename=names, forbid_unknown_fields=True, kw_only=True, gc=False)


def opened(column: manifests.Column, entries: list[Any]) -> tuple[list[Any], tuple[int, ...]]:
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
