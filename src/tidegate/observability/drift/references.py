"""What a time is held against, as people ask for it: its season, the data that came with the model, stable, or another time.

Called by the command line and the API. Reads the catalogue, the routing table's word for the endpoint, and bundles.
"""

import sqlite3

import msgspec

from tidegate.core.stats import drift, seasons, stacks
from tidegate.core.vocabulary import errors, home, monitoring, profiles, tables
from tidegate.dataplane.wire import tablefile
from tidegate.observability.drift import drifting
from tidegate.observability.profiling import baselines, hourly, profiled, sketching

NAMED = (drifting.SEASON, drifting.TRAINING, drifting.STABLE)


class Asked(msgspec.Struct, frozen=True):
    """What is to be held against what."""

    window: drifting.Stretch
    against: str = drifting.SEASON
    reference: drifting.Stretch = drifting.Stretch(0, 0)
    """Where `against` is time."""


def hours(since: float, until: float, version: int = 0) -> drifting.Stretch:
    """The whole hours that begin in this time (Unix seconds); the one that is under way is among them."""
    first = seasons.floor(since, seasons.HOUR)
    return drifting.Stretch(first, max(first, seasons.floor(until - 1e-3, seasons.HOUR)) + seasons.HOUR, version)


def report(place: home.Home, connection: sqlite3.Connection, endpoint: str, asked: Asked) -> drifting.Report:
    """How the columns of an endpoint stand. `connection`: to the catalogue. Before there is any season, it is against the data
    that came with the model, where there is that.

    Raises NothingCompared where there is nothing of either time, or no such reference, and TableUnreadable.
    """
    route = tablefile.read(place.table).routes.get(endpoint)
    there = profiled.known(connection)
    found = None
    if there and asked.against == drifting.TRAINING:
        found = _trained(place, connection, endpoint, route, asked.window)
    elif there:
        found = _report(connection, endpoint, route, asked)
        if asked.against == drifting.SEASON and not found.rows[1] and baseline(place, route, asked.window.version).rows:
            found = _trained(place, connection, endpoint, route, asked.window)
    if found is None or not any(found.rows):
        raise errors.NothingCompared(
            f"nothing of {endpoint} is profiled in that time.",
            cure=f"The first {hourly.TEACH:,} values of a column say how they are told apart; then each hour is counted. "
            "Is there no prediction at all, `tidegate send` makes traffic.",
        )
    return _sketched(connection, found)


def _sketched(connection: sqlite3.Connection, found: drifting.Report) -> drifting.Report:
    """The report with what the sketches of both times say; of the data that came with a model there are none."""
    if not found.reference or not sketching.known(connection):
        return found
    frames = profiled.frames(connection, found.endpoint)
    seen, known = (
        sketching.read(
            connection,
            found.endpoint,
            [(one.since, one.until, one.versions(connection, found.endpoint)) for one in times],
            frames,
        )
        for times in ((found.window,), found.reference)
    )
    columns = tuple(
        msgspec.structs.replace(one, sketched=drifting.sketched(seen[one.name], known[one.name]))
        if one.name in seen and one.name in known
        else one
        for one in found.columns
    )
    return msgspec.structs.replace(found, columns=columns)


def _report(connection: sqlite3.Connection, endpoint: str, route: tables.Route | None, asked: Asked) -> drifting.Report:
    settings = route.monitors.drift if route else monitoring.Drift()
    limits = drift.limits(settings.limit)

    def held(window: drifting.Stretch, against: str, *reference: drifting.Stretch) -> drifting.Report:
        return drifting.report(connection, drifting.Report(endpoint, window, against, reference), limits)

    window = asked.window
    if asked.against == drifting.SEASON:
        found = held(window, drifting.SEASON, *seasonal(window, settings.season))
        return found if found.rows[1] >= profiles.FEWEST else held(window, drifting.TIME, _trailing(window))
    if asked.against == drifting.STABLE:
        return held(*_beside(endpoint, route, window))
    return held(window, drifting.TIME, asked.reference)


def _trained(
    place: home.Home, connection: sqlite3.Connection, endpoint: str, route: tables.Route | None, window: drifting.Stretch
) -> drifting.Report:
    """The window against the data that came with the model of the version that was asked for, or of the endpoint's."""
    trained = baseline(place, route, window.version)
    if not trained.rows:
        raise errors.NothingCompared(
            f"the bundle of {endpoint} has no baseline profile: {trained.note or 'too little data came with its model'}.",
            cure=f"Name its training data (`training: rows.parquet`) or give {profiles.FEWEST} rows of it as its example, "
            "or hold it against another time: --against season.",
        )
    layout = stacks.Layout(profiled.frames(connection, endpoint))
    seen = drifting.of(connection, endpoint, layout, window)
    settings = route.monitors.drift if route else monitoring.Drift()
    long = window.until - window.since >= seasons.TRAILING
    limits = drift.limits(settings.limit, settings.lasting if long else 0)
    known = baselines.fitted(trained, layout.frames)
    both = layout.stacked(known.rows, known.columns), seen
    return drifting.held(drifting.Report(endpoint, window, drifting.TRAINING, ()), layout, both, limits)


def baseline(place: home.Home, route: tables.Route | None, version: int = 0) -> profiles.Baseline:
    """What came with the model of this version (0: of the endpoint's); without rows where nothing did."""
    deployed = [one for one in route.versions if one.ordinal == version] if route and version else []
    digest = deployed[0].digest if deployed else route.owner.digest if route else ""
    return baselines.Baselines(place.bundles).of(digest) if digest else profiles.Baseline()


def _beside(
    endpoint: str, route: tables.Route | None, window: drifting.Stretch
) -> tuple[drifting.Stretch, str, drifting.Stretch]:
    """The candidate, or the version that was asked for, and stable, in one time. Raises NothingCompared."""
    if route is None:
        raise errors.NothingCompared(f"{endpoint} is not routed: it has no stable version.", cure="Name a time: --against 7d.")
    mine = window.version or (route.candidate.ordinal if route.candidate else 0)
    if mine in (0, route.stable.ordinal):
        raise errors.NothingCompared(
            f"{endpoint} has no version beside stable.", cure="Name another version with --version, or a time: --against 7d."
        )
    one, other = (drifting.Stretch(window.since, window.until, each, alone=True) for each in (mine, route.stable.ordinal))
    return one, drifting.STABLE, other


def seasonal(window: drifting.Stretch, season: str) -> tuple[drifting.Stretch, ...]:
    """The same time of the weeks or days before."""
    found = seasons.before(window.since, window.until - window.since, season)
    return tuple(drifting.Stretch(since, until, window.version) for since, until in found)


def _trailing(window: drifting.Stretch) -> drifting.Stretch:
    return drifting.Stretch(window.since - seasons.TRAILING, window.since, window.version)
