"""What has to hold on every tick, brought about and kept so: workers through the target, routes through the table file.

Level-triggered: it starts from what is asked now and what is seen now, so a crash anywhere is healed by the next tick.
Draining and retiring are not done on command: a version that nothing asks for any more is let go as soon as no living
gateway can route to it.
"""

import logging

import msgspec

from tidegate.control.loop import observation, routes, transitions
from tidegate.control.store import endpoints
from tidegate.core.decide import machine
from tidegate.core.vocabulary import decisions, errors, home, releases, tables
from tidegate.dataplane.targets import target
from tidegate.dataplane.wire import sums

log = logging.getLogger(__name__)
KEEP_SUMS_SECONDS = 3600
"""For how long the sums of a dead gateway stay although nothing under way needs them: a release that just ended may settle."""


class Asked(msgspec.Struct, frozen=True):
    """What one endpoint needs: versions with their replicas, and its route (None before anything may be routed)."""

    workers: tuple[tuple[releases.Version, int], ...]
    route: tables.Route | None


def asked(
    desk: transitions.Desk, row: endpoints.Endpoint, release: releases.Release | None, seen: observation.Observation
) -> Asked:
    """From an endpoint and its release under way to what has to hold now."""
    settings = desk.settings(row)
    kept = tuple(one for ordinal in row.kept if (one := desk.version(row.name, ordinal)) is not None)
    wanted = {one.ordinal: (one, settings.replicas) for one in kept}
    route = None
    for effect in _effects(desk, row, release, settings.replicas):
        if isinstance(effect, decisions.EnsureWorkers):
            wanted[effect.version.ordinal] = (effect.version, effect.replicas)
        elif isinstance(effect, decisions.SetRoutes):
            route = routes.route(effect, settings, kept, seen)
    return Asked(tuple(wanted.values()), route)


def _effects(
    desk: transitions.Desk, row: endpoints.Endpoint, release: releases.Release | None, replicas: int
) -> tuple[decisions.Effect, ...]:
    stable = desk.version(row.name, row.stable)
    idle: tuple[decisions.Effect, ...] = ()
    if stable is not None:
        latest = desk.store.latest(desk.environment, row.name)
        name, salt = (latest.id, latest.salt) if latest else ("", b"")
        idle = (
            decisions.EnsureWorkers(stable, replicas),
            decisions.SetRoutes(row.name, name, 0, stable, None, weight=0, evidence=False, salt=salt),
        )
    return idle if release is None else (*idle, *machine.upkeep(release))


def hold_true(
    desk: transitions.Desk, place: home.Home, placed: target.Target, needs: list[Asked], seen: observation.Observation
) -> None:
    """Bring it about. The table first: a rollback must not wait for processes."""
    _publish(desk, place, [one.route for one in needs if one.route is not None], seen)
    for version, replicas in (pair for one in needs for pair in one.workers):
        placed.ensure(version, replicas)
    _let_go(desk, placed, {(version.endpoint, version.ordinal) for one in needs for version, _ in one.workers}, seen)


def _publish(desk: transitions.Desk, place: home.Home, wanted: list[tables.Route], seen: observation.Observation) -> None:
    changed = [one for one in wanted if one.stable.workers and routes.differs(one, seen.table)]
    if not changed and seen.table.override is None:
        return
    desk.store.adopt_generation(desk.environment, seen.table.generation + 1)
    table = routes.publish(place, changed, seen.table.generation, seen.at)
    log.info("routes", extra={"generation": table.generation, "endpoints": [one.endpoint for one in changed]})


def _let_go(desk: transitions.Desk, placed: target.Target, needed: set[tuple[str, int]], seen: observation.Observation) -> None:
    obeyed = all(one.generation >= seen.table.generation for one in seen.gateways)
    for endpoint, ordinal, digest in {(one.endpoint, one.ordinal, one.digest) for one in seen.replicas}:
        if (endpoint, ordinal) in needed or (endpoint, ordinal) in _routed(seen.table) or not obeyed:
            continue
        version = desk.version(endpoint, ordinal) or releases.Version(endpoint, ordinal, digest, "", "")
        placed.remove(version)


def sweep(place: home.Home, seen: observation.Observation, since: float) -> None:
    """Delete the sums of gateways that are dead and fell silent before `since`: no release under way can ask for them."""
    living = {one.incarnation for one in seen.gateways}
    for path in place.sums.glob("[!.]*.sums"):
        try:
            boot = sums.read(path, ())
        except (OSError, errors.StoreUnavailable):
            continue
        if boot.incarnation not in living and boot.at_tick + KEEP_SUMS_SECONDS < since:
            path.unlink(missing_ok=True)


def _routed(table: tables.Table) -> set[tuple[str, int]]:
    found = set()
    for route in table.routes.values():
        listed = (route.stable, *((route.candidate,) if route.candidate else ()), *route.kept)
        found |= {(route.endpoint, one.ordinal) for one in listed}
    return found
