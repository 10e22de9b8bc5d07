"""Endpoints: their settings, which version is stable, and which are kept warm for a rollback."""

from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import errors

KEEP = 1
"""Versions kept warm where the settings do not say."""


class Endpoint(msgspec.Struct, frozen=True):
    """A public name that clients call, as it stands."""

    environment: str
    name: str
    settings: dict[str, Any]
    """tidegate.yaml with every default filled in."""
    stable: int | None = None
    """The ordinal of the version that owns the endpoint; None before its first release has succeeded."""
    kept: tuple[int, ...] = ()
    """Ordinals kept warm, newest first."""

    @property
    def keep(self) -> int:
        """How many versions its settings keep warm."""
        return int(self.settings.get("keep", KEEP))

    def owned_by(self, ordinal: int | None, *, ahead: bool) -> "Endpoint":
        """The endpoint once `ordinal` owns it. `ahead`: a release succeeded, so the version before it is kept first;
        otherwise it went back, and the version it left is kept no more.
        """
        before = (self.stable,) if ahead and self.stable is not None else ()
        left = {ordinal} if ahead else {ordinal, self.stable}
        kept = tuple(dict.fromkeys(one for one in (*before, *self.kept) if one not in left))
        return msgspec.structs.replace(self, stable=ordinal, kept=kept[: self.keep])


def listed(connection: sa.Connection, environment: str) -> list[Endpoint]:
    """All of an environment, by name."""
    table = schema.ENDPOINTS
    found = connection.execute(sa.select(table).where(table.c.environment == environment).order_by(table.c.endpoint))
    return [_read(row) for row in found]


def get(connection: sa.Connection, environment: str, name: str) -> Endpoint | None:
    """One, or None."""
    row = connection.execute(_one(environment, name)).one_or_none()
    return _read(row) if row else None


def known(connection: sa.Connection, environment: str, name: str) -> Endpoint:
    """One that must be there, its row held until the writing transaction ends. Raises EndpointUnknown."""
    row = connection.execute(_one(environment, name).with_for_update()).one_or_none()
    if row is None:
        raise errors.EndpointUnknown(f"there is no endpoint {name} in {environment}.", cure="`tidegate status` lists them.")
    return _read(row)


def swap(connection: sa.Connection, before: Endpoint | None, endpoint: Endpoint) -> None:
    """Write it where what is there is `before`, as it was read; None: nothing is there.

    Raises GenerationConflict where it is not: somebody was faster, and knows more.
    """
    row = connection.execute(_one(endpoint.environment, endpoint.name).with_for_update()).one_or_none()
    if (_read(row) if row else None) != before:
        raise errors.GenerationConflict(f"{endpoint.name} has changed since it was read.")
    put(connection, endpoint)


def put(connection: sa.Connection, endpoint: Endpoint) -> None:
    """Write it, new or over the one before."""
    table = schema.ENDPOINTS
    values = {
        "settings": documents.encode(endpoint.settings),
        "stable": endpoint.stable,
        "kept": documents.encode(endpoint.kept),
    }
    here = (table.c.environment == endpoint.environment) & (table.c.endpoint == endpoint.name)
    if not connection.execute(table.update().where(here).values(**values)).rowcount:
        connection.execute(table.insert().values(environment=endpoint.environment, endpoint=endpoint.name, **values))


def _one(environment: str, name: str) -> sa.Select[Any]:
    table = schema.ENDPOINTS
    return sa.select(table).where(table.c.environment == environment, table.c.endpoint == name)


def _read(row: sa.Row[Any]) -> Endpoint:
    return Endpoint(
        environment=row.environment,
        name=row.endpoint,
        settings=documents.decode(row.settings, dict[str, Any]),
        stable=row.stable,
        kept=documents.decode(row.kept, tuple[int, ...]),
    )
