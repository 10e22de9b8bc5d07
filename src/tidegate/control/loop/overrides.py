"""A table that control did not write: rolled back by hand while control was down, or newer than the store.

An override is imported as events before control may publish again; importing it twice changes nothing. A table newer than
the store without one means that the store was restored from the past: control acts on nothing until `adopt`.
"""

from tidegate.control.loop import transitions
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
    for override in reversed(chain):
        _take(desk, table.routes[override.endpoint], override, now)


def _take(desk: transitions.Desk, route: tables.Route, override: tables.Override, now: float) -> None:
    """Import one override: end the release it ended, make the route's stable the store's, write the hold. Idempotent."""
    event = decisions.Event(Kind.OVERRIDDEN, actor=override.actor, reason=override.reason)
    release = desk.active(route.endpoint)
    held = None
    if release is not None and release.phase not in phases.ENDED:
        held = release.candidate
        desk.tell(release, event, now)
    adopt(desk, route, event, now)
    version = held or _by_digest(desk, route.endpoint, override.held_digest)
    if override.held_digest and version is not None:
        desk.hold(version, event, now)


def adopt(desk: transitions.Desk, route: tables.Route, event: decisions.Event, now: float) -> None:
    """Make the route's stable the endpoint's, as a release that is already in force; nothing where it is so already."""
    stable, owner = desk.stable(route.endpoint), route.owner
    if stable is None or stable.ordinal != owner.ordinal:
        desk.go_back(desk.known_version(route.endpoint, owner.ordinal), event, now)


def _by_digest(desk: transitions.Desk, endpoint: str, digest: str) -> releases.Version | None:
    return next((one for one in desk.store.versions(desk.environment, endpoint) if one.digest == digest), None)
