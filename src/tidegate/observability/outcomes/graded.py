"""Labelled predictions as numbers: what an endpoint's rule makes of answers and labels. Pure.

Called by `performance`, `performing` and `estimating`.
"""

from collections.abc import Hashable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import metrics
from tidegate.core.vocabulary import losses, tables
from tidegate.dataplane.predlog import labelled

PROBABILITY, NUMBER, CLASS = losses.PROBABILITY, losses.NUMBER, "class"
_QUARTILES = (0.25, 0.5, 0.75)
TRUE = 0.5
_WORDS = {"true": 1.0, "false": 0.0}
Bools = npt.NDArray[np.bool_]


class Graded(msgspec.Struct, frozen=True):
    """Rows that were answered, each with what it said and, where truth was heard, whether that was wrong."""

    kind: str
    """PROBABILITY, NUMBER or CLASS."""
    threshold: float
    rows: labelled.Rows
    told: npt.NDArray[Any]
    """What was answered: numbers, or words of a CLASS."""
    truth: npt.NDArray[Any]
    """What was heard, likewise; NaN (empty) where nothing was."""
    known: Bools
    """Where both can be compared."""

    @property
    def wrong(self) -> metrics.Floats:
        """1 where an answer was wrong (0 where it was right or nothing is known), or of NUMBER how far off it was."""
        if self.kind == NUMBER:
            return np.where(self.known, np.abs(self.told - self.truth), 0.0)
        both = (self.told, self.truth)
        if self.kind == PROBABILITY:
            both = (self.told >= self.threshold, self.truth >= TRUE)
        return np.where(self.known & (both[0] != both[1]), 1.0, 0.0)

    @property
    def predicted(self) -> list[Hashable]:
        """By row, the group of its answer: what decides, besides the label, how late one comes."""
        if self.kind == PROBABILITY:
            return [bool(one) for one in self.told >= self.threshold]
        return self.told.tolist() if self.kind == CLASS else _quartile(self.told, self.told)

    def groups(self) -> list[Hashable]:
        """By row, that with the group of its label."""
        if self.kind == PROBABILITY:
            labels: list[Hashable] = [bool(one) for one in self.truth >= TRUE]
        elif self.kind == CLASS:
            labels = self.truth.tolist()
        else:
            labels = _quartile(self.truth, self.truth[self.known])
        return list(zip(self.predicted, labels, strict=True))

    def of(self, wanted: Bools) -> "Graded":
        """These rows only."""
        picked = {name: getattr(self, name)[wanted] for name in ("told", "truth", "known")}
        return msgspec.structs.replace(self, rows=self.rows.of(wanted), **picked)

    def measured(self, weight: metrics.Floats) -> metrics.Measured | None:
        """The metrics of the rows that are known, each with its weight; None where there are none."""
        there, heavy = self.known, weight[self.known]
        if not there.any():
            return None
        if self.kind == PROBABILITY:
            return metrics.probabilities(self.told[there], self.truth[there] >= TRUE, heavy, self.threshold)
        compare = metrics.numbers if self.kind == NUMBER else metrics.classes
        return compare(self.told[there], self.truth[there], heavy)


def graded(rule: tables.Outcomes, rows: labelled.Rows) -> Graded:
    """The answered rows of these, as the rule has them. `auto` is PROBABILITY where answers are numbers and labels 0 or 1."""
    answered = np.array([one is not None for one in rows.answer], bool)
    rows = rows.of(answered)
    kind = rule.kind
    if kind == "auto":
        numeric = all(isinstance(one, float | int) for one in rows.answer)
        labels = {_number(one) for one in rows.label if one is not None}
        kind = PROBABILITY if numeric and labels <= {0.0, 1.0} else CLASS
    if kind == CLASS:
        told, truth = (np.array([_word(one) for one in side], object) for side in (rows.answer, rows.label))
        return Graded(CLASS, rule.threshold, rows, told, truth, truth != "")
    told, truth = (np.array([_number(one) for one in side], np.float64) for side in (rows.answer, rows.label))
    return Graded(kind, rule.threshold, rows, told, truth, np.isfinite(told) & np.isfinite(truth))


def _number(value: Any) -> float:
    """The number a value is or spells; NaN for what is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return _WORDS.get(str(value).lower(), float("nan"))


def _word(value: Any) -> str:
    """A class by name: 3.0 and "3" are one; empty for none."""
    if value is None:
        return ""
    number = _number(value)
    return f"{number:g}" if np.isfinite(number) else str(value)


def _quartile(values: metrics.Floats, known: metrics.Floats) -> list[Hashable]:
    finite: Sequence[float] = known[np.isfinite(known)].tolist()
    if not finite:
        return [0] * int(values.size)
    found: list[Hashable] = np.searchsorted(np.quantile(finite, _QUARTILES), np.nan_to_num(values)).tolist()
    return found
