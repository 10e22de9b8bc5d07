"""Trees, forests and boosters by shap's TreeExplainer, interventional over the background, in the answer's own unit.

(Lundberg et al. 2020. https://shap.readthedocs.io) Only where shap is installed where the model runs: elsewhere a tree is a black
box like any other, and with few columns that is as exact.
"""

from collections.abc import Iterator
from typing import Any

from tidegate.dataplane.models.explaining import pipelines

METHOD = "shap's TreeExplainer, interventional (exact)"
_ROOMS = ("sklearn.tree", "sklearn.ensemble", "lightgbm.", "xgboost.")
_OTHERS = ("Voting", "Stacking", "Bagging", "AdaBoost", "IsolationForest", "RandomTreesEmbedding")


def is_tree(final: Any) -> bool:
    """Whether it is made of trees alone."""
    name = type(final).__name__
    return f"{type(final).__module__}.".startswith(_ROOMS) and not name.startswith(_OTHERS)


def contributions(own: pipelines.Seen, others: pipelines.Seen, place: int) -> Iterator[tuple[list[float], float]]:
    """What each feature contributes, and the base: in each unit that shap has for this model, of which one is the answer's.

    `place`: of the class whose probability is explained, -1 for none. Raises ModuleNotFoundError without shap, and what shap
    raises for models that it does not know.
    """
    import numpy as np  # noqa: PLC0415 - the bundle's own package
    import shap  # noqa: PLC0415 - an extra, and a slow import

    # What shap calls raw is a forest's probability already, and a booster's log-odds.
    outputs = ("probability", "raw") if place >= 0 and not _is_forest(own.final) else ("raw", "probability")
    for output in outputs:
        explainer = shap.TreeExplainer(own.final, data=others.matrix, feature_perturbation="interventional", model_output=output)
        values = np.asarray(explainer.shap_values(own.matrix, check_additivity=False))
        base = np.atleast_1d(np.asarray(explainer.expected_value, dtype="float64"))
        if values.ndim == 3:  # [rows, features, classes]
            if place >= 0:
                yield values[0, :, place].tolist(), float(base[place])
        elif place == 0:  # of two classes shap explains the second
            yield (-values[0]).tolist(), 1.0 - float(base[0])
        else:
            yield values[0].tolist(), float(base[0])


def _is_forest(final: Any) -> bool:
    name = type(final).__name__
    return name.startswith(("RandomForest", "ExtraTree", "DecisionTree"))
