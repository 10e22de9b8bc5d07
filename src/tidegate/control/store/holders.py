"""Holders of tokens: names, hashes and scopes. A revoked one is gone from here; its history is in the events."""

from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import errors, tokens


class Holder(msgspec.Struct, frozen=True):
    """One token that is good, with who made it and when."""

    environment: str
    token: tokens.Token
    actor: str = "system"
    at: float = 0.0

    @property
    def name(self) -> str:
        """The token's name: unique in its environment."""
        return self.token.name


def put(connection: sa.Connection, holder: Holder) -> None:
    """Keep a new one. Raises TokenTaken for a name, or a token, that is there already."""
    table = schema.HOLDERS
    same = (table.c.name == holder.name) | (table.c.sha256 == holder.token.sha256)
    if connection.execute(sa.select(table.c.name).where(_at(holder.environment), same)).first() is not None:
        raise errors.TokenTaken(
            f"there is a token named {holder.name} already.",
            cure=f"Choose another name, or `tidegate token revoke {holder.name}`.",
        )
    row: dict[str, Any] = {"environment": holder.environment, "endpoint": "", "name": holder.name}
    row |= {"sha256": holder.token.sha256, "body": documents.encode(holder.token), "actor": holder.actor, "at": holder.at}
    connection.execute(table.insert().values(**row))


def drop(connection: sa.Connection, environment: str, name: str) -> tokens.Token:
    """Revoke it; the token as it was. Raises TokenUnknown."""
    table = schema.HOLDERS
    found = next((one for one in listed(connection, environment) if one.name == name), None)
    if found is None:
        raise errors.TokenUnknown(f"there is no token named {name}.", cure="`tidegate token list` shows them.")
    connection.execute(table.delete().where(_at(environment), table.c.name == name))
    return found.token


def listed(connection: sa.Connection, environment: str) -> list[Holder]:
    """All of an environment, by name."""
    table = schema.HOLDERS
    return [_read(row) for row in connection.execute(sa.select(table).where(_at(environment)).order_by(table.c.name))]


def by_digest(connection: sa.Connection, environment: str, sha256: str) -> Holder | None:
    """The holder of the token with this hash, or None."""
    table = schema.HOLDERS
    row = connection.execute(sa.select(table).where(_at(environment), table.c.sha256 == sha256)).one_or_none()
    return _read(row) if row else None


def _at(environment: str) -> sa.ColumnElement[bool]:
    return (schema.HOLDERS.c.environment == environment) & (schema.HOLDERS.c.endpoint == "")


def _read(row: sa.Row[Any]) -> Holder:
    return Holder(row.environment, documents.decode(row.body, tokens.Token), row.actor, row.at)
