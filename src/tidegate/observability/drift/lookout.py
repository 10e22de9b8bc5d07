"""The lookout: drift and quality of every endpoint that is routed, as one watch of the monitor.

Of each endpoint it keeps tracks (`moving`): quality by short windows and by days, drift by days, and whole weeks against the data
that came with its model, where the bundle has a profile of it, and four weeks against the same, for what moves little but for
good. What has moved at the end of a window is one alarm a track, ranked by how much each column matters to the model times how
far it has moved.

Called by `rounds`. Reads the routing table and the catalogue; what it knows it makes anew from them after a kill.
"""

import contextlib
import sqlite3
from collections.abc import Iterator, Sequence

from tidegate.core.stats import seasons
from tidegate.core.vocabulary import alarms, errors, home, profiles, tables
from tidegate.dataplane.predlog import catalogue
from tidegate.dataplane.wire import tablefile
from tidegate.observability.drift import drifting, lasting, moving, shelving, telling, wording
from tidegate.observability.metrics import drifted
from tidegate.observability.profiling import baselines, profiled

EVERY = 60.0
LADDER = (6 * seasons.HOUR, seasons.DAY, seasons.WEEK)
"""To what windows grow where too few rows come in one: the shortest of these in which enough do."""
LINES = 10
"""Columns that an alarm names."""
EXAMPLES = 5
"""Predictions that it names."""
_RECENT = seasons.WEEK


class Lookout:
    """The watch. What it has taken in stays in memory, as one number a window, column and effect, and the days of some weeks."""

    name = "drift"
    every = EVERY

    def __init__(self, place: home.Home) -> None:
        self._home, self._table = place, tablefile.Reading(place.table)
        self._baselines = baselines.Baselines(place.bundles)
        self._watched: dict[str, _Watched] = {}
        self._days: dict[str, shelving.Days] = {}
        self._told: dict[str, drifted.Summary] = {}

    def look(self, now: float) -> list[alarms.Alarm]:
        """What has moved, at Unix time `now`; nothing where nothing is logged. Raises TableUnreadable and sqlite3.Error."""
        routes = self._table.read().routes
        try:
            books = catalogue.Catalogue(self._home.log, readonly=True)
        except errors.StoreUnavailable:
            return []
        with books:
            if not profiled.known(books.connection):
                return []
            found = [alarm for route in routes.values() for alarm in self._look(books.connection, route, now)]
        self._tell({name: one.summary for name, one in self._watched.items() if name in routes and one.summary is not None})
        return found

    def _tell(self, told: dict[str, drifted.Summary]) -> None:
        """Have the numbers behind it be there for whoever asks. A full disk has them told the next time."""
        if told != self._told:
            with contextlib.suppress(OSError):
                drifted.write(self._home, told)
                self._told = told

    def _look(self, connection: sqlite3.Connection, route: tables.Route, now: float) -> Iterator[alarms.Alarm]:
        baseline = self._baselines.of(route.owner.digest)
        versions = profiled.alike(connection, route.endpoint, route.owner.ordinal)
        days = self._days.setdefault(route.endpoint, shelving.Days())
        shelf = shelving.Shelf(connection, route.endpoint, versions, baseline, days)
        lengths = _lengths(shelf, route, now)
        watched = self._watched.get(route.endpoint)
        if watched is None or not watched.goes_on(route, lengths, now):
            watched = self._watched[route.endpoint] = _Watched(route, lengths)
        moving.look(watched.tracks, shelf, now)
        told: set[str] = set()
        for track in watched.tracks:
            found = [one for one in track.open(shelf, now) if track.subject != lasting.SUBJECT or one.column.name not in told]
            told |= {one.column.name for one in found if track.subject == drifting.TRAINING}
            yield from raised(route, track, shelf, found)
        watched.tell(route, shelf)


class _Watched:
    """One endpoint, as long as it is watched in the same way: settings, the bundle that owns it, the length of windows."""

    def __init__(self, route: tables.Route, lengths: tuple[int, int]) -> None:
        self._key = _key(route, lengths)
        self.tracks = [moving.Track(plan) for plan in plans(route, lengths)]
        if route.monitors.drift.lasting:
            self.tracks.append(lasting.Track(route.monitors.drift))
        self.summary: drifted.Summary | None = None
        self._windows: list[tuple[int, int]] = []

    def tell(self, route: tables.Route, shelf: shelving.Shelf) -> None:
        """Put in numbers how it stands, where another window was looked at."""
        windows = [track.latest for track in self.tracks]
        if windows != self._windows and any(end for _, end in windows):
            self.summary, self._windows = telling.summary(route, self.tracks, shelf), windows

    def goes_on(self, route: tables.Route, lengths: tuple[int, int], now: float) -> bool:
        """Whether it can: where a clock was set back, windows that were passed have yet to come."""
        return self._key == _key(route, lengths) and not any(track.is_ahead(now) for track in self.tracks)


