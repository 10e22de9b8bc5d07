"""Gradient-boosted trees as plain arrays: LightGBM's, XGBoost's and scikit-learn's histogram trees, split by split.

Each split is kept with the precision that its library compares with (LightGBM and scikit-learn: 64 bits, XGBoost: 32), so that a
graph made of them sends every row down the same branches. What cannot be told exactly raises `Inexact` with the reason.
"""

import dataclasses
import json
import math
from collections.abc import Callable
from typing import Any

LEQ, LT, MEMBER = 0, 1, 6
"""Codes of ONNX's TreeEnsemble: left if value <= split, value < split, value is one of the split's members."""


class Inexact(Exception):
    """The model has something that its trees as arrays would not answer alike; the text says what."""


@dataclasses.dataclass
class Tree:
    """One tree; node 0 is the root. A leaf has feature -1."""

    target: int
    """Which of the scores it adds to."""
    feature: list[int] = dataclasses.field(default_factory=list)
    split: list[float] = dataclasses.field(default_factory=list)
    left: list[int] = dataclasses.field(default_factory=list)
    right: list[int] = dataclasses.field(default_factory=list)
    missing_left: list[bool] = dataclasses.field(default_factory=list)
    members: list[tuple[float, ...]] = dataclasses.field(default_factory=list)
    """The values that go left, where the split is a set of them; else empty."""
    value: list[float] = dataclasses.field(default_factory=list)
    """Of leaves: what they add."""

    def leaf(self, value: float) -> int:
        """Add a leaf; its number."""
        return self._node(-1, 0.0, False, (), value)

    def fork(self, feature: int, split: float, missing_left: bool, members: tuple[float, ...] = ()) -> int:
        """Add a split whose branches are filled in later; its number."""
        return self._node(feature, split, missing_left, members, 0.0)

    def _node(self, feature: int, split: float, missing_left: bool, members: tuple[float, ...], value: float) -> int:
        self.feature.append(feature)
        self.split.append(split)
        self.missing_left.append(missing_left)
        self.members.append(members)
        self.value.append(value)
        self.left.append(-1)
        self.right.append(-1)
        return len(self.feature) - 1


@dataclasses.dataclass
class Forest:
    """Trees whose leaves are summed into scores, and what makes an answer of a score."""

    trees: list[Tree]
    base: list[float]
    """Added to each score; as many as there are scores."""
    link: str = ""
    """sigmoid, softmax, exp, or nothing."""
    scale: float = 1.0
    """Of the score before the link: LightGBM's sigmoid parameter, or one over the trees where they are averaged."""
    mode: int = LEQ
    bits: int = 64


def of(model: Any) -> Forest:
    """The forest in a booster or estimator of the three libraries. Raises Inexact; TypeError for anything else."""
    kind = f"{type(model).__module__}.{type(model).__name__}"
    if kind.startswith("lightgbm."):
        return lightgbm(getattr(model, "booster_", model))
    if kind.startswith("xgboost."):
        return xgboost(model)
    if "HistGradientBoosting" in kind:
        return histogram(model)
    raise TypeError(kind)


