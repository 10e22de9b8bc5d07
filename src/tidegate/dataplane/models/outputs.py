"""Is what a model said an answer: as many rows as asked, of the promised type, finite. Whole batches first, rows only on doubt.

A prediction that is not a number is none: such an answer breaks the contract (INVALID, status 500) in every protocol, also in
those that could carry it. Where the signature calls the output optional, NaN and None are a missing value: null in JSON, NaN in
raw bytes. Infinity is never an answer.

Values are lists, or numpy arrays of numbers (as loaders like to leave large answers).
"""

import math
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, binary, datatypes

_PYTHON: dict[str, frozenset[type]] = {
    "number": frozenset({float, int}),
    "integer": frozenset({int}),
    "boolean": frozenset({bool}),
    "text": frozenset({str}),
    "time": frozenset({str}),
}
_ARRAYS = {"number": "fiu", "integer": "iu", "boolean": "b"}
"""Kinds of numpy arrays that hold nothing else."""
_NAMES = {float: "a number", int: "a whole number", bool: "true or false", str: "a string", type(None): "nothing", list: "a list"}
_ENDLESS = "not finite (NaN or infinity)"


def problem(outputs: Sequence[manifests.Column], values: batches.Values, rows: int) -> str:
    """What is wrong with the answer to `rows` rows, in one sentence for operators; empty when nothing is."""
    for output in outputs:
        entries = values.get(output.name)
        if entries is None:
            return f"output `{output.name}` is missing; the model answered {', '.join(values) or 'nothing'}"
        if len(entries) != rows:
            return f"output `{output.name}` has {len(entries)} rows for {rows} asked"
        wrong = _list(output, entries) if type(entries) is list else _array(output, entries)
        if wrong:
            return f"output `{output.name}`: {wrong}"
    return ""


def flat(output: manifests.Column, entries: Any) -> Any:
    """An output's values without its nesting, row-major: a list, or an array of one dimension."""
    if type(entries) is not list:
        return entries.reshape(-1)
    for _ in output.shape[1:]:
        entries = [value for entry in entries for value in entry]
    return entries


def tail(output: manifests.Column, entries: Any) -> list[int]:
    """Sizes of the dimensions after the rows, as answered."""
    if type(entries) is not list:
        return list(entries.shape[1:])
    sizes: list[int] = []
    for _ in output.shape[1:]:
        first = entries[0] if entries else []
        sizes.append(len(first))
        entries = first
    return sizes


def raw(output: manifests.Column, values: Any) -> bytes:
    """Flat values as raw bytes. Raises InputInvalid where a value is missing that the type has no way to say is missing."""
    try:
        return binary.write(datatypes.of(output).v2, values)
    except ValueError as wrong:
        raise errors.InputInvalid(f"output `{output.name}`: {wrong}; ask for it as JSON") from wrong


def rounded(outputs: Sequence[manifests.Column], values: batches.Values, decimals: int) -> batches.Values:
    """The same answer with its numbers rounded to so many decimals, half to even. The given answer is untouched."""
    shown = dict(values)
    for output in outputs:
        if datatypes.of(output).family == "number":
            shown[output.name] = _rounded(batches.entries(values[output.name]), decimals)
    return shown


def _rounded(entry: Any, decimals: int) -> Any:
    if type(entry) is list:
        return [_rounded(value, decimals) for value in entry]
    return entry if entry is None else round(entry, decimals)


def _list(output: manifests.Column, entries: list[Any]) -> str:
    return (_shape(output, entries) if len(output.shape) > 1 else "") or _kind(output, flat(output, entries))


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


def _kind(output: manifests.Column, values: list[Any]) -> str:
    family = datatypes.of(output).family
    found = set(map(type, values))
    if not output.required:
        found.discard(type(None))
    if not found <= _PYTHON[family]:
        kinds = ", ".join(sorted(_NAMES.get(kind, kind.__name__) for kind in found - _PYTHON[family]))
        return f"expected {datatypes.SAID[family]}, got {kinds}"
    if family == "number" and not all(map(math.isfinite, values if output.required else _numbers(values))):
        return _ENDLESS
    return _range(output, values) if family in ("number", "integer") else ""


def _numbers(values: Iterable[Any]) -> Iterable[float]:
    return (value for value in values if value is not None)


def _array(output: manifests.Column, entries: Any) -> str:
    family = datatypes.of(output).family
    if entries.dtype.kind not in _ARRAYS.get(family, ""):
        return f"expected {datatypes.SAID[family]}, got an array of {entries.dtype}"
    promised = (output.shape or (-1,))[1:]
    if entries.ndim != 1 + len(promised) or any(
        -1 != size != there for size, there in zip(promised, entries.shape[1:], strict=True)
    ):
        return f"expected shape {list(output.shape or (-1,))}, got {list(entries.shape)}"
    if entries.dtype.kind == "f":
        numpy = sys.modules["numpy"]
        if numpy.isinf(entries).any() if not output.required else not numpy.isfinite(entries).all():
            return _ENDLESS
    return _range(output, entries.reshape(-1)) if family != "boolean" else ""


def _range(output: manifests.Column, values: Any) -> str:
    """Values that the output's own type cannot hold: in JSON they would pass, as bytes they could not be written."""
    bounds = datatypes.bounds(output)
    if bounds is None or not len(values):
        return ""
    if type(values) is list:
        there = values if output.required else list(_numbers(values))
        least, most = min(there, default=0), max(there, default=0)
    else:
        least, most = values.min(), values.max()
    return f"beyond what {datatypes.of(output).v2} can hold" if least < bounds[0] or most > bounds[1] else ""


def nulled(outputs: Sequence[manifests.Column], values: batches.Values) -> batches.Values:
    """The same answer with NaN as None in optional outputs of numbers (arrays keep it: it is written as null)."""
    loose = {output.name for output in outputs if not output.required and datatypes.of(output).family == "number"}
    if not loose:
        return values
    return {
        name: [_null(entry) for entry in entries] if name in loose and type(entries) is list else entries
        for name, entries in values.items()
    }


def _null(entry: Any) -> Any:
    if type(entry) is list:
        return [_null(value) for value in entry]
    return None if type(entry) is float and math.isnan(entry) else entry
