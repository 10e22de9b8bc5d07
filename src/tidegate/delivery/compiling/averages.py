"""scikit-learn's decision trees and averaged forests as ONNX: one TreeEnsembleRegressor node (ai.onnx.ml 3).

skl2onnx's own converters forget which way missing values go, and compare 64-bit inputs where scikit-learn rounds them to 32 bits
first. Here inputs are rounded, splits keep their 64 bits, and leaves are summed before they are divided, as scikit-learn does:
ties stay ties.
"""

from typing import Any

from tidegate.delivery.compiling import nodes

CLASSIFIERS = (
    ("sklearn.tree", "DecisionTreeClassifier"),
    ("sklearn.tree", "ExtraTreeClassifier"),
    ("sklearn.ensemble", "RandomForestClassifier"),
    ("sklearn.ensemble", "ExtraTreesClassifier"),
)
REGRESSORS = (
    ("sklearn.tree", "DecisionTreeRegressor"),
    ("sklearn.tree", "ExtraTreeRegressor"),
    ("sklearn.ensemble", "RandomForestRegressor"),
    ("sklearn.ensemble", "ExtraTreesRegressor"),
)


def scores(graph: nodes.Graph, given: str, estimator: Any) -> str:
    """The mean of the trees' leaves [rows, classes or 1], in 32 bits."""
    if estimator.n_outputs_ != 1:
        raise ValueError("it answers several outputs at once")
    trees = [tree.tree_ for tree in getattr(estimator, "estimators_", [estimator])]
    narrow = graph.node("Cast", [given], to=graph.onnx.TensorProto.FLOAT)
    wide = graph.node("Cast", [narrow], to=graph.onnx.TensorProto.DOUBLE)
    summed = graph.node("TreeEnsembleRegressor", [wide], domain="ai.onnx.ml", version=3, **_attributes(graph, trees))
    return graph.node("Div", [summed, graph.constant([float(len(trees))])]) if len(trees) > 1 else summed


def _attributes(graph: nodes.Graph, trees: list[Any]) -> dict[str, Any]:
    np = graph.numpy
    whole: dict[str, list[Any]] = {key: [] for key in ("tree", "node", "feature", "split", "mode", "true", "false", "missing")}
    leaves: dict[str, list[Any]] = {key: [] for key in ("tree", "node", "target", "weight")}
    for number, tree in enumerate(trees):
        values = tree.value[:, 0, :]
        if tree.max_n_classes > 1:
            values = values / values.sum(axis=1, keepdims=True)  # counts before scikit-learn 1.3, fractions since
        ends = tree.children_left < 0
        lost = getattr(tree, "missing_go_to_left", np.zeros(tree.node_count, dtype=bool))
        whole["tree"] += [number] * tree.node_count
        whole["node"] += range(tree.node_count)
        whole["feature"] += np.where(ends, 0, tree.feature).tolist()
        whole["split"] += np.where(ends, 0.0, tree.threshold).tolist()
        whole["mode"] += ["LEAF" if end else "BRANCH_LEQ" for end in ends]
        whole["true"] += np.where(ends, 0, tree.children_left).tolist()
        whole["false"] += np.where(ends, 0, tree.children_right).tolist()
        whole["missing"] += [int(left) for left in np.where(ends, 0, lost)]
        for node in np.flatnonzero(ends).tolist():
            for target, weight in enumerate(values[node].tolist()):
                for field, entry in zip(("tree", "node", "target", "weight"), (number, node, target, weight), strict=True):
                    leaves[field].append(entry)
    return {
        "n_targets": trees[0].value.shape[2],
        "aggregate_function": "SUM",
        "post_transform": "NONE",
        "nodes_treeids": whole["tree"],
        "nodes_nodeids": whole["node"],
        "nodes_featureids": whole["feature"],
        "nodes_values_as_tensor": graph.tensor(whole["split"], "float64"),
        "nodes_modes": whole["mode"],
        "nodes_truenodeids": whole["true"],
        "nodes_falsenodeids": whole["false"],
        "nodes_missing_value_tracks_true": whole["missing"],
        "target_treeids": leaves["tree"],
        "target_nodeids": leaves["node"],
        "target_ids": leaves["target"],
        "target_weights_as_tensor": graph.tensor(leaves["weight"], "float64"),
    }
