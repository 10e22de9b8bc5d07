"""The two-sided Beta-binomial e-process (Lindon & Malek): is the candidate's share of a set of events rho?

Its prior is Beta(k rho, k (1 - rho)): k = 1000 for sample-ratio checks, where a small departure has to be seen; k = 10 for
`intervals.risk_ratio`.
"""

import math
from collections.abc import Iterable

import numpy as np

from tidegate.core.stats import logspace

RATIO_CHECK = 1000.0
INTERVAL = 10.0


def log_e(candidate: float, stable: float, rho: float, k: float) -> float:
    """The log e-value against "each event is the candidate's with probability rho"; exactly 0 where rho is 0 or 1."""
    if not 0 < rho < 1:
        return 0.0
    a, b = k * rho, k * (1 - rho)
    return logspace.beta(a + candidate, b + stable) - logspace.beta(a, b) - candidate * math.log(rho) - stable * math.log(1 - rho)


def sample_ratio(segments: Iterable[tuple[float, int, int]]) -> float:
    """The log e-value that some segment's split is not its rho; segments (rho, candidate, stable) in order of beginning.

    Segment j holds a share 1 / ((j+1)(j+2)) of the wealth until it begins, so that a sound first stage is no debt for the
    ones that follow, and no correction for their number is needed.
    """
    logs = [log_e(candidate, stable, rho, RATIO_CHECK) for rho, candidate, stable in segments]
    shares = [each - math.log((index + 1) * (index + 2)) for index, each in enumerate(logs)]
    return logspace.total(np.array([*shares, -math.log(len(logs) + 1)]))
