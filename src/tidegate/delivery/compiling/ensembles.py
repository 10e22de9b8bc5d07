"""Forests as ONNX, inside skl2onnx: one TreeEnsemble node (ai.onnx.ml 5) that compares with the bits its library compares with.

`register` teaches skl2onnx the estimators of LightGBM and XGBoost, scikit-learn's HistGradientBoosting and averaged trees (which
skl2onnx itself converts less exactly), and `booster`, which gives a booster on its own the form of an estimator.
"""

import functools
import importlib
from typing import Any

from tidegate.delivery.compiling import averages, forests, nodes

OPSET = {"": 18, "ai.onnx.ml": 3}
_TREES = 5
"""The version of ai.onnx.ml that has TreeEnsemble."""
_CLASSIFIERS = (
    ("sklearn.ensemble", "HistGradientBoostingClassifier"),
    ("lightgbm", "LGBMClassifier"),
    ("xgboost", "XGBClassifier"),
)
_REGRESSORS = (
    ("sklearn.ensemble", "HistGradientBoostingRegressor"),
    ("lightgbm", "LGBMRegressor"),
    ("lightgbm", "LGBMRanker"),
    ("xgboost", "XGBRegressor"),
    ("xgboost", "XGBRanker"),
)
_BINARY = {"zipmap": [True, False, "columns"], "nocl": [True, False]}


@functools.cache
def register() -> None:
    """Teach skl2onnx those of them that are installed here."""
    import skl2onnx  # noqa: PLC0415 - an optional extra, only in the process that converts
    from skl2onnx.common import shape_calculator  # noqa: PLC0415

    classifier = shape_calculator.calculate_linear_classifier_output_shapes
    regressor = shape_calculator.calculate_linear_regressor_output_shapes
    for kind in filter(None, (_installed(*one) for one in (*_CLASSIFIERS, *averages.CLASSIFIERS))):
        name = f"Tidegate{kind.__name__}"
        skl2onnx.update_registered_converter(kind, name, classifier, _classify, overwrite=True, options=_BINARY)
    for kind in filter(None, (_installed(*one) for one in averages.REGRESSORS)):
        skl2onnx.update_registered_converter(kind, f"Tidegate{kind.__name__}", regressor, _average, overwrite=True)
    for kind in (*filter(None, (_installed(*one) for one in _REGRESSORS)), _stand_in()):
        skl2onnx.update_registered_converter(kind, f"Tidegate{kind.__name__}", _shape, _score, overwrite=True)


def _installed(module: str, name: str) -> Any:
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return None


def raised(model: Any) -> Any:
    """The graph with the operator set that its nodes are of."""
    if any(node.op_type == "TreeEnsemble" for node in model.graph.node):
        for opset in model.opset_import:
            opset.version = _TREES if opset.domain == "ai.onnx.ml" else opset.version
    return model


def booster(model: Any, columns: int) -> Any:
    """A booster as an estimator that `register` knows. Raises forests.Inexact."""
    return _stand_in()(forests.of(model), columns)


@functools.cache
def _stand_in() -> type:
    from sklearn import base  # noqa: PLC0415 - what is converted is made with it

    class Scores(base.RegressorMixin, base.BaseEstimator):  # type: ignore[misc]
        """A forest on its own; it only ever gets converted."""

        def __init__(self, forest: Any = None, columns: int = 0) -> None:
            self.forest, self.n_features_in_ = forest, columns

    return Scores


def _shape(operator: Any) -> None:
    from skl2onnx.common import data_types  # noqa: PLC0415

    forest = _forest(operator.raw_operator)
    kind = data_types.DoubleTensorType if forest.bits == 64 else data_types.FloatTensorType
    operator.outputs[0].type = kind([None, len(forest.base)])


def _forest(estimator: Any) -> forests.Forest:
    found: forests.Forest = getattr(estimator, "forest", None) or forests.of(estimator)
    return found


def _answered(graph: nodes.Graph, given: str, forest: forests.Forest) -> str:
    """What the forest answers [rows, scores]: summed leaves, base scores, link."""
    cast = graph.node("Cast", [given], to=graph.type)
    attributes = _attributes(graph, forest)
    # skl2onnx counts versions up to 3 only; `raised` writes the true one.
    summed = graph.node("TreeEnsemble", [cast], domain="ai.onnx.ml", version=3, **attributes)
    if forest.scale != 1.0:
        summed = graph.node("Mul", [summed, graph.constant([forest.scale])])
    if any(forest.base):
        summed = graph.node("Add", [summed, graph.constant(forest.base)])
    kind = {"sigmoid": "Sigmoid", "softmax": "Softmax", "exp": "Exp"}.get(forest.link)
    if kind is None:
        return summed
    return graph.node(kind, [summed], axis=1) if kind == "Softmax" else graph.node(kind, [summed])


