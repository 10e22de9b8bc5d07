"""The domain classifier: can a model tell logged inputs of one time from those of another, and by which columns?

It characterises what has moved and finds what moves jointly; whether anything moved is told better by the effects.
Boosted trees, three folds, scores out of fold. Columns that only say when a request came are left out.

Called by the command line. Needs scikit-learn: the extra `explain`.
"""

import datetime as dt
import math
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

from tidegate.core.stats import logspace, seasons
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.predlog import drawn
from tidegate.observability.drift import drifting

ROWS = 1_500
"""Of each time, at the most."""
FEWEST = 200
FOLDS = 3
LEAST_AUC = 0.55
MARGIN = 0.03
"""Above the 99th percentile of its own history it is more than usual."""
WEEKS = 4
"""Windows of its history."""
_WORDS = 50
_CLOCK = 0.95
"""A column whose rank correlation with the order of arrival is beyond this is a clock."""
_PERMUTATIONS = 999


class Told(msgspec.Struct, frozen=True):
    """How well two times can be told apart."""

    auc: float
    """Out of fold: 0.5 not at all, 1 always."""
    chance: float
    """How far it is from 0.5 by chance: one standard deviation where nothing moved."""
    p: float
    """How often relabelled scores reach as much."""
    rows: tuple[int, int]
    importances: dict[str, float]
    """By column: by how much the area falls when it is shuffled, largest first."""
    clocks: tuple[str, ...] = ()
    """Columns that were left out."""
    history: tuple[float, ...] = ()
    """The same area of the windows before, latest first."""

    @property
    def unusual(self) -> bool:
        """Whether it is more than 0.55, and than its own history."""
        usual = float(np.quantile(self.history, 0.99)) if self.history else 0.5
        return self.auc > LEAST_AUC and self.auc > usual + MARGIN


def explain(place: home.Home, report: drifting.Report) -> Told | None:
    """The two times of a report, and likewise the same times of the weeks before it.

    None where either has too few logged inputs, as the data that came with a model has. Raises ExtraMissing.
    """
    found = _against(place, report, 0)
    if found is None:
        return None
    before = (_against(place, report, week * seasons.WEEK) for week in range(1, WEEKS + 1))
    return msgspec.structs.replace(found, history=tuple(one.auc for one in before if one is not None))


def _against(place: home.Home, report: drifting.Report, back: int) -> Told | None:
    """Both times of a report, so many seconds earlier."""
    if not report.reference:
        return None

    def read(one: drifting.Stretch, most: int) -> dict[str, list[Any]]:
        return drawn.inputs(place, report.endpoint, (one.since - back, one.until - back), most, one.version)

    seen, most = read(report.window, ROWS), -(-ROWS // len(report.reference))
    parts = [read(one, most) for one in reversed(report.reference)]
    return apart(seen, {name: [value for part in parts if name in part for value in part[name]] for name in seen})


def apart(seen: Mapping[str, Sequence[Any]], known: Mapping[str, Sequence[Any]]) -> Told | None:
    """How well rows of the one are told from rows of the other, by the columns that all of both have. Raises ExtraMissing."""
    counts = [max(map(len, one.values()), default=0) for one in (seen, known)]
    names = [name for name in seen if len(seen[name]) == counts[0] and len(known.get(name, ())) == counts[1]]
    if min(counts) < FEWEST or not names:
        return None
    values = {name: [*known[name], *seen[name]] for name in names}
    table = {name: _numbers(several) for name, several in values.items()}
    clocks = tuple(name for name in names if _is_clock(values[name], table[name]))
    kept = [name for name in names if name not in clocks]
    if not kept:
        return None
    labels = np.repeat([False, True], [counts[1], counts[0]])
    scores, falls = _scored(np.column_stack([table[name] for name in kept]), labels)
    ranked = sorted(zip(kept, falls, strict=True), key=lambda one: -one[1])
    area, (n, m) = _area(scores, labels), counts
    rng, ranks = np.random.default_rng(0), _ranks(scores)
    wanted = ranks[labels].sum()
    reached = sum(bool(rng.permutation(ranks)[:n].sum() >= wanted) for _ in range(_PERMUTATIONS))
    return Told(
        auc=area,
        chance=math.sqrt((n + m + 1) / (12 * n * m)),
        p=(1 + reached) / (1 + _PERMUTATIONS),
        rows=(n, m),
        importances={name: round(max(0.0, fall), 4) for name, fall in ranked},
        clocks=clocks,
    )


def _scored(table: logspace.Floats, labels: logspace.Bools) -> tuple[logspace.Floats, list[float]]:
    """(scores out of fold, by how much the area falls when each column is shuffled)."""
    try:
        import threadpoolctl  # noqa: PLC0415 - scikit-learn brings it
        from sklearn import ensemble  # noqa: PLC0415 - an extra
    except ImportError as absent:
        raise errors.ExtraMissing(
            "telling two times apart needs scikit-learn.", cure="pip install 'tidegate[explain]'"
        ) from absent
    rng = np.random.default_rng(0)
    fold = rng.permutation(len(labels)) % FOLDS
    scores, shuffled = np.zeros(len(labels)), np.zeros((table.shape[1], len(labels)))
    with threadpoolctl.threadpool_limits(1):  # it has time, and predictions have not
        for at in range(FOLDS):
            out = fold == at
            model = ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=0).fit(table[~out], labels[~out])
            scores[out] = model.predict_proba(table[out])[:, 1]
            for column in range(table.shape[1]):
                other = table[out].copy()
                other[:, column] = rng.permutation(other[:, column])
                shuffled[column, out] = model.predict_proba(other)[:, 1]
    whole = _area(scores, labels)
    return scores, [whole - _area(each, labels) for each in shuffled]


def _area(scores: logspace.Floats, labels: logspace.Bools) -> float:
    """The area under the curve: how often a row of the window scores higher than one of the reference, ties by half."""
    ranks, n = _ranks(scores), int(labels.sum())
    return float((ranks[labels].sum() - n * (n + 1) / 2) / (n * (len(labels) - n)))


def _ranks(values: logspace.Floats) -> logspace.Floats:
    """From 1; equal ones share theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    found: logspace.Floats = (np.cumsum(counts) - (counts - 1) / 2)[place]
    return found


def _numbers(values: Sequence[Any]) -> logspace.Floats:
    """A column as numbers: categories by how common they are, the commonest first; what is missing is NaN."""
    if all(one is None or isinstance(one, (int, float)) for one in values):
        return np.array([math.nan if one is None else min(max(float(one), -1e300), 1e300) for one in values])
    words, counts = np.unique([str(one) for one in values if one is not None], return_counts=True)
    place = {str(words[at]): rank for rank, at in enumerate(np.argsort(-counts, kind="stable")[:_WORDS])}
    return np.array([math.nan if one is None else float(place.get(str(one), _WORDS)) for one in values])


def _is_clock(values: Sequence[Any], numbers: logspace.Floats) -> bool:
    """Whether a column says when a request came: a time, or a number that goes with the order of arrival."""
    if any(isinstance(one, (dt.datetime, dt.date)) for one in values):
        return True
    there = np.flatnonzero(np.isfinite(numbers))
    if len(there) < FEWEST or numbers[there].min() == numbers[there].max():
        return False
    return abs(float(np.corrcoef(_ranks(numbers[there]), np.arange(len(there)))[0, 1])) > _CLOCK
