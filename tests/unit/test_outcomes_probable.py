"""Probabilities of classes beside predictions and their truth, as the log has them, whatever versions there were."""

import json
import math
import pathlib
import shutil

import msgspec
import numpy as np
import predlog_fixtures as given
import pytest
from columns_fixtures import C, Columned

from tidegate.core.vocabulary import errors, manifests, marks, tables
from tidegate.dataplane.predlog import labelled
from tidegate.observability.outcomes import graded, labelling, probable, sheets

INPUTS = (C("age", "long"),)
RULE = tables.Outcomes()


def signature(*outputs: manifests.Column) -> manifests.Signature:
    return manifests.Signature("columns", INPUTS, outputs)


THREE = signature(C("p", "FP64", shape=(-1, 3)))
PAIR = signature(C("label", "string"), C("q", "FP64", shape=(-1, 2)))
SCORE = signature(C("score", "double"))


class Trees(Columned):
    """Version 1 tells three trees apart, version 2 two, and version 3 says a number."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root, THREE, PAIR, SCORE)
        for digest, one, classes in zip(self.digests, (THREE, PAIR), (["ash", "beech", "elm"], ["elm", "oak"]), strict=False):
            made = manifests.Manifest("m", "sklearn", "m", one, (), options={"classes": json.dumps(classes)})
            (self.home.bundles / digest / "manifest.json").write_bytes(msgspec.json.encode(made))

    def answered(self, number: int, answers: tuple[object, ...], numbers: list[float], **more: object) -> None:
        whole = {"answers": answers, "numbers": np.array(numbers, "<f8").tobytes(), "at": float(number)}
        self.put(self.asked(number, *({"age": 1} for _ in answers or (1,)), **(whole | more)))

    def rows(self, rule: tables.Outcomes = RULE) -> labelled.Rows:
        self.look(100.0)
        found = labelled.read(self.home, "flight-delay", rule, (given.T0, given.T0 + 1_000.0))
        return probable.rows(self.home, "flight-delay", found)


def test_each_row_has_the_probabilities_that_its_version_said(tmp_path: pathlib.Path) -> None:
    log = Trees(tmp_path)
    log.answered(0, ("ash", "elm"), [0.5, 0.25, 0.25, 0.125, 0.25, 0.625])
    log.answered(1, ("oak",), [0.75], version=2)
    log.answered(2, (0.5,), [], version=3)
    log.answered(3, (), [], mark=marks.Mark.ERROR)
    log.answered(4, ("beech",), [])
    found = log.rows()
    assert found.classes == ("ash", "beech", "elm", "oak")
    nothing = [math.nan] * 4
    wanted = [[0.5, 0.25, 0.25, 0], [0.125, 0.25, 0.625, 0], [0, 0, 0.25, 0.75], nothing, nothing, nothing]
    assert found.probabilities == pytest.approx(np.array(wanted), nan_ok=True)
    assert found.of(found.version == 2).probabilities.tolist() == [[0, 0, 0.25, 0.75]]
    assert graded.graded(RULE, found).probable.tolist() == [True, True, True, False, False]


def test_a_version_that_says_a_word_where_another_says_a_probability_takes_none_away(tmp_path: pathlib.Path) -> None:
    log = Trees(tmp_path)
    worded = signature(C("score", "double"), C("p.ash", "string"))
    made = manifests.Manifest("m", "sklearn", "m", worded, ())
    (log.home.bundles / log.digests[2] / "manifest.json").write_bytes(msgspec.json.encode(made))
    log.answered(0, ("ash",), [0.5, 1e-9, 0.25])
    log.answered(1, (0.5,), [], version=3, words=("none",))
    log.answered(2, (0.5,), [], version=3, words=("0.75",))
    found = log.rows()
    assert found.probabilities[0].tolist() == [0.5, 1e-9, 0.25]
    assert np.isnan(found.probabilities[1:]).all()


def test_a_version_whose_bundle_is_gone_and_a_log_of_before_have_none(tmp_path: pathlib.Path) -> None:
    log = Trees(tmp_path)
    log.answered(0, (0.5,), [], version=3)
    assert log.rows().probabilities is None
    log.answered(1, ("ash",), [0.5, 0.25, 0.25])
    log.answered(2, ("oak",), [0.75], version=2)
    shutil.rmtree(log.home.bundles / log.digests[0])
    found = log.rows()
    assert found.classes == ("elm", "oak")
    assert found.probabilities == pytest.approx(np.array([[math.nan] * 2] * 2 + [[0.25, 0.75]]), nan_ok=True)


def test_those_whose_two_likeliest_classes_are_near_are_asked_about_and_hard_answers_are_not(tmp_path: pathlib.Path) -> None:
    said = np.array([[0.5, 0.5, 0.0], [0.4, 0.3, 0.3], [1.0, 0.0, 0.0], [math.nan] * 3])
    assert labelling.nearness(said) == pytest.approx([1.0, 0.9, 0.0, 0.0])
    log = Trees(tmp_path)
    asked = sheets.Asked("flight-delay", labelling.UNCERTAIN, 20, given.T0, given.T0 + 1_000.0)
    log.answered(0, ("ash",), [])
    log.look(100.0)
    with pytest.raises(errors.SpecInvalid, match="only a probability"):
        sheets.drawn(log.home, RULE, asked, 1)
    for number in range(1, 101):
        near = number % 5 == 0
        log.answered(number, ("ash",), [0.5, 0.5, 0.0] if near else [0.98, 0.01, 0.01])
    log.look(200.0)
    drawn = sheets.drawn(log.home, RULE, asked, 1)
    counts = np.bincount([int(handed.chance > 0.5) for handed in drawn.task.handed], minlength=2)
    assert counts.sum() == 20
    assert counts[1] >= 14, "a tenth of the draws goes to all alike"
