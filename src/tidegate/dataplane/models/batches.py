"""Requests as one batch: joined for one model call, and the answer cut apart again. Values are plain lists, row by row."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

Values = dict[str, list[Any]]
"""By the name of an output: one entry a row, which is itself a list where the output is a tensor with more dimensions."""
Key = tuple[tuple[str, tuple[int, ...]], ...]


class Batch(msgspec.Struct, gc=False):
    """Decoded inputs of one or more requests."""

    rows: int
    inputs: dict[str, list[Any]]
    """By the name of an input. A column has one entry a row; a tensor is flat and row-major, `tails` has its other sizes."""
    tails: dict[str, tuple[int, ...]] = {}
    """Sizes of a tensor's dimensions after the first; empty for models of columns."""

    @property
    def key(self) -> Key:
        """Requests with the same key can be one batch: every size but the number of rows agrees."""
        return tuple(self.tails.items())


class Request(msgspec.Struct, gc=False):
    """One client's request, decoded and valid."""

    batch: Batch
    content: int
    id: str | None = None
    """The client's own id, to be echoed untouched."""
    wanted: tuple[str, ...] = ()
    """Names of the outputs asked for; empty: all."""


def joined(parts: Sequence[Batch]) -> Batch:
    """One batch of several with the same key, in order. A single one is returned as it is."""
    first = parts[0]
    if len(parts) == 1:
        return first
    inputs = {name: list(values) for name, values in first.inputs.items()}
    for part in parts[1:]:
        for name, values in part.inputs.items():
            inputs[name].extend(values)
    return Batch(sum(part.rows for part in parts), inputs, first.tails)


def cut(values: Values, sizes: Iterable[int]) -> list[Values]:
    """The answer to a batch, cut into those to its requests, whose rows are given. The caller has checked the sum."""
    pieces: list[Values] = []
    begin = 0
    for size in sizes:
        end = begin + size
        pieces.append({name: entries[begin:end] for name, entries in values.items()})
        begin = end
    return pieces
