"""scikit-learn's own estimators asked in the cheapest way that gives the same answer.

- By place: an estimator that was trained with column names takes a frame, or an array and a warning. One that only ever looks at
  places is asked with an array, on a copy that has forgotten the names: the frame costs more than a small model's own work.
- Forests: scikit-learn hands each tree to joblib, which for a few rows costs ten times what the trees cost. Their trees are asked
  one after the other and summed in the same order, so the answer is the same to the last bit.

Nothing is assumed of classes that are not scikit-learn's, or that ask others inside (voting, stacking, column transformers).
"""

import copy
from collections.abc import Callable
from typing import Any

_ROOMS = (
    "cluster",
    "decomposition",
    "discriminant_analysis",
    "dummy",
    "ensemble",
    "gaussian_process",
    "impute",
    "kernel_ridge",
    "linear_model",
    "naive_bayes",
    "neighbors",
    "neural_network",
    "preprocessing",
    "svm",
    "tree",
)
_ENSEMBLES = ("RandomForest", "ExtraTrees", "GradientBoosting", "HistGradientBoosting", "IsolationForest")
_BY_TYPE = ("FunctionTransformer", "OneHotEncoder", "OrdinalEncoder", "TargetEncoder", "RANSACRegressor")
_FORESTS = {
    "RandomForestClassifier": "predict_proba",
    "ExtraTreesClassifier": "predict_proba",
    "RandomForestRegressor": "predict",
    "ExtraTreesRegressor": "predict",
}


def names(estimator: Any) -> tuple[str, ...]:
    """The column names it was trained with, in their order; empty where it was trained on an array."""
    return tuple(map(str, getattr(estimator, "feature_names_in_", ())))


def classes(estimator: Any) -> tuple[Any, ...]:
    """What a classifier tells apart, in the order of its probabilities; empty for others."""
    found = getattr(estimator, "classes_", ())
    return tuple(found.tolist() if hasattr(found, "tolist") else found)


def by_place(estimator: Any) -> bool:
    """Whether it looks at the places of columns only, so that an array tells it as much as a frame."""
    if _kind(estimator) == "sklearn.pipeline.Pipeline":
        steps = [step for _, step in estimator.steps]
        return not any(hasattr(step, "_sklearn_output_config") for step in (estimator, *steps)) and by_place(steps[0])
    place, _, name = _kind(estimator).rpartition(".")
    if not place.startswith("sklearn.") or place.split(".")[1] not in _ROOMS or name in _BY_TYPE:
        return False
    if place.split(".")[1] == "ensemble" and not name.startswith(_ENSEMBLES):
        return False
    return getattr(estimator, "is_categorical_", None) is None and not hasattr(estimator, "_sklearn_output_config")


def nameless(estimator: Any, method: str) -> Callable[[Any], Any]:
    """Its method, for arrays [rows, columns]. For estimators that go `by_place`."""
    plain = _without_names(estimator)
    name = type(plain).__name__
    if _FORESTS.get(name) == "predict_proba" and method in ("predict", "predict_proba") and plain.n_outputs_ == 1:
        return _classes(plain) if method == "predict" else _probabilities(plain)
    if _FORESTS.get(name) == method == "predict" and plain.n_outputs_ == 1:
        return _mean(plain)
    found: Callable[[Any], Any] = getattr(plain, method)
    return found


def _kind(estimator: Any) -> str:
    return f"{type(estimator).__module__}.{type(estimator).__qualname__}"


def _without_names(estimator: Any) -> Any:
    """A copy, as deep as the names go; what was learned is shared."""
    if not names(estimator):
        return estimator
    plain = copy.copy(estimator)
    if _kind(estimator) == "sklearn.pipeline.Pipeline":
        (title, first), *others = estimator.steps
        plain.steps = [(title, _without_names(first)), *others]
        return plain
    del plain.feature_names_in_
    return plain


def _summed(forest: Any, method: str) -> Callable[[Any], Any]:
    trees = [getattr(tree, method) for tree in forest.estimators_]

    def summed(given: Any) -> Any:
        checked = forest._validate_X_predict(given)  # noqa: SLF001 - the forest's own check, which each tree would repeat
        total = trees[0](checked, check_input=False).astype("float64")
        for tree in trees[1:]:
            total += tree(checked, check_input=False)
        total /= len(trees)
        return total

    return summed


def _probabilities(forest: Any) -> Callable[[Any], Any]:
    return _summed(forest, "predict_proba") if hasattr(forest, "_validate_X_predict") else forest.predict_proba


def _mean(forest: Any) -> Callable[[Any], Any]:
    return _summed(forest, "predict") if hasattr(forest, "_validate_X_predict") else forest.predict


def _classes(forest: Any) -> Callable[[Any], Any]:
    probabilities, classes = _probabilities(forest), forest.classes_
    return lambda given: classes.take(probabilities(given).argmax(axis=1), axis=0)
