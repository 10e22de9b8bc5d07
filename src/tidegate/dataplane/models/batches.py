"""Requests as one batch: joined for one model call, and the answer cut apart again.

What decoders give and loaders get, by the name of an input:
- a column: one entry a row, None where it is missing; times are datetime values
- a tensor: flat and row-major, None where a number is missing; `tails` has its sizes after the rows
- columns that are all numbers of one type (`datatypes.block`): one tensor called BLOCK, [rows, columns] in the signature's order,
  which is what most models want; `columns` gives them one by one to those that do not

Each is a list, or a numpy array of the column's own type where the client sent raw bytes (NaN where a number is missing). Arrays
may be read-only views of the request: who changes them copies. `entries` makes a list of either.
"""

import itertools
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors

BLOCK = ""
"""The name of the tensor that a table of numbers is; no column is called so."""
MOST_ROWS = 50_000
"""Rows of one request: each row's answer travels in the reply's head, which has a limit of its own."""
Values = dict[str, Any]
"""By the name of an output: a list or an array with one entry a row, itself a list where a tensor has more dimensions."""
Key = tuple[tuple[str, tuple[int, ...]], ...]


class Batch(msgspec.Struct, gc=False):
    """Decoded inputs of one or more requests. See the module."""

    rows: int
    inputs: dict[str, Any]
    tails: dict[str, tuple[int, ...]] = {}
    """Sizes of a tensor's dimensions after the first; empty for models of columns, but for a BLOCK."""

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
    binary: frozenset[str] = frozenset()
    """Names of the outputs that are to be sent as raw bytes rather than as JSON; gRPC: as raw contents, all or none."""


def bounded(rows: int) -> None:
    """Raises InputInvalid for more rows than one request may have: before they are looked at, where that can be known."""
    if rows > MOST_ROWS:
        raise errors.InputInvalid(f"{rows} rows are too many for one request; send at most {MOST_ROWS}")


def joined(parts: Sequence[Batch]) -> Batch:
    """One batch of several with the same key, in order. A single one is returned as it is."""
    first = parts[0]
    if len(parts) == 1:
        return first
    inputs = {name: _chained([part.inputs[name] for part in parts]) for name in first.inputs}
    return Batch(sum([part.rows for part in parts]), inputs, first.tails)


def _chained(pieces: list[Any]) -> Any:
    """Lists and arrays one after the other: an array where all of them are."""
    if list not in set(map(type, pieces)):
        return sys.modules["numpy"].concatenate(pieces)
    whole: list[Any] = []
    for piece in pieces:
        whole += piece if type(piece) is list else piece.tolist()
    return whole


def cut(values: Values, sizes: Iterable[int]) -> list[Values]:
    """The answer to a batch, cut into those to its requests, whose rows are given. The caller has checked the sum."""
    pieces: list[Values] = []
    begin = 0
    for size in sizes:
        end = begin + size
        pieces.append({name: entries[begin:end] for name, entries in values.items()})
        begin = end
    return pieces


def first(batch: Batch) -> Batch:
    """Its first row alone."""
    inputs = {name: values[: len(values) // batch.rows] for name, values in batch.inputs.items()}
    return Batch(1, inputs, batch.tails)


def columns(batch: Batch, names: Sequence[str]) -> dict[str, Any]:
    """The inputs by their own names, a BLOCK taken apart: `names` are the signature's inputs, in its order."""
    if BLOCK not in batch.inputs:
        return batch.inputs
    block, width = batch.inputs[BLOCK], len(names)
    return {name: block[place::width] for place, name in enumerate(names)}


def of_rows(rows: Sequence[tuple[Any, ...]]) -> Batch:
    """A BLOCK of rows that are there one by one, their values in the signature's order."""
    flat = list(rows[0]) if len(rows) == 1 else list(itertools.chain.from_iterable(rows))
    return Batch(len(rows), {BLOCK: flat}, {BLOCK: (len(rows[0]),)})


def of_columns(by_name: dict[str, Any], blocked: bool) -> Batch:
    """A batch of columns that are there one by one, in the signature's order, as long as each other; a BLOCK if so told."""
    rows = len(next(iter(by_name.values())))
    if not blocked:
        return Batch(rows, by_name)
    woven: list[Any] = [None] * (rows * len(by_name))
    for place, values in enumerate(by_name.values()):
        woven[place :: len(by_name)] = entries(values)
    return Batch(rows, {BLOCK: woven}, {BLOCK: (len(by_name),)})


def entries(values: Any) -> list[Any]:
    """As a list, whichever it is."""
    return values if type(values) is list else list(values.tolist())
