"""Batches as what Python models take (numpy arrays, pandas frames), and what they answer as plain lists."""

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, datatypes


def reader(signature: manifests.Signature) -> Callable[[batches.Batch], Any]:
    """How this signature's batches become the model's argument: an array for one tensor, a dict of them, or a frame."""
    if signature.kind == "columns":
        return _frames(signature.inputs)
    if len(signature.inputs) == 1:
        return _array(signature.inputs[0])
    each = {column.name: _array(column) for column in signature.inputs}
    return lambda batch: {name: read(batch) for name, read in each.items()}


def _array(column: manifests.Column) -> Callable[[batches.Batch], Any]:
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    name, dtype = column.name, np.dtype(datatypes.of(column).numpy)

    def read(batch: batches.Batch) -> Any:
        return np.array(batch.inputs[name], dtype=dtype).reshape(batch.rows, *batch.tails[name])

    return read


def _frames(columns: Sequence[manifests.Column]) -> Callable[[batches.Batch], Any]:
    import numpy as np  # noqa: PLC0415 - the bundle's own package
    import pandas as pd  # noqa: PLC0415 - the bundle's own package

    index = pd.Index([column.name for column in columns])
    kinds = [(column.name, datatypes.of(column)) for column in columns]

    if all(kind.numpy == "float64" for _, kind in kinds):
        # One block of numbers: a frame around it costs a tenth of one made column by column.
        def block(batch: batches.Batch) -> Any:
            return pd.DataFrame(np.array([batch.inputs[name] for name, _ in kinds], dtype=np.float64).T, columns=index)

        return block

    def frame(batch: batches.Batch) -> Any:
        return pd.DataFrame({name: _column(np, kind, batch.inputs[name]) for name, kind in kinds}, columns=index, copy=False)

    return frame


def _column(np: Any, kind: datatypes.Datatype, values: list[Any]) -> Any:
    """One column as pandas itself would read it from a file: missing is NaN, in text too; whole numbers with gaps are floats."""
    if kind.family == "time":
        return np.array([None if value is None else _naive(value) for value in values], dtype="datetime64[ns]")
    if None not in values or kind.family == "number":
        return np.array(values, dtype=kind.numpy)
    if kind.family == "integer":
        return np.array(values, dtype="float64")
    return np.array([np.nan if value is None else value for value in values], dtype=object)


def _naive(value: Any) -> Any:
    """Times with an offset become UTC, as numpy knows no zones."""
    return value if value.tzinfo is None else (value - value.utcoffset()).replace(tzinfo=None)


def values(answer: Any, outputs: Sequence[manifests.Column]) -> batches.Values:
    """What a model answered (array, frame, series, list, dict of arrays) as lists by output name.

    Raises OutputInvalid when its form cannot be matched with the outputs; rows and types are checked later.
    """
    names = [output.name for output in outputs]
    if hasattr(answer, "columns"):
        return _by_name(names, {str(name): answer[name] for name in answer.columns})
    if isinstance(answer, dict):
        return _by_name(names, answer)
    listed = _listed(answer)
    if len(names) == 1:
        return {names[0]: listed if len(outputs[0].shape) > 1 else _unwrapped(listed)}
    if any(not isinstance(row, list) or len(row) != len(names) for row in listed):
        raise errors.OutputInvalid(where=f"the model did not answer {len(names)} values a row, as its signature says")
    return {name: [row[place] for row in listed] for place, name in enumerate(names)}


def _by_name(names: list[str], given: dict[str, Any]) -> batches.Values:
    if len(names) == 1 and len(given) == 1:
        return {names[0]: _unwrapped(_listed(next(iter(given.values()))))}
    absent = [name for name in names if name not in given]
    if absent:
        raise errors.OutputInvalid(where=f"the model answered {', '.join(given)}, without {', '.join(absent)}")
    return {name: _listed(given[name]) for name in names}


def _listed(answer: Any) -> list[Any]:
    if not hasattr(answer, "tolist"):
        return [entry.tolist() if hasattr(entry, "tolist") else entry for entry in answer]
    kind = getattr(getattr(answer, "dtype", None), "kind", "")
    if kind == "M":
        return [None if text == "NaT" else text for text in answer.astype("datetime64[us]").astype(str).tolist()]
    listed: list[Any] = answer.tolist()
    # An array of objects (text, mostly) may hold numpy's own scalars.
    return [entry.item() if hasattr(entry, "item") else entry for entry in listed] if kind == "O" else listed


def _unwrapped(listed: list[Any]) -> list[Any]:
    """[n, 1] as [n]: an answer of one value a row, whichever way the model wrapped it."""
    wrapped = all(isinstance(entry, list) and len(entry) == 1 for entry in listed)
    return [entry[0] for entry in listed] if wrapped else listed
