"""Is what a model said an answer: as many rows as asked, of the promised type, finite. Whole batches first, rows only on doubt.

JSON has no NaN and no infinity, and a prediction that is not a number is none: such an answer breaks the contract (INVALID,
status 500), unless the signature calls the output optional: then NaN and None are null. Infinity is never an answer.
"""

import math
from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import batches, datatypes

_PYTHON: dict[str, frozenset[type]] = {
    "number": frozenset({float, int}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "text": frozenset({str}),
    "time": frozenset({str}),
}
_NAMES = {float: "a number", int: "a whole number", bool: "true or false", str: "a string", type(None): "nothing", list: "a list"}


def problem(outputs: Sequence[manifests.Column], values: batches.Values, rows: int) -> str:
    """What is wrong with the answer to `rows` rows, in one sentence for operators; empty when nothing is."""
    for output in outputs:
        entries = values.get(output.name)
        if entries is None:
            return f"output `{output.name}` is missing; the model answered {', '.join(values) or 'nothing'}"
        if len(entries) != rows:
            return f"output `{output.name}` has {len(entries)} rows for {rows} asked"
        if wrong := _shape(output, entries) or _kind(output, flat(output, entries)):
            return f"output `{output.name}`: {wrong}"
    return ""


def flat(output: manifests.Column, entries: Sequence[Any]) -> Sequence[Any]:
    """An output's values without its nesting, row-major."""
    for _ in output.shape[1:]:
        entries = [value for entry in entries for value in entry]
    return entries


def tail(output: manifests.Column, entries: Sequence[Any]) -> list[int]:
    """Sizes of the dimensions after the rows, as answered."""
    sizes: list[int] = []
    for _ in output.shape[1:]:
        first = entries[0] if entries else []
        sizes.append(len(first))
        entries = first
    return sizes


def _shape(output: manifests.Column, entries: Sequence[Any]) -> str:
    level: Sequence[Any] = entries
    for promised in output.shape[1:]:
        if not all(type(entry) is list for entry in level):
            return f"expected {len(output.shape)} dimensions"
        sizes = {len(entry) for entry in level}
        if len(sizes) > 1 or (promised >= 0 and sizes - {promised}):
            return f"expected rows of {promised if promised >= 0 else 'one size'}, got {sorted(sizes)}"
        level = [value for entry in level for value in entry]
    return ""


def _kind(output: manifests.Column, values: Iterable[Any]) -> str:
    values = values if isinstance(values, list) else list(values)
    family = datatypes.of(output).family
    found = set(map(type, values))
    if not output.required:
        found.discard(type(None))
    strange = found - _PYTHON[family]
    if strange:
        kinds = ", ".join(sorted(_NAMES.get(kind, kind.__name__) for kind in strange))
        return f"expected {datatypes.SAID[family]}, got {kinds}"
    if family == "number" and not all(map(math.isfinite, values if output.required else _numbers(values))):
        return "not finite (NaN or infinity)"
    return ""


def _numbers(values: Iterable[Any]) -> Iterable[float]:
    return (value for value in values if value is not None)


def nulled(outputs: Sequence[manifests.Column], values: batches.Values) -> batches.Values:
    """The same answer with NaN as None in optional outputs of one number a row."""
    loose = {output.name for output in outputs if not output.required and datatypes.of(output).family == "number"}
    if not loose:
        return values
    return {
        name: [None if type(entry) is float and math.isnan(entry) else entry for entry in entries] if name in loose else entries
        for name, entries in values.items()
    }
