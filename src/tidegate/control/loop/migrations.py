"""Contract migrations that were really done: from then on no version before the one they were done for can come back.

Control cannot see a migration, so a person (or the migration's own script) says it: `tidegate migrated ENDPOINT NAME`. That is an
event of the chained log and a fact of the endpoint, in one transaction with the versions that are kept warm no more: the table
stops listing them, so that a rollback without control does not go to them either.
"""

import msgspec

from tidegate.control.loop import transitions
from tidegate.control.store import chain, commands, endpoints
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import decisions, dependencies, errors, phases, releases

RECORDED = "migration_done"
"""Kind of the event."""
_FACT = "migrations_done"
_LOOKED_AT = 1_000
"""Newest releases among which the one is that names a migration."""


class Done(msgspec.Struct, frozen=True):
    """One that was done."""

    name: str
    ordinal: int
    """The version that it was done for: those before it are blocked."""
    actor: str
    at: float
    """Unix seconds at which it was said."""


_decode = msgspec.json.Decoder(tuple[Done, ...]).decode


def done(desk: transitions.Desk, endpoint: str) -> tuple[Done, ...]:
    """The endpoint's, in the order they were said."""
    noted = desk.store.fact(desk.environment, endpoint, _FACT)
    return _decode(noted) if noted else ()


def boundary(desk: transitions.Desk, endpoint: str) -> int:
    """The lowest ordinal that may still serve; 0 where every version may."""
    return max((one.ordinal for one in done(desk, endpoint)), default=0)


def blocks(desk: transitions.Desk, endpoint: str, ordinal: int) -> str:
    """Why this version cannot come back; empty when it can."""
    for one in done(desk, endpoint):
        if ordinal < one.ordinal:
            return (
                f"the contract migration {one.name} was done for v{one.ordinal} (said by {one.actor}): "
                f"v{ordinal} does not work with what it left"
            )
    return ""


def refuse(desk: transitions.Desk, endpoint: str, ordinal: int) -> None:
    """Raises IrreversibleMigration where this version cannot come back."""
    why = blocks(desk, endpoint, ordinal)
    if why:
        lowest = boundary(desk, endpoint)
        cure = f"Versions from v{lowest} on can; or release a mended model with `tidegate release`."
        raise errors.IrreversibleMigration(f"{why}.", cure=cure, where=endpoint)


def answer(desk: transitions.Desk, command: commands.Command, now: float) -> None:
    """Record that the migration `payload["name"]` was done. Saying it twice changes nothing.

    In a probation under way the version before gets no share any more, and is not gone back to.
    Raises EndpointUnknown, MigrationUnknown, TransitionRefused (it is no contract, or its release is not promoted).
    """
    name = str(command.payload["name"])
    row = desk.store.endpoint(desk.environment, command.endpoint)
    if row is None:
        raise errors.EndpointUnknown(f"there is no endpoint {command.endpoint}.", cure="`tidegate status` lists them.")
    known = done(desk, row.name)
    if any(one.name == name for one in known):
        return
    release = _promoted(desk, row, name)
    _tell(desk, release, decisions.Event(decisions.Kind.MIGRATED, actor=command.actor, reason=name), now)
    row = desk.store.endpoint(desk.environment, row.name) or row
    fresh = Done(name, release.candidate.ordinal, command.actor, now)
    said = chain.StoredEvent(
        environment=desk.environment,
        endpoint=row.name,
        kind=RECORDED,
        at=now,
        actor=command.actor,
        reason=f"the contract migration {name} is done: no version before {release.candidate.name} can come back",
        said=command.reason,
        release=release.id,
        facts={"migration": name, "ordinal": fresh.ordinal},
    )
    kept = tuple(one for one in row.kept if one >= fresh.ordinal)
    noted = msgspec.json.encode((*known, fresh)).decode()
    desk.store.append(said, (row, msgspec.structs.replace(row, kept=kept)), ((_FACT, noted),), command.id)


def _promoted(desk: transitions.Desk, row: endpoints.Endpoint, name: str) -> releases.Release:
    """The first release that names this contract among those whose version, or one after it, owns the endpoint."""
    naming = [
        (release, one)
        for release in desk.store.releases(desk.environment, row.name, _LOOKED_AT)
        for one in release.migrations
        if one.name == name and release.strategy != strategies.BACK
    ]
    if not naming:
        listed = desk.store.releases(desk.environment, row.name, _LOOKED_AT)
        names = ", ".join(sorted({one.name for release in listed for one in release.migrations})) or "none"
        raise errors.MigrationUnknown(f"no release of {row.name} names the migration {name!r}.", cure=f"Named are: {names}.")
    if all(one.kind != dependencies.CONTRACT for _, one in naming):
        words = f"{name} is an expand migration: versions before it go on working, so there is nothing to record."
        raise errors.TransitionRefused(words, where=row.name)
    through = [release for release, _ in naming if release.phase in phases.OWNED_BY_CANDIDATE]
    first = min(through, key=lambda one: one.candidate.ordinal, default=None)
    if first is None or row.stable is None or row.stable < first.candidate.ordinal:
        serving = f"v{row.stable}" if row.stable else "nothing"
        newest = naming[0][0]
        words = f"{newest.candidate.name}, whose release names {name}, is not promoted: {row.name} is served by {serving}."
        raise errors.TransitionRefused(
            words, cure="Once the migration is done nothing before that version works: promote it first.", where=row.name
        )
    return first


def _tell(desk: transitions.Desk, named: releases.Release, event: decisions.Event, now: float) -> None:
    """Let a probation know whose version before is one of those that are blocked."""
    release = desk.active(named.endpoint)
    if release is None or release.phase is not phases.Phase.PROBATION or release.no_return or release.stable is None:
        return
    if release.stable.ordinal < named.candidate.ordinal:
        desk.tell(release, event, now)
