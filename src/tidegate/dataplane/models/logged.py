"""Inputs of logged requests by column, those of many requests at once: what profiles, slices and typed columns are made of.

Bodies are read by the codec of a bundle, in whatever form they came, so they mean what they meant to the worker. Plain records,
which most clients send, are opened one by one and turned into columns together: that costs a fifth of reading each by itself.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.dataplane.models import batches, signature
from tidegate.dataplane.wire import frames, samples


class Inputs(msgspec.Struct):
    """Columns of several requests, one after the other."""

    of: list[int] = []
    """Which requests could be read, by their place among those that were given; in the order of their rows."""
    rows: list[int] = []
    """How many rows each of these has."""
    columns: dict[str, list[Any]] = {}
    """By input column, the values of all these rows. None: missing."""

    def each(self, names: Sequence[str]) -> dict[int, dict[str, list[Any]]]:
        """By request, the values of those of these columns that there are."""
        found = {}
        begin = 0
        there = [name for name in names if name in self.columns]
        for place, rows in zip(self.of, self.rows, strict=True):
            found[place] = {name: self.columns[name][begin : begin + rows] for name in there}
            begin += rows
        return found


def read(codec: signature.Codec, sent: Sequence[samples.Sample | None]) -> Inputs:
    """The inputs of requests; those that cannot be read are left out. A model of tensors has no columns."""
    if codec.manifest.signature.kind != "columns":
        return Inputs()
    plain: list[tuple[int, list[Any]]] = []
    parts: list[tuple[list[int], list[int], batches.Batch]] = []
    for place, one in enumerate(sent):
        if one is None:
            continue
        if one.content == frames.Content.RECORDS:
            try:
                rows = codec.opened(one.body)
            except (ValueError, RecursionError):
                continue
            if 0 < len(rows) <= batches.MOST_ROWS:
                plain.append((place, rows))
            continue
        try:
            batch = codec.decode(one.body, one.content, one.json_bytes, coerce=True).batch
        except errors.TidegateError:
            continue
        parts.append(([place], [batch.rows], batch))
    return _joined(codec, [*_gathered(codec, plain), *parts])


def _gathered(
    codec: signature.Codec, opened: Sequence[tuple[int, list[Any]]]
) -> list[tuple[list[int], list[int], batches.Batch]]:
    """Requests of opened rows as one batch; where one of them is not valid, the others one by one."""
    if not opened:
        return []
    try:
        batch = codec.gathered([row for _, rows in opened for row in rows])
    except errors.InputInvalid:
        return [] if len(opened) == 1 else [part for one in opened for part in _gathered(codec, [one])]
    return [([place for place, _ in opened], [len(rows) for _, rows in opened], batch)]


def _joined(codec: signature.Codec, parts: Sequence[tuple[list[int], list[int], batches.Batch]]) -> Inputs:
    if not parts:
        return Inputs()
    names = [column.name for column in codec.manifest.signature.inputs]
    whole = Inputs([], [], {name: [] for name in names})
    for of, rows, batch in parts:
        whole.of += of
        whole.rows += rows
        for name, values in batches.columns(batch, names).items():
            whole.columns[name] += batches.entries(values)
    return whole
