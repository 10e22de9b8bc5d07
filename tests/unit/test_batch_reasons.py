"""Reasons in words: the largest first, their direction, what would have been otherwise."""

import pytest

from tidegate.control.batch import reasons
from tidegate.core.vocabulary import explanations


def part(name: str, value: object, contribution: float, typical: object = None, instead: float | None = None):
    return explanations.Contribution(name, value, contribution, 0.0, typical, instead)


def explanation(*parts: explanations.Contribution, base: float = 0.53, subject: str = "the answer") -> explanations.Explanation:
    score = base + sum(one.contribution for one in parts)
    ordered = tuple(sorted(parts, key=lambda one: -abs(one.contribution)))
    found = explanations.Explained(subject, score, base, ordered, "m", True, 50)
    return explanations.Explanation(
        "id", 0, "production", "loans", "v1", "d", score, score, explanations.EXACTLY, found, "b", 0.0
    )


INCOME = part("income", 31_000, -0.12, 45_000.0, 0.53)
AGE = part("age", 23.0, -0.05, 41.0, 0.46)
PLAN = part("plan", "pro", 0.04, "basic", 0.37)
NOISE = part("weekday", 3, 0.0001, 4, 0.41)


def test_the_main_reasons_are_told_with_their_value_direction_and_what_would_have_been():
    assert reasons.said(explanation(INCOME, AGE, PLAN, NOISE)) == (
        "The main reasons were: income (31,000) lowers the answer by 0.12 compared with a typical case (with 45,000, as is "
        "typical, it would be 0.53); age (23) lowers it by 0.05 (with 41, as is typical, it would be 0.46); "
        "plan (pro) raises it by 0.04 (with basic, as is typical, it would be 0.37)."
    )


def test_adverse_reasons_are_those_that_took_the_answer_the_way_it_went():
    said = reasons.said(explanation(INCOME, AGE, PLAN, subject="the probability of yes"), adverse=True)
    assert said.startswith(
        "The probability of yes is 0.4, lower than in typical cases (0.53). The main reasons were: income (31,000) lowers the"
    )
    assert "plan" not in said
    raised = reasons.said(explanation(part("debt", 9_000.5, 0.2, 0.0, 0.5), AGE), adverse=True)
    assert "higher than in typical cases" in raised
    assert "debt (9,000.50) raises the answer by 0.2" in raised
    assert "age" not in raised


def test_no_more_than_were_asked_for():
    said = reasons.said(explanation(INCOME, AGE, PLAN), 1)
    assert said.startswith("The main reason was: income")
    assert "age" not in said


def test_a_reason_that_needs_others_to_count_is_said_to():
    said = reasons.said(explanation(INCOME, part("age", 23.0, -0.05, 41.0, 0.36)))
    assert "age (23) lowers it by 0.05 (not by itself: with 41, as is typical, and all else as it is, it would stay)" in said


def test_where_nothing_stands_out_that_is_said():
    assert (
        reasons.said(explanation(part("a", 1, 0.0))) == "Nothing sets this case apart: the answer is 0.53, as in typical cases."
    )


def test_a_column_with_the_typical_value_has_no_otherwise():
    assert "as is typical" not in reasons.said(explanation(part("a", 2.0, 0.1, 2, 0.63)))


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        (None, "missing"),
        (True, "true"),
        (31_000.0, "31,000"),
        (0.12346, "0.1235"),
        (-4, "-4"),
        (1e300, "1e+300"),
        (10**400, "1" + "0" * 79),
        ("x" * 99, "x" * 80),
    ],
)
def test_values_are_written_as_people_do(given, shown):
    assert reasons.value(given) == shown
