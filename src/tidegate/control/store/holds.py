"""Holds: model digests that an endpoint refuses to release again, until a person clears them. Their history is in the events."""

from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import schema


class HoldRow(msgspec.Struct, frozen=True):
    """One refusal in force."""

    environment: str
    endpoint: str
    model_digest: str
    reason: str
    actor: str = "system"
    release: str = ""
    """The release that was rolled back; empty for a hold placed by hand."""
    at: float = 0.0


def put(connection: sa.Connection, hold: HoldRow) -> bool:
    """Place it. The first reason stands: a digest that is held already is left alone, and the answer is False."""
    if get(connection, hold.environment, hold.endpoint, hold.model_digest) is not None:
        return False
    connection.execute(schema.HOLDS.insert().values(**msgspec.structs.asdict(hold)))
    return True


def get(connection: sa.Connection, environment: str, endpoint: str, model_digest: str) -> HoldRow | None:
    """The hold on this digest, or None."""
    one = sa.select(schema.HOLDS).where(_at(environment, endpoint), schema.HOLDS.c.model_digest == model_digest)
    row = connection.execute(one).one_or_none()
    return _read(row) if row else None


def listed(connection: sa.Connection, environment: str, endpoint: str) -> list[HoldRow]:
    """All of an endpoint, newest first."""
    found = sa.select(schema.HOLDS).where(_at(environment, endpoint)).order_by(schema.HOLDS.c.at.desc())
    return [_read(row) for row in connection.execute(found)]


def drop(connection: sa.Connection, environment: str, endpoint: str, model_digest: str) -> bool:
    """Clear it; False when there was none."""
    gone = schema.HOLDS.delete().where(_at(environment, endpoint), schema.HOLDS.c.model_digest == model_digest)
    return connection.execute(gone).rowcount > 0


def rename_model(connection: sa.Connection, key: tuple[str, str], before: str, now: str) -> None:
    """Have the hold on one digest be on another; where that is held too, the one that is there stands."""
    found = get(connection, *key, before)
    if found is not None:
        drop(connection, *key, before)
        put(connection, msgspec.structs.replace(found, model_digest=now))


def _at(environment: str, endpoint: str) -> sa.ColumnElement[bool]:
    return (schema.HOLDS.c.environment == environment) & (schema.HOLDS.c.endpoint == endpoint)


def _read(row: sa.Row[Any]) -> HoldRow:
    return HoldRow(**row._mapping)  # noqa: SLF001 -- SQLAlchemy's public accessor; the underscore keeps it off column names
