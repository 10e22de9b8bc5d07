"""How good the versions of an endpoint are, by the truth heard so far: by version, segment and cohort of prediction time.

Cohorts are of *prediction* time, each with its coverage (labelled / predicted): labels that came this week say nothing about this
week's predictions. The **headline** is of cohorts older than the age by which 99 % of the labels of the slowest group are
there. What is younger is **provisional**: each labelled row stands for those like it that are not labelled yet
(`core.stats.arrival`). Young cohorts of two versions are compared on the same days only, where both have the same age. Where
labels come for some answers only, that is said, and nothing is estimated.

Labels from the labelling queue count by the chance with which they were drawn (`labelling`), and only where no others come.
Called by the command line and the API; `report` is pure.
"""

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from tidegate.core.stats import arrival, means, metrics
from tidegate.core.vocabulary import home, tables
from tidegate.dataplane.predlog import labelled
from tidegate.observability.outcomes import estimating, graded, labelling, parting, probable

DAY, WEEK = 86_400.0, 604_800.0
HISTORY_SECONDS = 90 * DAY
"""How much more of the past is read for the laws of the lags."""
MATURED = 0.99
Chances = Mapping[tuple[str, int], float]
"""(prediction id, row) -> the chance with which it was drawn to be labelled."""


class Cohort(msgspec.Struct, frozen=True):
    """Predictions of one day or week."""

    begins: float
    """Unix seconds."""
    predicted: int
    labelled: int
    mature: bool
    """Whether all of it is old enough for the headline."""
    measured: metrics.Measured | None = None
    """Weighted for what has not arrived unless it is mature; None where nothing is labelled, or nothing can be estimated."""


class Standing(msgspec.Struct, frozen=True):
    """One version, or one segment of it."""

    version: int
    segment: str
    """column=value; empty: all of it."""
    predicted: int
    """Rows that it was asked for."""
    unanswered: int
    """Of them, those without an answer: in no metric."""
    labelled: int
    headline: metrics.Measured | None
    covered: tuple[int, int]
    """(labelled, predicted) of the headline's cohorts."""
    provisional: metrics.Measured | None
    """All cohorts, weighted for what has not arrived; None where the headline says it all, or nothing can be estimated."""
    cohorts: tuple[Cohort, ...] = ()
    sampled: int = 0
    """Labels from the labelling queue."""
    by_chance: bool = False
    """Whether there are no others: then the headline is theirs, weighted by the chance of being drawn."""

    @property
    def answered(self) -> int:
        """Rows that an outcome can be held against."""
        return self.predicted - self.unanswered


class Difference(msgspec.Struct, frozen=True):
    """How much more often the newer of two versions was wrong (of numbers: how much further off it was)."""

    newer: int
    older: int
    more: float
    low: float
    high: float
    same_days: bool
    """Whether it is of the days on which both served; else of all that is mature."""


class Report(msgspec.Struct, frozen=True):
    """All of an endpoint."""

    endpoint: str
    kind: str
    since: float
    until: float
    mature_seconds: float | None
    """Predictions as old as this are in the headline; None while too little is labelled to say."""
    whole: bool
    """Whether labels have all but stopped coming at the oldest ages; else provisional numbers lack those that take longer."""
    selective: dict[str, float]
    """Shares labelled by answer, where labels come for some answers only; else empty."""
    standings: tuple[Standing, ...]
    difference: Difference | None = None
    estimates: tuple[estimating.Estimated, ...] = ()
    """What the young predictions of a version will probably turn out to be: estimates from its own probabilities."""
    sampled: int = 1
    """One request in so many was read."""
    strange: dict[str, int] = {}
    """Labels that are none of the classes that any version has answered or told of, each with how many rows have it."""


class Asked(msgspec.Struct, frozen=True):
    """What is reported."""

    endpoint: str
    since: float
    until: float
    """Unix seconds; labels that came later do not count."""
    by: str = ""
    """day or week: cohorts are listed; empty: they are not."""
    segment: str = ""


