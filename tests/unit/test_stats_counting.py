"""Values as they come, counted; and what came with a model, in whatever frame it is asked for."""

import numpy as np
import pytest

from tidegate.core.stats import counting
from tidegate.core.vocabulary import profiles

RNG = np.random.default_rng(5)


@pytest.mark.parametrize(
    "values",
    [
        RNG.gamma(2.0, 3.0, 5_000),
        RNG.normal(size=300),
        RNG.integers(0, 4, 5_000) * 1.0,
        np.full(500, 3.0),
        RNG.poisson(0.2, 5_000) * 1.0,
    ],
)
def test_what_was_known_of_numbers_fits_any_frame_to_half_a_hundredth(values):
    told = counting.known([*values.tolist(), None, "x"])
    assert (told.rows, told.nulls, told.broken) == (len(values) + 2, 1, 1)
    for frame in (counting.edged("x", values), counting.edged("x", values[:100] + 0.5), profiles.Frame("x", edges=(1.0, 2.5))):
        true, fitted = counting.counted(frame, [*values.tolist(), None, "x"]), counting.refitted(frame, told)
        apart = np.abs(np.cumsum(true.counts) - np.cumsum(fitted.counts)).max() / len(values)
        assert apart <= 0.0075
        assert fitted.seen == pytest.approx(true.seen, abs=1)
        assert (fitted.total, fitted.nulls, fitted.broken) == (pytest.approx(true.total), 1, 1)


def test_what_was_known_of_categories_fits_those_that_are_told_apart():
    values = ["a"] * 50 + ["b"] * 30 + ["c"] * 20 + [None] * 5
    told = counting.known(values)
    frame = profiles.Frame("x", classes=("b", "z"))
    assert counting.refitted(frame, told) == counting.counted(frame, values)
    many = counting.known([f"v{at % 300}" for at in range(6_000)])
    assert (len(many.words), many.others) == (counting.WORDS, 6_000 - 20 * counting.WORDS)
    assert counting.refitted(frame, many).counts == (0, 0, 6_000)


def test_what_fewer_than_twenty_rows_had_is_called_by_its_name_nowhere():
    values = ["Ulm"] * 20 + ["Ann's Road"] * 19 + [f"road {at}" for at in range(40)]
    assert counting.framed("x", values).classes == ("Ulm",)
    told = counting.known(values)
    assert (told.words, told.others) == ({"Ulm": 20}, 59)
    older = profiles.Known(59, words={"Ulm": 40, "Ann's Road": 19})
    frame = counting.taught("x", older)
    assert frame is not None
    assert frame.classes == ("Ulm",)
    column = counting.counted(profiles.Frame("x", classes=("Ann's Road", "Ulm")), values)
    assert counting.renamed(profiles.Frame("x", classes=("Ann's Road", "Ulm")), {"Ann's Road"}, column).counts == (20, 59)


def test_a_column_that_has_become_another_kind_is_broken_or_new():
    numbers, words = counting.known([1.0, 2.0] * 100), counting.known(["a", "b"] * 100)
    assert counting.refitted(profiles.Frame("x", edges=(1.0, 2.0)), words).broken == 200
    assert counting.refitted(profiles.Frame("x", classes=("a",)), numbers).counts == (0, 200)


@pytest.mark.parametrize("values", [[], [None] * 300, [1e308, -1e308] * 200, [float("nan")] * 9, [float("inf")] * 9, [[1]] * 300])
def test_nothing_that_comes_with_a_model_is_an_error(values):
    told = counting.known(values)
    frame = counting.taught("x", told)
    assert told.rows == len(values)
    if frame is not None:
        assert counting.refitted(frame, told).seen == len(values)


def test_the_same_data_gives_the_same_baseline():
    columns = {"x": RNG.normal(size=400).tolist(), "c": RNG.choice(["a", "b"], 400).tolist()}
    one, other = (counting.baseline(columns, {"x": 1.5, "c": 0.5}) for _ in range(2))
    assert one == other
    assert (one.rows, set(one.columns), one.importances["x"]) == (400, {"x", "c"}, 1.5)
