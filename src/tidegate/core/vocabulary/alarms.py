"""Alarms: what is wrong now and a person should know. Raised once, kept open while it lasts, cleared when it is over."""

import enum

import msgspec


class Kind(enum.StrEnum):
    """What alarms are about. Whoever watches something new adds its word here."""

    CRASH_LOOP = "crash_loop"
    """Workers of a version in use end again and again."""
    LOAD_FAILED = "load_failed"
    """A worker of a version in use does not come up."""
    NO_WORKER = "no_worker"
    """Stable has no worker that answers."""
    SILENT_WORKER = "silent_worker"
    """A worker had not answered for far too long and was ended."""
    FOLLOW_FAILED = "follow_failed"
    """The model that an endpoint follows cannot be looked at, or what it means now cannot be released."""
    REPLACING_FAILED = "replacing_failed"
    """A worker with the new code does not come up; the old ones go on."""
    NOTIFY_FAILED = "notify_failed"
    """An address takes no notifications."""


class Alarm(msgspec.Struct, frozen=True):
    """One thing that is wrong. (kind, endpoint, subject) says which: a second one of these is the same alarm."""

    kind: str
    endpoint: str
    """Empty for the whole environment."""
    words: str
    """What is wrong, and what to look at or do."""
    since: float
    """Unix seconds."""
    subject: str = ""
    """What of the endpoint: a version, a worker."""
    severity: str = "warning"
    """warning, or critical: requests fail."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Which alarm it is."""
        return (self.kind, self.endpoint, self.subject)
