"""Alarms as incidents. What is open, or was lately, is a fact of its endpoint; all that happened to it is in the events."""

from collections.abc import Iterable

import msgspec
import sqlalchemy as sa

from tidegate.control.store import chain, documents, facts
from tidegate.core.vocabulary import alarms, decisions, incidents

BROUGHT_BACK = "brought_back"
"""Fact of an endpoint: the ordinal of the version that an alarm brought back last."""


def listed(connection: sa.Connection, environment: str) -> list[incidents.Incident]:
    """All that are open or were lately, oldest first."""
    found = [_read(value) for _, _, value in facts.listed(connection, environment, incidents.PREFIX)]
    return sorted(found, key=lambda one: (one.alarm.since, one.alarm.key))


def put(
    connection: sa.Connection, environment: str, incident: incidents.Incident, happened: Iterable[incidents.Happened]
) -> incidents.Incident:
    """Write it over what was there, with an event for each thing that happened. It comes back with its number."""
    for one in happened:
        linked = chain.append(connection, _event(environment, incident, one))
        if not incident.number:
            incident = msgspec.structs.replace(incident, number=linked.sequence)
    facts.put(connection, (environment, incident.alarm.endpoint), incident.name, documents.encode(incident))
    return incident


def drop(connection: sa.Connection, environment: str, incident: incidents.Incident) -> bool:
    """Forget what is over for long; its events stay. False when it is forgotten already."""
    return facts.drop(connection, (environment, incident.alarm.endpoint), incident.name)


def acted(connection: sa.Connection, key: tuple[str, str], name: str, deed: incidents.Deed, to: int = 0) -> None:
    """Note what was done because of an incident, in the transaction that does it: so it is done once, whoever dies when.

    `key` is (environment, endpoint). `to`: the ordinal of the version that this brings back. One that is not there any more was
    over meanwhile: it is done all the same.
    """
    value = facts.get(connection, key, name)
    if value is not None:
        before = _read(value)
        after = msgspec.structs.replace(before, deeds=(*before.deeds, deed))
        put(connection, key[0], after, (incidents.Happened(incidents.ACTED, deed.at, deed.words, quiet=True),))
    if to:
        facts.put(connection, key, BROUGHT_BACK, str(to))


def _read(value: str) -> incidents.Incident:
    """What is kept of one; before there were incidents that was the alarm alone."""
    try:
        return documents.decode(value, incidents.Incident)
    except msgspec.ValidationError:
        alarm = documents.decode(value, alarms.Alarm)
        return incidents.Incident(alarm, alarm.since, alarm.severity, said_at=alarm.since, reminded_at=alarm.since)


def _event(environment: str, incident: incidents.Incident, happened: incidents.Happened) -> chain.StoredEvent:
    alarm = incident.alarm
    told = {
        "alarm": str(alarm.kind),
        "subject": alarm.subject,
        "severity": alarm.severity,
        "worst": incident.told,
        "since": alarm.since,
        "incident": incident.number,
        "times": incident.times,
        "action": str(alarm.action),
        "moved": alarm.moved,
        "examples": alarm.examples,
        "next": alarm.next,
        "quiet": happened.quiet,
        "go_on": incident.acknowledged is not None and incident.acknowledged.go_on,
        "until": incident.snoozed.until if incident.snoozed is not None else 0.0,
        "job": next((one.job for one in happened.effects if isinstance(one, decisions.StartJob)), ""),
        "version": next((one.version.ordinal for one in happened.effects if isinstance(one, decisions.StartJob)), 0),
    }
    return chain.StoredEvent(
        environment=environment,
        endpoint=alarm.endpoint,
        kind=happened.kind,
        at=happened.at,
        actor=happened.actor,
        reason=happened.words,
        said=happened.said,
        effects=happened.effects,
        facts={name: value for name, value in told.items() if value},
    )
