"""Outcomes: whether an answer was wrong and by how much, and what a request's mark is once truth has been heard. Pure.

The rules, in full:
- An outcome is for one row of one prediction in one role. Per (id, row, role, label version) the one received first counts;
  repeats are dropped. A later label version is a correction: it is kept beside the earlier one and speaks for the row.
- A request has one mark: wrong when any row that was heard of is wrong, right when all that were heard of are right, none
  while no row was heard of (or none can be compared).
- The mark is the drawn arm's, whoever answered (intention to treat): an arm that gave no answer was not right, so such a
  request is wrong as soon as truth is heard for it. It counts as labelled like any other: that is what keeps the labelled
  share comparable between the arms, and keeps a model that fails on the hard cases from looking accurate.
- A request has one loss, where the rule says number or probability: the mean over the rows that its mark is made from. So it
  has a loss exactly when it has a mark; an arm that gave no answer lost infinitely much. `auto` has none: what it comes out as
  depends on the answer, which the arm gives, and the arms' losses would then be those of different requests.
"""

import math
from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import losses, tables

Answer = float | str | None
Label = float | str


class Heard(msgspec.Struct, frozen=True, array_like=True):
    """What was heard of one row."""

    row: int
    label_version: int
    label: Label
    received_ns: int


class Given(msgspec.Struct, frozen=True):
    """What the drawn arm answered."""

    answers: tuple[Answer, ...]
    """First output of each row."""
    failed: bool = False
    """Whether its mark is bad: then it gave no answer that counts."""


def judged(rule: tables.Outcomes, answer: Answer, label: Label) -> bool | None:
    """Whether an answer was wrong; None where the two cannot be compared (no answer, or text against a threshold). Of numbers
    without a tolerance none is: how far off they are is their loss.

    Examples with the default rule: 0.7 against 1 is right, 0.2 against 1 is wrong, "cat" against "cat" is right.
    """
    if answer is None:
        return None
    told, truth = _number(answer), _number(label)
    kind = rule.kind
    if kind == "auto":
        kind = "probability" if not isinstance(answer, str) and truth in {0.0, 1.0} else "class"
    if kind == "class":
        return told != truth if told is not None and truth is not None else str(answer) != str(label)
    if told is None or truth is None:
        return None
    if kind == "probability":
        return (told >= rule.threshold) != (truth >= 0.5)
    return 0 < rule.tolerance < abs(told - truth)


def _number(value: Label) -> float | None:
    """The finite number a value is or spells (Python would read 1_2 as 12)."""
    try:
        number = math.nan if isinstance(value, str) and "_" in value else float(value)
    except ValueError:
        return {"true": 1.0, "false": 0.0}.get(str(value).lower())
    return number if math.isfinite(number) else None


def fault(rule: tables.Outcomes, given: Given, row: int, label: Label) -> bool:
    """Whether a label can never be held against an answer by this rule: a word where a number is needed.

    `class` takes anything; `auto` anything but a word for an answer that is a number.
    """
    if rule.kind == "class" or _number(label) is not None:
        return False
    if rule.kind == "auto":
        answer = given.answers[row] if 0 <= row < len(given.answers) else None
        return isinstance(answer, float | int)
    return True


def mark(rule: tables.Outcomes, given: Given, heard: Iterable[Heard], until_ns: int | None = None) -> bool | None:
    """Whether a request was wrong, by what was heard until a Unix time in nanoseconds (None: by now); None: not labelled."""
    rows = _rows(heard, until_ns)
    if given.failed:
        return True if rows else None
    marks = [judged(rule, answer, label) for answer, label in _answered(given, rows)]
    known_marks = [wrong for wrong in marks if wrong is not None]
    return any(known_marks) if known_marks else None


def loss(rule: tables.Outcomes, given: Given, heard: Iterable[Heard], until_ns: int | None = None) -> float | None:
    """How far off a request was, by what was heard until a Unix time in nanoseconds (None: by now); None: not labelled.

    The mean over its rows of |answer - label| (number, in the label's unit) or (answer - label)^2 (probability: Brier's score,
    0 to 1). Infinite for an arm that gave no answer. None for every request where the rule is another.
    """
    if rule.kind not in losses.KINDS:
        return None
    rows = _rows(heard, until_ns)
    if given.failed:
        return math.inf if rows else None
    found = [off for answer, label in _answered(given, rows) if (off := _off(answer, label)) is not None]
    if rule.kind == losses.PROBABILITY:
        found = [off * off for off in found]
    return sum(found) / len(found) if found else None


def _rows(heard: Iterable[Heard], until_ns: int | None) -> dict[int, Label]:
    """The label that speaks for each row heard of by then."""
    rows: dict[int, Heard] = {}
    for one in heard:
        if until_ns is not None and one.received_ns > until_ns:
            continue
        known = rows.get(one.row)
        if known is None or one.label_version > known.label_version:
            rows[one.row] = one
    return {row: one.label for row, one in rows.items()}


def _answered(given: Given, rows: dict[int, Label]) -> list[tuple[Answer, Label]]:
    """Answer and label of each row that there is."""
    return [(given.answers[row], label) for row, label in rows.items() if 0 <= row < len(given.answers)]


def _off(answer: Answer, label: Label) -> float | None:
    """The distance of an answer from its label; None where either is no number."""
    told, truth = None if answer is None else _number(answer), _number(label)
    return None if told is None or truth is None else abs(told - truth)
