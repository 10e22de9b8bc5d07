"""ONNX nodes into a container of skl2onnx, with the names it gives."""

from typing import Any


class Graph:
    """One operator's part of a graph. `bits`: 64 or 32, what its constants have."""

    def __init__(self, scope: Any, container: Any, bits: int) -> None:
        import numpy as np  # noqa: PLC0415 - an optional extra, only in the process that converts
        import onnx  # noqa: PLC0415

        self._scope, self._container, self.numpy, self.onnx = scope, container, np, onnx
        self.type = onnx.TensorProto.DOUBLE if bits == 64 else onnx.TensorProto.FLOAT
        self._dtype = np.float64 if bits == 64 else np.float32

    def node(self, kind: str, inputs: list[str], output: str = "", *, domain: str = "", version: int = 13, **given: Any) -> str:
        """Add a node with attributes; the name of what it gives."""
        output = output or self._scope.get_unique_variable_name(kind.lower())
        name = self._scope.get_unique_operator_name(kind)
        self._container.add_node(kind, inputs, [output], op_domain=domain, op_version=version, name=name, **given)
        return output

    def constant(self, values: Any, kind: int | None = None) -> str:
        """Add a constant of one dimension."""
        name: str = self._scope.get_unique_variable_name("constant")
        values = list(values)
        self._container.add_initializer(name, self.type if kind is None else kind, [len(values)], values)
        return name

    def tensor(self, values: list[Any], kind: Any = None) -> Any:
        """An attribute that is a tensor."""
        return self.onnx.numpy_helper.from_array(self.numpy.array(values, dtype=kind or self._dtype))

    def classes(self, probabilities: str, estimator: Any, outputs: list[Any]) -> None:
        """A classifier's two outputs: the likeliest class, and probabilities of all."""
        proto = self.onnx.TensorProto
        label, said = (output.full_name for output in outputs[:2])
        wide = "Double" in type(outputs[1].type).__name__
        self.node("Cast", [probabilities], said, to=proto.DOUBLE if wide else proto.FLOAT)
        best = self.node("ArgMax", [probabilities], axis=1, keepdims=0)
        known = estimator.classes_
        if known.dtype.kind in "OSU":
            names = self.constant([str(one).encode() for one in known], proto.STRING)
        else:
            names = self.constant([int(one) for one in known], proto.INT64)
        self.node("Gather", [names, best], label)
