"""Sums of exponentials and Beta functions, in logarithms, so that a billion requests overflow nothing."""

import math

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Numbers = Ints | Floats


def total(logs: Floats) -> float:
    """log(sum(exp(logs))) over the whole array; minus infinity for an empty one."""
    if logs.size == 0:
        return -math.inf
    top = float(logs.max())
    return top if math.isinf(top) else top + math.log(float(np.exp(logs - top).sum()))


def beta(a: float, b: float) -> float:
    """The logarithm of the Beta function, a and b above 0."""
    return math.lgamma(a) + math.lgamma(b) - math.lgamma(a + b)
