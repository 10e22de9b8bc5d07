"""Models that end in a linear one: w_j (x_j - mean of the background's x_j) is exact (Strumbelj and Kononenko 2014).

Over a logistic link, the answer being a probability, the linear parts against each row of the background are carried over by the
rescale rule: times (p(x) - p(b)) / (z(x) - z(b)), then averaged, so that they add up to the probability itself (Chen, Lundberg
and Lee 2022; what shap's TreeExplainer does for probabilities).

Whether a model is one is not told by its name: its answers on the row and the whole background have to come out of its
coefficients.
"""

from collections.abc import Sequence
from typing import Any

from tidegate.dataplane.models.explaining import pipelines

METHOD = "the coefficients of a linear model (exact)"
LOGISTIC = "the coefficients of a logistic model, carried to the probability by the rescale rule"
_CLOSE = 1e-9
_FLAT = 1e-12


def contributions(
    own: pipelines.Seen, others: pipelines.Seen, score: float, scores: Sequence[float], place: int
) -> tuple[list[float], str] | None:
    """What each feature contributes, and by which method; None where the answers do not come out of coefficients.

    `score` and `scores`: what the model says of the row and of each row of the background; `place`: of the class, -1 for none.
    """
    import numpy as np  # noqa: PLC0415 - the bundle's own package

    found = _coefficients(np, own.final)
    if found is None or found[0].shape[0] != own.matrix.shape[1]:
        return None
    weights, intercept = found
    x, rest = own.matrix[0], others.matrix
    z, zs = float(x @ weights + intercept), rest @ weights + intercept
    said = np.asarray(scores)
    apart = weights * (x - rest)
    if place < 0 and _agree(np, z, zs, (score, said)):
        return apart.mean(axis=0).tolist(), METHOD
    if place not in (0, 1):
        return None
    sign = 1.0 if place == 1 else -1.0
    if not _agree(np, _logistic(np, sign * z), _logistic(np, sign * zs), (score, said)):
        return None
    step, slope = score - said, np.where(abs(z - zs) < _FLAT, 1.0, z - zs)
    flat = sign * said * (1.0 - said)
    scale = np.where(abs(z - zs) < _FLAT, flat, step / slope)
    return (apart * scale[:, None]).mean(axis=0).tolist(), LOGISTIC


def _coefficients(np: Any, final: Any) -> tuple[Any, float] | None:
    coefficients, intercept = getattr(final, "coef_", None), getattr(final, "intercept_", None)
    if coefficients is None or intercept is None or not type(final).__module__.startswith("sklearn."):
        return None
    if hasattr(coefficients, "toarray"):
        coefficients = coefficients.toarray()
    weights, level = np.asarray(coefficients, dtype="float64"), np.atleast_1d(np.asarray(intercept, dtype="float64"))
    if weights.ndim == 2 and weights.shape[0] == 1:
        weights = weights[0]
    return (weights, float(level[0])) if weights.ndim == 1 and level.size == 1 else None


def _logistic(np: Any, z: Any) -> Any:
    return 1.0 / (1.0 + np.exp(-np.clip(z, -700, 700)))


def _agree(np: Any, one: Any, several: Any, said: tuple[float, Any]) -> bool:
    return bool(np.isclose(one, said[0], rtol=_CLOSE, atol=_CLOSE) and np.allclose(several, said[1], rtol=_CLOSE, atol=_CLOSE))
