"""Alarms that are open. That they were raised and cleared is in the events; what is open now is a fact of its endpoint."""

import msgspec
import sqlalchemy as sa

from tidegate.control.store import chain, documents, facts
from tidegate.core.vocabulary import alarms

RAISED, CLEARED = "alarm", "alarm_over"
_PREFIX = "alarm:"


def listed(connection: sa.Connection, environment: str) -> list[alarms.Alarm]:
    """All that are open, oldest first."""
    found = [documents.decode(value, alarms.Alarm) for _, _, value in facts.listed(connection, environment, _PREFIX)]
    return sorted(found, key=lambda one: (one.since, one.key))


def put(connection: sa.Connection, environment: str, alarm: alarms.Alarm) -> bool:
    """Open it, with its event; False when it is open already: what was said first stands."""
    key, name = (environment, alarm.endpoint), _name(alarm)
    if facts.get(connection, key, name) is not None:
        return False
    facts.put(connection, key, name, documents.encode(alarm))
    chain.append(connection, _event(RAISED, environment, alarm, alarm.since, alarm.words))
    return True


def drop(connection: sa.Connection, environment: str, alarm: alarms.Alarm, at: float) -> bool:
    """Close it, with its event; False when it is not open."""
    if not facts.drop(connection, (environment, alarm.endpoint), _name(alarm)):
        return False
    chain.append(connection, _event(CLEARED, environment, alarm, at, f"over: {alarm.words}"))
    return True


def _name(alarm: alarms.Alarm) -> str:
    return f"{_PREFIX}{alarm.kind}:{alarm.subject}"


def _event(kind: str, environment: str, alarm: alarms.Alarm, at: float, words: str) -> chain.StoredEvent:
    said = msgspec.to_builtins(alarm)
    return chain.StoredEvent(
        environment=environment,
        endpoint=alarm.endpoint,
        kind=kind,
        at=at,
        reason=words,
        facts={"alarm": said["kind"], "subject": alarm.subject, "severity": alarm.severity, "since": alarm.since},
    )
