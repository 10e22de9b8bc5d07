"""What every sink keeps to, and what is delivered: recorded rows, as they are in the log's Parquet files.

A message is one row as a JSON object, its fields named as the columns are (docs/formats.md), and `table` (predictions or
outcomes). `answers` and `label`, which are JSON in their columns, are values here; times are ISO 8601 in UTC; bytes are base64.
"""

import base64
import datetime as dt
from typing import Any, NamedTuple, Protocol

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

JSON_COLUMNS = frozenset({"answers", "label"})
_encode = msgspec.json.Encoder().encode
_TIME = "%Y-%m-%dT%H:%M:%SZ"


class Message(NamedTuple):
    """One row."""

    key: str
    """The prediction's id: what belongs together has the same."""
    identity: str
    """incarnation-sequence: of a row that comes twice the same, and of no other."""
    body: bytes


class Parcel(msgspec.Struct, frozen=True):
    """Some rows of one partition of the log."""

    table: str
    """predictions or outcomes."""
    endpoint: str
    """Empty for outcomes."""
    day: str
    name: str
    """Of this host, and of no other parcel: the same when the same rows are delivered again."""
    rows: pa.Table

    def messages(self) -> list[Message]:
        """A message a row, in order."""
        columns = {field.name: _values(field.name, self.rows[field.name]) for field in self.rows.schema}
        found = []
        for row in zip(*columns.values(), strict=True):
            told = dict(zip(columns, row, strict=True))
            identity = f"{told['incarnation']}-{told['sequence']}"
            found.append(Message(told["id"], identity, _encode({"table": self.table, **told})))
        return found


class Sink(Protocol):
    """One place. It belongs to one thread. Nothing that it raises repeats its address."""

    whole: bool
    """Whether it takes parcels as files, each whole; else messages, a thousand at a time."""

    def deliver(self, parcel: Parcel) -> None:
        """Hand over a parcel; once this returns the place has all of it, and keeps it as it keeps anything.

        Raises SinkUnavailable when it does not, or may not, have all of it: the same parcel is then delivered again, and what it
        did have it gets twice. Takes tens of seconds at the most. Raises SinkInvalid for what no later try would help.
        """

    def close(self) -> None:
        """Let go. Never raises."""


def _values(name: str, column: pa.ChunkedArray) -> list[Any]:
    if pa.types.is_timestamp(column.type):
        return list(pc.strftime(column, format=_TIME).to_pylist())
    values = column.to_pylist()
    if name in JSON_COLUMNS:
        return [msgspec.Raw(value.encode()) if value is not None else None for value in values]
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        return [_plain(value) for value in values]
    return list(values)


def _plain(value: Any) -> Any:
    """As JSON has it."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return value.isoformat() if isinstance(value, dt.datetime) else value
