"""Erasing people's records from the log, by who has admin. The recorder does it; what came of it is an event of the audit.

Only the hash of a key is written anywhere. A value is, in a file of this account's until it is done.
"""

import time
from collections.abc import Sequence

import fastapi
import msgspec

from tidegate.control.loop import forgetting
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import assignment, erasures, errors, ids
from tidegate.interface.api import answers, asked, making, scopes, shelf

_COUNTS = ("predictions", "outcomes", "noted", "objects", "aside")
_CURE = "Name a key, the id of a prediction, or a column and its value."


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """The paths."""
    made = fastapi.APIRouter(prefix="/v1/endpoints/{endpoint}", tags=["forgetting"])

    @made.post("/forget", status_code=202)
    def forget(endpoint: str, body: asked.Forget, holder: scopes.Admin) -> answers.Erasure:
        """Have all records of a key, of one prediction, or with a value in an input column erased from the log."""
        return _ask(books, endpoint, [body], body, scopes.actor(holder, body))[0]

    @made.post("/erasures", status_code=202)
    def forget_several(endpoint: str, body: asked.Erasures, holder: scopes.Admin) -> answers.Erasures:
        """Have the records of several erased at once: the log's files are gone through once for all of them."""
        return answers.Erasures(erasures=_ask(books, endpoint, body.erasures, body, scopes.actor(holder, body)))

    @made.get("/forget/{identifier}")
    def looked(endpoint: str, identifier: str, _: scopes.Admin) -> answers.Erasure:
        """What came of it."""
        return _found(books, books.store(), endpoint, identifier)

    return made


def _ask(
    books: shelf.Shelf, endpoint: str, several: Sequence[asked.Whose], body: asked.Asked, actor: str
) -> list[answers.Erasure]:
    row = making.known(books.store(), books.environment, endpoint)
    wanted = [_wanted(endpoint, one, actor, body.reason) for one in several]
    veiled = specification.of(row.settings).log.veiled if row.settings else frozenset()
    for one in wanted:
        if one.column in veiled:
            raise errors.BodyMalformed(f"the log has no value of {one.column} that could be looked for.", cure=_CURE)
    try:
        erasures.ask(books.home.erasures, wanted)
    except OSError as failed:
        raise errors.DiskFull(f"this cannot be asked for: {failed.strerror}.") from failed
    return [answers.Erasure(id=one.id, state="pending") for one in wanted]


def _wanted(endpoint: str, body: asked.Whose, actor: str, reason: str) -> erasures.Asked:
    if sum(map(bool, (body.key, body.id, body.column))) != 1 or (body.value and not body.column):
        raise errors.BodyMalformed("this has to name one thing.", cure=_CURE)
    bare = erasures.Asked(erasures.fresh(), endpoint, "", time.time(), actor, reason)
    if body.key:
        return msgspec.structs.replace(bare, kind=erasures.KEY, key_hash=assignment.hashed(body.key.encode()))
    if body.column:
        return msgspec.structs.replace(bare, kind=erasures.WHERE, column=body.column, value=body.value)
    identifier = ids.parse(body.id)
    if identifier is None:
        raise errors.PredictionUnknown(f"{body.id!r} is not a prediction id.", cure="It is in the response header.")
    return msgspec.structs.replace(bare, kind=erasures.ID, prediction=ids.text(identifier))


def _found(books: shelf.Shelf, store: stores.Store, endpoint: str, identifier: str) -> answers.Erasure:
    told = erasures.told_of(books.home.erasures, identifier)
    if told is not None and told.endpoint == endpoint:
        return answers.Erasure(id=told.id, state="done", **{name: getattr(told, name) for name in _COUNTS})
    noted = store.fact(books.environment, endpoint, forgetting.name(identifier))
    if noted:
        event = store.events(books.environment, endpoint, int(noted) - 1, 1)[0]
        return answers.Erasure(id=identifier, state="done", **{name: event.facts[name] for name in _COUNTS})
    if any((one.id, one.endpoint) == (identifier, endpoint) for one in erasures.asked(books.home.erasures)):
        return answers.Erasure(id=identifier, state="pending")
    raise errors.PathUnknown(f"nobody has asked for {identifier} here.", cure="POST it first.")