class _Told(msgspec.Struct, frozen=True):
    """What holds of all versions."""

    asked: Asked
    laws: arrival.Laws | None
    mature: float
    selective: bool


def read(place: home.Home, rule: tables.Outcomes, asked: Asked) -> Report:
    """The report on what the log has. Raises SpecInvalid for a column that there is not, StoreUnavailable."""
    span = (asked.since - HISTORY_SECONDS, asked.until)
    rows = probable.rows(place, asked.endpoint, labelled.read(place, asked.endpoint, rule, span, asked.segment))
    return report(asked, rule, rows, labelling.chances(place, asked.endpoint))


def report(asked: Asked, rule: tables.Outcomes, rows: labelled.Rows, chances: Chances) -> Report:
    """The report on rows that reach `HISTORY_SECONDS` further back than what is asked about."""
    rows = rows.until(asked.until)
    recent = rows.at >= asked.since
    lost = {version: _unanswered(rows, recent, version) for version in np.unique(rows.version[recent]).tolist()}
    whole = graded.graded(rule, rows)
    drawn = whole.rows.drawn
    plain = msgspec.structs.replace(whole, known=whole.known & ~drawn)
    ages, known = asked.until - whole.rows.at, plain.known
    laws = arrival.laws(whole.groups()[known], whole.rows.lag[known], ages[known])
    mature = laws.matured(MATURED) if laws else math.inf
    selective = arrival.selective(whole.predicted[ages >= mature], known[ages >= mature]) if laws else {}
    told = _Told(asked, laws, mature, bool(selective))
    recent = whole.rows.at >= asked.since
    parts = parting.parts(whole.rows.segment, recent) if asked.segment else None
    standings: list[Standing] = []
    for version in sorted(lost, reverse=True):
        mine = recent & (whole.rows.version == version)
        by_chance = not (mine & known).any() and bool((mine & drawn & whole.known).any())
        used = msgspec.structs.replace(whole, known=whole.known & (drawn if by_chance else ~drawn))
        weight = _design(whole.rows, chances) if by_chance else None
        for name, there in [("", mine), *(parts.within(mine) if parts else ())]:
            more = 0 if name else lost[version]
            one = _standing(
                (version, name and f"{asked.segment}={name}"),
                used.of(there),
                ages[there],
                told,
                None if weight is None else weight[there],
            )
            sampled = int((there & drawn & whole.known).sum())
            standings.append(msgspec.structs.replace(one, unanswered=more, predicted=one.predicted + more, sampled=sampled))
    return Report(
        endpoint=asked.endpoint,
        kind=whole.kind,
        since=asked.since,
        until=asked.until,
        mature_seconds=mature if math.isfinite(mature) else None,
        whole=laws is None or laws.is_whole,
        selective={whole.named(group): share for group, share in selective.items()},
        standings=tuple(standings),
        estimates=tuple(_estimates(plain, ages, told)),
        difference=_difference(plain.of(recent), ages[recent], mature),
        sampled=rows.sampled,
        strange=whole.strange(recent),
    )


def _estimates(plain: graded.Graded, ages: metrics.Floats, told: _Told) -> Iterator[estimating.Estimated]:
    """Of each version, newest first; of none where truth comes for some answers only."""
    if told.laws is None or told.selective:
        return
    for version in np.unique(plain.rows.version)[::-1].tolist():
        mine = plain.rows.version == version
        found = estimating.of(plain.of(mine), ages[mine], told.mature, told.asked.until - told.asked.since)
        if found is not None:
            yield found


def _unanswered(rows: labelled.Rows, recent: metrics.Bools, version: int) -> int:
    return int((recent & ~rows.answered & (rows.version == version)).sum())


def _design(rows: labelled.Rows, chances: Chances) -> metrics.Floats:
    return np.array(
        [1 / chances.get((one.decode(), at), 1.0) for one, at in zip(rows.id.tolist(), rows.row.tolist(), strict=True)]
    )


