"""Inputs of logged requests by column, as the log keeps them: read by the bundle's own codec, without the model.

Called by the recorder. Not here: the columns in Parquet (`predlog.columns`), reading inputs (`bodies.Reader`).
"""

import itertools
import logging
import pathlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import keeping, manifests, records
from tidegate.dataplane.models import batches, datatypes
from tidegate.dataplane.predlog import ciphers, columns, objects, parquet
from tidegate.observability.profiling import oddness
from tidegate.observability.reading import bodies
from tidegate.observability.recording import veils

log = logging.getLogger(__name__)
EMBEDDED = "embedded"
_BY_REFERENCE = "object"
_BITS = columns.arrow("float")
_Read = tuple[list[records.Prediction], list[int], dict[str, list[Any]]]
"""Requests that could be read, how many rows each has, and by column the values of all these rows."""


class Inputs:
    """What is kept of inputs. The reader is shared with whoever else reads them."""

    def __init__(self, folder: pathlib.Path, reader: bodies.Reader, veiled: veils.Veils, odd: oddness.Oddness) -> None:
        """`folder`: the log's. `odd`: how odd they are."""
        self._log, self._reader, self._veils, self._odd = folder, reader, veiled, odd

    def chunks(self, predictions: Iterable[records.Prediction]) -> dict[parquet.Partition, list[columns.Chunk]]:
        """The columns of these requests, by where they belong; what is large is kept beside them at once. Raises OSError."""
        groups: dict[tuple[parquet.Partition, str], list[records.Prediction]] = {}
        for one in predictions:
            if one.input:
                groups.setdefault((parquet.partition(one), one.digest), []).append(one)
        found: dict[parquet.Partition, list[columns.Chunk]] = {}
        for (place, _), several in groups.items():
            found.setdefault(place, []).extend(self._chunked(place, several))
        return found

    def _chunked(self, place: parquet.Partition, several: list[records.Prediction]) -> list[columns.Chunk]:
        signature = self._reader.takes(several[0].digest)
        if signature is None:
            return []
        try:
            read = self._read(signature, several)
            return [self._chunk(place, signature, read)] if read[0] else []
        except OSError:
            raise
        except Exception:  # a fault of ours with one input: it would come again with every restart, and stop the whole log
            if len(several) > 1:
                return [chunk for one in several for chunk in self._chunked(place, [one])]
            log.exception("an input has no columns", extra={"endpoint": several[0].endpoint, "digest": several[0].digest})
            return []

    def _read(self, signature: manifests.Signature, several: list[records.Prediction]) -> _Read:
        if any(one.content == EMBEDDED for one in several):
            several = [msgspec.structs.replace(one, content="records") if one.content == EMBEDDED else one for one in several]
        if signature.kind == "columns":
            read = self._reader.inputs(several)
            return [several[at] for at in read.of], read.rows, read.columns
        found: _Read = ([], [], {column.name: [] for column in signature.inputs})
        for one in several:
            batch = self._reader.tensors(one)
            if batch is not None:
                found[0].append(one)
                found[1].append(batch.rows)
                for column in signature.inputs:
                    found[2][column.name] += _tensor(batch, column)
        return found

    def _chunk(self, place: parquet.Partition, signature: manifests.Signature, read: _Read) -> columns.Chunk:
        several, rows, given = read
        told, folder = self._veils.of(place.endpoint), objects.folder(self._log, place.endpoint, place.day)
        shares = dict(told.columns)
        made = {}
        for column in signature.inputs:
            name, kind = column.name, _kind(signature, column)
            if name in told.redact:
                continue
            part = _Part([one.id for one in several], list(rows), given[name])
            if name in shares:
                part = part.sampled(shares[name])
            if name in told.encrypt:
                key = self._veils.key(place.endpoint)
                if key is None:
                    continue
                part, kind = part.encrypted(key, name, files=kind == _BY_REFERENCE), columns.TEXT
            if kind in (columns.TEXT, _BY_REFERENCE):
                part.values = _all_short(folder, part.values)
            made[columns.PREFIX + name] = columns.lists(columns.arrow(kind), part.values, part.rows, part.missing)
        if signature.kind == "columns" and (bits := self._odd.scored(several, rows, given, told.veiled)):
            made[oddness.NAME] = columns.lists(_BITS, bits, rows)
        return columns.Chunk([(one.incarnation, one.sequence) for one in several], made)


class _Part(msgspec.Struct):
    """One column of several requests."""

    ids: list[bytes]
    rows: list[int]
    values: Sequence[Any]
    missing: Sequence[bool] = ()

    def sampled(self, share: float) -> "_Part":
        """Of some predictions only."""
        missing = [keeping.chance(one) >= share for one in self.ids]
        values: list[Any] = []
        begin = 0
        for rows, gone in zip(self.rows, missing, strict=True):
            values += () if gone else self.values[begin : begin + rows]
            begin += rows
        return _Part(self.ids, [0 if gone else rows for rows, gone in zip(self.rows, missing, strict=True)], values, missing)

    def encrypted(self, key: ciphers.Key, name: str, *, files: bool) -> "_Part":
        """As text that only who has the key can open: JSON of each value, or a file's bytes."""
        of = itertools.chain.from_iterable(itertools.repeat(one, rows) for one, rows in zip(self.ids, self.rows, strict=True))
        told = [
            None if value is None else key.encrypt(one, name, value if files else columns.text(value).encode())
            for one, value in zip(of, self.values, strict=True)
        ]
        return _Part(self.ids, self.rows, told, self.missing)


def _kind(signature: manifests.Signature, column: manifests.Column) -> str:
    """The type of a column's entries."""
    family = datatypes.of(column).family
    if signature.kind == "columns" or len(column.shape) <= 1:
        return columns.TEXT if family == "text" else column.type
    size = 1
    for one in column.shape[1:]:
        size *= one if one > 0 else objects.ELEMENTS_MOST + 1
    return column.type + columns.ELEMENTS if size <= objects.ELEMENTS_MOST and family != "text" else _BY_REFERENCE


def _tensor(batch: batches.Batch, column: manifests.Column) -> Sequence[Any]:
    """A tensor's rows as they go into its column: values, lists of them, or NPY files where they are many."""
    flat = batch.inputs[column.name]
    tail = batch.tails.get(column.name, ())
    if not tail:
        return batches.entries(flat)
    width = len(flat) // batch.rows
    rows = [flat[at * width : (at + 1) * width] for at in range(batch.rows)]
    if _kind(manifests.Signature("tensor", (), ()), column) == _BY_REFERENCE:
        return [objects.npy(row, tail, datatypes.of(column).numpy) for row in rows]
    return [batches.entries(row) for row in rows]


def _all_short(folder: pathlib.Path, values: Sequence[Any]) -> list[Any]:
    """Each as kept in a column; words come again and again, so each is looked at once."""
    try:
        known = {value: _short(folder, value) for value in set(values)}
    except TypeError:  # lists of a tensor's rows
        return [_short(folder, value) for value in values]
    return [known[value] for value in values]


def _short(folder: pathlib.Path, value: Any) -> Any:
    """A text, or the bytes of a file, as kept in a column: what is long, or looks like a reference, by reference."""
    if isinstance(value, bytes):
        return objects.put(folder, value)
    if not isinstance(value, str) or (len(value) <= objects.TEXT_MOST and not value.startswith(objects.REFERENCE)):
        return value
    return objects.put(folder, value.encode("utf-8", "replace"))
