"""The watch on how good predictions are: whether outcomes say that a version has become worse, and what is estimated before.

Every ten minutes, for the version that owns each endpoint: its matured outcomes against its own first weeks (`worsened`), an
alarm `performance` with the action of the endpoint's file; and its young predictions by their own probabilities (`estimating`),
an alarm `estimate` that only tells. The log is read anew each time; how good a version was at first is kept, once that is
known, so that nothing slides with what of the log is deleted.

Called by the monitor.
"""

import datetime as dt
import hashlib
import math
from collections.abc import Iterator

import msgspec
import pyarrow as pa

from tidegate.core.stats import arrival, metrics
from tidegate.core.vocabulary import alarms, amounts, home, placing, tables
from tidegate.dataplane.predlog import labelled, parquet, reader
from tidegate.observability.outcomes import estimating, graded, probable, worsened
from tidegate.observability.reading import rules

BACK_SECONDS = 180 * 86_400.0
"""How far back a version's beginning is looked for."""
LEAP_SECONDS = 3_600.0
"""Between two looks: from here on the clock was set, or the machine asleep."""
MATURED = 0.99
EXAMPLES = 5
MOST = 200_000
"""Rows of an endpoint that are read at once; of more an even sample."""
MODELS = 32
"""Of an endpoint, whose beginnings are kept."""
_NAMES = {"mae": "mean error", "rmse": "root mean square error", "auc": "AUC", "brier": "Brier score", "f1": "F1"}


class Performing:
    """A watch; see `rounds`."""

    name, every = "performance", 600.0

    def __init__(self, place: home.Home) -> None:
        self._home = place
        self._rules = rules.Rules(place.table)
        self._looked_at = 0.0
        self._said: list[alarms.Alarm] = []

    def look(self, now: float) -> list[alarms.Alarm]:
        """What is worse at Unix time `now`; where the clock has leapt ahead, as it was: it may be right again by the next."""
        leapt = 0.0 < self._looked_at < now - LEAP_SECONDS
        self._looked_at = now
        self._said = self._said if leapt else list(self._worse(now))
        pa.default_memory_pool().release_unused()  # what reading the log took: it is not read again for ten minutes
        return self._said

    def _worse(self, now: float) -> Iterator[alarms.Alarm]:
        self._rules.refresh()
        if not reader.paths(self._home.log, parquet.OUTCOMES):
            return  # nothing was ever heard: nothing needs to be read
        for route in self._rules.routes():
            rows = labelled.read(self._home, route.endpoint, route.outcomes, (now - BACK_SECONDS, now), most=MOST)
            rows = rows.of(rows.version == route.owner.ordinal).until(now)
            if rows.labelled.any():
                rows = probable.rows(self._home, route.endpoint, rows)
                yield from judged(route, rows, now, Kept(self._home, route))


class Kept:
    """How good the model of a route's owner was at first, on disk: a version made by other settings alone goes on with it.

    Who asks for another rule of outcomes begins anew.
    """

    def __init__(self, place: home.Home, route: tables.Route) -> None:
        self._path = place.references / f"{route.endpoint}.json"
        rule = msgspec.structs.replace(route.outcomes, measured=tables.Measured(), within_seconds=0.0)
        self._name = f"{route.owner.digest} {hashlib.sha256(msgspec.json.encode(rule)).hexdigest()[:16]}"

    def of(self, old: graded.Graded) -> worsened.Reference | None:
        """What was kept, else what these matured rows come to, from now on: also where answers are now taken for another kind.

        Raises OSError.
        """
        try:
            known = msgspec.json.decode(self._path.read_bytes(), type=dict[str, worsened.Reference])
        except (FileNotFoundError, ValueError):
            known = {}
        if self._name in known and known[self._name].kind == old.kind:
            return known[self._name]
        found = worsened.reference(old)
        if found is not None:
            known = dict([*known.items(), (self._name, found)][-MODELS:])
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            placing.put(self._path, msgspec.json.encode(known))
        return found