def _standing(
    of: tuple[int, str], mine: graded.Graded, ages: metrics.Floats, told: _Told, design: metrics.Floats | None
) -> Standing:
    """One version or segment. `design`: the weights of its labels where they are a sample, and of nothing else."""
    standing = Standing(*of, len(mine.rows), 0, int(mine.known.sum()), None, (0, 0), None)
    if design is not None:
        covered = (standing.labelled, standing.predicted)
        return msgspec.structs.replace(standing, headline=mine.measured(design), covered=covered, by_chance=True)
    mature = ages >= told.mature
    old = mine.of(mature)
    provisional = None
    if told.laws is not None and not told.selective and not mature.all():
        provisional = mine.measured(_weights(mine, ages, told.laws))
    return msgspec.structs.replace(
        standing,
        headline=old.measured(np.ones(len(old.rows))),
        covered=(int(old.known.sum()), len(old.rows)),
        provisional=provisional,
        cohorts=_cohorts(mine, ages, told) if told.asked.by else (),
    )


def _weights(mine: graded.Graded, ages: metrics.Floats, laws: arrival.Laws) -> metrics.Floats:
    found = np.ones(len(mine.rows))
    found[mine.known] = laws.weights(mine.groups()[mine.known], ages[mine.known])
    return found


def _cohorts(mine: graded.Graded, ages: metrics.Floats, told: _Told) -> tuple[Cohort, ...]:
    long = DAY if told.asked.by == "day" else WEEK
    begins = _floor(mine.rows.at, long)
    found = []
    for begin in np.unique(begins).tolist():
        here = begins == begin
        some = mine.of(here)
        mature = bool((ages[here] >= told.mature).all())
        measured = None
        if mature:
            measured = some.measured(np.ones(len(some.rows)))
        elif told.laws is not None and not told.selective:
            measured = some.measured(_weights(some, ages[here], told.laws))
        found.append(Cohort(begin, len(some.rows), int(some.known.sum()), mature, measured))
    return tuple(found)


def _floor(at: metrics.Floats, long: float) -> metrics.Floats:
    """The beginning of each one's day or week (UTC; weeks begin on Mondays)."""
    monday = dt.datetime(1970, 1, 5, tzinfo=dt.UTC).timestamp() if long == WEEK else 0.0
    found: metrics.Floats = np.floor((at - monday) / long) * long + monday
    return found


def _difference(known: graded.Graded, ages: metrics.Floats, mature: float) -> Difference | None:
    """Of the two newest versions: on the days on which both served, else of what is mature of both."""
    versions = np.unique(known.rows.version[known.known])
    if versions.size < 2:
        return None
    older, newer = (int(one) for one in versions[-2:])
    days = _floor(known.rows.at, DAY)
    each = [known.known & (known.rows.version == version) for version in (newer, older)]
    shared = sorted(set(days[each[0]].tolist()) & set(days[each[1]].tolist()))
    wrong = known.wrong
    if shared:
        parts = [[wrong[mine & (days == day)] for mine in each] for day in shared]
    else:
        parts = [[wrong[mine & (ages >= mature)] for mine in each]]
    found = _between([part for part in parts if min(one.size for one in part) > 1])
    return Difference(newer, older, *found, bool(shared)) if found else None


def _between(parts: Sequence[Sequence[metrics.Floats]]) -> tuple[float, float, float] | None:
    """The difference of means, day by day, the days weighted by what both have of them; with its interval."""
    if not parts:
        return None
    sizes = np.array([1 / sum(1 / one.size for one in part) for part in parts])
    shares = sizes / sizes.sum()
    more = float(sum(share * (part[0].mean() - part[1].mean()) for share, part in zip(shares, parts, strict=True)))
    variance = float(
        sum(share**2 * sum(one.var(ddof=1) / one.size for one in part) for share, part in zip(shares, parts, strict=True))
    )
    units = sum(one.size for part in parts for one in part)
    half = math.sqrt(variance * units) * means.radius(units, means.LEVEL)
    return more, more - half, more + half
