"""Intervals that people read."""

import math

import numpy as np
import pytest

from tidegate.core.stats import intervals


def test_a_ramp_of_one_segment_agrees_with_the_plain_interval_roughly():
    low, high = intervals.risk_ratio_over_ramp([(0.05, 30, 200)])
    plain = intervals.risk_ratio(30, 200, 0.05)
    assert low == pytest.approx(plain[0], rel=0.15)
    assert high == pytest.approx(plain[1], rel=0.15)


def test_a_ramp_holds_the_ratio_where_pooling_would_not():
    """Stable's errors climb tenfold while the weight does: pooled counts would say a ratio far from 1."""
    segments = [(0.01, 2, 198), (0.25, 100, 300), (0.5, 1000, 1000)]
    low, high = intervals.risk_ratio_over_ramp(segments)
    assert low < 1 < high
    assert high / low < 1.6


@pytest.mark.parametrize(("candidate", "stable"), [(0, 0), (0, 40), (5, 0)])
def test_what_was_never_seen_leaves_an_end_open(candidate, stable):
    for low, high in (
        intervals.risk_ratio(candidate, stable, 0.05),
        intervals.risk_ratio_over_ramp([(0.05, candidate, stable)]),
    ):
        assert (low == 0) == (candidate == 0)
        assert (high == math.inf) == (stable == 0)
        assert low <= high
    assert intervals.risk_ratio_over_ramp([]) == (0.0, math.inf)


def test_a_share_interval_holds_the_share_and_shrinks():
    assert intervals.share(0, 0) == (0.0, 1.0)
    assert intervals.share(0, 100)[0] == 0
    assert intervals.share(100, 100)[1] == 1
    wide, narrow = intervals.share(10, 100), intervals.share(1000, 10_000)
    assert wide[0] < narrow[0] < 0.1 < narrow[1] < wide[1]


def test_a_share_interval_looked_at_all_the_time_misses_rarely():
    """100 streams of 1,000 requests, looked at 20 times each: at most 5 % ever leave their interval."""
    rng, missed = np.random.default_rng(5), 0
    for _ in range(100):
        bad = np.cumsum(rng.random(1000) < 0.1)
        looks = (intervals.share(int(bad[at - 1]), at) for at in range(50, 1001, 50))
        missed += any(not low <= 0.1 <= high for low, high in looks)
    assert missed <= 5
