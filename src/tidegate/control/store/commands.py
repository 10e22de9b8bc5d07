"""Commands: what people asked control to do, in the order they asked, and what came of it."""

import uuid
from typing import Any

import msgspec
import sqlalchemy as sa

from tidegate.control.store import documents, schema
from tidegate.core.vocabulary import errors

PENDING, DONE, REFUSED, WITHDRAWN = "pending", "done", "refused", "withdrawn"
RELEASE, GROUP, FOLLOW, MIGRATED, ADOPT, REPLACE = "release", "release_group", "follow", "migrated", "adopt", "replace_workers"
ACKNOWLEDGE, SNOOZE = "acknowledge", "snooze"
"""Kinds that are no verbs of a release."""


class Command(msgspec.Struct, frozen=True):
    """One request to control. Leave `id` empty for a new one; the same id submitted again is the same command."""

    environment: str
    endpoint: str
    kind: str
    """release, promote, pause, resume, abort, rollback, unhold, ..."""
    payload: dict[str, Any] = {}
    actor: str = "system"
    reason: str = ""
    at: float = 0.0
    id: str = ""
    status: str = PENDING
    result: dict[str, Any] = {}
    """Once done or refused: what control answers; a refusal has `error` and `code`."""


def submit(connection: sa.Connection, command: Command) -> str:
    """Queue it and return its id. A client that repeats itself does not make control repeat itself."""
    given = command if command.id else msgspec.structs.replace(command, id=uuid.uuid4().hex)
    if get(connection, given.id) is None:
        body = documents.encode(msgspec.structs.replace(given, status=PENDING, result={}))
        key = {"environment": given.environment, "endpoint": given.endpoint, "id": given.id}
        connection.execute(schema.COMMANDS.insert().values(**key, status=PENDING, body=body, result="{}"))
    return given.id


def get(connection: sa.Connection, identifier: str) -> Command | None:
    """One, or None."""
    row = connection.execute(sa.select(schema.COMMANDS).where(schema.COMMANDS.c.id == identifier)).one_or_none()
    return _read(row) if row else None


def pending(connection: sa.Connection, environment: str) -> list[Command]:
    """Those not answered yet, in the order they came."""
    table = schema.COMMANDS
    waiting = sa.select(table).where(table.c.environment == environment, table.c.status == PENDING)
    return [_read(row) for row in connection.execute(waiting.order_by(table.c.sequence))]


def finish(connection: sa.Connection, identifier: str, result: dict[str, Any], status: str = DONE) -> None:
    """Answer it; the first answer stands. Raises StateError for an id that was never submitted."""
    table = schema.COMMANDS
    waiting = table.update().where(table.c.id == identifier, table.c.status == PENDING)
    answered = connection.execute(waiting.values(status=status, result=documents.encode(result))).rowcount
    if not answered and get(connection, identifier) is None:
        raise errors.StateError(f"there is no command {identifier}.")


def carried_out(connection: sa.Connection, identifier: str, result: dict[str, Any] | None = None) -> None:
    """Answer the command that this transaction carries out; none where the id is empty.

    Raises TransitionRefused where it was withdrawn meanwhile: whoever asked has been told that nothing came of it.
    """
    if not identifier:
        return
    finish(connection, identifier, result or {})
    answered = get(connection, identifier)
    if answered is not None and answered.status == WITHDRAWN:
        raise errors.TransitionRefused("it was withdrawn before it was carried out.")


def _read(row: sa.Row[Any]) -> Command:
    command = documents.decode(row.body, Command)
    return msgspec.structs.replace(command, status=row.status, result=documents.decode(row.result, dict[str, Any]))
