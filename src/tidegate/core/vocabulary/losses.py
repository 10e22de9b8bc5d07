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


def degree(bucket: int) -> float:
    """What a loss from 0 to 1 is taken for in a bucket: its geometric mean, at most 1. 0 for LEAST, 1 for what has no answer."""
    return 0.0 if bucket == LEAST else min(1.0, 2.0 ** ((min(bucket, 0) + 0.5) / BUCKETS_PER_DOUBLING))


def fair(loss: float, chance: float) -> int:
    """The bucket of a loss from 0 to 1: of the two whose degrees are about it one by `chance` (uniform in [0, 1)), so that the
    degree is the loss on average. Else means of losses could not be compared: a bucket is 19 % wide.
    """
    if loss <= 0.0 or not math.isfinite(loss):
        return bucket(loss)
    below = max(LEAST, min(0, math.floor(BUCKETS_PER_DOUBLING * math.log2(loss) - 0.5)))
    low, high = degree(below), degree(below + 1)
    return below + (high > low and chance < (loss - low) / (high - low))
