"""Where probabilities are true, the estimate of several classes is off by chance alone, whatever they look like."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.stats import multiclass

ROWS, TIMES = 800, 40
CONCENTRATIONS = st.lists(st.floats(0.1, 5.0), min_size=2, max_size=7)


@settings(max_examples=10, deadline=None)
@given(CONCENTRATIONS, st.integers(0, 2**32 - 1))
def test_the_estimate_is_unbiased_under_calibration(weights: list[float], seed: int) -> None:
    rng = np.random.default_rng(seed)

    def drawn(count: int) -> tuple[np.ndarray, np.ndarray]:
        chances = rng.dirichlet(weights, count)
        return chances, (chances.cumsum(axis=1) < rng.random((count, 1))).sum(axis=1).clip(0, len(weights) - 1)

    known = multiclass.fit(*drawn(20_000))
    names = tuple(map(str, range(len(weights))))
    off, expected = [], []
    for _ in range(TIMES):
        chances, truth = drawn(ROWS)
        answers = chances.argmax(axis=1)
        told = multiclass.estimate(chances, answers, known, names)
        off.append(told.accuracy - float((answers == truth).mean()))
        expected.append(told.deviation)
        assert abs(sum(rows for _, _, rows in told.confusion) - ROWS) < 1e-6
    chance = float(np.mean(expected))
    assert abs(np.mean(off)) < 5 * chance / np.sqrt(TIMES) + 0.01, "what a calibration on 20,000 rows leaves"
    assert np.std(off) < 1.6 * chance
