"""What is logged of an answer's outputs beside its first: which series there are, and their values."""

import json
import math
import struct

import numpy as np
import pytest

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import series, signature

C = manifests.Column
INPUTS = (C("x", "double"),)


def manifest(*outputs: manifests.Column, classes: list[str] | None = None) -> manifests.Manifest:
    options = {"classes": json.dumps(classes)} if classes else {}
    return manifests.Manifest("m", "python", "m", manifests.Signature("columns", INPUTS, outputs), (), options=options)


def of(*outputs: manifests.Column, classes: list[str] | None = None) -> series.Series:
    return series.Series(manifest(*outputs, classes=classes))


def wide(size: int, name: str = "p", kind: str = "FP64") -> manifests.Column:
    return C(name, kind, shape=(-1, size))


@pytest.mark.parametrize(
    ("outputs", "classes", "numbers", "words"),
    [
        ((C("late", "double"),), None, (), ()),
        ((C("late", "double"), C("minutes", "long"), C("why", "string")), None, ("prediction.minutes",), ("prediction.why",)),
        ((wide(3),), ["cat", "dog", "eel"], ("prediction.p.cat", "prediction.p.dog", "prediction.p.eel"), ()),
        ((wide(3),), None, ("prediction.p.0", "prediction.p.1", "prediction.p.2"), ()),
        ((wide(2),), ["no", "yes"], ("prediction.p.yes",), ()),
        ((C("label", "string"), wide(2)), ["no", "yes"], ("prediction.p.yes",), ()),
        ((C("no", "double"), C("yes", "double")), ["no", "yes"], (), ()),
        (
            (C("a", "double"), C("b", "double"), C("c", "double")),
            ["a", "b", "c"],
            tuple(f"prediction.{one}" for one in "abc"),
            (),
        ),
        ((C("label", "long"), C("when", "datetime"), wide(700, "embedding"), C("any", "FP32", shape=(-1, -1))), None, (), ()),
    ],
    ids=["one", "several", "classes", "places", "pair", "label and pair", "named pair", "named", "none"],
)
def test_each_output_is_a_series_and_what_another_says_already_is_none(outputs, classes, numbers, words) -> None:
    found = of(*outputs, classes=classes)
    assert (found.numbers, found.words) == (numbers, words)


@pytest.mark.parametrize(
    ("outputs", "classes", "numbers"),
    [
        ((wide(3),), ["a", "a", "b"], ["prediction.p.0", "prediction.p.1", "prediction.p.2"]),
        ((wide(51),), ["rest", *map(str, range(50))], []),
        ((wide(3),), ["rest", "a.b", "😀\n\"'"], ["prediction.p.rest", "prediction.p.a.b", "prediction.p.😀\n\"'"]),
        ((C("y", "double"), wide(2), C("p.0", "double")), None, ["prediction.p.0", "prediction.p.1"]),
        ((C("y", "double"), C("p.0", "double"), wide(2)), None, ["prediction.p.0"]),
    ],
    ids=["a class twice", "a class called rest", "odd names", "an output like an entry", "an entry like an output"],
)
def test_no_two_series_have_one_name(outputs, classes, numbers) -> None:
    found = of(*outputs, classes=classes)
    assert list(found.numbers) == numbers
    values = {one.name: np.ones((2, *one.shape[1:])) for one in outputs}
    assert set(found.unpacked(values, 2)) == set(numbers)


def test_an_output_called_like_an_input_is_no_series_so_that_the_two_stay_apart() -> None:
    made = manifest(C("late", "double"), C("x", "double"))
    inputs = (C("prediction.x", "double"),)
    assert series.Series(made).numbers == ("prediction.x",)
    assert (
        series.Series(
            manifests.Manifest("m", "python", "m", manifests.Signature("columns", inputs, made.signature.outputs), ())
        ).numbers
        == ()
    )


def test_of_very_many_classes_the_first_are_series_and_the_others_one_more() -> None:
    names = [f"c{place}" for place in range(120)]
    found = of(wide(120), classes=names)
    assert found.numbers == (*(f"prediction.p.c{place}" for place in range(50)), "prediction.p.rest")
    assert found.classes == series.Classes(tuple(names), ())
    table = np.random.default_rng(1).dirichlet(np.ones(120), size=4)
    for given in (table, table.tolist()):
        told = np.frombuffer(found.packed({"p": given}, 4)).reshape(4, -1)
        assert told == pytest.approx(np.column_stack([table[:, :50], table[:, 50:].sum(axis=1)]))


@pytest.mark.parametrize("made", [list, np.asarray], ids=["lists", "arrays"])
def test_a_rows_values_are_together_and_come_back_by_series(made) -> None:
    found = of(C("late", "double"), C("sure", "boolean"), wide(3), C("why", "string"), C("far", "double", required=False))
    values = {
        "late": made([0.1, 0.2]),
        "sure": made([True, False]),
        "p": made([[0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]),
        "why": ["fog", None],
        "far": [3.5, None],
    }
    assert struct.unpack("<10d", found.packed(values, 2))[:9] == (1.0, 0.1, 0.2, 0.7, 3.5, 0.0, 0.3, 0.3, 0.4)
    told = found.unpacked(values, 2)
    assert told["prediction.sure"] == [1.0, 0.0]
    assert told["prediction.p.2"] == [0.7, 0.4]
    assert told["prediction.why"] == ["fog", None]
    assert told["prediction.far"][0] == 3.5
    assert math.isnan(told["prediction.far"][1])
    assert found.packed(values, 1) == found.packed(values, 2)[: 5 * series.NUMBER_BYTES]


def test_giants_and_long_words_are_logged_as_far_as_they_can_be() -> None:
    found = of(C("late", "double"), C("count", "UINT64"), C("why", "string"))
    values = {"late": [0.0], "count": [2**64 - 1], "why": ["x" * 1_000]}
    assert struct.unpack("<d", found.packed(values, 1)) == (2.0**64,)
    assert found.worded(values, 1) == ("x" * series.WORD_LETTERS,)


@pytest.mark.parametrize(
    ("outputs", "classes", "wanted"),
    [
        ((wide(3),), ["a", "b", "c"], ("prediction.p.a", "prediction.p.b", "prediction.p.c")),
        ((wide(2),), ["a", "b"], ("", "prediction.p.b")),
        ((C("label", "string"), wide(2)), ["a", "b"], ("", "prediction.p.b")),
        ((C("no", "double"), C("yes", "double")), ["a", "b"], ("prediction", "")),
        (
            (C("x1", "double"), C("x2", "double"), C("x3", "double")),
            ["a", "b", "c"],
            ("prediction.x1", "prediction.x2", "prediction.x3"),
        ),
    ],
)
def test_which_series_is_the_probability_of_which_class(outputs, classes, wanted) -> None:
    assert of(*outputs, classes=classes).classes == series.Classes(tuple(classes), wanted)


def test_probabilities_apart_are_answered_by_their_likeliest_class() -> None:
    outputs = tuple(C(one, "double") for one in "abc")
    codec = signature.Codec(manifest(*outputs, classes=["ash", "beech", "elm"]))
    assert codec.answers({"a": [0.2, 0.5], "b": [0.7, 0.1], "c": [0.1, 0.4]}) == ("beech", "ash")
    pair = signature.Codec(manifest(*outputs[:2], classes=["ash", "beech"]))
    assert pair.answers({"a": [0.2], "b": [0.8]}) == (0.2,)
