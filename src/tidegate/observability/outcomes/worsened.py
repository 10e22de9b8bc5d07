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
from tidegate.observability.outcomes import graded

DAY = 86_400.0
REFERENCE_DAYS, REFERENCE_ROWS = 14, 500
"""Days with outcomes, and rows in them, that the reference takes at the least."""
QUIET_DAYS = 365
"""Days to a false alarm, on average and at the least."""
OVER_DAYS = 3
QUANTILES = (0.5, 0.9)
_DEVIATIONS = 2.0
"""How much the reference may have been better by chance."""


class Mark(msgspec.Struct, frozen=True):
    """What is watched of each answer, and how often it was so at first."""

    beyond: float
    """Of numbers: further off than this; else 0: any wrong answer."""
    share: float
    error: float
    """The standard error of the share."""


class Reference(msgspec.Struct, frozen=True):
    """How good a version was at first. Known once, it stays, whatever of the log is deleted."""

    kind: str
    until: float
    """Unix seconds: everything before then is in it."""
    rows_a_day: float
    clustered: bool
    """Whether answers were wrong together."""
    marks: tuple[Mark, ...]
    before: metrics.Measured


class Worse(msgspec.Struct, frozen=True):
    """A version that has become worse, and still is."""

    since: float
    """Unix seconds of the day on which it was found out."""
    now: metrics.Measured
    """Since then."""
    wrong: npt.NDArray[np.intp]
    """Places, among the rows given, of what has been wrong since, newest last."""


def reference(mine: graded.Graded) -> Reference | None:
    """The reference of one version's matured rows, in order of arrival; None while there are too few."""
    mine = mine.of(mine.known)
    days = np.floor(mine.rows.at / DAY)
    first = _first(days)
    if not first:
        return None
    there = np.arange(days.size) < first
    begun, off = days[there], mine.wrong[there]
    before = mine.of(there).measured(np.ones(first))
    if before is None:
        return None
    cuts = [float(np.quantile(off, q)) for q in QUANTILES] if mine.kind == graded.NUMBER else [0.0]
    spreads = [worsening.dispersion(*_by_day(_marked(off, cut), begun)) for cut in cuts]
    marks = []
    for cut, spread in zip(cuts, spreads, strict=True):
        share = float(_marked(off, cut).mean())
        marks.append(Mark(cut, share, math.sqrt(share * (1 - share) / first * max(1.0, spread))))
    return Reference(
        kind=mine.kind,
        until=(float(begun[-1]) + 1) * DAY,
        rows_a_day=first / np.unique(begun).size,
        clustered=max(spreads) > worsening.CLUSTERED,
        marks=tuple(marks),
        before=before,
    )


def worse(mine: graded.Graded, known: Reference, drop: float) -> Worse | None:
    """How one version's matured rows, in order of arrival, stand against how it was at first, by the same kind of answers.

    None while they are no worse.
    """
    places = np.flatnonzero(mine.known & (mine.rows.at >= known.until))
    later = mine.of(mine.known & (mine.rows.at >= known.until))
    days, off = np.floor(later.rows.at / DAY), later.wrong
    marks = [_marked(off, one.beyond) for one in known.marks]
    bounds = [min(max(one.share + drop + _DEVIATIONS * one.error, 1e-6), 1 - 1e-6) for one in known.marks]
    found = _found(marks, bounds, days, known)
    if found is None:
        return None
    since = days >= found
    now = later.of(since).measured(np.ones(int(since.sum())))
    return None if now is None else Worse(found * DAY, now, places[since & (marks[-1] > 0)])


def _first(days: metrics.Floats) -> int:
    """How many rows the reference has: whole days; 0 while there are too few."""
    begins = np.flatnonzero(np.diff(days, prepend=-1.0))  # the first row of each day
    for nth, begin in enumerate(begins):
        if nth >= REFERENCE_DAYS and begin >= REFERENCE_ROWS:
            return int(begin)
    return 0


def _marked(off: metrics.Floats, beyond: float) -> metrics.Floats:
    return (off > beyond).astype(np.float64)


def _by_day(mark: metrics.Floats, days: metrics.Floats) -> tuple[metrics.Floats, metrics.Floats]:
    _, place = np.unique(days, return_inverse=True)
    return np.bincount(place, mark).astype(np.float64), np.bincount(place).astype(np.float64)


def _found(marks: list[metrics.Floats], bounds: list[float], days: metrics.Floats, known: Reference) -> float | None:
    """The day on which the worsening that lasts was found; None where there is none."""
    limit = math.log(QUIET_DAYS * (1 if known.clustered else known.rows_a_day))
    begin = 0
    while begin < days.size:
        crossed = _crossed([mark[begin:] for mark in marks], bounds, days[begin:], known.clustered, limit)
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
    later = days > since
    known = np.unique(days[later])
    if known.size < OVER_DAYS:
        return None
    good = np.ones(known.size - OVER_DAYS + 1, bool)
    for mark, bound in zip(marks, bounds, strict=True):
        wrong, counted = (np.convolve(one, np.ones(OVER_DAYS), "valid") for one in _by_day(mark[later], days[later]))
        good &= wrong / counted <= bound
    hits = np.flatnonzero(good)
    return float(known[hits[0] + OVER_DAYS - 1]) if hits.size else None
