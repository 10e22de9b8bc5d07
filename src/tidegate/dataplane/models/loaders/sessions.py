"""ONNX Runtime: a session for one worker on its one core, and batches as the tensors it takes."""

import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, datatypes
from tidegate.dataplane.models.loaders import arrays

Feed = Callable[[batches.Batch], dict[str, Any]]
_NUMPY = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    "tensor(string)": "object",
    **{f"tensor({sign}int{bits})": f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)},
}


def opened(path: pathlib.Path) -> Any:
    """A session on one thread. Nothing spins, and memory goes back after each run: a large batch must not be held for ever."""
    import onnxruntime  # noqa: PLC0415 - the bundle's own package

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 4  # what it refuses it also raises
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def feeder(session: Any, signature: manifests.Signature) -> Feed:
    """How batches of this signature fill the session's inputs.

    One matrix of all columns, one tensor a column ([n] or [n, 1]), or tensors by their names; a model of one input takes a
    signature's only tensor under any name. Raises ModelLoadFailed where the two do not fit.
    """
    wanted = session.get_inputs()
    if signature.kind == "columns":
        if len(wanted) == 1 and len(wanted[0].shape or ()) == 2 and wanted[0].shape[1] != 1:
            return _matrix(wanted[0], signature)
        return _columns(wanted, signature)
    return _tensors(wanted, signature)


def _matrix(wanted: Any, signature: manifests.Signature) -> Feed:
    width = wanted.shape[1]
    if isinstance(width, int) and width != len(signature.inputs):
        raise errors.ModelLoadFailed(f"the ONNX model takes {width} columns, and its signature has {len(signature.inputs)}")
    if not arrays.numeric(signature) and _NUMPY.get(wanted.type) != "object":
        raise errors.ModelLoadFailed("the ONNX model takes one matrix of numbers, and its signature has columns that are none")
    read, name = arrays.matrix(signature, _dtype(wanted)), wanted.name
    return lambda batch: {name: read(batch)}


def _columns(wanted: Sequence[Any], signature: manifests.Signature) -> Feed:
    by_name = {column.name: column for column in signature.inputs}
    _same_names([one.name for one in wanted], by_name)
    names = [column.name for column in signature.inputs]
    each = [(one.name, _reader(by_name[one.name], one), len(one.shape or ())) for one in wanted]

    def feed(batch: batches.Batch) -> dict[str, Any]:
        given = batches.columns(batch, names)
        return {name: read(given[name]).reshape((-1, 1) if rank == 2 else -1) for name, read, rank in each}

    return feed


def _tensors(wanted: Sequence[Any], signature: manifests.Signature) -> Feed:
    if len(wanted) == 1 and len(signature.inputs) == 1:
        read, name = arrays.tensor(signature.inputs[0], _dtype(wanted[0])), wanted[0].name
        return lambda batch: {name: read(batch)}
    by_name = {column.name: column for column in signature.inputs}
    _same_names([one.name for one in wanted], by_name)
    each = [(one.name, arrays.tensor(by_name[one.name], _dtype(one))) for one in wanted]
    return lambda batch: {name: read(batch) for name, read in each}


def _same_names(wanted: list[str], given: dict[str, Any]) -> None:
    if absent := [name for name in wanted if name not in given]:
        said = f"the ONNX model takes {', '.join(absent)}, and its signature has {', '.join(given)}"
        raise errors.ModelLoadFailed(said, cure="Log it with a signature whose inputs are called as the model's are.")


def _dtype(wanted: Any) -> str:
    found = _NUMPY.get(wanted.type)
    if found is None:
        raise errors.ModelLoadFailed(f"input {wanted.name} of the ONNX model is a {wanted.type}, which no request can carry")
    return found


def _reader(column: manifests.Column, wanted: Any) -> Callable[[Any], Any]:
    """Missing text is "nan", as the converters write it; missing numbers need a type that has NaN."""
    dtype = _dtype(wanted)
    if dtype != "object":
        return arrays.column(datatypes.of(column), dtype)
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    return lambda values: np.array(["nan" if value is None else str(value) for value in values], dtype=object)
