"""Batches as what Python models take (numpy arrays, pandas frames), and what they answer as plain lists."""

from collections.abc import Callable, Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, datatypes

Reader = Callable[[batches.Batch], Any]


def reader(signature: manifests.Signature) -> Reader:
    """How this signature's batches become the model's argument: an array for one tensor, a dict of them, or a frame."""
    if signature.kind == "columns":
        return _frames(signature.inputs)
    if len(signature.inputs) == 1:
        return tensor(signature.inputs[0])
    each = {column.name: tensor(column) for column in signature.inputs}
    return lambda batch: {name: read(batch) for name, read in each.items()}


def tensor(column: manifests.Column, dtype: str = "") -> Reader:
    """One input tensor as an array [rows, ...] of its own type, or of the type named."""
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    name, kind = column.name, np.dtype(dtype or datatypes.of(column).numpy)

    def read(batch: batches.Batch) -> Any:
        return np.array(batch.inputs[name], dtype=kind).reshape(batch.rows, *batch.tails[name])

    return read


def numeric(signature: manifests.Signature) -> bool:
    """Whether all inputs together are a matrix of numbers: columns of numbers, or one tensor of them of two dimensions."""
    families = {datatypes.of(column).family for column in signature.inputs}
    if not families <= {"number", "integer", "boolean"}:
        return False
    return signature.kind == "columns" or (len(signature.inputs) == 1 and len(signature.inputs[0].shape) == 2)


def matrix(signature: manifests.Signature, dtype: str = "") -> Reader:
    """All inputs as one array [rows, columns] of the named type; without one it is what numpy makes of the columns' own types.

    For signatures that are `numeric`. Missing numbers are NaN. A fresh array each time, its rows side by side in memory.
    """
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    if signature.kind == "tensor":
        return tensor(signature.inputs[0], dtype)
    kind = np.dtype(dtype or _common(np, signature))
    names = [column.name for column in signature.inputs]
    width = len(names)

    def read(batch: batches.Batch) -> Any:
        inputs = batch.inputs
        if batches.BLOCK in inputs:
            return np.array(inputs[batches.BLOCK], dtype=kind).reshape(batch.rows, width)
        filled = np.empty((batch.rows, width), dtype=kind)
        for place, name in enumerate(names):
            filled[:, place] = inputs[name]  # numpy reads None as NaN here
        return filled

    return read


def _common(np: Any, signature: manifests.Signature) -> Any:
    """The type that a frame of these columns has as one array; whole numbers that may be missing are floats there."""
    kinds = [
        "float64" if not column.required and datatypes.of(column).family != "number" else datatypes.of(column).numpy
        for column in signature.inputs
    ]
    return np.result_type(*kinds)


def column(kind: datatypes.Datatype, dtype: str = "") -> Callable[[Any], Any]:
    """How the values of one column become an array [rows], as pandas itself would read them from a file.

    Missing is NaN, in text too; whole numbers with gaps are floats.
    """
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    def read(values: Any) -> Any:
        if isinstance(values, np.ndarray) and kind.family != "text":
            return values.astype(dtype or values.dtype, copy=True)
        if kind.family == "time":
            return np.array([None if value is None else _naive(value) for value in values], dtype="datetime64[ns]")
        if dtype:
            return np.array(values, dtype=dtype)
        if kind.family == "number":
            return np.array(values, dtype=kind.numpy)
        values = values if type(values) is list else values.tolist()
        if None not in values:
            return np.array(values, dtype=kind.numpy)
        if kind.family == "integer":
            return np.array(values, dtype="float64")
        return np.array([np.nan if value is None else value for value in values], dtype=object)

    return read


def _frames(columns: Sequence[manifests.Column]) -> Reader:
    import pandas as pd  # noqa: PLC0415 - the bundle's own package

    names = [column.name for column in columns]
    index = pd.Index(names)
    kinds = [datatypes.of(column) for column in columns]
    if all(kind.numpy == "float64" for kind in kinds):
        # One block of numbers: a frame around it costs a tenth of one made column by column.
        block = matrix(manifests.Signature("columns", tuple(columns), ()), "float64")
        return lambda batch: pd.DataFrame(block(batch), columns=index)
    each = [(name, column(kind)) for name, kind in zip(names, kinds, strict=True)]

    def frame(batch: batches.Batch) -> Any:
        given = batches.columns(batch, names)
        return pd.DataFrame({name: read(given[name]) for name, read in each}, columns=index, copy=False)

    return frame


def _naive(value: Any) -> Any:
    """Times with an offset become UTC, as numpy knows no zones."""
    return value if value.tzinfo is None else (value - value.utcoffset()).replace(tzinfo=None)


def positive(manifest: manifests.Manifest) -> int:
    """The place of the class whose probability is the answer (option `positive`); -1: the answer is what the model says."""
    return int(manifest.options.get("positive") or -1)


def values(answer: Any, outputs: Sequence[manifests.Column], positive: int = -1) -> batches.Values:
    """What a model answered (array, frame, series, list, dict of arrays) as lists by output name; of an array of
    probabilities [rows, classes] only those of the class `positive`, where one is.

    Raises OutputInvalid when its form cannot be matched with the outputs; rows and types are checked later.
    """
    if positive >= 0:
        return {outputs[0].name: answer[:, positive].tolist()}
    names = [output.name for output in outputs]
    if hasattr(answer, "columns"):
        return _by_name(outputs, {str(name): answer[name] for name in answer.columns})
    if isinstance(answer, dict):
        return _by_name(outputs, answer)
    listed = _listed(answer)
    if len(names) == 1:
        return {names[0]: listed if len(outputs[0].shape) > 1 else _unwrapped(listed)}
    if any(not isinstance(row, list) or len(row) != len(names) for row in listed):
        raise errors.OutputInvalid(where=f"the model did not answer {len(names)} values a row, as its signature says")
    return {name: [row[place] for row in listed] for place, name in enumerate(names)}


def _by_name(outputs: Sequence[manifests.Column], given: dict[str, Any]) -> batches.Values:
    if len(outputs) == 1 and len(given) == 1:
        return {outputs[0].name: _shaped(outputs[0], next(iter(given.values())))}
    absent = [output.name for output in outputs if output.name not in given]
    if absent:
        raise errors.OutputInvalid(where=f"the model answered {', '.join(given)}, without {', '.join(absent)}")
    return {output.name: _shaped(output, given[output.name]) for output in outputs}


def _shaped(output: manifests.Column, answer: Any) -> list[Any]:
    listed = _listed(answer)
    return listed if len(output.shape) > 1 else _unwrapped(listed)


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
    if not listed or type(listed[0]) is not list:
        return listed
    wrapped = all(isinstance(entry, list) and len(entry) == 1 for entry in listed)
    return [entry[0] for entry in listed] if wrapped else listed
