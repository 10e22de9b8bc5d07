"""Versions: the bundles deployed behind an endpoint, counted 1, 2, 3, ... by the endpoint itself."""

from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import schema
from tidegate.core.vocabulary import errors, releases


def add(connection: sa.Connection, environment: str, version: releases.Version) -> releases.Version:
    """Write it under the endpoint's next ordinal. The endpoint's row must be held. Raises StateError where it has another."""
    table = schema.VERSIONS
    last = sa.select(sa.func.max(table.c.ordinal)).where(_at(environment, version.endpoint))
    following = (connection.execute(last).scalar() or 0) + 1
    if version.ordinal not in (0, following):
        raise errors.StateError(f"the next version of {version.endpoint} is v{following}, not {version.name}.")
    added = msgspec.structs.replace(version, ordinal=following)
    connection.execute(table.insert().values(environment=environment, **msgspec.structs.asdict(added)))
    return added


def listed(connection: sa.Connection, environment: str, endpoint: str) -> list[releases.Version]:
    """All of an endpoint, oldest first."""
    table = schema.VERSIONS
    found = connection.execute(sa.select(table).where(_at(environment, endpoint)).order_by(table.c.ordinal))
    return [_read(row) for row in found]


def get(connection: sa.Connection, environment: str, endpoint: str, ordinal: int) -> releases.Version | None:
    """One, or None."""
    table = schema.VERSIONS
    one = sa.select(table).where(_at(environment, endpoint), table.c.ordinal == ordinal)
    row = connection.execute(one).one_or_none()
    return _read(row) if row else None


def rename_model(connection: sa.Connection, key: tuple[str, str], before: str, now: str) -> None:
    """Have the versions of an endpoint with one model digest have another."""
    here = _at(*key) & (schema.VERSIONS.c.model_digest == before)
    connection.execute(schema.VERSIONS.update().where(here).values(model_digest=now))


def _at(environment: str, endpoint: str) -> sa.ColumnElement[bool]:
    return (schema.VERSIONS.c.environment == environment) & (schema.VERSIONS.c.endpoint == endpoint)


def _read(row: sa.Row[Any]) -> releases.Version:
    return releases.Version(
        endpoint=row.endpoint,
        ordinal=row.ordinal,
        digest=row.digest,
        model_digest=row.model_digest,
        model=row.model,
        created_at=row.created_at,
    )
