"""Leases: who alone may do something, for a few seconds at a time. Taken, renewed and given up; counted by terms.

On a server the server's clock decides, so that machines whose clocks differ agree; on SQLite everybody is on one machine
and says what time it is. A lease that would last longer than it was taken for is the work of a clock that was set: it is over.
"""

from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import schema

_TABLE = schema.LEASES
_BLANK = sa.text(
    "INSERT INTO leases (environment, endpoint, name, holder, term, until, seconds, at)"
    " VALUES (:environment, '', :name, '', 0, 0, 0, 0) ON CONFLICT DO NOTHING"
)


class Lease(msgspec.Struct, frozen=True):
    """One as it stands."""

    environment: str
    name: str
    holder: str
    """Empty: nobody has it."""
    term: int
    """How often it has gone to somebody."""
    until: float
    """Unix seconds, by the clock that decides."""
    at: float
    """When its holder took it."""
    over: bool
    """Whether somebody else may take it."""


def get(connection: sa.Connection, environment: str, name: str, at: float) -> Lease | None:
    """One as it stands at `at` (a server asks its own clock), or None before anybody had it."""
    now = _now(connection, at)
    row = connection.execute(sa.select(_TABLE, _over(now).label("over")).where(_is(environment, name))).one_or_none()
    if row is None:
        return None
    return Lease(row.environment, row.name, row.holder, row.term, row.until, row.at, bool(row.over))


def take(connection: sa.Connection, environment: str, name: str, claim: tuple[str, float], at: float) -> int | None:
    """Take it for (holder, seconds), or renew it; its term, or None while another has it. Who renews keeps the term."""
    found = _take(connection, environment, name, claim, at)
    if found is None and connection.execute(sa.select(_TABLE.c.term).where(_is(environment, name))).first() is None:
        connection.execute(_BLANK, {"environment": environment, "name": name})
        found = _take(connection, environment, name, claim, at)
    return found


def give_up(connection: sa.Connection, environment: str, name: str, holder: str) -> bool:
    """Let others have it at once; False when it is not this holder's any more."""
    mine = _TABLE.update().where(_is(environment, name), _TABLE.c.holder == holder)
    return connection.execute(mine.values(holder="", until=0.0)).rowcount > 0


def _take(connection: sa.Connection, environment: str, name: str, claim: tuple[str, float], at: float) -> int | None:
    holder, seconds = claim
    now = _now(connection, at)
    mine = _TABLE.c.holder == holder
    values: dict[str, Any] = {
        "holder": holder,
        "until": now + seconds,
        "seconds": seconds,
        "term": sa.case((mine, _TABLE.c.term), else_=_TABLE.c.term + 1),
        "at": sa.case((mine, _TABLE.c.at), else_=now),
    }
    free = _TABLE.update().where(_is(environment, name), mine | _over(now)).values(**values)
    # One statement: of two that ask at once, the second looks again at what the first has left.
    return connection.execute(free.returning(_TABLE.c.term)).scalar()


def _over(now: sa.ColumnElement[float]) -> sa.ColumnElement[bool]:
    return (_TABLE.c.until <= now) | (_TABLE.c.until > now + _TABLE.c.seconds)


def _now(connection: sa.Connection, at: float) -> sa.ColumnElement[float]:
    if connection.dialect.name == "postgresql":
        return sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.Double)
    return sa.literal(at, sa.Double)


def _is(environment: str, name: str) -> sa.ColumnElement[bool]:
    return (_TABLE.c.environment == environment) & (_TABLE.c.endpoint == "") & (_TABLE.c.name == name)