def _attributes(graph: nodes.Graph, forest: forests.Forest) -> dict[str, Any]:
    """The attributes of ai.onnx.ml 5 TreeEnsemble: inner nodes and leaves are numbered apart, over all trees."""
    inner: dict[str, list[Any]] = {
        key: [] for key in ("feature", "split", "mode", "true", "true_leaf", "false", "false_leaf", "missing")
    }
    weights: list[float] = []
    targets: list[int] = []
    roots: list[int] = []
    members: list[float] = []
    for tree in forest.trees:
        forks, leaves = _numbered(tree, len(inner["feature"]), len(weights))
        roots.append(len(inner["feature"]))
        for place in leaves:
            weights.append(tree.value[place])
            targets.append(tree.target)
        if not forks:  # a tree of one leaf: a split both of whose branches are that leaf
            _fork(inner, (0, 0.0, forest.mode, False), (len(weights) - 1, 1), (len(weights) - 1, 1))
        for place in forks:
            ways = [(leaves[to], 1) if to in leaves else (forks[to], 0) for to in (tree.left[place], tree.right[place])]
            mode = forests.MEMBER if tree.members[place] else forest.mode
            if tree.members[place]:
                members += [*tree.members[place], float("nan")]
            _fork(inner, (tree.feature[place], tree.split[place], mode, tree.missing_left[place]), *ways)
    given: dict[str, Any] = {
        "n_targets": len(forest.base),
        "aggregate_function": 1,
        "post_transform": 0,
        "tree_roots": roots,
        "nodes_featureids": inner["feature"],
        "nodes_splits": graph.tensor(inner["split"]),
        "nodes_modes": graph.tensor(inner["mode"], "uint8"),
        "nodes_truenodeids": inner["true"],
        "nodes_trueleafs": inner["true_leaf"],
        "nodes_falsenodeids": inner["false"],
        "nodes_falseleafs": inner["false_leaf"],
        "nodes_missing_value_tracks_true": inner["missing"],
        "leaf_targetids": targets,
        "leaf_weights": graph.tensor(weights),
    }
    return {**given, "membership_values": graph.tensor(members)} if members else given


def _numbered(tree: forests.Tree, forks: int, leaves: int) -> tuple[dict[int, int], dict[int, int]]:
    """The numbers of a tree's inner nodes and leaves in the whole ensemble."""
    inner = [place for place, feature in enumerate(tree.feature) if feature >= 0]
    ends = [place for place, feature in enumerate(tree.feature) if feature < 0]
    return {place: forks + at for at, place in enumerate(inner)}, {place: leaves + at for at, place in enumerate(ends)}


def _fork(
    inner: dict[str, list[Any]], split: tuple[int, float, int, bool], left: tuple[int, int], right: tuple[int, int]
) -> None:
    for key, value in zip(
        ("feature", "split", "mode", "missing", "true", "true_leaf", "false", "false_leaf"),
        (split[0], split[1], split[2], int(split[3]), *left, *right),
        strict=True,
    ):
        inner[key].append(value)


def _score(scope: Any, operator: Any, container: Any) -> None:
    """A regressor or a booster: what the forest answers is the answer."""
    forest = _forest(operator.raw_operator)
    graph = nodes.Graph(scope, container, forest.bits)
    graph.node("Identity", [_answered(graph, operator.inputs[0].full_name, forest)], operator.outputs[0].full_name)


def _classify(scope: Any, operator: Any, container: Any) -> None:
    """A classifier: probabilities of all classes, and the class with the highest."""
    estimator, given = operator.raw_operator, operator.inputs[0].full_name
    if (type(estimator).__module__.rpartition(".")[0], type(estimator).__name__) in averages.CLASSIFIERS:
        graph = nodes.Graph(scope, container, 32)
        graph.classes(averages.scores(graph, given, estimator), estimator, operator.outputs)
        return
    forest = _forest(estimator)
    graph = nodes.Graph(scope, container, forest.bits)
    said = _answered(graph, given, forest)
    if len(forest.base) == 1:
        said = graph.node("Concat", [graph.node("Sub", [graph.constant([1.0]), said]), said], axis=1)
    graph.classes(said, estimator, operator.outputs)


def _average(scope: Any, operator: Any, container: Any) -> None:
    """A regressor whose trees are averaged."""
    graph = nodes.Graph(scope, container, 32)
    said = averages.scores(graph, operator.inputs[0].full_name, operator.raw_operator)
    wide = "Double" in type(operator.outputs[0].type).__name__
    graph.node("Cast", [said], operator.outputs[0].full_name, to=graph.onnx.TensorProto.DOUBLE if wide else graph.type)
