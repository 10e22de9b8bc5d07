"""MLflow's scoring bodies as CSV: a header line, then a row a line, UTF-8; the values are typed by the signature.

An empty cell is a missing value; in columns that are not text so are NA, NaN, nan, null and None. A column without a name, which
pandas writes for its index, is passed over. A model of one tensor [rows, values] takes any header.
"""

import csv
import io
import itertools
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, casting, complaints, datatypes, invocations

MISSING = frozenset({"", "NA", "NaN", "nan", "null", "None"})


class Delimited:
    """One signature's."""

    def __init__(self, signature: manifests.Signature) -> None:
        self._columns = signature.kind == "columns"
        self._inputs = {column.name: column for column in signature.inputs}
        self._block = datatypes.block(signature)

    def decode(self, raw: bytes) -> batches.Batch:
        """The batch. Raises BodyMalformed or InputInvalid, naming column and row."""
        lines = csv.reader(io.StringIO(raw.decode("utf-8-sig"), newline=""), strict=True)
        try:
            header = next(lines, [])
            table = list(itertools.islice(filter(None, lines), batches.MOST_ROWS + 1))
        except csv.Error as broken:
            raise errors.BodyMalformed(f"the body is not CSV: {broken} (line {lines.line_num})") from broken
        if not table:
            raise errors.InputInvalid("there are no rows: a header line and a line for each row are expected")
        batches.bounded(len(table))
        for row, line in enumerate(table):
            if len(line) != len(header):
                raise errors.InputInvalid(f"row {row}: {len(line)} values for {len(header)} names in the header")
        cells = dict(zip(header, zip(*table, strict=True), strict=True))
        if len(cells) < len(header):
            raise errors.InputInvalid("a name is there twice in the header")
        cells.pop("", None)
        return self._named(cells, len(table)) if self._columns else self._tensor(list(cells.values()), len(table))

    def _named(self, cells: dict[str, tuple[str, ...]], count: int) -> batches.Batch:
        invocations.known("column", tuple(cells), self._inputs)
        by_name: dict[str, Any] = {}
        for name, column in self._inputs.items():
            by_name[name] = _typed(column, cells[name]) if name in cells else [None] * count
        return batches.of_columns(by_name, self._block is not None)

    def _tensor(self, columns: list[tuple[str, ...]], count: int) -> batches.Batch:
        column = next(iter(self._inputs.values()))
        if len(self._inputs) > 1 or len(column.shape) > 2:
            raise errors.InputInvalid("a CSV is for models of columns, or of one tensor [rows, values]; send JSON")
        width = column.shape[1] if len(column.shape) == 2 else 1
        if width not in (-1, len(columns)):
            raise errors.InputInvalid(f"expected {width} values a row, got {len(columns)}")
        read = batches.of_columns({str(place): _typed(column, values) for place, values in enumerate(columns)}, True)
        tail = (len(columns),) if len(column.shape) == 2 else ()
        return batches.Batch(count, {column.name: read.inputs[batches.BLOCK]}, {column.name: tail})


def _typed(column: manifests.Column, cells: tuple[str, ...]) -> list[Any]:
    family = datatypes.of(column).family
    absent = MISSING if family not in ("text", "time") else {""}
    values: list[str | None] = [None if cell in absent else cell for cell in cells]
    if family == "boolean":
        values = [None if value is None else value.lower() for value in values]
    try:
        held = casting.held(column, values, coerce=True)
    except complaints.Misfit as wrong:
        raise errors.InputInvalid(f"column `{column.name}`, row {wrong.place}: {wrong}") from wrong
    return datatypes.finished(column, held)
