"""The incidents that were, told again from the chained events alone: from when until when, who had them, what was done. Pure."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tidegate.control.store import chain
from tidegate.core.vocabulary import alarms, incidents


def past(events: Iterable[chain.StoredEvent]) -> list[incidents.Incident]:
    """Every incident that these events begin with, oldest first. `events`: of `incidents.KINDS`, oldest first."""
    found: dict[int, incidents.Incident] = {}
    last: dict[tuple[str, str, str], int] = {}
    for event in events:
        alarm = _alarm(event)
        number = int(event.facts.get("incident", 0)) or (event.sequence if event.kind == incidents.RAISED else 0)
        number = number or last.get(alarm.key, 0)  # before incidents had numbers
        if event.kind == incidents.RAISED:
            found[number] = incidents.Incident(alarm, event.at, alarm.severity, number)
            last[alarm.key] = number
        elif number in found:
            found[number] = _on(found[number], event)
    return list(found.values())


def _on(before: incidents.Incident, event: chain.StoredEvent) -> incidents.Incident:
    facts: dict[str, Any] = event.facts
    kept = msgspec.structs.replace(before, told=str(facts.get("worst", before.told)), times=int(facts.get("times", before.times)))
    match event.kind:
        case incidents.OVER:
            return msgspec.structs.replace(kept, ended_at=event.at)
        case incidents.BACK:
            return msgspec.structs.replace(kept, ended_at=0.0, flaps=True)
        case incidents.ROSE:
            return msgspec.structs.replace(kept, alarm=_alarm(event, before.alarm.words), acknowledged=None, snoozed=None)
        case incidents.ACKNOWLEDGED:
            has = incidents.Acknowledged(event.actor, event.at, event.said, bool(facts.get("go_on")))
            return msgspec.structs.replace(kept, acknowledged=has)
        case incidents.SNOOZED:
            snoozed = incidents.Snoozed(event.actor, event.at, float(facts.get("until", 0.0)), event.said)
            return msgspec.structs.replace(kept, snoozed=snoozed)
        case incidents.ACTED:
            deed = incidents.Deed(before.alarm.action, event.at, event.reason)
            return msgspec.structs.replace(kept, deeds=(*before.deeds, deed))
    return kept


def _alarm(event: chain.StoredEvent, words: str = "") -> alarms.Alarm:
    facts = event.facts
    return alarms.Alarm(
        kind=str(facts.get("alarm", "")),
        endpoint=event.endpoint,
        words=words or event.reason,
        since=float(facts.get("since", event.at)),
        subject=str(facts.get("subject", "")),
        severity=str(facts.get("severity", "warning")),
        moved=tuple(facts.get("moved", ())),
        examples=tuple(facts.get("examples", ())),
        next=str(facts.get("next", "")),
        action=str(facts.get("action", alarms.Action.NOTIFY)),
    )