def judged(route: tables.Route, rows: labelled.Rows, now: float, kept: Kept) -> Iterator[alarms.Alarm]:
    """What is wrong with one version, by its rows."""
    whole = graded.graded(route.outcomes, rows)
    # What people were asked to label is no fair sample: it is as if it were not labelled.
    mine = msgspec.structs.replace(whole, known=whole.known & ~whole.rows.drawn)
    ages = now - mine.rows.at
    known = mine.known
    laws = arrival.laws(mine.groups()[known], mine.rows.lag[known], ages[known])
    if laws is None:
        return
    mature = laws.matured(MATURED)
    old = mine.of(ages >= mature)
    first = kept.of(old)
    worse = worsened.worse(old, first, route.monitors.performance.drop) if first is not None else None
    if first is not None and worse is not None:
        yield _worse(route, old, first, worse)
    told = estimating.of(mine, ages, mature, max(route.monitors.drift.window_seconds, worsened.DAY))
    if told is not None and told.dropped:
        yield _estimated(route, told)


def _worse(route: tables.Route, old: graded.Graded, known: worsened.Reference, found: worsened.Worse) -> alarms.Alarm:
    first = found.now.metrics[0]
    was = known.before[first.name]
    day = _day(found.since)
    words = (
        f"v{route.owner.ordinal} has become worse: {_name(first.name)} was {_figure(was.value)} and is {_figure(first.value)}"
        f" since {day}, by {found.now.labelled:,} outcomes"
    )
    if known.clustered:
        words += ", day by day, since answers are wrong together"
    return alarms.Alarm(
        kind=alarms.Kind.PERFORMANCE,
        endpoint=route.endpoint,
        words=words,
        since=found.since,
        subject=route.owner.name,
        moved=tuple(_moved(known.before, found.now)),
        examples=tuple(one.decode() for one in old.rows.id[found.wrong[-EXAMPLES:]][::-1]),
        next=f"tidegate performance {route.endpoint} --since {day} --by day",
        action=route.monitors.performance.action,
    )


def _moved(before: metrics.Measured, now: metrics.Measured) -> Iterator[str]:
    """A line for each metric that both have, those that got worse the most first."""
    known = {one.name for one in before.metrics}
    lines = []
    for one in now.metrics:
        if one.name not in known:
            continue
        was = before[one.name]
        sign = -1 if one.name in metrics.BETTER else 1
        by = sign * (one.value - was.value) / (abs(was.value) or 1.0)
        ends = "" if one.low is None or one.high is None else f" [{_figure(one.low)}, {_figure(one.high)}]"
        lines.append((-by, f"{_name(one.name)}: {_figure(was.value)} -> {_figure(one.value)}{ends}"))
    yield from (line for _, line in sorted(lines))


def _estimated(route: tables.Route, told: estimating.Estimated) -> alarms.Alarm:
    drop = 100 * (told.was - told.accuracy)
    words = (
        f"an estimate, without outcomes: of v{told.version}'s predictions since {_day(told.since)} {100 * told.accuracy:.1f} %"
        f" will probably turn out right, {drop:.1f} points fewer than were; wait for outcomes, or label a sample"
    )
    lines = [f"estimated accuracy: {_figure(told.was)} -> {_figure(told.accuracy)} (by chance +-{_figure(told.deviation)})"]
    if told.auc is not None:
        lines.append(f"estimated AUC: {_figure(told.auc)}")
    return alarms.Alarm(
        kind=alarms.Kind.ESTIMATE,
        endpoint=route.endpoint,
        words=words,
        since=told.since,
        subject=f"v{told.version}",
        moved=tuple(lines),
        next=f"tidegate label {route.endpoint} --sample 200 --strategy uncertain --out sheet.csv",
        action=alarms.Action.NOTIFY,  # whatever the file says: what is only estimated rolls nothing back
    )


def _day(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).date().isoformat()


def _name(metric: str) -> str:
    return _NAMES.get(metric, metric.replace("_", " "))


def _figure(value: float) -> str:
    return amounts.figure(value, 3) if math.isfinite(value) else "none"
