"""Samples to label: drawn with known chances, remembered, never twice, and no model looks bad for its doubtful answers."""

import pathlib

import numpy as np
import predlog_fixtures as given
import pytest
from columns_fixtures import SCORE, Columned
from pairs_fixtures import Mirrored, copied, served

from tidegate.core.vocabulary import errors, home, ids, manifests, tables
from tidegate.observability.outcomes import labelling, sheets

RULE = tables.Outcomes(kind="probability")


def test_as_many_are_drawn_as_were_wanted_each_with_its_chance() -> None:
    rng = np.random.default_rng(0)
    urgent = rng.random(500) ** 3
    urgent[:3] = 200.0  # these alone would be drawn many times over
    chance = labelling.chances_of(urgent, 60)
    assert chance.sum() == pytest.approx(60)
    assert (chance[:3] == 1.0).all()
    assert chance.min() > 0.0, "nobody is left out for sure"
    times = np.zeros(500)
    for seed in range(2_000):
        drawn = labelling.draw(chance, seed)
        assert len(drawn) == len(set(drawn)) == 60
        times[drawn] += 1
    assert np.abs(times / 2_000 - chance).max() < 0.06


@pytest.mark.parametrize("urgent", [np.zeros(10), np.ones(10), np.array([1.0] + [0.0] * 9)])
def test_odd_urgencies_and_small_stocks_are_drawn_from(urgent: np.ndarray) -> None:
    assert len(labelling.draw(labelling.chances_of(urgent, 4), 1)) == 4
    assert len(labelling.draw(labelling.chances_of(urgent, 40), 1)) == 10
    assert labelling.chances_of(urgent, 10).tolist() == [1.0] * 10


def test_the_nearest_to_the_threshold_are_the_most_urgent() -> None:
    assert labelling.urgency(np.array([0.5, 0.1, 0.9, 0.4]), 0.5).tolist() == pytest.approx([1.0, 0.0, 0.0, 0.75])
    assert labelling.urgency(np.array([0.5, 0.5]), 0.5).tolist() == [1.0, 1.0]


def logged(root: pathlib.Path, rows: int = 60) -> Mirrored:
    """Sixty requests, the first ten labelled; every sixth was answered otherwise by the copy."""
    log = Mirrored(root, outcomes=RULE)
    asked = [served(at, float(at), answers=(at / rows,)) for at in range(rows)]
    log.put(*asked)
    log.put(*(copied(one, 0.99 if at % 6 == 0 else one.answers[0]) for at, one in enumerate(asked)))
    log.put(*(given.outcome(0, one, 1.0, 61.0) for one in asked[:10]))
    log.look(70.0)
    return log


def drawn(place: home.Home, wanted: int, strategy: str = "random", version: int = 0) -> sheets.Sheet:
    asked = sheets.Asked("flight-delay", strategy, wanted, given.T0, given.T0 + 3_600.0, version)
    return sheets.drawn(place, RULE, asked, 7)


def test_a_sheet_has_inputs_and_answers_and_nobody_gets_what_is_labelled_or_out_already(tmp_path: pathlib.Path) -> None:
    log = logged(tmp_path)
    first = drawn(log.home, 20)
    assert (len(first.lines), first.candidates) == (20, 50)
    line = first.lines[0]
    assert line["task"] == first.task.name
    assert line["label"] is None
    assert (line["carrier"], line["answer"]) == ("AA", pytest.approx(line["hour"] / 60))
    second = drawn(log.home, 100)
    assert (len(second.lines), second.candidates) == (30, 30)
    assert not {one["id"] for one in first.lines} & {one["id"] for one in second.lines}
    with pytest.raises(errors.NothingCompared, match="left to label"):
        drawn(log.home, 1)
    chances = labelling.chances(log.home, "flight-delay")
    assert sorted(set(chances.values())) == [pytest.approx(0.4), 1.0]
    assert labelling.task(log.home, "flight-delay", first.task.name) == first.task
    with pytest.raises(errors.OutcomeInvalid, match="no task"):
        labelling.task(log.home, "flight-delay", "../table")


def test_a_column_that_is_called_as_one_of_the_sheets_own_is_beside_it(tmp_path: pathlib.Path) -> None:
    takes = manifests.Signature("columns", tuple(manifests.Column(name, "string") for name in ("id", "label", "in_id")), SCORE)
    log = Columned(tmp_path, takes, outcomes=RULE)
    one = log.asked(1, {"id": "mine", "label": "1", "in_id": "another"}, answers=(0.5,))
    log.put(one)
    log.look(10.0)
    (line,) = drawn(log.home, 1).lines
    assert (line["id"], line["label"]) == (ids.text(one.id), None), "or it is taken back as an outcome, of another prediction"
    assert (line["in_in_id"], line["in_label"], line["in_id"]) == ("mine", "1", "another")


def test_targeted_samples_prefer_the_doubtful_and_the_disputed(tmp_path: pathlib.Path) -> None:
    log = logged(tmp_path)
    near = drawn(log.home, 12, "uncertain")
    assert np.mean([abs(one["answer"] - 0.5) for one in near.lines]) < 0.2
    disputed = drawn(log.home, 8, "disagreement")
    assert sum(round(one["answer"] * 60) % 6 == 0 for one in disputed.lines) >= 4


def test_what_a_strategy_cannot_tell_is_said(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    log.put(served(1, 1.0, answers=("cat",)), served(2, 2.0, answers=("dog",)))
    log.look(10.0)
    asked = sheets.Asked("flight-delay", "uncertain", 1, given.T0, given.T0 + 60.0)
    with pytest.raises(errors.SpecInvalid, match="only a probability"):
        sheets.drawn(log.home, tables.Outcomes(kind="class"), asked, 1)
    with pytest.raises(errors.NothingCompared, match="answered otherwise"):
        drawn(log.home, 1, "disagreement")
    assert labelling.tasks(log.home, "flight-delay") == []


def test_a_damaged_task_is_passed_over(tmp_path: pathlib.Path) -> None:
    place = given.place(tmp_path)
    labelling.keep(place, labelling.Task("1-a", "flight-delay", "random", 1.0, (labelling.Handed(ids.text(bytes(16)), 0, 0.5),)))
    (place.labelling / "flight-delay" / "2-b.json").write_bytes(b"{")
    assert [one.name for one in labelling.tasks(place, "flight-delay")] == ["1-a"]
