"""A rollback without control: the routing table is written here, signed, and gateways obey it.

It needs the table and the gateways, and nothing else: not the store, not the API, not control. Control imports the
signature as an event before it publishes again, and holds the model that traffic was taken from.
"""

import dataclasses
import time

import msgspec

from tidegate.core.vocabulary import errors, home, instances, tables
from tidegate.dataplane.wire import tablefile

CONFIRM_SECONDS = 10.0
LOOK_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class Written:
    """What was done."""

    generation: int
    before: str
    """The version that traffic was taken from."""
    now: str
    confirmed: tuple[str, ...]
    """Gateways that obey it."""
    silent: tuple[str, ...]
    """Living gateways that have not said so in time."""
    changed: bool = True


def roll_back(place: home.Home, endpoint: str, to: int | None, *, actor: str, reason: str) -> Written:
    """Write it and wait for the gateways.

    Raises EndpointUnknown, NothingToRollBack, TableUnreadable, DiskFull; the table then stays as it was.
    """
    taken: list[tuple[tables.Deployed, tables.Deployed]] = []

    def change(current: tables.Table) -> tables.Table:
        route = current.routes.get(endpoint)
        if route is None:
            known = ", ".join(sorted(current.routes)) or "none"
            raise errors.EndpointUnknown(f"the routing table has no endpoint {endpoint!r}.", cure=f"It has: {known}.")
        left, back = _aims(place, route, to)
        taken.append((left, back))
        override = tables.Override(actor, reason, endpoint, left.digest, time.time(), before=current.override)
        kept = tuple(one for one in route.kept if one.ordinal not in {left.ordinal, back.ordinal})
        alone = {"candidate": None, "weight": 0, "mirror": 0, "cohort": None, "candidate_owns": False, "gap": False}
        mended = msgspec.structs.replace(route, stable=back, evidence=False, kept=kept, **alone)
        return msgspec.structs.replace(
            current,
            routes=current.routes | {endpoint: mended},
            written_at=time.time(),
            written_by="rollback",
            override=override,
        )

    table = tablefile.write(place.table, change)
    left, back = taken[-1]
    confirmed, silent = _confirmed(place, table.generation)
    return Written(table.generation, left.name, back.name, confirmed, silent)


def _aims(place: home.Home, route: tables.Route, to: int | None) -> tuple[tables.Deployed, tables.Deployed]:
    """(the version to take traffic from, the version to give it to)."""
    candidate = route.candidate
    if candidate is not None and to in {None, route.stable.ordinal}:
        if not route.stable.workers:
            words = f"{route.stable.name} was stopped for {candidate.name} and has no worker to go back to."
            raise errors.NothingToRollBack(words, cure="Control starts it: `tidegate rollback` when control is back.")
        return candidate, route.stable
    if to == route.owner.ordinal:
        raise errors.AlreadyStable(f"{route.endpoint} is on {route.owner.name} already.")
    warm = [one for one in route.kept if _warm(place, one)]
    # Unasked only to an earlier one: a later one that is kept was itself left by a rollback.
    wanted = next((one for one in warm if (one.ordinal < route.stable.ordinal if to is None else one.ordinal == to)), None)
    if wanted is None:
        named = "an earlier version" if to is None else f"v{to}"
        names = ", ".join(one.name for one in warm) or "none"
        raise errors.NothingToRollBack(f"{route.endpoint} does not keep {named} warm.", cure=f"Kept warm and alive: {names}.")
    return (route.stable if candidate is None else candidate), wanted


def _warm(place: home.Home, version: tables.Deployed) -> bool:
    """Whether a worker of it is up: traffic given to a version without one would only fail otherwise."""
    return any(
        instances.holder(place.instances, one.instance)
        and instances.read_state(place.instances, one.instance).get("state") == "ready"
        for one in version.workers
    )


def _confirmed(place: home.Home, generation: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Living gateways that obey this generation, and those that did not say so in time."""
    until = time.monotonic() + CONFIRM_SECONDS
    while True:
        living = _living(place)
        behind = tuple(name for name, obeys in living.items() if obeys < generation)
        if not behind or time.monotonic() > until:
            return tuple(name for name in living if name not in behind), behind
        time.sleep(LOOK_SECONDS)


def _living(place: home.Home) -> dict[str, int]:
    names = (path.stem for path in sorted(place.instances.glob("gateway-*.json")))
    return {
        name: int(instances.read_state(place.instances, name).get("generation", 0))
        for name in names
        if instances.holder(place.instances, name)
    }
