"""Marks: what was observed about a request, one for each that was opened; and the fixed latency buckets.

A mark belongs to the arm drawn (intention to treat): a request that stable rescued keeps the candidate's TIMEOUT or ERROR.
"""

import enum
import math

SLOTS = 16
"""Counters a row of sums has for marks; the unused ones are kept for later marks."""


class Mark(enum.IntEnum):
    """How a request ended for the arm it was drawn for."""

    OK = 0
    ERROR = 1
    """The model raised, the worker died, or the gateway died with the request in flight."""
    TIMEOUT = 2
    """No answer by the arm's deadline."""
    INVALID = 3
    """An answer that breaks the contract: not finite, wrong shape or type."""
    REJECTED = 4
    """The worker's validation refused the input; compared by arm, so a stricter candidate is the release's fault."""
    SHED = 5
    """Refused after the draw because the arm's queue was full."""
    CANCELLED = 6
    """The client went away first."""
    COLLATERAL = 7
    """Failed through another request's failure (same batch, same worker's death): harm, but not evidence."""


BAD = (Mark.ERROR, Mark.TIMEOUT, Mark.INVALID, Mark.REJECTED)
"""The composite mark that the immediate evidence is about."""
NEUTRAL = (Mark.SHED, Mark.CANCELLED, Mark.COLLATERAL)
"""Marks that contribute a factor of 1 to every e-process."""
HARMFUL = (*BAD, Mark.SHED, Mark.COLLATERAL)
"""Marks of requests that the arm did not serve well."""

LATENCY_BUCKETS = 64
_FIRST_US = 10.0
LATENCY_RATIO = 10 ** (7 / 62)
"""How many times as wide each bucket is as the one before."""


def latency_bucket(microseconds: float) -> int:
    """The bucket, 0 to 63, of a duration: 0 is up to 10 us, 63 is over 100 s, each 1.297 times as wide as the one before."""
    if microseconds <= _FIRST_US:
        return 0
    return min(LATENCY_BUCKETS - 1, 1 + int(math.log(microseconds / _FIRST_US) / math.log(LATENCY_RATIO)))


def latency_edge(bucket: int) -> float:
    """The upper edge of a bucket in microseconds; infinite for the last."""
    return math.inf if bucket >= LATENCY_BUCKETS - 1 else _FIRST_US * LATENCY_RATIO**bucket
