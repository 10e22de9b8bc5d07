"""Are answers slower than they were, or a part of them far slower than the rest?

*Far from the mean.* p95 / mean is 3.0 where times are exponential, and at most e^(1.645^2 / 2) = 3.87 where they are log-normal,
however wide (the largest value of 1.645 s - s^2 / 2). Beyond 5, which leaves room for the width of a bucket (30 %), there is a
second kind of requests that take far longer. An endpoint that has always been so is left alone: it has to be half as much again
as it usually is.

*Slower than before.* A twentieth of the requests took longer than the usual p95. When more than a twentieth take longer than
twice that, by a lower confidence limit, p95 has doubled and not by chance.

Nothing is said of a p95 below 10 ms: nobody waits for that, and what shares the machine has moments as long.
"""

import statistics
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from tidegate.core.stats import intervals
from tidegate.core.vocabulary import amounts, marks
from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import quantiles

_ms = amounts.latency
FEWEST = 500
"""Answered requests below which nothing is said: their p95 is one of 25 values."""
FLOOR = 0.01
"""Seconds of p95 below which nobody is slower for it, as `release.times_from`."""
FAR = 5.0
MORE = 1.5
DOUBLE = 2.0
KNOWN = 6
"""Stretches without which it is not known what is usual."""
ALPHA = 0.001


class Slow(NamedTuple):
    """One thing that is wrong with times."""

    subject: str
    words: str
    moved: tuple[str, ...]


def wrong(window: Sequence[int], usual: Sequence[Sequence[int]]) -> Iterator[Slow]:
    """What is wrong with the times in a window's slots, held against earlier stretches of the same length."""
    now = quantiles.times(window)
    if now.answered < FEWEST or now.p95 < FLOOR:
        return
    known = [told for one in usual if (told := quantiles.times(one)).answered >= FEWEST]
    before = [told.p95 / told.mean for told in known if told.mean]
    ratio = now.p95 / now.mean if now.mean else 0.0
    if ratio > FAR and (len(before) < KNOWN or ratio > MORE * statistics.median(before)):
        words = f"95 % of answers come within {_ms(now.p95)}, {ratio:.1f} times the mean of {_ms(now.mean)}: a part is far slower"
        usually = f"p95 / mean {ratio:.1f}" + (f", usually {statistics.median(before):.1f}" if len(before) >= KNOWN else "")
        yield Slow("tail", words, (usually, _all(now)))
    if len(known) < KNOWN:
        return
    p95 = statistics.median(told.p95 for told in known)
    over = _over(window, DOUBLE * p95)
    if intervals.share(over, now.answered, ALPHA)[0] > 0.05:
        words = f"answers take longer: 95 % come within {_ms(now.p95)}, usually within {_ms(p95)}"
        share = f"{100 * over / now.answered:.3g} % take over {_ms(DOUBLE * p95)}"
        yield Slow("slower", words, (f"p95 {_ms(p95)} -> {_ms(now.p95)}", share, _all(now)))


def _over(slots: Sequence[int], seconds: float) -> int:
    """Requests that took longer, by whole buckets above it."""
    first = marks.latency_bucket(seconds * 1e6) + 1
    return sum(slots[counts.LATENCY + first : counts.LATENCY + marks.LATENCY_BUCKETS])


def _all(now: quantiles.Times) -> str:
    times = f"mean {_ms(now.mean)}, p50 {_ms(now.p50)}, p95 {_ms(now.p95)}, p99 {_ms(now.p99)}"
    return f"{times} of {now.answered:,} answers"
