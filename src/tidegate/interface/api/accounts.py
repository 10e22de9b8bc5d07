"""From the log, the catalogue and the store to what a report tells of an endpoint. Reads files only: everything may be down, and
what cannot be read is said in the report.
"""

import math
import sqlite3
from collections.abc import Iterator, Sequence

from tidegate.control.loop import incidents as history
from tidegate.control.store import endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.stats import metrics, stacks
from tidegate.core.vocabulary import amounts, errors, home, incidents, profiles
from tidegate.dataplane.predlog import catalogue, parquet, traffic
from tidegate.dataplane.wire import tablefile
from tidegate.observability.drift import drifting, references, wording
from tidegate.observability.metrics import availability, probes
from tidegate.observability.outcomes import performance
from tidegate.observability.profiling import baselines, profiled
from tidegate.observability.report import account

WIDTHS = (60, 300, 600, 1_800, 3_600, 2 * 3_600, 6 * 3_600, 86_400, 7 * 86_400)
"""Seconds of a slot of time: the first of which there are not too many."""
MOST_SLOTS = 100
RELEASES = 200
METRICS = 5
"""Of a version's performance, at most."""
GROUPS = 16
"""Columns of a drawn distribution, at most."""
_Drawn = tuple[tuple[str, ...], tuple[tuple[float, ...], tuple[float, ...]]]
"""Labels, and the shares of (now, was)."""
_QUALITY = ("nulls", "broken", "new", "same")


def gather(place: home.Home, store: stores.Store, row: endpoints.Endpoint, since: float, until: float) -> account.Account:
    """Everything from Unix time `since` until `until`. Raises StoreUnavailable where the store cannot be read."""
    width = next((one for one in WIDTHS if (until - since) / one <= MOST_SLOTS), WIDTHS[-1])
    begins = math.floor(since / width) * width
    missing: list[str] = []
    versions = store.versions(row.environment, row.name)
    return account.Account(
        endpoint=row.name,
        environment=row.environment,
        since=begins,
        until=until,
        width=width,
        cells=_cells(place, row.name, (begins, until, width), missing),
        names={one.ordinal: one.model for one in versions},
        stable=row.stable or 0,
        released=_releases(store, row, begins, until),
        alarms=_incidents(store, row, begins, until),
        performance=_performance(place, row, since, until, missing),
        drift=_drift(place, row.name, begins, until, missing),
        uptime=_uptime(place, row.name, begins, until),
        log=_log(place, missing),
        missing=tuple(missing),
    )


def _cells(place: home.Home, endpoint: str, span: tuple[float, float, float], missing: list[str]) -> tuple[traffic.Cell, ...]:
    try:
        return tuple(traffic.read(place, endpoint, *span))
    except (errors.TidegateError, OSError) as gone:
        missing.append(f"traffic ({str(gone).rstrip('.')})")
        return ()


def _releases(store: stores.Store, row: endpoints.Endpoint, since: float, until: float) -> tuple[account.Released, ...]:
    found = store.releases(row.environment, row.name, RELEASES)
    inside = [one for one in found if one.created_at < until and max(one.created_at, one.phase_since) >= since]
    return tuple(account.Released(one, store.verdict(one.id)) for one in inside)


def _incidents(store: stores.Store, row: endpoints.Endpoint, since: float, until: float) -> tuple[incidents.Incident, ...]:
    """Those of the endpoint and of the whole environment that were open in that time, newest first."""
    now = {one.number: one for one in store.alarms(row.environment) if one.open}
    told = [one for whose in (row.name, "") for one in history.past(store.alarm_events(row.environment, whose))]
    inside = [now.get(one.number, one) for one in told if one.opened_at < until and (one.ended_at or until) >= since]
    return tuple(sorted(inside, key=lambda one: -one.opened_at))


def _uptime(place: home.Home, endpoint: str, since: float, until: float) -> availability.Report | None:
    made = probes.listed(place, endpoint, since, until)
    return availability.report(endpoint, made, since, until) if made else None


def _log(place: home.Home, missing: list[str]) -> account.Log | None:
    try:
        with catalogue.Catalogue(place.log, readonly=True) as books:
            counts = books.tallies()
    except (errors.TidegateError, sqlite3.Error) as gone:
        missing.append(f"the prediction log ({str(gone).rstrip('.')})")
        return None
    return account.Log(counts.get("recorded", 0), counts.get("lost", 0), counts.get("damaged_rows", 0))


def _drift(place: home.Home, endpoint: str, since: float, until: float, missing: list[str]) -> account.Drift | None:
    window = references.hours(since, until)
    try:
        with catalogue.Catalogue(place.log, readonly=True) as books:
            found = references.report(place, books.connection, endpoint, references.Asked(window))
            layout = stacks.Layout(profiled.frames(books.connection, endpoint))
            seen, known = (_stack(books.connection, endpoint, layout, some) for some in ((window,), found.reference))
        if found.against == drifting.TRAINING:
            route = tablefile.read(place.table).routes.get(endpoint)
            trained = baselines.fitted(references.baseline(place, route), layout.frames)
            known = layout.stacked(trained.rows, trained.columns)
    except errors.NothingCompared:
        return None
    except (errors.TidegateError, sqlite3.Error) as gone:
        missing.append(f"drift ({str(gone).rstrip('.')})")
        return None
    if not all(found.rows):
        return None
    columns = [_moved(one, layout, seen, known) for one in found.columns]
    return account.Drift(_against(found), found.rows, tuple(columns), tuple(_quality(found.columns)))


