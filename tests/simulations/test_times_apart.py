"""Two times told apart, or not."""

import numpy as np
import pytest

from tidegate.observability.drift import classifying

RNG = np.random.default_rng(11)


def rows(count=1_000, shift=0.0):
    return {
        "temp": RNG.normal(shift, 1, count).tolist(),
        "carrier": RNG.choice(["AA", "UA", "DL"], count).tolist(),
        "gust": [None if gone else 1.0 for gone in RNG.random(count) < 0.5],
    }


def test_equal_times_cannot_be_told_apart():
    found = classifying.apart(rows(), rows())
    assert abs(found.auc - 0.5) < 4 * found.chance
    assert found.p > 0.001
    assert not found.unusual


def test_what_has_moved_is_named_first():
    found = classifying.apart(rows(shift=1.0), rows())
    assert found.auc > 0.65
    assert found.p == 0.001
    assert next(iter(found.importances)) == "temp"
    assert found.unusual


def test_what_is_always_so_is_not_unusual():
    told = classifying.Told(0.9, 0.01, 0.001, (9, 9), {}, (), (0.9, 0.88, 0.91))
    assert not told.unusual
    assert classifying.Told(0.95, 0.01, 0.001, (9, 9), {}, (), (0.9, 0.88, 0.91)).unusual


def test_clocks_are_left_out_and_so_are_columns_that_one_time_lacks():
    seen, known = rows(), rows()
    known["at"], seen["at"] = list(range(1_000)), list(range(1_000, 2_000))
    known["old"], seen["new"] = known["temp"], seen["temp"]
    found = classifying.apart(seen, known)
    assert found.clocks == ("at",)
    assert set(found.importances) == {"temp", "carrier", "gust"}


@pytest.mark.parametrize("value", [1e308, float("nan"), None, "x", True, [1]])
def test_whatever_the_values_are(value):
    seen, known = rows(300), rows(300)
    seen["temp"] = [value] * 300
    assert classifying.apart(seen, known) is not None
    assert classifying.apart(rows(10), known) is None
    assert classifying.apart({}, known) is None
