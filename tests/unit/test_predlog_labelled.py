"""Predictions with their truth, as columns."""

import math
import pathlib

import predlog_fixtures as given
import pytest
from pairs_fixtures import Mirrored, copied, served

from tidegate.core.vocabulary import assignment, errors, ids, marks, tables
from tidegate.dataplane.predlog import labelled

RULE = tables.Outcomes(kind="probability", within_seconds=10.0, lookback_seconds=100.0, key="carrier")
DAY = 86_400.0


def read(log: Mirrored, segment: str = "", rule: tables.Outcomes = RULE, until: float = DAY) -> labelled.Rows:
    return labelled.read(log.home, "flight-delay", rule, (given.T0, given.T0 + until), segment)


def test_each_row_has_its_answer_its_truth_and_how_late_it_came(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0, outcomes=RULE)
    one = served(1, 1.0, answers=(0.9, 0.2), rows=2, input=b'{"records": [{"carrier": "AA"}, {"carrier": "UA", "hour": 5}]}')
    lost = served(2, 2.0, mark=marks.Mark.ERROR, answers=())
    shed = served(3, 3.0, mark=marks.Mark.SHED, answers=())
    late = served(4, 4.0, version=2)
    log.put(one, lost, shed, late, copied(late, 0.7))
    log.put(
        given.outcome(0, one, 1.0, 6.0),
        given.outcome(0, one, 0.0, 9.0),  # a repeat
        given.outcome(0, one, "perhaps", 9.5, label_version=5),  # no truth for a probability
        given.outcome(0, one, 0.0, 11.0, row=1),
        given.outcome(0, one, 1.0, 12.0, row=1, label_version=2, request_id="labelling:x"),
        given.outcome(0, one, 1.0, 12.0, row=7),
        given.outcome(0, lost, 1.0, 12.0),
        given.outcome(0, late, 3.5, 12.0, metric="revenue"),
    )
    log.look(20.0)
    found = read(log, "carrier")
    assert found.version.tolist() == [1, 1, 1, 2]
    assert found.answered.tolist() == [True, True, False, True]
    assert found.answer[found.answered].tolist() == [0.9, 0.2, 0.25]
    assert found.label[:3].tolist() == [1.0, 1.0, 1.0]
    assert found.lag.tolist()[:3] == [5.0, 10.0, 10.0]
    assert math.isnan(found.lag[3])
    assert found.segment.tolist() == ["AA", "UA", "AA", "AA"]
    assert found.drawn.tolist() == [False, False, False, False]
    assert (found.row.tolist(), found.id[3].decode(), len(found)) == ([0, 1, 0, 0], ids.text(late.id), 4)
    assert found.labelled.tolist() == [True, True, True, False]
    assert len(read(log, until=1.5)) == 2


def test_words_and_numbers_stand_side_by_side(tmp_path: pathlib.Path) -> None:
    """Answers with quotes, commas and letters beyond ASCII in them; rows without an answer among them; labels of either kind."""
    rule = tables.Outcomes(kind="auto")
    log = Mirrored(tmp_path, mirror=0, outcomes=rule)
    three = served(1, 1.0, answers=('a "b", c', None, "größer"), rows=3)
    lost = served(2, 2.0, mark=marks.Mark.ERROR, answers=(), rows=2)
    number = served(3, 3.0, answers=(0.5, None), rows=2)
    log.put(three, lost, number)
    log.put(
        given.outcome(0, three, 'a "b", c', 6.0),
        given.outcome(0, three, 7.0, 6.0, row=2),
        given.outcome(0, lost, "größer", 6.0, row=1),
        given.outcome(0, number, "perhaps", 6.0),  # can never be held against a number
        given.outcome(0, number, "true", 7.0, label_version=2),
        given.outcome(0, number, "perhaps", 8.0, label_version=3),
    )
    log.look(20.0)
    found = read(log, rule=rule)
    assert found.answer.tolist() == ['a "b", c', None, "größer", None, None, 0.5, None]
    assert found.label.tolist() == ['a "b", c', None, 7.0, None, "größer", "true", None]
    assert found.lag[found.labelled].tolist() == [5.0, 5.0, 4.0, 4.0]
    assert found.row.tolist() == [0, 1, 2, 0, 1, 0, 1]


def test_files_whose_times_overlap_come_in_order(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    late, early = served(2, 9.0, answers=(0.9,)), served(1, 1.0, answers=(0.1,))
    log.put(late)
    log.look(20.0)
    log.put(early, given.outcome(0, late, 1.0, 12.0), given.outcome(0, early, 0.0, 12.0))
    log.look(40.0)
    found = read(log)
    assert (found.answer.tolist(), found.label.tolist(), found.lag.tolist()) == ([0.1, 0.9], [0.0, 1.0], [11.0, 3.0])


def test_what_people_were_asked_to_label_is_known_until_truth_comes_by_itself(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    one, two = served(1, 1.0), served(2, 1.0)
    log.put(one, two, *(given.outcome(0, of, 1.0, 5.0, request_id="labelling:t") for of in (one, two)))
    log.put(given.outcome(0, two, 0.0, 9.0))
    log.look(20.0)
    found = read(log)
    assert (found.drawn.tolist(), found.lag.tolist()) == ([True, False], [4.0, 8.0])
    assert found.label.tolist() == [1.0, 1.0], "the first received speaks"


def test_truth_by_key_is_there_once_it_was_matched(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0, outcomes=RULE)
    told = {"id": ids.uuid7(given.T0 * 1000, 5), "endpoint": "flight-delay", "key_hash": assignment.digest(b"AA")}
    one = served(1, 1.0)
    log.put(one, given.outcome(0, one, 1.0, 6.0, at_ns=(given.T0 + 5) * 10**9, **told))
    log.look(7.0)
    log.look(11.0)
    assert read(log).label.tolist() == [1.0]


def test_an_early_label_has_no_negative_lag(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    one = served(1, 5.0)
    log.put(one, given.outcome(0, one, 1.0, 3.0))
    log.look(7.0)
    assert read(log).lag.tolist() == [0.0]


def test_of_very_many_an_even_sample_is_read(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    asked = [served(at, at / 100) for at in range(400)]
    log.put(*asked, *(given.outcome(0, one, 1.0, 8.0) for one in asked))
    log.look(20.0)
    found = labelled.read(log.home, "flight-delay", RULE, (given.T0, given.T0 + DAY), most=100)
    assert found.sampled == 4
    assert 60 < len(found) < 150
    assert found.labelled.all()


def test_a_column_that_nobody_has_is_named_and_an_empty_log_has_no_rows(tmp_path: pathlib.Path) -> None:
    log = Mirrored(tmp_path, mirror=0)
    assert len(read(log, "region")) == 0
    log.put(served(1, 1.0))
    log.look(20.0)
    with pytest.raises(errors.SpecInvalid, match=r"no input of this time has a column region.*carrier, hour"):
        read(log, "region")
