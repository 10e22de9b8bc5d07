"""A loaded model -> ONNX graphs to try, the most exact first. skl2onnx converts; LightGBM and XGBoost by `ensembles`.

The original decides what is tried: columns that are all numbers go into one matrix of 64-bit floats, then of 32-bit ones (as some
trees of scikit-learn compare); a pipeline that picks columns by name gets one input a column.
"""

import re
from collections.abc import Iterator
from typing import Any

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import datatypes
from tidegate.dataplane.models.loaders import arrays
from tidegate.delivery.compiling import ensembles, forests

MATRIX = "inputs"
CONVERTED = ("sklearn", "lightgbm", "xgboost")
"""Packages whose models a converter exists for."""
_METHODS = {"predict": 0, "predict_proba": 1, "decision_function": 1}
"""The place of a method's answer among the outputs of skl2onnx."""


def tried(original: Any, manifest: manifests.Manifest) -> Iterator[tuple[str, bytes | str, str]]:
    """(what was tried, the graph, its output), or the words of why there is none in place of the graph."""
    for name, inputs in _inputs(manifest.signature):
        try:
            graph, output = _converted(original, inputs, manifest.options.get("method", "predict"))
        except Exception as raised:
            yield name, words(raised), ""
        else:
            yield name, graph, output


def _inputs(signature: manifests.Signature) -> Iterator[tuple[str, list[tuple[str, Any]]]]:
    """Initial types in skl2onnx's words."""
    from skl2onnx.common import data_types  # noqa: PLC0415 - only in the process that converts

    double, single = data_types.DoubleTensorType, data_types.FloatTensorType
    if signature.kind == "tensor":
        column = signature.inputs[0]
        kinds = [single, double] if column.type == "FP32" else [double, single]
        for kind in kinds:
            yield f"one tensor of {_said(kind)}", [(column.name, kind([None, max(1, column.shape[1])]))]
        return
    if arrays.numeric(signature):
        floats = all(datatypes.of(column).numpy == "float32" for column in signature.inputs)
        for kind in [single, double] if floats else [double, single]:
            yield f"a matrix of {_said(kind)}", [(MATRIX, kind([None, len(signature.inputs)]))]
    for whole in (double, data_types.Int64TensorType):
        by_family = {"number": double, "integer": whole, "boolean": whole, "text": data_types.StringTensorType}
        families = [(column, datatypes.of(column).family) for column in signature.inputs]
        kinds = [by_family[family] if column.required or family == "text" else double for column, family in families]
        yield (
            f"one input a column, whole numbers as {_said(whole)}",
            [(column.name, kind([None, 1])) for (column, _), kind in zip(families, kinds, strict=True)],
        )
        if not any(family in ("integer", "boolean") for _, family in families):
            return


def _said(kind: Any) -> str:
    return {"DoubleTensorType": "64-bit floats", "FloatTensorType": "32-bit floats"}.get(kind.__name__, "integers")


def _converted(original: Any, inputs: list[tuple[str, Any]], method: str) -> tuple[bytes, str]:
    import skl2onnx  # noqa: PLC0415 - only in the process that converts

    if method not in _METHODS:
        raise forests.Inexact(f"no converter gives the answer of {method}")
    ensembles.register()
    model = original if hasattr(original, "get_params") else ensembles.booster(original, inputs[0][1].shape[1])
    classifies = hasattr(model, "classes_") and hasattr(model, "predict")
    options = {id(model): {"zipmap": False, **({"raw_scores": True} if method == "decision_function" else {})}}
    made = skl2onnx.convert_sklearn(
        model, "tidegate", initial_types=inputs, options=options if classifies else None, target_opset=ensembles.OPSET
    )
    output = made.graph.output[_METHODS[method]].name
    return _plain(ensembles.raised(_pruned(made, output))), output


def _pruned(model: Any, output: str) -> Any:
    """The graph without what its one answer does not need."""
    graph, needed, kept = model.graph, {output}, []
    for node in reversed(graph.node):
        if needed & set(node.output):
            kept.append(node)
            needed |= set(node.input) | {
                name for attribute in node.attribute for inner in attribute.g.node for name in inner.input
            }
    constants = [one for one in graph.initializer if one.name in needed]
    # Without a type: skl2onnx declares some wrongly, and ONNX Runtime finds them itself.
    answers = [type(graph.output[0])(name=output)]
    for field, entries in ((graph.node, kept[::-1]), (graph.initializer, constants), (graph.output, answers)):
        del field[:]
        field.extend(entries)
    return model


def _plain(model: Any) -> bytes:
    """The graph as bytes that are the same each time: names that are made up by chance are taken out of it."""
    model.graph.name, model.producer_version, model.domain = "tidegate", "", ""
    for node in model.graph.node:
        for attribute in node.attribute:
            if attribute.HasField("g"):
                attribute.g.name = "inner"
    found: bytes = model.SerializeToString(deterministic=True)
    return found


def words(raised: BaseException) -> str:
    """An error of a converter in one line: they like to print whole models."""
    said = re.sub(r"\s+", " ", str(raised)).strip()
    return f"{type(raised).__name__}: {said}"[:300] if not isinstance(raised, forests.Inexact) else said[:300]
