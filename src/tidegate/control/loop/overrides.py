"""A table that control did not write: rolled back by hand while control was down, or newer than the store.

An override is imported as events before control may publish again; importing it twice changes nothing. A table newer than
the store without one means that the store was restored from the past: control acts on nothing until `adopt`.
"""

import msgspec

from tidegate.control.loop import served, transitions
from tidegate.control.store import chain as chained
from tidegate.control.store import traffic
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import decisions, errors, phases, releases, tables
from tidegate.core.vocabulary.decisions import Kind


def settle(desk: transitions.Desk, table: tables.Table, now: float) -> None:
    """Bring the store to what the table says. Raises StoreBehindTable when that takes a person."""
    if table.override is None:
        if table.generation > desk.store.adopted_generation(desk.environment):
            words = f"the table is at generation {table.generation}; the store has not heard of it (restored from a backup?)."
            raise errors.StoreBehindTable(words, cure="Nothing is done until `tidegate adopt` takes the table as the truth.")
        return
    chain = [table.override]
    while chain[-1].before is not None:
        chain.append(chain[-1].before)
    chain.reverse()
    for number, override in enumerate(chain):
        later = next((one for one in chain[number + 1 :] if one.endpoint == override.endpoint), None)
        _record(desk, table.routes[override.endpoint], (override, later), now)
        _take(desk, table.routes[override.endpoint], override, now, is_last=later is None)


def _record(
    desk: transitions.Desk, route: tables.Route, written: tuple[tables.Override, tables.Override | None], now: float
) -> None:
    """One event for each table that was written by hand, however often it is imported; it counts from when that was.

    `written`: the override, and the next one of the same endpoint: what that took traffic from is what this one gave it to.
    """
    override, later = written
    gave = _by_digest(desk, route.endpoint, later.held_digest) if later is not None else None
    ordinal = gave.ordinal if gave is not None else route.owner.ordinal
    event = chained.StoredEvent(
        environment=desk.environment,
        endpoint=route.endpoint,
        kind=served.BY_HAND,
        at=now,
        actor=override.actor,
        said=override.reason,
        reason=f"all traffic to v{ordinal}, written to the table without control",
        facts={
            served.WRITTEN_AT: override.at,
            "taken_from": override.held_digest,
            traffic.FACT: msgspec.to_builtins(traffic.Traffic(ordinal)),
        },
    )
    desk.store.append_once(event, f"{served.BY_HAND}:{override.at!r}")


def _take(desk: transitions.Desk, route: tables.Route, override: tables.Override, now: float, *, is_last: bool) -> None:
    """Import one override: end the release it ended, hold the version it left; of the last, make the route's stable the store's.

    Idempotent, half-done ones included.
    """
    event = decisions.Event(Kind.OVERRIDDEN, actor=override.actor, reason=override.reason)
    release = desk.active(route.endpoint)
    left = _by_digest(desk, route.endpoint, override.held_digest)
    if release is not None and not _leads_there(release, route):
        left = left or release.candidate
        desk.tell(release, event, now)
    serves = desk.version(route.endpoint, route.owner.ordinal)
    drilled = left is not None and serves is not None and left.model_digest == serves.model_digest
    if override.held_digest and left is not None and not drilled:
        desk.hold(left, event, now)
    if is_last:
        adopt(desk, route, event, now)


def adopt(desk: transitions.Desk, route: tables.Route, event: decisions.Event, now: float) -> None:
    """Make the route's stable the endpoint's, as a release that is already in force; one under way that the store believes in
    makes room. Nothing where it is so already, or where control was interrupted after it had begun that release.
    """
    stable, owner, release = desk.stable(route.endpoint), route.owner, desk.active(route.endpoint)
    if release is not None and _leads_there(release, route):
        return
    if stable is None or stable.ordinal != owner.ordinal:
        if release is not None and release.phase is not phases.Phase.PROBATION:  # that one makes room by itself
            desk.tell(release, event, now)
        desk.go_back(desk.known_version(route.endpoint, owner.ordinal), event, now)


def _leads_there(release: releases.Release, route: tables.Route) -> bool:
    """Whether it is a way back to the very version that the route has: such as an earlier import has begun."""
    return release.strategy == strategies.BACK and release.candidate.ordinal == route.owner.ordinal


def _by_digest(desk: transitions.Desk, endpoint: str, digest: str) -> releases.Version | None:
    return next((one for one in desk.store.versions(desk.environment, endpoint) if one.digest == digest), None)