def lightgbm(booster: Any) -> Forest:
    """LightGBM's. Its numbers that count as missing by being zero, linear leaves and pandas' categories are not told."""
    told = booster.dump_model()
    if any(booster.pandas_categorical or []):
        raise Inexact("LightGBM keeps its own codes for pandas' categories")
    scores = told["num_tree_per_iteration"]
    trees = [_lightgbm_tree(info["tree_structure"], place % scores) for place, info in enumerate(told["tree_info"])]
    link, scale = _lightgbm_link(str(told.get("objective") or "regression"))
    if told.get("average_output"):
        scale /= max(1, len(trees) // scores)
    return Forest(trees, [0.0] * scores, link, scale)


_LIGHTGBM = {
    **dict.fromkeys(("regression", "regression_l1", "huber", "fair", "quantile", "mape", "lambdarank", "rank_xendcg"), ""),
    **dict.fromkeys(("poisson", "gamma", "tweedie"), "exp"),
    **dict.fromkeys(("binary", "multiclassova", "cross_entropy"), "sigmoid"),
    "multiclass": "softmax",
}


def _lightgbm_link(objective: str) -> tuple[str, float]:
    name, *words = objective.split()
    if name not in _LIGHTGBM or "sqrt" in words:
        raise Inexact(f"LightGBM's objective {objective} has an answer of its own")
    scale = next((float(word.partition(":")[2]) for word in words if word.startswith("sigmoid:")), 1.0)
    return _LIGHTGBM[name], scale


def _lightgbm_tree(root: dict[str, Any], target: int) -> Tree:
    tree = Tree(target)
    waiting: list[tuple[dict[str, Any], Callable[[int], None]]] = [(root, lambda _: None)]
    while waiting:
        node, tell = waiting.pop()
        if "split_feature" not in node:
            if node.get("leaf_coeff"):
                raise Inexact("LightGBM's leaves are linear")
            tell(tree.leaf(float(node["leaf_value"])))
            continue
        place = _lightgbm_fork(tree, node)
        tell(place)
        waiting.append((node["right_child"], _setter(tree.right, place)))
        waiting.append((node["left_child"], _setter(tree.left, place)))
    return tree


def _setter(field: list[int], place: int) -> Callable[[int], None]:
    return lambda value: field.__setitem__(place, value)


def _lightgbm_fork(tree: Tree, node: dict[str, Any]) -> int:
    feature, missing = int(node["split_feature"]), node.get("missing_type", "None")
    if node["decision_type"] == "==":
        if missing == "Zero":
            raise Inexact("LightGBM takes zero for missing in a category")
        return tree.fork(feature, 0.0, False, tuple(float(one) for one in str(node["threshold"]).split("||")))
    split, zero_left = float(node["threshold"]), float(node["threshold"]) >= 0.0
    if missing == "None":
        return tree.fork(feature, split, zero_left)  # LightGBM reads NaN as 0 there
    if missing == "Zero" and bool(node["default_left"]) != zero_left:
        raise Inexact("LightGBM takes zero for missing")
    return tree.fork(feature, split, bool(node["default_left"]))


_XGBOOST = {
    **dict.fromkeys(
        ("reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror", "reg:quantileerror", "binary:logitraw"), ""
    ),
    **dict.fromkeys(("rank:ndcg", "rank:pairwise", "rank:map", "reg:squaredlogerror"), ""),
    **dict.fromkeys(("count:poisson", "reg:gamma", "reg:tweedie"), "exp"),
    **dict.fromkeys(("binary:logistic", "reg:logistic"), "sigmoid"),
    "multi:softprob": "softmax",
}


def xgboost(model: Any) -> Forest:
    """XGBoost's, up to the iteration that its estimators stop at. DART, linear boosters and categories are not told."""
    if hasattr(model, "get_booster"):
        missing = model.missing
        if missing is not None and not math.isnan(missing):
            raise Inexact(f"XGBoost takes {missing} for missing")
        booster = model.get_booster()
        if booster.attr("best_iteration") is not None:
            booster = booster[: int(booster.attr("best_iteration")) + 1]
    else:
        booster = model
    told = json.loads(bytes(booster.save_raw("json")))["learner"]
    kind, objective = told["gradient_booster"]["name"], told["objective"]["name"]
    if kind != "gbtree":
        raise Inexact(f"XGBoost's {kind} is no sum of trees")
    if objective not in _XGBOOST and not (objective == "multi:softmax" and hasattr(model, "get_booster")):
        raise Inexact(f"XGBoost's objective {objective} has an answer of its own")
    link = _XGBOOST.get(objective, "softmax")
    body = told["gradient_booster"]["model"]
    trees = [_xgboost_tree(one, target) for one, target in zip(body["trees"], body["tree_info"], strict=True)]
    scores = max(1, int(told["learner_model_param"]["num_class"]), int(told["learner_model_param"].get("num_target") or 1))
    return Forest(trees, _xgboost_base(told, link, objective, scores), link, mode=LT, bits=32)


def _xgboost_base(told: dict[str, Any], link: str, objective: str, scores: int) -> list[float]:
    """Base scores, which XGBoost keeps as answers, as scores."""
    written = str(told["learner_model_param"]["base_score"]).strip("[]").split(",")
    given = [float(one) for one in written] * (scores if len(written) == 1 else 1)
    if link == "sigmoid" or objective == "binary:logitraw":
        return [math.log(one / (1 - one)) for one in given]
    return [math.log(one) for one in given] if link == "exp" else given


def _xgboost_tree(told: dict[str, Any], target: int) -> Tree:
    if told.get("categories_nodes") or int(told["tree_param"].get("size_leaf_vector") or 1) > 1:
        raise Inexact("XGBoost splits by categories, or its leaves are vectors")
    tree = Tree(target)
    for place, left in enumerate(told["left_children"]):
        split = float(told["split_conditions"][place])
        if left == -1:
            tree.leaf(split)
        else:
            tree.fork(int(told["split_indices"][place]), split, bool(told["default_left"][place]))
            tree.left[place], tree.right[place] = int(left), int(told["right_children"][place])
    return tree


def histogram(model: Any) -> Forest:
    """scikit-learn's HistGradientBoosting. Its categories are not told."""
    if getattr(model, "is_categorical_", None) is not None:
        raise Inexact("HistGradientBoosting splits by categories")
    trees: list[Tree] = []
    for iteration in model._predictors:  # noqa: SLF001 - scikit-learn tells its histogram trees nowhere else
        for target, predictor in enumerate(iteration):
            tree = Tree(target)
            for node in predictor.nodes:
                if node["is_leaf"]:
                    tree.leaf(float(node["value"]))
                else:
                    tree.fork(int(node["feature_idx"]), float(node["num_threshold"]), bool(node["missing_go_to_left"]))
                    tree.left[-1], tree.right[-1] = int(node["left"]), int(node["right"])
            trees.append(tree)
    base = [float(one) for one in model._baseline_prediction.ravel()]  # noqa: SLF001
    links = {"HalfBinomialLoss": "sigmoid", "HalfMultinomialLoss": "softmax"}
    loss = type(model._loss).__name__  # noqa: SLF001
    return Forest(trees, base, links.get(loss, "exp" if loss in ("HalfPoissonLoss", "HalfGammaLoss") else ""))
