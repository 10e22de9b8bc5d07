"""One row and the background it is held against, as columns; and mixtures of both as batches that the model takes.

For models of columns, and for those of one tensor [rows, columns], whose places are called NAME[0], NAME[1], ... then.
"""

import copy
import statistics
from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, datatypes

MOST_COLUMNS = 2_000
MOST_BACKGROUND = 100


class Column(msgspec.Struct, frozen=True):
    """One column of the game."""

    name: str
    value: Any
    typical: Any
    background: tuple[Any, ...]

    @property
    def idle(self) -> bool:
        """Whether the background has the row's own value everywhere: it changes nothing, whatever the model does."""
        return all(_same(one, self.value) for one in self.background)


class Case:
    """A row of a request, and the background."""

    def __init__(self, signature: manifests.Signature, request: batches.Batch, row: int, background: batches.Batch) -> None:
        """Raises NotExplainable for models that are not of tables, and for too many columns."""
        demand(signature)
        self._tensor = signature.inputs[0].name if signature.kind == "tensor" else None
        self._blocked = datatypes.block(signature) is not None
        mine, theirs = self._columns(signature, request), self._columns(signature, background)
        if len(mine) > MOST_COLUMNS:
            raise errors.NotExplainable(f"its input has {len(mine):,} columns, and {MOST_COLUMNS:,} are taken apart at most.")
        self.rows = min(background.rows, MOST_BACKGROUND)
        picked = [place * background.rows // self.rows for place in range(self.rows)]
        self.columns = [
            Column(name, values[row], _typical(known := tuple([theirs[name][place] for place in picked])), known)
            for name, values in mine.items()
        ]

    def fewer(self, rows: int) -> "Case":
        """The same with so many rows of the background at most, evenly picked; one at least."""
        if rows >= self.rows:
            return self
        found = copy.copy(self)
        found.rows = max(1, rows)
        picked = [place * self.rows // found.rows for place in range(found.rows)]
        found.columns = [
            msgspec.structs.replace(column, background=tuple([column.background[place] for place in picked]))
            for column in self.columns
        ]
        return found

    def _columns(self, signature: manifests.Signature, batch: batches.Batch) -> dict[str, list[Any]]:
        if self._tensor is None:
            names = [column.name for column in signature.inputs]
            return {name: batches.entries(values) for name, values in batches.columns(batch, names).items()}
        (width,) = batch.tails[self._tensor]
        flat = batches.entries(batch.inputs[self._tensor])
        return {f"{self._tensor}[{place}]": flat[place::width] for place in range(width)}

    def mixtures(self, masks: Sequence[int], playing: Sequence[int]) -> batches.Batch:
        """For each mask the whole background, with the row's own values in the columns of the mask: bit j is `playing[j]`.

        Columns that do not play are the row's own.
        """
        bits = {column: bit for bit, column in enumerate(playing)}
        mixed = []
        for place, column in enumerate(self.columns):
            own, other = [column.value] * self.rows, list(column.background)
            bit = bits.get(place)
            values: list[Any] = []
            for mask in masks:
                values += own if bit is None or mask >> bit & 1 else other
            mixed.append(values)
        return self._batch(mixed)

    def replaced(self) -> batches.Batch:
        """For each column the row once, with the typical value in this column."""
        count = len(self.columns)
        mixed = [[column.value] * count for column in self.columns]
        for place, column in enumerate(self.columns):
            mixed[place][place] = column.typical
        return self._batch(mixed)

    def own(self) -> batches.Batch:
        """The row alone."""
        return self._batch([[column.value] for column in self.columns])

    def background(self) -> batches.Batch:
        """The background alone."""
        return self._batch([list(column.background) for column in self.columns])

    def _batch(self, mixed: list[list[Any]]) -> batches.Batch:
        by_name = {column.name: values for column, values in zip(self.columns, mixed, strict=True)}
        if self._tensor is None:
            return batches.of_columns(by_name, self._blocked)
        block = batches.of_columns(by_name, blocked=True)
        width = block.tails[batches.BLOCK]
        return batches.Batch(block.rows, {self._tensor: block.inputs[batches.BLOCK]}, {self._tensor: width})


def demand(signature: manifests.Signature) -> None:
    """Raises NotExplainable for a signature whose inputs are no table of columns."""
    if signature.kind == "columns":
        texts = [one for one in signature.inputs if datatypes.of(one).family == "text" and not one.categories]
        if len(signature.inputs) == 1 and texts:
            raise errors.NotExplainable("its input is one text, which has no columns that could be told apart.")
        return
    shapes = [one.shape for one in signature.inputs]
    if len(shapes) != 1 or len(shapes[0]) != 2:
        shown = ", ".join(f"{one.name} {list(one.shape)}" for one in signature.inputs)
        raise errors.NotExplainable(
            f"its input is no table but tensors ({shown}), such as images: there are no columns to speak of."
        )
    if datatypes.of(signature.inputs[0]).family == "text":
        raise errors.NotExplainable("its input is a tensor of texts, which has no columns that could be told apart.")


def _typical(values: Sequence[Any]) -> Any:
    present = [one for one in values if one is not None]
    if not present:
        return None
    if all(isinstance(one, int | float) and not isinstance(one, bool) for one in present):
        return statistics.median_low(present)
    return statistics.mode(present)


def _same(one: Any, other: Any) -> bool:
    return one is other or (type(one) is type(other) and one == other)
