"""Releases as rows: one active for an endpoint at most, and changed only by who has seen the generation before."""

from typing import Any

import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import decisions, errors, phases, releases

_EFFECTS = tuple[decisions.Effect, ...]
_WAITING = decisions.Waiting | None


def insert(connection: sa.Connection, release: releases.Release) -> None:
    """Write a new one. The endpoint's row must be held. Raises ReleaseInProgress while another is active."""
    table = schema.RELEASES
    here = (table.c.environment == release.environment) & (table.c.endpoint == release.endpoint)
    if release.phase not in phases.ENDED:
        other = connection.execute(sa.select(table.c.body).where(here, table.c.active)).scalar()
        if other is not None:
            raise _under_way(documents.decode(other, releases.Release))
    number = (connection.execute(sa.select(sa.func.max(table.c.number)).where(here)).scalar() or 0) + 1
    key = {"environment": release.environment, "endpoint": release.endpoint, "number": number, "id": release.id}
    empty = decisions.Decision(release=release, effects=(), reason=release.reason)
    connection.execute(table.insert().values(**key, **_values(empty)))


def swap(connection: sa.Connection, decision: decisions.Decision, expected: int) -> bool:
    """Write what was decided over generation `expected`; False, and nothing written, when that is not the current one."""
    table = schema.RELEASES
    seen = (table.c.id == decision.release.id) & (table.c.generation == expected)
    return connection.execute(table.update().where(seen).values(**_values(decision))).rowcount == 1


def wait(connection: sa.Connection, identifier: str, waiting: decisions.Waiting | None, look_again_at: float) -> None:
    """Refresh what it waits for; no change of state, so no generation and no event."""
    values = {"waiting": documents.encode(waiting), "look_again_at": look_again_at}
    connection.execute(schema.RELEASES.update().where(schema.RELEASES.c.id == identifier).values(**values))


def known(connection: sa.Connection, identifier: str) -> releases.Release:
    """One by its id. Raises ReleaseUnknown."""
    return decided(connection, identifier).release


def decided(connection: sa.Connection, identifier: str) -> decisions.Decision:
    """One by its id with its last decision: effects, and what it waits for. Raises ReleaseUnknown."""
    row = connection.execute(sa.select(schema.RELEASES).where(schema.RELEASES.c.id == identifier)).one_or_none()
    if row is None:
        raise errors.ReleaseUnknown(f"there is no release {identifier}.", cure="`tidegate history` lists them.")
    release = documents.decode(row.body, releases.Release)
    effects = documents.decode(row.effects, _EFFECTS)
    waiting: decisions.Waiting | None = documents.decode(row.waiting, _WAITING)  # type: ignore[arg-type]
    return decisions.Decision(release, effects, row.reason, waiting, row.look_again_at)


def active(connection: sa.Connection, environment: str) -> list[releases.Release]:
    """Those with something still to happen, by endpoint."""
    table = schema.RELEASES
    found = sa.select(table.c.body).where(table.c.environment == environment, table.c.active).order_by(table.c.endpoint)
    return [documents.decode(body, releases.Release) for body in connection.execute(found).scalars()]


def listed(connection: sa.Connection, environment: str, endpoint: str | None, limit: int) -> list[releases.Release]:
    """The newest `limit` of an endpoint, or of the whole environment; newest first."""
    table = schema.RELEASES
    found = sa.select(table.c.body).where(table.c.environment == environment)
    if endpoint is not None:
        found = found.where(table.c.endpoint == endpoint)
    found = found.order_by(table.c.created_at.desc(), table.c.number.desc())
    return [documents.decode(body, releases.Release) for body in connection.execute(found.limit(limit)).scalars()]


def rename_model(connection: sa.Connection, key: tuple[str, str], before: str, now: str) -> None:
    """Have the releases of an endpoint know a model by another digest: as candidate, as stable, in approvals. Their generations
    stay: nothing was decided.
    """
    table = schema.RELEASES
    here = (table.c.environment == key[0]) & (table.c.endpoint == key[1]) & table.c.body.contains(before, autoescape=True)
    for identifier, body in connection.execute(sa.select(table.c.id, table.c.body).where(here)).all():
        connection.execute(table.update().where(table.c.id == identifier).values(body=body.replace(before, now)))


def _values(decision: decisions.Decision) -> dict[str, Any]:
    return {
        "active": decision.release.phase not in phases.ENDED,
        "phase": str(decision.release.phase),
        "created_at": decision.release.created_at,
        "generation": decision.release.generation,
        "body": documents.encode(decision.release),
        "reason": decision.reason,
        "effects": documents.encode(decision.effects),
        "waiting": documents.encode(decision.waiting),
        "look_again_at": decision.look_again_at,
    }


def _under_way(other: releases.Release) -> errors.ReleaseInProgress:
    return errors.ReleaseInProgress(
        f"{other.endpoint} already has a release under way: {other.candidate.name}, {other.phase}.",
        cure=f"Wait for it, or end it with `tidegate abort {other.endpoint}`.",
    )
