"""Labelled predictions as numbers: what an endpoint's rule makes of answers and labels. Pure.

Called by `performance`, `performing` and `estimating`.
"""

import math
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import metrics, multiclass
from tidegate.core.vocabulary import losses, tables
from tidegate.dataplane.models import bins
from tidegate.dataplane.predlog import flat, labelled

PROBABILITY, NUMBER, CLASS = losses.PROBABILITY, losses.NUMBER, "class"
_QUARTILES = (0.25, 0.5, 0.75)
TRUE = 0.5
_WORDS = {"true": 1.0, "false": 0.0}
Groups = npt.NDArray[np.int64]


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
    known: metrics.Bools
    """Where both can be compared."""
    classes: tuple[str, ...] = ()
    """Of CLASS: every word there is in either."""

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
    def predicted(self) -> Groups:
        """By row, the group of its answer: what decides, besides the label, how late one comes."""
        if self.kind == PROBABILITY:
            return (self.told >= self.threshold).astype(np.int64)
        return _places(self.told, self.classes) if self.kind == CLASS else _quartile(self.told, self.told)

    def groups(self) -> Groups:
        """By row, that with the group of its label."""
        if self.kind == PROBABILITY:
            return self.predicted * 2 + (self.truth >= TRUE)
        if self.kind == CLASS:
            return self.predicted * len(self.classes) + _places(self.truth, self.classes)
        return self.predicted * (len(_QUARTILES) + 1) + _quartile(self.truth, self.truth[self.known])

    def named(self, group: int) -> str:
        """What a group of answers is called."""
        if self.kind == PROBABILITY:
            return "true" if group else "false"
        return self.classes[group] if self.kind == CLASS else f"quarter {group + 1}"

    def of(self, wanted: metrics.Bools) -> "Graded":
        """These rows only."""
        picked = {name: getattr(self, name)[wanted] for name in ("told", "truth", "known")}
        return msgspec.structs.replace(self, rows=self.rows.of(wanted), **picked)

    def strange(self, among: metrics.Bools) -> dict[str, int]:
        """Labels of a CLASS among some rows, with how many of each, that no answer was and that no probability is told of."""
        if self.kind != CLASS:
            return {}
        known = {*self.told.tolist(), *self.told_apart}
        words, counts = np.unique(self.truth[self.known & among].astype(str), return_counts=True)
        return {word: many for word, many in zip(words.tolist(), counts.tolist(), strict=True) if word not in known}

    def measured(self, weight: metrics.Floats) -> metrics.Measured | None:
        """The metrics of the rows that are known, each with its weight; None where there are none."""
        there, heavy = self.known, weight[self.known]
        if not there.any():
            return None
        if self.kind == PROBABILITY:
            return metrics.probabilities(self.told[there], self.truth[there] >= TRUE, heavy, self.threshold)
        if self.kind == NUMBER:
            return metrics.numbers(self.told[there], self.truth[there], heavy)
        found, sure = metrics.classes(self.told[there], self.truth[there], heavy), there & self.probable
        if not sure.any():
            return found
        assert self.rows.probabilities is not None
        more, sureness = multiclass.scored(self.rows.probabilities[sure], self.places(self.truth[sure]), weight[sure])
        return msgspec.structs.replace(found, metrics=(*found.metrics, *more), bins=sureness)

    @property
    def probable(self) -> metrics.Bools:
        """Of a CLASS, where the model has said the probability of each class."""
        probabilities = self.rows.probabilities
        if self.kind != CLASS or probabilities is None:
            return np.zeros(len(self.rows), bool)
        return np.isfinite(probabilities).all(axis=1).astype(bool)

    @property
    def told_apart(self) -> tuple[str, ...]:
        """The classes that there are probabilities of, in their order."""
        return tuple(map(_word, self.rows.classes))

    def places(self, words: npt.NDArray[Any]) -> multiclass.Places:
        """Which of these classes each of some words is; -1: none."""
        known = {name: at for at, name in enumerate(self.told_apart)}
        return np.fromiter((known.get(word, -1) for word in words), np.intp, words.size)


def graded(rule: tables.Outcomes, rows: labelled.Rows) -> Graded:
    """The answered rows of these, as the rule has them.

    `auto` is PROBABILITY where answers are numbers and labels 0 or 1, and NUMBER where they are numbers and not all whole ones;
    CLASS otherwise, and where the model says probabilities of classes beside them.
    """
    rows = rows.of(rows.answered)
    kind = _shown(rows) if rule.kind == "auto" else rule.kind
    if kind == CLASS:
        told, truth = (_mapped(side, _word, object) for side in (rows.answer, rows.label))
        words = {*flat.coded(told)[0], *flat.coded(truth)[0]}
        return Graded(CLASS, rule.threshold, rows, told, truth, truth != "", tuple(sorted(words)))
    told, truth = (_mapped(side, _number, np.float64) for side in (rows.answer, rows.label))
    return Graded(kind, rule.threshold, rows, told, truth, np.isfinite(told) & np.isfinite(truth))


def _shown(rows: labelled.Rows) -> str:
    """Which kind answers and labels are of."""
    labels = {_number(one) for one in flat.coded(rows.label)[0] if one is not None}
    if rows.probabilities is not None or not _numeric(rows.answer) or any(math.isnan(one) for one in labels):
        return CLASS
    answers = np.asarray(rows.answer, np.float64)
    if labels <= {0.0, 1.0} and (labels or ((answers >= 0) & (answers <= 1)).all()):
        return PROBABILITY
    return NUMBER if (answers % 1 != 0).any() else CLASS


def _numeric(column: flat.Column) -> bool:
    return column.dtype == np.float64 or all(isinstance(one, float | int) for one in column)


def _mapped(column: flat.Column, to: Callable[[Any], Any], kind: type) -> npt.NDArray[Any]:
    """What each becomes, worked out once for each that differs."""
    if column.dtype == kind == np.float64:
        return column
    different, places = flat.coded(column)
    made: npt.NDArray[Any] = np.empty(len(different), kind)
    made[:] = [to(one) for one in different]
    return made[places]


def _number(value: Any) -> float:
    """The number a value is or spells; NaN for what is none (Python would read 1_2 as 12)."""
    try:
        return float("nan") if isinstance(value, str) and "_" in value else float(value)
    except (TypeError, ValueError):
        return _WORDS.get(str(value).lower(), float("nan"))


def _word(value: Any) -> str:
    """A class by name: 3.0 and "3" are one, 1000001 and 1000002 are two; empty for none."""
    if value is None:
        return ""
    number = _number(value)
    return bins.said(number) if np.isfinite(number) else str(value)


def _places(column: npt.NDArray[np.object_], classes: tuple[str, ...]) -> Groups:
    different, places = flat.coded(column)
    number = {one: at for at, one in enumerate(classes)}
    found: Groups = np.array([number[one] for one in different], np.int64)[places]
    return found


def _quartile(values: metrics.Floats, known: metrics.Floats) -> Groups:
    finite = known[np.isfinite(known)]
    if not finite.size:
        return np.zeros(values.size, np.int64)
    found: Groups = np.searchsorted(np.quantile(finite, _QUARTILES), np.nan_to_num(values))
    return found
