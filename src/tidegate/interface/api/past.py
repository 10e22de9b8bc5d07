"""What was, from the store: releases and events, who served at a past time, and that the log is as it was written."""

import datetime as dt
import time

import fastapi

from tidegate.control.loop import served
from tidegate.interface.api import answers, audit, bygone, making, moments, records, scopes, shelf


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its paths."""
    past = fastapi.APIRouter(prefix="/v1", tags=["reading"])

    @past.get("/endpoints/{endpoint}/history")
    def history(endpoint: str, _: scopes.Reader, limit: int = fastapi.Query(default=50, ge=1, le=1000)) -> bygone.History:
        """Its newest releases and events."""
        store = books.store()
        making.known(store, books.environment, endpoint)
        found = store.releases(books.environment, endpoint, limit)
        events = store.last_events(books.environment, endpoint, limit)
        return bygone.History(
            releases=tuple(records.release(store, one) for one in found), events=tuple(map(records.event, events))
        )

    @past.get("/endpoints/{endpoint}/served")
    def served_at(endpoint: str, at: str, _: scopes.Reader) -> bygone.Served:
        """Which version served at a past time, and why; a time without a zone is UTC."""
        store, now = books.store(), time.time()
        making.known(store, books.environment, endpoint)
        return records.served(served.at(store, books.environment, endpoint, moments.parse(at, now, dt.UTC, "at"), now))

    @past.get("/audit")
    def audited(_: scopes.Reader, witness: str = "") -> answers.Audit:
        """Recompute the chain of events; `witness` is NUMBER:HASH as a notification told it."""
        return audit.verify(books.store(), witness)

    @past.get("/events")
    def events(
        holder: scopes.Anybody,
        after: int = fastapi.Query(default=0, ge=0, lt=2**63),
        endpoint: str | None = None,
        limit: int = fastapi.Query(default=200, ge=1, le=1000),
    ) -> list[bygone.Event]:
        """Events past the sequence number `after`, oldest first."""
        scopes.demand(holder, "read", endpoint or "")
        return [records.event(one) for one in books.store().events(books.environment, endpoint, after, limit)]

    return past
