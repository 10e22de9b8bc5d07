"""Whether two answers to one input agree: of a model and its compiled form, of a logged answer and one computed once more."""

import math
from typing import Any

TOLERANCE = 1e-4
"""Relative; a hundredth of it is allowed absolutely."""


def apart(one: Any, other: Any) -> float:
    """How far two answers are apart, relatively (near zero: a hundred times absolutely). Endless where they differ in kind."""
    if isinstance(one, list) and isinstance(other, list):
        return max((apart(*pair) for pair in zip(one, other, strict=True)), default=0.0) if len(one) == len(other) else math.inf
    if isinstance(one, float) and isinstance(other, float):
        if math.isnan(one) and math.isnan(other):
            return 0.0
        distance = abs(one - other)
        return distance / (abs(one) + 0.01) if math.isfinite(distance) else (0.0 if one == other else math.inf)
    return 0.0 if one == other else math.inf
