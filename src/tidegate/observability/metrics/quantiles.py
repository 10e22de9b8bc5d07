"""Means and quantiles of how long clients waited, from the buckets that gateways count in."""

import math
from collections.abc import Sequence
from typing import NamedTuple

from tidegate.core.vocabulary import marks
from tidegate.dataplane.wire import counts


class Times(NamedTuple):
    """Of the requests that were answered, in seconds; NaN where there were none."""

    answered: int
    mean: float
    p50: float
    p95: float
    p99: float


def times(slots: Sequence[int]) -> Times:
    """The times in a version's slots (`wire.counts`). The mean is exact; a quantile is at most a bucket, 30 %, off."""
    buckets = slots[counts.LATENCY : counts.LATENCY + marks.LATENCY_BUCKETS]
    answered = sum(buckets)
    mean = slots[counts.TOTAL_US] / answered / 1e6 if answered else math.nan
    return Times(answered, mean, *(quantile(buckets, share) for share in (0.5, 0.95, 0.99)))


def quantile(buckets: Sequence[int], share: float) -> float:
    """Seconds below which this share of the counted lie, interpolated within its bucket on the logarithm; NaN for none."""
    total = sum(buckets)
    if not total:
        return math.nan
    wanted, below = share * total, 0
    for bucket, count in enumerate(buckets):
        if count and below + count >= wanted:
            upper = marks.latency_edge(min(bucket, marks.LATENCY_BUCKETS - 2))
            return upper * math.exp(((wanted - below) / count - 1) * math.log(marks.LATENCY_RATIO)) / 1e6
        below += count
    return marks.latency_edge(marks.LATENCY_BUCKETS - 2) / 1e6
