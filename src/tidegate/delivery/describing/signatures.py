"""Signatures: as MLflow declares them, and as the rows of an example show them."""

from collections.abc import Sequence
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import datatypes

_NUMPY = {
    "float16": "FP16",
    "float32": "FP32",
    "float64": "FP64",
    "bool": "BOOL",
    "object": "BYTES",
    "str": "BYTES",
    **{f"{sign}int{bits}": f"{sign.upper()}INT{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}
_CURE = "Log it again with signature=infer_signature(X, y), X being a table or an array."
_REFUSED = '"\\' + "".join(map(chr, range(32)))


def declared(given: dict[str, Any]) -> manifests.Signature:
    """The signature in an MLmodel file; its outputs are empty where none were declared.

    Raises SignatureMissing where there are no inputs, or inputs that no request could carry.
    """
    inputs = _schema(given.get("inputs"))
    if not inputs:
        raise errors.SignatureMissing
    tensors = [bool(column.shape) for column in inputs]
    if any(tensors) and not all(tensors):
        raise errors.SignatureMissing("the model mixes columns and tensors in its inputs.", cure=_CURE)
    named = tuple(_named(column, "input", len(inputs)) for column in inputs)
    outputs = _schema(given.get("outputs"))
    return manifests.Signature("tensor" if all(tensors) else "columns", named, outputs)


def _schema(raw: Any) -> tuple[manifests.Column, ...]:
    """Columns of a schema; one without a name has an empty one."""
    if not raw:
        return ()
    try:
        return tuple(map(_column, msgspec.json.decode(raw)))
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as broken:
        raise errors.SignatureMissing(f"the model's signature cannot be read ({broken}).", cure=_CURE) from broken


def _column(given: dict[str, Any]) -> manifests.Column:
    name = str(given.get("name") or "")
    required = bool(given.get("required", True))
    if given["type"] == "tensor":
        spec = given["tensor-spec"]
        kind = _NUMPY.get(spec["dtype"], "BYTES" if spec["dtype"].startswith(("<U", "|S")) else "")
        if not kind:
            raise errors.SignatureMissing(f"tensor `{name}` has type {spec['dtype']}, which cannot be served.", cure=_CURE)
        return manifests.Column(name, kind, required, tuple(int(size) for size in spec["shape"]))
    column = manifests.Column(name, str(given["type"]), required)
    datatypes.of(column)
    return column


def _named(column: manifests.Column, default: str, count: int) -> manifests.Column:
    if not column.name and (count > 1 or not column.shape):
        raise errors.SignatureMissing("the model's columns have no names.", cure=_CURE)
    return checked(msgspec.structs.replace(column, name=column.name or default))


def checked(column: manifests.Column) -> manifests.Column:
    """The column, if JSON can name it plainly. Raises ModelSourceInvalid."""
    if any(letter in _REFUSED for letter in column.name):
        raise errors.ModelSourceInvalid(f"column {column.name!r} has a quote, a backslash or a control character in its name.")
    return column


def seen(rows: Sequence[Any]) -> manifests.Signature:
    """The inputs that rows of an example have: columns for objects, one tensor of numbers for lists. Outputs are not known yet.

    Raises SignatureMissing where the rows do not agree.
    """
    if isinstance(rows[0], dict):
        names = list(dict.fromkeys(name for row in rows for name in row))
        return manifests.Signature("columns", tuple(checked(_seen(name, [row.get(name) for row in rows])) for name in names), ())
    shape = _sizes(rows[0])
    if not shape or any(_sizes(row) != shape for row in rows):
        raise errors.SignatureMissing(
            "the example's rows are neither objects nor lists of one size.", cure="See docs/rooms/registry.md."
        )
    return manifests.Signature("tensor", (manifests.Column("input", "FP64", shape=(-1, *shape)),), ())


def _seen(name: str, values: list[Any]) -> manifests.Column:
    kinds = {type(value) for value in values if value is not None}
    required = None not in values
    if kinds <= {bool} and kinds:
        return manifests.Column(name, "boolean", required)
    if kinds <= {int} and kinds:
        return manifests.Column(name, "long", required)
    if kinds <= {int, float}:
        return manifests.Column(name, "double", required)
    if kinds == {str}:
        return manifests.Column(name, "string", required)
    said = ", ".join(sorted(kind.__name__ for kind in kinds))
    raise errors.SignatureMissing(
        f"column `{name}` of the example holds {said}.", cure="A column is numbers, text or true/false."
    )


def _sizes(value: Any) -> tuple[int, ...]:
    sizes: list[int] = []
    while isinstance(value, list):
        sizes.append(len(value))
        value = value[0] if value else None
    return tuple(sizes)
