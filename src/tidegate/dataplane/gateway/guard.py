"""The check of each request while it is under way: how long the version drawn has, and whether the other may answer in its place.

The mark stays with the arm drawn whoever answers in the end: a guard shields the client, not the release.
"""

import bisect

from tidegate.core.vocabulary import arms, marks, tables
from tidegate.dataplane.gateway import limits

WINDOW = 5.0
"""Seconds of answers that a p99 looks back on, at least; at most twice that."""
LEAST = 50
"""Answers without which a p99 is not known."""
_EDGES = [marks.latency_edge(bucket) for bucket in range(marks.LATENCY_BUCKETS - 1)]


class Recent:
    """The p99 of a version's lately answered requests, queueing included, from fixed buckets in two windows."""

    def __init__(self, now: float) -> None:
        self.p99 = 0.0
        """Seconds; 0.0 while too little has been answered."""
        self._now = [0] * marks.LATENCY_BUCKETS
        self._before = [0] * marks.LATENCY_BUCKETS
        self._since = now

    def add(self, seconds: float) -> None:
        """One answer."""
        self._now[bisect.bisect_left(_EDGES, seconds * 1e6)] += 1

    def look(self, now: float) -> None:
        """Work the p99 out again."""
        both = [new + old for new, old in zip(self._now, self._before, strict=True)]
        total = sum(both)
        if total >= LEAST:
            above, bucket = 0, marks.LATENCY_BUCKETS - 1
            while bucket and (above + both[bucket]) * 100 <= total:
                above += both[bucket]
                bucket -= 1
            self.p99 = marks.latency_edge(min(bucket, marks.LATENCY_BUCKETS - 2)) / 1e6
        if now - self._since >= WINDOW:
            self._before, self._now, self._since = self._now, [0] * marks.LATENCY_BUCKETS, now


class Guard:
    """One endpoint's guard. It outlives changes of the table."""

    def __init__(self, now: float) -> None:
        self.budgets = (limits.Budget(now), limits.Budget(now))
        """By the arm that takes requests over: each may as a share of its own."""

    @staticmethod
    def reserve(p99: float, timeout: float) -> float:
        """Seconds of the time limit kept for who may take over: twice its p99, at most half; a fifth while that is unknown."""
        return min(2 * p99, timeout / 2) if p99 else timeout / 5

    def allows(self, route: tables.Route, rescuer: arms.Arm, now: float) -> bool:
        """Whether this arm may take over one more request of the other's."""
        return self.budgets[rescuer].spend(route.limits.rescue_share, now)
