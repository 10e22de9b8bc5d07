"""Incidents: what became of an alarm from the moment it was heard. An alarm has one at a time."""

import msgspec

from tidegate.core.vocabulary import alarms, decisions

RAISED, ROSE, BACK, OVER = "alarm", "alarm_rose", "alarm_back", "alarm_over"
REMINDED, AWAKE = "alarm_reminder", "alarm_awake"
ACKNOWLEDGED, SNOOZED, ACTED = "alarm_acknowledged", "alarm_snoozed", "alarm_acted"
KINDS = (RAISED, ROSE, BACK, OVER, REMINDED, AWAKE, ACKNOWLEDGED, SNOOZED, ACTED)
"""Kinds of event that incidents are told by."""
PREFIX = "alarm:"
SEVERITIES = ("info", "warning", "critical")


class Acknowledged(msgspec.Struct, frozen=True):
    """Somebody has it."""

    actor: str
    at: float
    reason: str = ""
    go_on: bool = False
    """Whether it holds no release any more."""


class Snoozed(msgspec.Struct, frozen=True):
    """Nobody is told of it for a while."""

    actor: str
    at: float
    until: float
    reason: str = ""


class Deed(msgspec.Struct, frozen=True):
    """What came of its action, once."""

    action: str
    """An `alarms.Action`."""
    at: float
    words: str
    release: str = ""
    """The id of the release that it was done to, or by."""


class Happened(msgspec.Struct, frozen=True):
    """Something about an incident that is worth an event."""

    kind: str
    """One of `KINDS`."""
    at: float
    words: str
    actor: str = "system"
    said: str = ""
    """What the actor gave as reason."""
    quiet: bool = False
    """Whether people are told nothing of it."""
    effects: tuple[decisions.Effect, ...] = ()
    """What is asked for by it: a retraining."""


class Incident(msgspec.Struct, frozen=True):
    """An alarm and all that became of it."""

    alarm: alarms.Alarm
    """As its monitor said it last; its beginning and its action are those of the first time."""
    opened_at: float
    """When control heard of it; Unix seconds, as all times here."""
    told: str = "warning"
    """The worst severity that people were told of."""
    number: int = 0
    """Of the event that opened it: its name among those of the same alarm."""
    times: int = 1
    """How often it came."""
    flaps: bool = False
    """It came back soon after it was over: from then on it is over once it was quiet for long, and nobody is told each time."""
    quiet_since: float = 0.0
    """Of one that flaps: not wrong since; 0: wrong now."""
    ended_at: float = 0.0
    """0: open."""
    said_at: float = 0.0
    """When its words were written down last."""
    reminded_at: float = 0.0
    acknowledged: Acknowledged | None = None
    snoozed: Snoozed | None = None
    deeds: tuple[Deed, ...] = ()

    @property
    def open(self) -> bool:
        """Whether it is not over."""
        return not self.ended_at

    @property
    def name(self) -> str:
        """Which alarm of its endpoint it is: `alarm:KIND:SUBJECT`."""
        return name(self.alarm)

    @property
    def holds(self) -> bool:
        """Whether no release of the endpoint begins or goes on because of it."""
        passed = self.acknowledged is not None and self.acknowledged.go_on
        return self.open and self.alarm.action == alarms.Action.HOLD and not passed

    def did(self, action: str) -> bool:
        """Whether this was done because of it."""
        return any(one.action == action for one in self.deeds)


def name(alarm: alarms.Alarm) -> str:
    """Which alarm of its endpoint it is."""
    return f"{PREFIX}{alarm.kind}:{alarm.subject}"


def rank(severity: str) -> int:
    """How bad: larger is worse. One that nobody knows is a warning."""
    return SEVERITIES.index(severity) if severity in SEVERITIES else 1
