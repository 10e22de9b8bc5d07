"""The series that a model's outputs are: what is logged and watched of each row beside its answer.

The answer (`prediction`) is one value a row: the first output, or the likeliest class where that is a list of probabilities.
Everything else that a row is answered with is a series of its own:

    prediction.OUTPUT          an output of one value a row
    prediction.OUTPUT.CLASS    the probability of a class; an entry whose class is not known is called by its place, from 0
    prediction.OUTPUT.rest     of more than `MOST` classes: the probabilities of all others, added up

Of two classes the second alone is one, since the first is what is left. No series are times, tensors of more dimensions or of any
size, and lists of more than `MOST` entries that are no probabilities.

A reply's head and a record carry a row's numbers, then those of the next, as little-endian FP64 (NaN: missing), and its words
likewise: in the order of the series here, which is therefore a part of these formats.
"""

import itertools
import math
import struct
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests, profiles
from tidegate.dataplane.models import batches, datatypes

MOST = 50
"""Entries of one output that are series of their own."""
REST = "rest"
NUMBER_BYTES = 8
WORD_LETTERS = 200
_WORD_BYTES = 4 * WORD_LETTERS + 5
_NUMBERS = ("number", "integer", "boolean")


class Classes(msgspec.Struct, frozen=True):
    """Where a model's outputs are the probabilities of classes."""

    names: tuple[str, ...]
    """Of the classes, in order."""
    series: tuple[str, ...]
    """The series with the probability of each; empty for what is left of 1. None at all where there are more than `MOST`."""


class _Part(msgspec.Struct, frozen=True):
    """Of one output, what is a series."""

    output: str
    names: tuple[str, ...]
    begin: int = -1
    """The first entry of a row's list; -1: the output is one value a row."""
    rest: bool = False
    """Whether the last series is the sum of all entries that are not named."""


class Series:
    """Of one manifest."""

    def __init__(self, manifest: manifests.Manifest) -> None:
        """Raises SignatureMissing for an output of an unknown type."""
        listed = manifest.options.get("classes", "")
        known = _distinct(msgspec.json.decode(listed, type=tuple[str, ...]) if listed else ())
        outputs = manifest.signature.outputs
        self.apart = tuple(one.name for one in outputs) if _apart(outputs, known) else ()
        """The outputs that are the probabilities of one class each, in the order of the classes."""
        listing = None if self.apart else next((one.name for one in outputs if known and one.shape[1:] == (len(known),)), None)
        taken = {column.name for column in manifest.signature.inputs}
        parts = [
            (each, datatypes.of(one).family) for one in outputs for each in _parts(one, known if one.name == listing else ())
        ]
        answered = outputs[0].name if len(outputs[0].shape) <= 1 and not (self.apart and len(known) > 2) else ""
        redundant = outputs[1].name if self.apart and len(known) == 2 else ""
        kept = []
        for part, family in parts:
            if part.output not in (answered, redundant) and taken.isdisjoint(part.names):
                kept.append((part, family))
                taken.update(part.names)
        self._numbers = [one for one, family in kept if family != "text"]
        self._words = [one for one, family in kept if family == "text"]
        self.numbers = tuple(name for one in self._numbers for name in one.names)
        """The names of those that are numbers, in order."""
        self.words = tuple(name for one in self._words for name in one.names)
        """Of those that are words."""
        self.row_bytes = NUMBER_BYTES * len(self.numbers) + _WORD_BYTES * len(self.words)
        """What one row's take in a message at the most."""
        self.classes = _classes(known, listing or "", self.apart, answered)

    def packed(self, values: batches.Values, rows: int) -> bytes:
        """The numbers of the first `rows` rows of an answer, as a record carries them."""
        if not self._numbers or rows <= 0:
            return b""
        blocks = [_block(one, values[one.output], rows) for one in self._numbers]
        numpy = sys.modules.get("numpy")
        if numpy is not None and any(hasattr(one, "dtype") for one in blocks):
            return bytes(numpy.hstack([numpy.asarray(one, "<f8") for one in blocks]).tobytes())
        flat: Iterable[Any] = blocks[0] if len(blocks) == 1 else map(itertools.chain.from_iterable, zip(*blocks, strict=True))
        return _bytes(list(itertools.chain.from_iterable(flat)))

    def worded(self, values: batches.Values, rows: int) -> tuple[str | None, ...]:
        """The words of the first `rows` rows of an answer, likewise; long ones are cut."""
        if not self._words or rows <= 0:
            return ()
        each = [batches.entries(values[one.output])[:rows] for one in self._words]
        return tuple([word if word is None else word[:WORD_LETTERS] for row in zip(*each, strict=True) for word in row])

    def unpacked(self, values: batches.Values, rows: int) -> dict[str, list[float | str | None]]:
        """By series, the values of an answer to so many rows."""
        found: dict[str, list[float | str | None]] = {}
        packed = self.packed(values, rows)
        numbers = struct.unpack(f"<{len(packed) // NUMBER_BYTES}d", packed)
        for names, flat in ((self.numbers, numbers), (self.words, self.worded(values, rows))):
            found |= {name: list(flat[place :: len(names)]) for place, name in enumerate(names)}
        return found