def _performance(
    place: home.Home, row: endpoints.Endpoint, since: float, until: float, missing: list[str]
) -> tuple[account.Good, ...]:
    """By version, where any outcome came: of predictions old enough for their outcomes to be there, else of all."""
    try:
        with catalogue.Catalogue(place.log, readonly=True) as books:
            if not books.files(parquet.OUTCOMES):
                return ()  # looking for them would read every prediction
        rule = specification.of(row.settings).outcomes
        found = performance.read(place, rule, performance.Asked(row.name, since, until))
    except errors.TidegateError as gone:
        missing.append(f"how good predictions were ({str(gone).rstrip('.')})")
        return ()
    good, estimates = [], {one.version: one.words for one in found.estimates}
    for one in found.standings:
        told, estimate = one.headline or one.provisional, estimates.get(one.version, "")
        if (one.labelled and told is not None) or estimate:
            note = "" if one.headline else "provisional: outcomes are still to come"
            numbers = tuple((each.name, _interval(each)) for each in told.metrics[:METRICS]) if told else ()
            good.append(account.Good(one.version, one.answered, one.labelled, numbers, note, estimate))
    return tuple(good)


def _interval(one: metrics.Metric) -> str:
    if one.low is None or one.high is None:
        return amounts.figure(one.value)
    return f"{amounts.figure(one.value)} [{amounts.figure(one.low, 2)}, {amounts.figure(one.high, 2)}]"


def _stack(
    connection: sqlite3.Connection, endpoint: str, layout: stacks.Layout, some: Sequence[drifting.Stretch]
) -> stacks.Stack:
    return layout.total([drifting.of(connection, endpoint, layout, one) for one in some] or [layout.empty])


def _against(found: drifting.Report) -> str:
    if found.against == drifting.TRAINING:
        return "the data that came with the model, since nothing is known of before"
    first = wording.moment(min(one.since for one in found.reference))
    if found.against == drifting.SEASON:
        return f"the same time of the week, or of the day, since {first}"
    return f"all that was seen from {first} until then"


def _moved(one: drifting.Column, layout: stacks.Layout, seen: stacks.Stack, known: stacks.Stack) -> account.Moved:
    said = tuple(wording.said(one, effect) for effect in one.effects if effect.level)
    now, was = (_numbers(each, nulls) for each, nulls in zip(one.numbers, one.nulls, strict=True))
    drawn: _Drawn = ((), ((), ()))
    if one.level and one.name in layout.frames:
        counts = (layout.column(each, one.name).counts for each in (seen, known))
        drawn = _distribution(layout.frames[one.name], *counts)
    return account.Moved(one.name, one.level, said, now, was, *drawn)


def _numbers(told: drifting.Numbers | None, nulls: float) -> str:
    parts = [] if told is None else [f"median {amounts.figure(told.median)}", f"mean {amounts.figure(told.mean)}"]
    parts += [f"{100 * nulls:.2g} % missing"] if nulls else []
    return ", ".join(parts)


def _quality(columns: Sequence[drifting.Column]) -> Iterator[account.Moved]:
    for one in columns:
        wrong = [effect for effect in one.effects if effect.level and effect.name in _QUALITY]
        if wrong:
            yield account.Moved(one.name, wrong[0].level, tuple(wording.said(one, effect) for effect in wrong))


def _distribution(frame: profiles.Frame, now: Sequence[int], was: Sequence[int]) -> _Drawn:
    """Labels, and shares of both over the same bins; of categories the rarest together."""
    if frame.numeric:
        return _ranges(frame, now, was)
    order = sorted(range(len(frame.classes)), key=lambda place: -(was[place] + now[place]))
    groups = [[place] for place in order[: GROUPS - 1]] + [[*order[GROUPS - 1 :], len(frame.classes)]]
    labels = (*(frame.classes[place][:14] for place in order[: GROUPS - 1]), "others")
    told = [tuple(sum(counts[place] for place in group) / max(1, sum(counts)) for group in groups) for counts in (now, was)]
    return labels, (told[0], told[1])


def _ranges(frame: profiles.Frame, now: Sequence[int], was: Sequence[int]) -> _Drawn:
    """Bins of equal width over the range in which almost all of both lie; what is beyond is in the outermost."""
    inner, both = range(1, frame.bins - 1), sum(now) + sum(was)
    held = [place for place in inner if now[place] + was[place] > 0.001 * both] or list(inner) or [0]
    low, high = frame.edges[max(0, held[0] - 1)], frame.edges[min(held[-1], len(frame.edges) - 1)]
    step = (high - low) / GROUPS or 1.0
    told = [_spread(frame, counts, low, step) for counts in (now, was)]
    return tuple(amounts.figure(low + step * at) for at in range(GROUPS)), (told[0], told[1])


def _spread(frame: profiles.Frame, counts: Sequence[int], low: float, step: float) -> tuple[float, ...]:
    """The shares in `GROUPS` bins of equal width: what is in a bin of the frame lies evenly in it."""
    found = [0.0] * GROUPS
    for place, count in enumerate(counts):
        if not count:
            continue
        if place in (0, frame.bins - 1):
            found[0 if place == 0 else -1] += count
            continue
        begin, end = ((edge - low) / step for edge in frame.edges[place - 1 : place + 1])
        first, last = (min(GROUPS - 1, max(0, math.floor(at))) for at in (begin, math.nextafter(end, -math.inf)))
        for at in range(first, last + 1):
            left = begin if at == first else float(at)
            right = end if at == last else float(at + 1)
            found[at] += count * (right - left) / (end - begin)
    whole = max(1, sum(counts))
    return tuple(one / whole for one in found)
