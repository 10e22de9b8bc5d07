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
    SILENT_PROCESS = "silent_process"
    """The recorder, the monitor or the shipper says nothing any more."""
    FOLLOW_FAILED = "follow_failed"
    """The model that an endpoint follows cannot be looked at, or what it means now cannot be released."""
    REPLACING_FAILED = "replacing_failed"
    """A worker with the new code does not come up; the old ones go on."""
    NOTIFY_FAILED = "notify_failed"
    """An address takes no notifications."""
    DRIFT = "drift"
    """Inputs or predictions are others than they were."""
    QUALITY = "quality"
    """Inputs are missing, of another kind, out of range or new."""
    PERFORMANCE = "performance"
    """Outcomes say that the model is worse than it was."""
    ESTIMATE = "estimate"
    """Without outcomes: the model's own probabilities say that it is worse. An estimate, which rolls nothing back."""
    SERVICE = "service"
    """Answers take far longer, or fail, or a process is short of something."""
    DOWN = "down"
    """The probe from outside had no right answer."""
    LOG_PATTERN = "log_pattern"
    """Processes complain of what they had not complained of before, or far more often."""
    LOG_SHED = "log_shed"
    """Predictions are not logged: the disk is full or refuses."""
    LOG_DAMAGED = "log_damaged"
    """A file of the prediction log cannot be read, and was passed over."""
    SHIPPING = "shipping"
    """A sink takes no records, or is far behind."""
    OUTCOMES = "outcomes"
    """Outcomes do not come as they are to, or cannot be taken."""


class Action(enum.StrEnum):
    """What an alarm of a monitor does, besides being told."""

    NOTIFY = "notify"
    HOLD = "hold"
    """While it is open no release of the endpoint begins or goes on."""
    ROLLBACK = "rollback"
    """The release under way goes back; without one, the version before serves again where it is kept."""
    RETRAIN = "retrain"
    """A retraining is asked for."""


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
    """What of the endpoint: a version, a column; of a version's, its name and what: v3:timeout."""
    severity: str = "warning"
    """warning, or critical: requests fail."""
    moved: tuple[str, ...] = ()
    """What moved and by how much, a line each, what matters most first."""
    examples: tuple[str, ...] = ()
    """Ids of predictions that show it."""
    next: str = ""
    """The command to type next."""
    action: str = Action.NOTIFY
    """An `Action`."""

    @property
    def key(self) -> tuple[str, str, str]:
        """Which alarm it is."""
        return (self.kind, self.endpoint, self.subject)

    @property
    def version(self) -> str:
        """The name of the version that it is about; empty: of no single one."""
        name = self.subject.partition(":")[0]
        return name if name[:1] == "v" and name[1:].isdigit() else ""


class Said(msgspec.Struct, frozen=True):
    """What one monitor says: exactly these are open. Its last word counts until the next."""

    at: float
    """Unix seconds."""
    alarms: tuple[Alarm, ...] = ()
