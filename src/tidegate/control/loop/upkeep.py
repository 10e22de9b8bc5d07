"""What has to hold on every tick, brought about and kept so: workers through the target, routes through the table file.

Level-triggered: it starts from what is asked now and what is seen now, so a crash anywhere is healed by the next tick.
Draining and retiring are not done on command: a version that nothing asks for any more is let go as soon as no living
gateway can route to it.
"""

import logging

import msgspec

from tidegate.control.loop import migrations, observation, replacing, routes, settling, sleeping, transitions
from tidegate.control.store import endpoints
from tidegate.core.decide import machine
from tidegate.core.vocabulary import arms, decisions, errors, home, instances, releases, tables, tokens
from tidegate.dataplane.targets import target
from tidegate.dataplane.wire import keyevents, sums

log = logging.getLogger(__name__)
KEEP_SUMS_SECONDS = 3600
"""For how long the sums of a dead gateway stay although nothing under way needs them: a release that just ended may settle."""


class Asked(msgspec.Struct, frozen=True):
    """What one endpoint needs: versions with their replicas, and its route (None before anything may be routed)."""

    workers: tuple[tuple[releases.Version, int], ...]
    route: tables.Route | None


def asked(
    desk: transitions.Desk,
    row: endpoints.Endpoint,
    release: releases.Release | None,
    seen: observation.Observation,
    known: tuple[tokens.Token, ...] = (),
    rest: sleeping.Rest = sleeping.Rest.AWAKE,
) -> Asked:
    """From an endpoint, its release under way and how awake it is to what has to hold now. `known`: tokens for gateways."""
    settings = desk.settings(row)
    whole = 1 if "rolling" in settings.strategy else settings.replicas  # where replicas are few, one of each earlier version
    standby = settings.fallback_version.removeprefix("v")
    ordinals = dict.fromkeys(row.kept)
    if standby.isdigit() and int(standby) >= migrations.boundary(desk, row.name):  # what cannot come back is in no row's kept
        ordinals[int(standby)] = None
    kept = tuple(one for ordinal in ordinals if (one := desk.version(row.name, ordinal)) is not None)
    wanted = {one.ordinal: (one, whole) for one in kept}
    route = None
    for effect in _effects(desk, row, release, settings.replicas):
        if isinstance(effect, decisions.EnsureWorkers):
            if effect.after is not None and seen.of(effect.after):
                continue
            wanted[effect.version.ordinal] = (effect.version, effect.replicas)
        elif isinstance(effect, decisions.SetRoutes):
            latest = release or desk.latest(row.name)
            route = routes.route(effect, settings, kept, seen, known, latest.policy if latest else None)
    if rest is not sleeping.Rest.AWAKE and route is not None:
        route = routes.asleep(route, settings)
    return Asked(() if rest is sleeping.Rest.ASLEEP else tuple(wanted.values()), route)


def _effects(
    desk: transitions.Desk, row: endpoints.Endpoint, release: releases.Release | None, replicas: int
) -> tuple[decisions.Effect, ...]:
    stable = desk.version(row.name, row.stable)
    idle: tuple[decisions.Effect, ...] = ()
    if stable is not None:
        latest = release or desk.latest(row.name)
        name, salt = (latest.id, latest.salt) if latest else ("", b"")
        idle = (
            decisions.EnsureWorkers(stable, replicas),
            decisions.SetRoutes(row.name, name, 0, stable, None, weight=0, evidence=False, salt=salt),
        )
    if release is None or release.phase in settling.BEFORE:  # what has not been agreed to moves nobody
        return idle
    return (*idle[1:], *machine.upkeep(release))


def hold_true(
    desk: transitions.Desk,
    place: home.Home,
    needs: list[Asked],
    seen: observation.Observation,
    known: tuple[tokens.Token, ...] = (),
) -> replacing.Wanted:
    """Bring the table about, before all else: a rollback must not wait for processes. Returns what `place_all` takes."""
    _publish(desk, place, [one.route for one in needs if one.route is not None], seen, known)
    return {(version.endpoint, version.ordinal): (version, replicas) for one in needs for version, replicas in one.workers}


def place_all(desk: transitions.Desk, placed: target.Target, wanted: replacing.Wanted, seen: observation.Observation) -> None:
    """Bring the workers about. The target is told only what differs from what was seen of it."""
    for version, replicas in wanted.values():
        there = seen.of(version)
        if len(there) != replicas or any(one.state is target.State.DRAINING for one in there):
            placed.ensure(version, replicas, _resources(desk, version.endpoint))
    _let_go(desk, placed, wanted, seen)


def _resources(desk: transitions.Desk, endpoint: str) -> instances.Resources:
    """What new workers of an endpoint may use."""
    row = desk.store.endpoint(desk.environment, endpoint)
    return desk.settings(row).resources if row else instances.UNLIMITED


def _publish(
    desk: transitions.Desk,
    place: home.Home,
    wanted: list[tables.Route],
    seen: observation.Observation,
    known: tuple[tokens.Token, ...],
) -> None:
    changed = [one for one in wanted if _is_served(one) and routes.differs(one, seen.table)]
    told = routes.Common(known, seen.specified)
    # A table without routes has nobody to admit and nothing to share.
    if not changed and seen.table.override is None and (told.holds(seen.table) or not seen.table.routes):
        return
    desk.store.adopt_generation(desk.environment, seen.table.generation + 1)
    table = routes.publish(place, changed, told, seen.table.generation, seen.at)
    log.info("routes", extra={"generation": table.generation, "endpoints": [one.endpoint for one in changed]})


def _is_served(route: tables.Route) -> bool:
    """Whether whoever gets its traffic has a worker, or none by design."""
    serving = route.candidate if route.candidate is not None and route.weight == arms.BUCKETS else route.stable
    return bool(serving.workers) or route.asleep or route.gap


def _let_go(desk: transitions.Desk, placed: target.Target, needed: replacing.Wanted, seen: observation.Observation) -> None:
    routed = _routed(seen.table)
    for endpoint, ordinal, digest in {(one.endpoint, one.ordinal, one.digest) for one in seen.replicas}:
        if (endpoint, ordinal) in needed or (endpoint, ordinal) in routed or not seen.obeyed:
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
    keyevents.sweep(place.sums, living)


def _routed(table: tables.Table) -> set[tuple[str, int]]:
    found = set()
    for route in table.routes.values():
        found |= {(route.endpoint, one.ordinal) for one in route.versions if one.workers}
    return found
