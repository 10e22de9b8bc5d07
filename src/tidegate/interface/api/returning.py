"""Paths about ways back: versions to go back to, what has closed the way to some of them, what was checked of a release and which
settings it changes.
"""

import dataclasses

import fastapi
import msgspec

from tidegate.control.loop import brought, checks
from tidegate.control.store import commands, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import explained
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, home, phases
from tidegate.interface.api import answers, asked, making, orders, revisions, scopes, shelf, standing

_LOOKED_AT = 1_000
"""Newest releases that are looked at for those that came through."""


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """The paths, over one store and home."""
    made = fastapi.APIRouter(prefix="/v1", tags=["ways back"])

    @made.get("/endpoints/{endpoint}/versions")
    def versions(endpoint: str, _: scopes.Reader) -> list[standing.Past]:
        """Every version that the endpoint has had, newest first, with the git revision that it was built from."""
        store = books.store()
        row = making.known(store, books.environment, endpoint)
        models = {one.ordinal: one for one in store.versions(books.environment, endpoint)}
        return [
            standing.Past(
                name=one.name,
                ordinal=one.ordinal,
                digest=one.digest,
                model=models[one.ordinal].model,
                model_digest=models[one.ordinal].model_digest,
                created_at=models[one.ordinal].created_at,
                revision=one.revision,
                released=one.released,
                held=one.held,
                here=one.here,
                kept=one.ordinal in row.kept,
                serving=one.ordinal == row.stable,
            )
            for one in known(books.home, store, row)
        ]

    @made.get("/releases/{identifier}/checks")
    def checked(identifier: str, holder: scopes.Anybody) -> list[answers.Check]:
        """What the latest checks of a release looked at and saw; empty before they have run."""
        scopes.demand(holder, "read", books.store().release(identifier).endpoint)
        kept = checks.read(books.home, identifier)
        return [answers.Check(**msgspec.structs.asdict(one)) for one in (kept.findings if kept else ())]

    @made.get("/releases/{identifier}/settings")
    def settings(identifier: str, holder: scopes.Anybody) -> list[answers.Setting]:
        """What a release changes of the settings in force, as it stands; empty where another has begun since."""
        release = books.store().release(identifier)
        scopes.demand(holder, "read", release.endpoint)
        moved = brought.moved(books.store(), release)
        found = explained.differing(*map(specification.of, moved)) if moved else []
        return [answers.Setting(key=key, before=before, now=now) for key, before, now in found]

    @made.post("/endpoints/{endpoint}/migrated")
    def migrated(endpoint: str, body: asked.Migrated, holder: scopes.Operator) -> answers.Done:
        """Record that a contract migration was done: no version before the one it was done for can come back from now on."""
        making.known(books.store(), books.environment, endpoint)
        return orders.carry_out(books, commands.MIGRATED, body, holder, {"name": body.name}, endpoint=endpoint)

    return made


def aim(books: shelf.Shelf, endpoint: str, body: asked.Verb) -> dict[str, int]:
    """Where a rollback is to go, for control: {"to": ordinal}, or nothing where neither a version nor a revision is named.

    Raises RevisionUnknown, or BodyMalformed where both are named.
    """
    if body.to_ref and body.to is not None:
        raise errors.BodyMalformed("to and to_ref both say where to go.", cure="Send one of them.")
    if not body.to_ref:
        return {} if body.to is None else {"to": body.to}
    store = books.store()
    row = making.known(store, books.environment, endpoint)
    return {"to": revisions.find(body.to_ref, known(books.home, store, row), books.home.root.parent)}


def known(place: home.Home, store: stores.Store, row: endpoints.Endpoint) -> list[revisions.Built]:
    """All versions of an endpoint, newest first, with what came of them."""
    past = store.releases(row.environment, row.name, _LOOKED_AT)
    through = {one.candidate.ordinal for one in past if one.phase in phases.OWNED_BY_CANDIDATE} | {row.stable, *row.kept}
    holds = {one.model_digest for one in store.holds(row.environment, row.name)}
    return [
        dataclasses.replace(
            revisions.built(place, one.ordinal, one.digest),
            released=one.ordinal in through,
            held=one.model_digest in holds,
        )
        for one in reversed(store.versions(row.environment, row.name))
    ]
