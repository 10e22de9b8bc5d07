"""Whatever lags and ages there are: the law is one, weights are within their bounds, and order does not matter."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tidegate.core.stats import arrival

PAIRS = st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)).map(lambda one: (min(one), max(one))), min_size=2, max_size=60)


@given(PAIRS, st.randoms())
def test_the_law_rises_from_nothing_to_one(pairs, random) -> None:
    lags, ages = (np.array(side) for side in zip(*pairs, strict=True))
    law = arrival.law(lags, ages)
    told = law.at(np.sort(np.concatenate([lags, ages, [-1.0, 1e9]])))
    assert (np.diff(told) >= -1e-12).all()
    assert (told[0], told[-1]) == (0.0, 1.0)
    assert ((told >= 0) & (told <= 1)).all()
    for q in (0.01, 0.5, 0.99, 1.0):
        assert law.at(np.array([law.quantile(q)]))[0] >= q - 1e-9
    mixed = list(pairs)
    random.shuffle(mixed)
    again = arrival.law(*(np.array(side) for side in zip(*mixed, strict=True)))
    assert np.allclose(again.chances, law.chances)


@given(PAIRS)
def test_weights_are_from_one_to_the_most(pairs) -> None:
    lags, ages = (np.array(side) for side in zip(*pairs, strict=True))
    groups = (lags > 10).astype(int)
    found = arrival.laws(groups, lags, ages).weights(groups, ages)
    assert ((found >= 1 - 1e-12) & (found <= arrival.MOST_WEIGHT)).all()


@given(PAIRS)
def test_where_everything_is_old_the_law_is_what_was_seen(pairs) -> None:
    lags = np.array([one for one, _ in pairs])
    law = arrival.law(lags, np.full(lags.size, 2e6))
    asked = np.unique(lags)
    assert np.allclose(law.at(asked), [(lags <= one).mean() for one in asked])
