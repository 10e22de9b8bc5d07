"""The bundle's example, which is a body of records, in the other forms that an endpoint takes."""

import csv
import io
from typing import Any

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import datatypes

MOST = 2
"""Rows shown."""


class Examples:
    """Example bodies; None where the bundle has no example."""

    def __init__(self, signature: manifests.Signature, body: bytes) -> None:
        """`body`: {"records": [...]}."""
        self._inputs = signature.inputs
        self._lists = signature.kind != "columns" and len(signature.inputs) == 1
        rows: list[Any] = msgspec.json.decode(body)["records"][:MOST] if body else []
        self._rows = rows
        self.records: Any = {"records": rows} if rows else None
        self.infer: Any = {"inputs": self._tensors(signature)} if rows else None
        self.invocation: Any = {"instances" if self._lists else "dataframe_records": rows} if rows else None
        self.table: str | None = self._table() if rows and not any(column.shape for column in signature.inputs) else None

    def _values(self, column: manifests.Column) -> list[Any]:
        """An input's values, row by row."""
        return self._rows if self._lists else [row.get(column.name) for row in self._rows]

    def _tensors(self, signature: manifests.Signature) -> list[dict[str, Any]]:
        block = datatypes.block(signature)
        if block is not None:
            data = [[row.get(column.name) for column in self._inputs] for row in self._rows]
            return [{"name": "input", "shape": [len(data), len(self._inputs)], "datatype": datatypes.of(block).v2, "data": data}]
        return [self._tensor(column, self._values(column)) for column in self._inputs]

    @staticmethod
    def _tensor(column: manifests.Column, values: list[Any]) -> dict[str, Any]:
        shape, level = [len(values)], values
        for _ in column.shape[1:]:
            shape.append(len(level[0]))
            level = level[0]
        return {"name": column.name, "shape": shape, "datatype": datatypes.of(column).v2, "data": values}

    def _table(self) -> str:
        out = io.StringIO()
        lines = csv.writer(out, lineterminator="\n")
        lines.writerow([column.name for column in self._inputs])
        lines.writerows(
            [["" if (value := row.get(column.name)) is None else value for column in self._inputs] for row in self._rows]
        )
        return out.getvalue()