def _key(route: tables.Route, lengths: tuple[int, int]) -> tuple[object, ...]:
    drift, quality = route.monitors.drift, route.monitors.quality
    told = (drift.season, drift.rows, drift.holidays, drift.limit, drift.lasting, drift.window_seconds, quality.window_seconds)
    return (route.owner.digest, lengths, *told)


def _lengths(shelf: shelving.Shelf, route: tables.Route, now: float) -> tuple[int, int]:
    """Seconds of the windows of (quality, drift): as the file says, or longer where fewer rows come, by the week before."""
    last = seasons.floor(now, seasons.HOUR)
    rows = shelf.rows(last - _RECENT, last)
    hours = max(1, min(_RECENT, last - shelf.reach()[0]) // seasons.HOUR)
    rate, least = rows / hours, 2 * route.monitors.drift.rows
    quality, drift = (
        next((one for one in (length, *LADDER) if one >= length and rate * one / seasons.HOUR >= least), max(length, LADDER[-1]))
        for length in (int(route.monitors.quality.window_seconds), int(route.monitors.drift.window_seconds))
    )
    return quality, drift


def plans(route: tables.Route, lengths: tuple[int, int]) -> Iterator[moving.Plan]:
    """The ways in which an endpoint is looked at."""
    given = route.monitors.drift
    quality, drift = lengths
    watching = (given.season, max(given.rows, profiles.FEWEST), given.holidays, given.limit)
    yield moving.Plan(alarms.Kind.QUALITY, moving.FAULTS, quality, quality, *watching)
    yield moving.Plan(alarms.Kind.DRIFT, moving.MOVES, drift, drift, *watching)
    trained = (drifting.TRAINING, *watching[1:])
    yield moving.Plan(alarms.Kind.DRIFT, moving.MOVES + moving.FAULTS, seasons.WEEK, min(drift, seasons.DAY), *trained)


def raised(
    route: tables.Route, track: moving.Track, shelf: shelving.Shelf, moved: Sequence[moving.Open]
) -> Iterator[alarms.Alarm]:
    """The alarm of a track, if anything has moved. Where nothing is known of how much columns matter it says so."""
    known = shelf.importances
    found = sorted(moved, key=lambda one: (-known.get(one.column.name, 1.0) * one.effect.weight, one.column.name))
    if not found:
        return
    plan, lasts = track.plan, track.subject == lasting.SUBJECT
    settings = route.monitors.quality if plan.kind == alarms.Kind.QUALITY else route.monitors.drift
    names = [one.column.name for one in found]
    count = _counted(plan, len(found), len(shelf.frames))
    if lasts:
        little = all(one.effect.low <= route.monitors.drift.limit for one in found)
        count = f"{'Small but lasting' if little else 'Lasting'}, for four weeks: {count}"
    held = "the data that came with the model" if plan.against == drifting.TRAINING else _SEASONS[plan.against]
    ranked = "ranked by how much each matters to the model" if known else "each counts the same: how much it matters is not known"
    begin = max(one.begin for one in found)
    yield alarms.Alarm(
        plan.kind,
        route.endpoint,
        f"{count}, {names[0]} most, against {held}{'' if len(found) == 1 else f' ({ranked})'}.",
        float(min(one.since for one in found)),
        subject=track.subject,
        moved=lines(found),
        examples=tuple(shelf.odd(begin, begin + plan.length, names, EXAMPLES)),
        next=_next(plan, route.endpoint, begin),
        action=alarms.Action.NOTIFY if lasts else settings.action,
    )


def _counted(plan: moving.Plan, moved: int, columns: int) -> str:
    """How many have moved, in words."""
    if plan.kind == alarms.Kind.QUALITY:
        return f"{moved} of {columns} columns {'is' if moved == 1 else 'are'} not what they were"
    return f"{moved} of {columns} columns {'has' if moved == 1 else 'have'} moved"


def lines(found: Sequence[moving.Open]) -> tuple[str, ...]:
    """A line each; of very many the first, and how many more there are."""
    told = [wording.line(one.column, one.effect, one.since) for one in found[:LINES]]
    return (*told, *([f"and {len(found) - LINES} more"] if len(found) > LINES else []))


def _next(plan: moving.Plan, endpoint: str, begin: int) -> str:
    window = f"--from {wording.stamp(begin)} --to {wording.stamp(begin + plan.length)}"
    return f"tidegate drift {endpoint} {window} --against {'training' if plan.against == drifting.TRAINING else 'season'}"


_SEASONS = {
    "week": "the same time of the four weeks before",
    "day": "the same time of the 28 days before",
    "none": "the 28 days before",
}
"""What a window is held against, in words."""
