"""How far off an answer was, in fixed logarithmic buckets: 2 ** 0.25 = 1.189 times as wide each as the one before.

Fixed, so that counts of any two ticks, arms, recorders and releases add up, and so that whoever compares them sets the
thresholds (a quantile of stable's losses) afterwards.
"""

import math

NUMBER, PROBABILITY = "number", "probability"
KINDS = (NUMBER, PROBABILITY)
"""Kinds of outcomes that say how far off a prediction was."""
LEAST, MOST = -400, 400
"""The buckets at the ends: below 2 ** -99.75 (no loss at all included), and from 2 ** 100."""
BUCKETS_PER_DOUBLING = 4


def bucket(loss: float) -> int:
    """The bucket of a loss: floor(4 log2(loss)), never outside LEAST to MOST.

    0 is in LEAST; what is not finite is in MOST, "as bad as can be", where requests without an answer are counted too.
    """
    if not math.isfinite(loss):
        return MOST
    if loss <= 0.0:
        return LEAST
    return max(LEAST, min(MOST, math.floor(BUCKETS_PER_DOUBLING * math.log2(loss))))


def edge(bucket: int) -> float:
    """The upper edge of a bucket in the unit of the loss, where the next one begins, up to rounding; infinite for MOST."""
    return math.inf if bucket >= MOST else float(2.0 ** ((bucket + 1) / BUCKETS_PER_DOUBLING))


def middle(bucket: int) -> float:
    """What a loss of a bucket is taken for: the geometric mean of its edges. 0 for LEAST, infinite for MOST."""
    if bucket in (LEAST, MOST):
        return 0.0 if bucket == LEAST else math.inf
    return float(2.0 ** ((bucket + 0.5) / BUCKETS_PER_DOUBLING))
