"""Whether an answer was wrong and by how much, and what a request's one mark is."""

import math

import pytest

from tidegate.core.vocabulary import losses, tables
from tidegate.dataplane.predlog import outcomes

AUTO = tables.Outcomes()


@pytest.mark.parametrize(
    ("rule", "answer", "label", "wrong"),
    [
        (AUTO, 0.7, 1.0, False),
        (AUTO, 0.2, 1.0, True),
        (AUTO, 0.5, 1.0, False),
        (AUTO, 0.49, 0.0, False),
        (AUTO, 0.7, "true", False),
        (AUTO, "cat", "cat", False),
        (AUTO, "1_2", "12", True),
        (AUTO, "1_2", "1_2", False),
        (AUTO, 1_000_001.0, "1000002", True),
        (AUTO, "cat", "dog", True),
        (AUTO, 3.0, 3.0, False),
        (AUTO, 3.0, "3", False),
        (AUTO, "3", 3.0, False),
        (AUTO, 3.0, 4.0, True),
        (AUTO, "1", 1.0, False),
        (AUTO, None, 1.0, None),
        (AUTO, float("nan"), 1.0, None),
        (tables.Outcomes(kind="probability", threshold=0.9), 0.7, 1.0, True),
        (tables.Outcomes(kind="probability"), "cat", 1.0, None),
        (tables.Outcomes(kind="number", tolerance=0.5), 10.0, 10.5, False),
        (tables.Outcomes(kind="number", tolerance=0.5), 10.0, 10.6, True),
        (tables.Outcomes(kind="number"), 10.0, 1_000.0, False),
        (tables.Outcomes(kind="number"), 10.0, "ten", None),
        (tables.Outcomes(kind="class"), 1.0, 1.0, False),
        (tables.Outcomes(kind="class"), 0.7, 1.0, True),
    ],
)
def test_an_answer_is_held_against_its_label_by_the_endpoints_rule(
    rule: tables.Outcomes, answer: float | str | None, label: float | str, wrong: bool | None
) -> None:
    assert outcomes.judged(rule, answer, label) is wrong


def heard(row: int, label: float, version: int = 1, at: int = 0) -> outcomes.Heard:
    return outcomes.Heard(row, version, label, at)


def test_a_request_is_wrong_when_any_row_heard_of_is_wrong_and_unlabelled_when_none_was() -> None:
    given = outcomes.Given((0.9, 0.1, 0.8))
    assert outcomes.mark(AUTO, given, []) is None
    assert outcomes.mark(AUTO, given, [heard(0, 1.0)]) is False
    assert outcomes.mark(AUTO, given, [heard(0, 1.0), heard(1, 1.0)]) is True
    assert outcomes.mark(AUTO, given, [heard(7, 1.0)]) is None


def test_only_what_was_heard_by_then_counts() -> None:
    given = outcomes.Given((0.9, 0.1))
    late = [heard(0, 1.0, at=5), heard(1, 1.0, at=11)]
    assert outcomes.mark(AUTO, given, late, until_ns=10) is False
    assert outcomes.mark(AUTO, given, late) is True
    assert outcomes.mark(AUTO, given, late, until_ns=4) is None


def test_a_later_label_version_speaks_for_its_row() -> None:
    given = outcomes.Given((0.9,))
    both = [heard(0, 0.0, version=2, at=9), heard(0, 1.0, version=1, at=1)]
    assert outcomes.mark(AUTO, given, both) is True
    assert outcomes.mark(AUTO, given, both, until_ns=5) is False


def test_an_arm_that_gave_no_answer_is_wrong_once_truth_is_heard_and_unlabelled_before() -> None:
    failed = outcomes.Given((), failed=True)
    assert outcomes.mark(AUTO, failed, []) is None
    assert outcomes.mark(AUTO, failed, [heard(0, 1.0)]) is True
    assert outcomes.mark(AUTO, outcomes.Given(()), [heard(0, 1.0)]) is None


NUMBER, PROBABILITY = tables.Outcomes(kind="number", tolerance=1.0), tables.Outcomes(kind="probability")


@pytest.mark.parametrize(
    ("rule", "answers", "labels", "loss"),
    [
        (NUMBER, (10.0,), (12.5,), 2.5),
        (NUMBER, (10.0,), ("7.5",), 2.5),
        (NUMBER, (10.0,), (10.0,), 0.0),
        (NUMBER, (1e308,), (-1e308,), math.inf),
        (NUMBER, (10.0, 20.0), (12.0, 16.0), 3.0),
        (NUMBER, (10.0, 20.0), (12.0, "unknown"), 2.0),
        (NUMBER, (None,), (1.0,), None),
        (NUMBER, (math.nan,), (1.0,), None),
        (PROBABILITY, (0.75,), (1.0,), 0.0625),
        (PROBABILITY, (0.75,), ("false",), 0.5625),
        (PROBABILITY, (0.75, 0.25), (1.0, 1.0), 0.3125),
        (PROBABILITY, (1e200,), (0.0,), math.inf),
        (AUTO, (0.75,), (1.0,), None),
        (tables.Outcomes(kind="class"), (3.0,), (4.0,), None),
    ],
)
def test_a_request_is_off_by_the_mean_of_its_rows_where_outcomes_are_measured(
    rule: tables.Outcomes, answers: tuple[float | None, ...], labels: tuple[float | str, ...], loss: float | None
) -> None:
    told = [outcomes.Heard(row, 1, label, 0) for row, label in enumerate(labels)]
    given = outcomes.Given(answers)
    assert outcomes.loss(rule, given, told) == loss
    if rule.kind in losses.KINDS:
        assert (outcomes.loss(rule, given, told) is None) is (outcomes.mark(rule, given, told) is None)


def test_only_rows_heard_of_by_then_are_measured_each_by_its_latest_label() -> None:
    given = outcomes.Given((10.0, 20.0, 30.0))
    told = [heard(0, 11.0), heard(0, 14.0, version=2, at=5), heard(1, 26.0, at=9), heard(7, 0.0)]
    assert [outcomes.loss(NUMBER, given, told, until) for until in (0, 5, 9, None)] == [1.0, 4.0, 5.0, 5.0]
    assert outcomes.loss(NUMBER, given, told, until_ns=-1) is None


def test_an_arm_that_gave_no_answer_lost_infinitely_much_once_truth_is_heard() -> None:
    failed = outcomes.Given((10.0,), failed=True)
    assert outcomes.loss(NUMBER, failed, []) is None
    assert outcomes.loss(NUMBER, failed, [heard(0, 10.0)]) == math.inf
    assert outcomes.loss(AUTO, failed, [heard(0, 10.0)]) is None