def _distinct(classes: tuple[str, ...]) -> tuple[str, ...]:
    """The names of classes; none where two series would have the same: entries are called by their places then."""
    names = {*classes, REST} if len(classes) > MOST else set(classes)
    return classes if len(names) == len(classes) + (len(classes) > MOST) else ()


def _apart(outputs: Sequence[manifests.Column], known: Sequence[str]) -> bool:
    """Whether each output is the probability of one class."""
    numbers = all(len(one.shape) <= 1 and datatypes.of(one).family == "number" for one in outputs)
    return numbers and len(outputs) == len(known) > 1


def _parts(output: manifests.Column, classes: Sequence[str]) -> Iterator[_Part]:
    named, family = profiles.OUTPUTS + output.name, datatypes.of(output).family
    if len(output.shape) <= 1:
        if family in (*_NUMBERS, "text"):
            yield _Part(output.name, (named,))
        return
    size = output.shape[1]
    if len(output.shape) > 2 or family not in _NUMBERS or size < 1 or (size > MOST and not classes):
        return
    each = classes or [str(place) for place in range(size)]
    if len(classes) == 2:
        yield _Part(output.name, (f"{named}.{classes[1]}",), 1)
    elif size > MOST:
        yield _Part(output.name, (*(f"{named}.{one}" for one in each[:MOST]), f"{named}.{REST}"), 0, rest=True)
    else:
        yield _Part(output.name, tuple(f"{named}.{one}" for one in each), 0)


def _classes(known: tuple[str, ...], listing: str, apart: tuple[str, ...], answered: str) -> Classes:
    if len(known) > MOST or not (listing or apart):
        return Classes(known if listing or apart else (), ())
    if listing:
        series = [f"{profiles.OUTPUTS}{listing}.{one}" for one in known]
        return Classes(known, ("", series[1]) if len(known) == 2 else tuple(series))
    series = [profiles.PREDICTION if one == answered else profiles.OUTPUTS + one for one in apart]
    return Classes(known, (series[0], "") if len(known) == 2 else tuple(series))


def _block(one: _Part, entries: Any, rows: int) -> Any:
    """The series of one output, row by row: lists, or an array of two dimensions."""
    if hasattr(entries, "dtype"):
        table = entries[:rows].reshape(rows, -1)
        if one.rest:
            numpy = sys.modules["numpy"]
            return numpy.hstack([table[:, :MOST], table[:, MOST:].sum(axis=1, keepdims=True)])
        return table[:, max(0, one.begin) :]
    if one.begin < 0:
        return [(value,) for value in entries[:rows]]
    if one.rest:
        return [[*row[:MOST], sum(value for value in row[MOST:] if value is not None)] for row in entries[:rows]]
    return [row[one.begin :] for row in entries[:rows]] if one.begin else entries[:rows]


def _bytes(flat: list[Any]) -> bytes:
    try:
        return struct.pack(f"<{len(flat)}d", *flat)
    except (struct.error, OverflowError):
        return struct.pack(f"<{len(flat)}d", *map(_number, flat))


def _number(value: Any) -> float:
    try:
        return math.nan if value is None else float(value)
    except OverflowError:
        return math.inf
