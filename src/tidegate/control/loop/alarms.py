"""Alarms from what was seen: each followed from when it is first heard until it is over. Nobody acts on one here.

What is open is in the store; a restart of control raises nothing twice and forgets nothing.
"""

import logging
import time
from collections.abc import Callable, Iterable

import msgspec

from tidegate.control.loop import transitions
from tidegate.control.store import commands
from tidegate.core.decide import actions
from tidegate.core.decide import incidents as course
from tidegate.core.vocabulary import alarms, errors, incidents

Alarm = alarms.Alarm
INHERITED_SECONDS = 180.0
"""For how long after a start control's own alarms stay open that were so before: what they were raised for may take that long to
show again. What monitors say is in their files, at once."""
_OWN = {
    alarms.Kind.CRASH_LOOP,
    alarms.Kind.LOAD_FAILED,
    alarms.Kind.NO_WORKER,
    alarms.Kind.SILENT_WORKER,
    alarms.Kind.SILENT_PROCESS,
    alarms.Kind.FOLLOW_FAILED,
    alarms.Kind.REPLACING_FAILED,
    alarms.Kind.NOTIFY_FAILED,
}
BUSY_SECONDS = 0.25
"""For how long incidents are written down at one go, about: thousands of them would keep releases from their turn."""
log = logging.getLogger(__name__)
_LEVELS = {"info": logging.INFO, "warning": logging.WARNING, "critical": logging.CRITICAL}
_LOUD = {incidents.RAISED, incidents.ROSE, incidents.AWAKE, incidents.REMINDED}


class Book:
    """All alarms of one environment."""

    def __init__(self, desk: transitions.Desk, clock: Callable[[], float] = time.monotonic) -> None:
        self._desk, self._clock = desk, clock
        self._inherited: set[tuple[str, str, str]] | None = None
        self._began = 0.0

    def settle(self, due: Iterable[alarms.Alarm], now: float) -> None:
        """Have exactly these be wrong now, the worst first.

        What takes longer than `BUSY_SECONDS` to write down is left for the next call, so that releases have their turn; so is
        all that is left when it raises StoreUnavailable or DiskFull.
        """
        known = {one.alarm.key: one for one in self._desk.incidents()}
        if self._inherited is None:
            self._inherited, self._began = {key for key, one in known.items() if one.open and one.alarm.kind in _OWN}, now
        wanted = {one.key: one for one in due}
        self._inherited = self._inherited - wanted.keys() if now - self._began < INHERITED_SECONDS else set()
        until = self._clock() + BUSY_SECONDS
        for key in [*sorted(wanted, key=lambda one: -incidents.rank(wanted[one].severity)), *(known.keys() - wanted.keys())]:
            if key not in self._inherited and self._follow(known.get(key), wanted.get(key), now) and self._clock() >= until:
                break

    def _follow(self, before: incidents.Incident | None, alarm: alarms.Alarm | None, now: float) -> bool:
        """Whether there was anything to write down."""
        store, environment = self._desk.store, self._desk.environment
        if alarm is not None and (before is None or not before.open):
            alarm = msgspec.structs.replace(alarm, action=self._action(alarm))
        after, happened = course.follow(before, alarm, now)
        if after == before and not happened:
            return False
        if after is not None:
            store.put_incident(environment, after, happened)
            for one in happened:
                _log(after.alarm, one)
        elif before is not None:
            store.forget_incident(environment, before)
        return True

    def _action(self, alarm: alarms.Alarm) -> alarms.Action:
        row = next((one for one in self._desk.rows() if one.name == alarm.endpoint), None)
        return actions.given(alarm, self._desk.settings(row).monitors) if row is not None else alarms.Action.NOTIFY


def acknowledge(desk: transitions.Desk, command: commands.Command, now: float) -> None:
    """Somebody has the alarm that the payload names: `kind`, `subject`, and `go_on`. Raises AlarmUnknown."""
    by = incidents.Acknowledged(command.actor, now, command.reason, go_on=bool(command.payload.get("go_on")))
    after, happened = course.acknowledged(_named(desk, command), by)
    desk.store.put_incident(desk.environment, after, (happened,), command.id)


def snooze(desk: transitions.Desk, command: commands.Command, now: float) -> None:
    """Silence the alarm that the payload names for `seconds`. Raises AlarmUnknown, MomentInvalid."""
    until = now + float(command.payload.get("seconds", 0))
    after, happened = course.snoozed(_named(desk, command), incidents.Snoozed(command.actor, now, until, command.reason))
    desk.store.put_incident(desk.environment, after, (happened,), command.id)


def _named(desk: transitions.Desk, command: commands.Command) -> incidents.Incident:
    """The open one that is meant: its subject may be left out where there is one of its kind alone."""
    kind, subject = str(command.payload.get("kind", "")), str(command.payload.get("subject", ""))
    of_kind = [one for one in desk.incidents() if one.open and one.alarm.key[:2] == (kind, command.endpoint)]
    exact = [one for one in of_kind if one.alarm.subject == subject]
    found = exact or ([] if subject else of_kind)
    if len(found) == 1:
        return found[0]
    whose = command.endpoint or "no endpoint in particular"
    if found:
        subjects = ", ".join(f"{kind}:{one.alarm.subject}" for one in found)
        raise errors.AlarmUnknown(f"several alarms {kind} of {whose} are open.", cure=f"Name one: {subjects}.")
    named = f"{kind}:{subject}" if subject else kind
    raise errors.AlarmUnknown(f"no alarm {named} of {whose} is open.", cure="`tidegate alarms` lists those that are.")


def _log(alarm: alarms.Alarm, one: incidents.Happened) -> None:
    told = {"endpoint": alarm.endpoint, "kind": alarm.kind, "words": alarm.words}
    if one.kind in _LOUD:
        log.log(_LEVELS.get(alarm.severity, logging.WARNING), one.kind.replace("_", " "), extra=told)
    else:
        log.info(one.kind.replace("_", " "), extra=told)
