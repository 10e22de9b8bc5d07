"""Rows to ask a model and its compiled form: what lies in and between the data there is, where trees have their splits.

All within what was observed, and the same each time.
"""

import dataclasses
import itertools
import math
import random
from collections.abc import Iterator, Sequence
from typing import Any

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import batches, datatypes

EACH = 256
"""Rows of each kind of probe."""
UNSEEN = "a value that the model has never seen"


@dataclasses.dataclass(frozen=True)
class Single:
    """One row with one value out of the ordinary, which a model may refuse."""

    name: str
    """Of the input it is in."""
    value: str | None
    batch: batches.Batch


class Table:
    """The values of a batch, one list a column; a tensor is its columns, side by side."""

    def __init__(self, signature: manifests.Signature, batch: batches.Batch) -> None:
        self._like, self._names = batch, [column.name for column in signature.inputs]
        self._tensors = signature.kind == "tensor"
        self.columns: list[list[Any]] = []
        self.inputs: list[manifests.Column] = []
        """The input that each column belongs to."""
        for column in signature.inputs:
            width = math.prod(batch.tails[column.name]) if self._tensors else 1
            given = batch.inputs if self._tensors else batches.columns(batch, self._names)
            values = batches.entries(given[column.name])
            self.columns += [values[place::width] for place in range(width)]
            self.inputs += [column] * width

    def batch(self, columns: Sequence[list[Any]]) -> batches.Batch:
        """A batch of the same kind with these columns."""
        if not self._tensors:
            return batches.of_columns(dict(zip(self._names, columns, strict=True)), batches.BLOCK in self._like.inputs)
        inputs: dict[str, Any] = {}
        at = 0
        for name, tail in self._like.tails.items():
            width = math.prod(tail)
            inputs[name] = [value for row in zip(*columns[at : at + width], strict=True) for value in row]
            at += width
        return batches.Batch(len(columns[0]), inputs, dict(self._like.tails))


def rows(table: Table) -> batches.Batch:
    """Observed values recombined; numbers anywhere in the observed range; numbers on, halfway between and just beside them."""
    chance = random.Random(0)
    made = []
    for values, column in zip(table.columns, table.inputs, strict=True):
        family = datatypes.of(column).family
        drawn = [chance.choice(values) for _ in range(EACH)]
        numbers = sorted({value for value in values if type(value) in (int, float) and math.isfinite(value)})
        if family not in ("number", "integer") or not numbers:
            drawn += [chance.choice(values) for _ in range(2 * EACH)]
        elif family == "integer":
            drawn += [chance.randint(int(numbers[0]), int(numbers[-1])) for _ in range(2 * EACH)]
        else:
            drawn += [chance.uniform(numbers[0], numbers[-1]) for _ in range(EACH)]
            edges = _edges(numbers)
            drawn += [chance.choice(edges) for _ in range(EACH)]
        made.append(drawn)
    return table.batch(made)


def _edges(numbers: list[float]) -> list[float]:
    """Where a tree that was trained on such data splits, and the floats on either side of it."""
    halves = [low + (high - low) / 2 for low, high in itertools.pairwise(numbers)]
    exact = [float(number) for number in (*numbers, *halves)]
    beside = [math.nextafter(number, way) for number in exact for way in (-math.inf, math.inf)]
    return [number for number in (*exact, *beside) if numbers[0] <= number <= numbers[-1]]


def singles(table: Table) -> Iterator[Single]:
    """A missing value in each column that a client may leave empty, and an unseen one in each column of text."""
    base = [next((value for value in values if value is not None), None) for values in table.columns]
    for place, column in enumerate(table.inputs):
        family = datatypes.of(column).family
        if family == "number" or not column.required:
            yield _single(table, base, place, None)
        if family == "text":
            yield _single(table, base, place, UNSEEN)


def _single(table: Table, base: list[Any], place: int, value: str | None) -> Single:
    row = [[entry] for entry in base]
    row[place] = [value]
    return Single(table.inputs[place].name, value, table.batch(row))
