"""What a program has at hand (a frame, records, arrays) as a request body: the codec then checks it as it checks a client's."""

import math
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests

CURE = "Give a DataFrame, a list of records, a dict of columns, or an array with one row a prediction."


def body(given: Any, signature: manifests.Signature) -> bytes:
    """The records of a request. Missing is None, NaN, NaT or pandas.NA.

    Raises InputInvalid for what is none of those forms, for infinity, and for values that JSON cannot hold.
    """
    rows = _rows(given, signature)
    try:
        return msgspec.json.encode({"records": rows}, enc_hook=_plain)
    except (TypeError, OverflowError) as strange:
        raise errors.InputInvalid(f"the input holds what no request can: {strange}", cure=CURE) from strange


def _rows(given: Any, signature: manifests.Signature) -> list[Any]:
    if hasattr(given, "columns") and hasattr(given, "iloc"):
        return _by_row({str(name): given[name] for name in given.columns})
    if hasattr(given, "iloc"):  # a series: one row of a frame
        return [_finite(given.to_dict())]
    if isinstance(given, dict):
        whole = all(hasattr(values, "__len__") and not isinstance(values, (str, bytes)) for values in given.values())
        return _by_row(given) if whole and given else [_finite(given)]
    listed = given.tolist() if hasattr(given, "tolist") else list(given) if isinstance(given, (list, tuple)) else None
    if not isinstance(listed, list):
        raise errors.InputInvalid(f"a {type(given).__name__} is no input.", cure=CURE)
    listed = [row.tolist() if hasattr(row, "tolist") else row for row in listed]
    if signature.kind == "columns" and listed and all(isinstance(row, (list, tuple)) for row in listed):
        return _by_place(listed, signature)
    return [_finite(row) for row in listed]


def _by_row(columns: dict[str, Any]) -> list[dict[str, Any]]:
    listed = {name: values.tolist() if hasattr(values, "tolist") else list(values) for name, values in columns.items()}
    sizes = {len(values) for values in listed.values()}
    if len(sizes) > 1:
        raise errors.InputInvalid(f"the columns have {', '.join(map(str, sorted(sizes)))} values; they need one a row each.")
    for values in listed.values():
        _finite(values)
    return [dict(zip(listed, row, strict=True)) for row in zip(*listed.values(), strict=True)]


def _by_place(rows: list[Any], signature: manifests.Signature) -> list[dict[str, Any]]:
    """Rows without names, in the signature's order."""
    names = [column.name for column in signature.inputs]
    for place, row in enumerate(rows):
        if len(row) != len(names):
            raise errors.InputInvalid(
                f"row {place} has {len(row)} values; the model takes {len(names)}: {', '.join(names[:40])}."
            )
        _finite(row)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _finite(value: Any) -> Any:
    """The value, if nothing in it is infinite: JSON would make it a missing one."""
    if isinstance(value, float) and math.isinf(value):
        raise errors.InputInvalid("expected a number, got infinity")
    if isinstance(value, (list, tuple)):
        for entry in value:
            _finite(entry)
    elif isinstance(value, dict):
        for entry in value.values():
            _finite(entry)
    return value


def _plain(value: Any) -> Any:
    """What numpy and pandas make of values, as JSON has them."""
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    raise TypeError(f"a {type(value).__name__}")
