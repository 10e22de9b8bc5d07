"""A share against a fixed one, and the difference of two means: golden values, and error rates by simulation."""

import math

import numpy as np
import pytest

from tidegate.core.stats import fixed, means
from tidegate.core.vocabulary import sums


def test_the_golden_values():
    assert fixed.above(5, 100, 0.0075) == pytest.approx(3.6666, abs=1e-4)
    assert means.half_width(1_000, 0.01) == pytest.approx(0.12214, abs=1e-5)


def test_nothing_seen_is_no_evidence_and_large_counts_are_no_trouble():
    assert fixed.above(0, 0, 0.01) == fixed.below(0, 0, 0.01) == pytest.approx(0.0)
    assert math.isfinite(fixed.above(0, 10**9, 0.01))
    assert math.isfinite(fixed.below(10**8, 10**9, 0.0))


@pytest.mark.parametrize(("true", "decides"), [(0.0, 600), (0.002, 1_500)])
def test_pairs_that_agree_are_accepted_after_as_many_as_expected(true: float, decides: int):
    """statistics.md 1.5: median pairs at a tolerance of 1 % and alpha 1 %: 561 at 0, 871 at 0.2 %."""
    chance = np.random.default_rng(7)
    took = []
    for _ in range(60):
        marked = np.cumsum(chance.random(6_000) < true)
        found = (n for n in range(20, 6_000, 20) if fixed.below(int(marked[n - 1]), n, 0.01) >= math.log(100))
        took.append(next(found, 6_000))
    assert np.median(took) < decides


def test_what_is_at_the_share_is_found_neither_above_nor_below_more_often_than_alpha():
    chance = np.random.default_rng(11)
    wrong = 0
    for _ in range(400):
        marked = np.cumsum(chance.random(3_000) < 0.02)
        looks = range(50, 3_000, 50)
        wrong += any(fixed.above(int(marked[n - 1]), n, 0.02) >= math.log(20) for n in looks)
        wrong += any(fixed.below(int(marked[n - 1]), n, 0.02) >= math.log(20) for n in looks)
    assert wrong <= 0.1 * 400 + 3 * math.sqrt(0.1 * 0.9 * 400)


def test_what_is_missing_is_about_what_it_takes():
    needs = fixed.needed(4, 2_000, 0.01, math.log(1e6))
    rate = 4.5 / 2_001
    assert fixed.below(round(4 + rate * needs * 1.1), 2_000 + round(needs * 1.1), 0.01) >= math.log(1e6)
    assert fixed.below(round(4 + rate * needs / 2), 2_000 + needs // 2, 0.01) < math.log(1e6)
    assert fixed.needed(5, 100, 0.01, math.log(100)) == -1


def moments(values: np.ndarray) -> sums.Moments:
    return sums.Moments(len(values), float(values.sum()), float((values**2).sum()))


def test_the_interval_of_a_difference_covers_it_at_every_look():
    chance = np.random.default_rng(3)
    missed = 0
    for _ in range(200):
        arm = chance.random(4_000) < 0.3
        values = chance.gamma(2.0, 3.0, 4_000) + 0.5 * arm
        for n in range(200, 4_001, 200):
            found = means.difference(moments(values[:n][arm[:n]]), moments(values[:n][~arm[:n]]), 0.3, 0.05)
            if not found[1] <= 0.5 <= found[2]:
                missed += 1
                break
    assert missed <= 0.05 * 200 + 3 * math.sqrt(0.05 * 0.95 * 200)


def test_the_interval_is_everything_before_the_burn_in():
    few, many = sums.Moments(10, 10.0, 10.0), sums.Moments(1_000, 0.0, 0.0)
    assert means.difference(few, many, 0.5, 0.05) == (1.0, -math.inf, math.inf)
