"""Shares of many arms at once: each as it is alone, with ends where the mixture over the likelihood is one over alpha."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.stats import intervals, logspace


@st.composite
def arms(draw):
    counted = draw(st.one_of(st.integers(0, 50), st.integers(0, 10**9)))
    bad = draw(st.one_of(st.integers(0, counted), st.sampled_from([0, counted, min(1, counted), counted // 2])))
    return bad, counted, draw(st.sampled_from([1e-9, 1e-6, 0.001, 0.05, 0.5]))


@settings(max_examples=100, deadline=None)
@given(st.lists(arms(), max_size=9))
def test_shares_together_are_what_each_is_alone(several):
    bad, counted, alpha = np.array(several, float).reshape(-1, 3).T
    bad, counted = bad.astype(int), counted.astype(int)
    ends = intervals.share_at_least(bad, counted, alpha), intervals.share_at_most(bad, counted, alpha)
    assert list(zip(*(one.tolist() for one in ends), strict=True)) == [intervals.share(*one) for one in several]


@settings(max_examples=100, deadline=None)
@given(arms())
def test_a_share_ends_where_the_mixture_over_the_likelihood_is_one_over_alpha(arm):
    bad, counted, alpha = arm
    ok = counted - bad
    low, high = intervals.share(*arm)
    assert low <= bad / max(1, counted) <= high or not counted
    assert (low == 0, high == 1) == (bad == 0, ok == 0)
    mixed = logspace.beta(0.5 + bad, 0.5 + ok) - logspace.beta(0.5, 0.5)
    for end in {low, high} - {0.0, 1.0}:
        rest = 1 - end
        likely = bad * math.log(end) + ok * math.log1p(-end)
        slope = abs(bad * rest - ok * end)
        assert likely - mixed == pytest.approx(math.log(alpha), abs=1e-5 + 1e-8 * slope + 1e-15 * counted / max(rest, 1e-12))
