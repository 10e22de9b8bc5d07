"""Whether a version is worse than it was at first, by its matured outcomes. Pure.

The reference is the version's own first two weeks. From then on every answer that turns out wrong is held against the share
that was wrong then, and the `drop` that is allowed, by an e-detector (`core.stats.worsening`): looked at however often, it is
false at most once a year on average. Of numbers, wrong is what is further off than half, and than nine tenths, of the reference
was.

Where answers are wrong together (some days are bad), a day is one observation: slower, and still true. Once found, a worsening is
over when the last three days are as good as is allowed; then the detector begins anew.
"""

import math

import msgspec
import numpy as np
import numpy.typing as npt

from tidegate.core.stats import metrics, worsening
from tidegate.observability.monitors import graded

DAY = 86_400.0
REFERENCE_DAYS, REFERENCE_ROWS = 14, 500
"""Days with outcomes, and rows in them, that the reference takes at the least."""
QUIET_DAYS = 365
"""Days to a false alarm, on average and at the least."""
OVER_DAYS = 3
QUANTILES = (0.5, 0.9)
_DEVIATIONS = 2.0
"""How much the reference may have been better by chance."""


class Worse(msgspec.Struct, frozen=True):
    """A version that has become worse, and still is."""

    since: float
    """Unix seconds of the day on which it was found out."""
    before: metrics.Measured
    now: metrics.Measured
    """Since then."""
    clustered: bool
    """Whether days were the observations."""
    wrong: npt.NDArray[np.intp]
    """Places, among the rows given, of what has been wrong since, newest last."""


def worse(mine: graded.Graded, drop: float) -> Worse | None:
    """How it stands with one version's matured rows, in order of arrival; None while it is not worse, or too little is known."""
    places = np.flatnonzero(mine.known)
    mine = mine.of(mine.known)
    days = np.floor(mine.rows.at / DAY)
    first = _reference(days)
    if not first or first == days.size:
        return None
    marks = _marks(mine, first)
    bounds = [_bound(mark[:first], days[:first], drop) for mark in marks]
    clustered = any(_dispersion(mark[:first], days[:first]) > worsening.CLUSTERED for mark in marks)
    found = _found(marks, bounds, (days, first), clustered)
    if found is None:
        return None
    since = days >= found
    before, now = (mine.of(one).measured(np.ones(int(one.sum()))) for one in (np.arange(days.size) < first, since))
    if before is None or now is None:
        return None
    wrong = places[since & (marks[-1] > 0)]
    return Worse(found * DAY, before, now, clustered, wrong)


def _reference(days: metrics.Floats) -> int:
    """How many rows the reference has: whole days; 0 while there are too few."""
    begins = np.flatnonzero(np.diff(days, prepend=-1.0))  # the first row of each day
    for nth, begin in enumerate(begins):
        if nth >= REFERENCE_DAYS and begin >= REFERENCE_ROWS:
            return int(begin)
    return 0


def _marks(mine: graded.Graded, first: int) -> list[metrics.Floats]:
    """What is watched, each 0 or 1 a row."""
    off = mine.wrong
    if mine.kind != graded.NUMBER:
        return [off]
    return [(off > np.quantile(off[:first], q)).astype(np.float64) for q in QUANTILES]


def _bound(mark: metrics.Floats, days: metrics.Floats, drop: float) -> float:
    """The share up to which it is no worse."""
    wrong, counted = _by_day(mark, days)
    share = float(mark.mean())
    error = math.sqrt(share * (1 - share) / mark.size * max(1.0, worsening.dispersion(wrong, counted)))
    return min(max(share + drop + _DEVIATIONS * error, 1e-6), 1 - 1e-6)


def _dispersion(mark: metrics.Floats, days: metrics.Floats) -> float:
    return worsening.dispersion(*_by_day(mark, days))


def _by_day(mark: metrics.Floats, days: metrics.Floats) -> tuple[metrics.Floats, metrics.Floats]:
    _, place = np.unique(days, return_inverse=True)
    return np.bincount(place, mark).astype(np.float64), np.bincount(place).astype(np.float64)


def _found(marks: list[metrics.Floats], bounds: list[float], when: tuple[metrics.Floats, int], clustered: bool) -> float | None:
    """The day on which the worsening that lasts was found; None where there is none."""
    days, begin = when
    a_day = begin / np.unique(days[:begin]).size
    limit = math.log(QUIET_DAYS * (1 if clustered else a_day))
    while begin < days.size:
        crossed = _crossed([mark[begin:] for mark in marks], bounds, days[begin:], clustered, limit)
        if crossed is None:
            return None
        over = _over(marks, bounds, days, crossed)
        if over is None:
            return crossed
        begin = int(np.searchsorted(days, over, side="right"))
    return None


def _crossed(
    marks: list[metrics.Floats], bounds: list[float], days: metrics.Floats, clustered: bool, limit: float
) -> float | None:
    """The day on which the detector first is at its limit."""
    steps = np.unique(days) if clustered else days
    paths = []
    for mark, bound in zip(marks, bounds, strict=True):
        wrong, counted = _by_day(mark, days)
        paths.append(worsening.path(wrong / counted if clustered else mark, bound))
    together = np.logaddexp.reduce(paths, axis=0) - math.log(len(paths))
    hits = np.flatnonzero(together >= limit)
    return float(steps[hits[0]]) if hits.size else None


def _over(marks: list[metrics.Floats], bounds: list[float], days: metrics.Floats, since: float) -> float | None:
    """The first day after `since` whose last three days are within the bounds."""
    known = np.unique(days[days > since])
    for at in range(OVER_DAYS - 1, known.size):
        here = (days >= known[at - OVER_DAYS + 1]) & (days <= known[at])
        if all(mark[here].mean() <= bound for mark, bound in zip(marks, bounds, strict=True)):
            return float(known[at])
    return None
