"""Single facts by name, of an environment or of one endpoint in it."""

import sqlalchemy as sa

from tidegate.control.store import schema


def get(connection: sa.Connection, key: tuple[str, str], name: str) -> str | None:
    """The fact, or None; `key` is (environment, endpoint), the endpoint empty for the whole environment."""
    return connection.execute(sa.select(schema.FACTS.c.value).where(_at(key, name))).scalar()


def put(connection: sa.Connection, key: tuple[str, str], name: str, value: str) -> None:
    """Write it over the one before."""
    if not connection.execute(schema.FACTS.update().where(_at(key, name)).values(value=value)).rowcount:
        environment, endpoint = key
        connection.execute(schema.FACTS.insert().values(environment=environment, endpoint=endpoint, name=name, value=value))


def heighten(connection: sa.Connection, key: tuple[str, str], name: str, number: int) -> None:
    """Write a number over the one before, unless that is as high."""
    higher = sa.cast(schema.FACTS.c.value, sa.BigInteger) < number
    if connection.execute(schema.FACTS.update().where(_at(key, name), higher).values(value=str(number))).rowcount:
        return
    if get(connection, key, name) is None:
        put(connection, key, name, str(number))


def drop(connection: sa.Connection, key: tuple[str, str], name: str) -> bool:
    """Forget it; False when there is none."""
    return connection.execute(schema.FACTS.delete().where(_at(key, name))).rowcount > 0


def listed(connection: sa.Connection, environment: str, prefix: str) -> list[tuple[str, str, str]]:
    """(endpoint, name, value) of all facts of an environment whose name begins so."""
    table = schema.FACTS
    found = sa.select(table).where(table.c.environment == environment, table.c.name.startswith(prefix, autoescape=True))
    return [(row.endpoint, row.name, row.value) for row in connection.execute(found.order_by(table.c.endpoint, table.c.name))]


def _at(key: tuple[str, str], name: str) -> sa.ColumnElement[bool]:
    table = schema.FACTS
    return (table.c.environment == key[0]) & (table.c.endpoint == key[1]) & (table.c.name == name)
