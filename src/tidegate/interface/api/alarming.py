"""Alarms over the control API: what is open, what was, who has it, and who wants to hear nothing of it for a while."""

import datetime as dt
import time

import fastapi

from tidegate.control.loop import incidents as history
from tidegate.control.store import commands
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import incidents
from tidegate.interface.api import answers, asked, making, moments, orders, scopes, shelf, standing

LONGEST = 1_000
"""Incidents in one answer."""


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """The paths."""
    alarming = fastapi.APIRouter(prefix="/v1", tags=["alarms"])

    @alarming.get("/alarms")
    def listed(
        holder: scopes.Anybody,
        endpoint: str | None = None,
        all: bool = False,  # noqa: A002 -- the name in the query
        since: str = "30d",
    ) -> list[standing.Alarm]:
        """The alarms that are open, critical ones first; with `all` those that are over too, newest first, from `since` on."""
        scopes.demand(holder, "read", endpoint or "")
        store = books.store()
        if all:
            return past(store, books.environment, endpoint, moments.parse(since, time.time(), dt.UTC, "since"))
        return [one for one in open_now(store, books.environment) if endpoint in (None, one.endpoint)]

    @alarming.get("/endpoints/{endpoint}/incidents")
    def of_endpoint(endpoint: str, _: scopes.Reader, since: str = "30d") -> list[standing.Alarm]:
        """Its alarms that were, and those that are open, newest first, with what was done and who had them."""
        making.known(books.store(), books.environment, endpoint)
        return past(books.store(), books.environment, endpoint, moments.parse(since, time.time(), dt.UTC, "since"))

    @alarming.post("/alarms/acknowledge")
    def acknowledge(body: asked.Acknowledge, holder: scopes.Anybody) -> answers.Done:
        """Say that you have it: it is not told again. With `go_on` no release waits for it any more."""
        scopes.demand(holder, "operate", body.endpoint)
        ordered = {"kind": body.kind, "subject": body.subject, "go_on": body.go_on}
        return orders.carry_out(books, commands.ACKNOWLEDGE, body, holder, ordered, endpoint=body.endpoint)

    @alarming.post("/alarms/snooze")
    def snooze(body: asked.Snooze, holder: scopes.Anybody) -> answers.Done:
        """Hear nothing of it for so long, unless it gets worse; what is wrong then still is told again."""
        scopes.demand(holder, "operate", body.endpoint)
        ordered = {"kind": body.kind, "subject": body.subject, "seconds": body.seconds}
        return orders.carry_out(books, commands.SNOOZE, body, holder, ordered, endpoint=body.endpoint)

    return alarming


def open_now(store: stores.Store, environment: str) -> list[standing.Alarm]:
    """What is open: critical ones first, then the oldest."""
    found = [one for one in store.alarms(environment) if one.open]
    return [shown(one) for one in sorted(found, key=lambda one: (one.alarm.severity != "critical", one.opened_at))]


def past(store: stores.Store, environment: str, endpoint: str | None, since: float) -> list[standing.Alarm]:
    """Incidents that began from then on, and whatever else is open; newest first."""
    now = [one for one in store.alarms(environment) if one.open and endpoint in (None, one.alarm.endpoint)]
    known = {one.number for one in now}
    told = [one for one in history.past(store.alarm_events(environment, endpoint, since)) if one.number not in known]
    return [shown(one) for one in sorted((*told, *now), key=lambda one: -one.opened_at)][:LONGEST]


def shown(one: incidents.Incident) -> standing.Alarm:
    """An incident as an answer."""
    alarm, has, snoozed = one.alarm, one.acknowledged, one.snoozed
    return standing.Alarm(
        kind=str(alarm.kind),
        endpoint=alarm.endpoint,
        words=alarm.words,
        since=alarm.since,
        subject=alarm.subject,
        severity=alarm.severity,
        moved=alarm.moved,
        examples=alarm.examples,
        next=alarm.next,
        action=str(alarm.action),
        number=one.number,
        opened_at=one.opened_at,
        ended_at=one.ended_at,
        times=one.times,
        quiet_since=one.quiet_since,
        acknowledged=standing.Had(actor=has.actor, at=has.at, reason=has.reason, go_on=has.go_on) if has else None,
        snoozed=standing.Had(actor=snoozed.actor, at=snoozed.at, reason=snoozed.reason, until=snoozed.until) if snoozed else None,
        deeds=tuple(standing.Deed(action=str(d.action), at=d.at, words=d.words, release=d.release) for d in one.deeds),
    )
