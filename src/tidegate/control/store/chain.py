"""Events: what happened, in whose name and why. Append-only, each hashed over the one before, so that a change shows.

hash = sha256(hash of the event before + body), body being the event as canonical JSON. `heads` keeps the last link, so
that cutting off the end shows too. Sequence numbers are dense.
"""

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import decisions, errors

START = "0" * 64
_HEAD = "events"
_CHUNK = 500


class StoredEvent(msgspec.Struct, frozen=True):
    """One link. Whoever appends leaves `sequence`, `previous` and `hash` alone; they come back filled in."""

    environment: str
    endpoint: str
    kind: str
    """A decisions.Kind, or another word for what is no event of a release: created, hold_placed, endpoint_put, ..."""
    at: float
    actor: str = "system"
    reason: str = ""
    """Why it turned out as it did, in words: the machine's."""
    said: str = ""
    """What the actor gave as reason."""
    release: str = ""
    generation: int = 0
    """The release's, after this event."""
    phase_before: str = ""
    phase_after: str = ""
    effects: tuple[decisions.Effect, ...] = ()
    verdict: str = ""
    """sha256 of the verdict it went by; `Store.verdict(release, generation - 1)` has it."""
    facts: dict[str, Any] = {}
    """Anything else that is worth keeping, by name."""
    sequence: int = 0
    previous: str = ""
    hash: str = ""


def append(connection: sa.Connection, event: StoredEvent) -> StoredEvent:
    """Hash it onto the chain and write it."""
    head = connection.execute(sa.select(schema.HEADS).where(schema.HEADS.c.chain == _HEAD).with_for_update()).one_or_none()
    last, previous = (head.sequence, head.hash) if head else (0, START)
    bare = msgspec.structs.replace(event, sequence=last + 1, previous="", hash="")
    body = documents.encode(bare)
    link = _link(previous, body)
    row: dict[str, Any] = {"environment": bare.environment, "endpoint": bare.endpoint, "release": bare.release}
    row |= {"kind": bare.kind, "at": bare.at, "body": body, "previous": previous, "hash": link}
    connection.execute(schema.EVENTS.insert().values(sequence=bare.sequence, **row))
    at_head = {"sequence": bare.sequence, "hash": link}
    if head:
        connection.execute(schema.HEADS.update().where(schema.HEADS.c.chain == _HEAD).values(**at_head))
    else:
        connection.execute(schema.HEADS.insert().values(chain=_HEAD, **at_head))
    return msgspec.structs.replace(bare, previous=previous, hash=link)


def head(connection: sa.Connection) -> tuple[int, str]:
    """The last event's sequence number and hash: what notifications carry, as a witness outside."""
    found = connection.execute(sa.select(schema.HEADS).where(schema.HEADS.c.chain == _HEAD)).one_or_none()
    return (found.sequence, found.hash) if found else (0, START)


def link(connection: sa.Connection, sequence: int) -> str:
    """The hash of one event, START for the place before the first; empty where there is no such event."""
    if not sequence:
        return START
    return str(connection.execute(sa.select(schema.EVENTS.c.hash).where(schema.EVENTS.c.sequence == sequence)).scalar() or "")


def after(connection: sa.Connection, where: sa.ColumnElement[bool], sequence: int, limit: int) -> list[StoredEvent]:
    """The first `limit` events past a sequence number, oldest first."""
    table = schema.EVENTS
    found = sa.select(table).where(where, table.c.sequence > sequence).order_by(table.c.sequence).limit(limit)
    return [_read(row) for row in connection.execute(found)]


def last(connection: sa.Connection, where: sa.ColumnElement[bool], limit: int) -> list[StoredEvent]:
    """The newest `limit` events, oldest first."""
    table = schema.EVENTS
    found = sa.select(table).where(where).order_by(table.c.sequence.desc()).limit(limit)
    return [_read(row) for row in connection.execute(found)][::-1]


def of(environment: str, endpoint: str | None) -> sa.ColumnElement[bool]:
    """The events of an environment, or of one endpoint in it."""
    here = schema.EVENTS.c.environment == environment
    return here if endpoint is None else here & (schema.EVENTS.c.endpoint == endpoint)


def verify(connection: sa.Connection) -> int:
    """Recompute every link; returns how many there are. Raises ChainBroken naming the first event that does not fit."""
    table = schema.EVENTS
    count, previous = 0, START
    while rows := connection.execute(
        sa.select(table).where(table.c.sequence > count).order_by(table.c.sequence).limit(_CHUNK)
    ).all():
        for row in rows:
            try:
                _check(row, count + 1, previous)
            except (TypeError, ValueError) as unreadable:  # of another kind than was ever written
                words = f"event {count + 1} of the event log was changed after it was written: it cannot be read."
                raise errors.ChainBroken(words) from unreadable
            count, previous = row.sequence, row.hash
    written, last = head(connection)
    if count < written:
        raise errors.ChainBroken(f"the event log ends at event {count}, but {written} were written.")
    if (count, previous) != (written, last):
        raise errors.ChainBroken(f"what is noted of the last event is not event {count}: one of the two was changed.")
    return count


def _check(row: sa.Row[Any], sequence: int, previous: str) -> None:
    if row.sequence != sequence:
        raise errors.ChainBroken(f"event {sequence} is missing from the event log.")
    if row.previous != previous or row.hash != _link(previous, row.body):
        raise errors.ChainBroken(f"event {sequence} of the event log was changed after it was written.")
    told = documents.decode(row.body, StoredEvent)
    columns = (row.sequence, row.environment, row.endpoint, row.release, row.kind, row.at)
    if columns != (told.sequence, told.environment, told.endpoint, told.release, told.kind, told.at):
        raise errors.ChainBroken(f"event {sequence} of the event log was changed after it was written.")


def _link(previous: str, body: str) -> str:
    return hashlib.sha256((previous + body).encode()).hexdigest()


def _read(row: sa.Row[Any]) -> StoredEvent:
    return msgspec.structs.replace(documents.decode(row.body, StoredEvent), previous=row.previous, hash=row.hash)
