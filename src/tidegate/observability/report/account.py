"""What a report tells of an endpoint over a stretch of time, as one plain value. Its callers make it from log and store."""

import msgspec

from tidegate.core.vocabulary import incidents, releases, verdicts
from tidegate.dataplane.predlog import traffic
from tidegate.observability.metrics import availability


class Moved(msgspec.Struct, frozen=True):
    """One column held against what it was."""

    name: str
    level: str
    """warning or alarm; empty: as it was."""
    effects: tuple[str, ...]
    """By how much, in words, what matters most first."""
    now: str = ""
    was: str = ""
    """Each as a few numbers."""
    labels: tuple[str, ...] = ()
    """Of the bins of the two distributions; empty: it has none to show."""
    shares: tuple[tuple[float, ...], tuple[float, ...]] = ((), ())
    """(now, was), by bin."""


class Drift(msgspec.Struct, frozen=True):
    """Inputs and predictions held against what they were."""

    against: str
    """In words."""
    rows: tuple[int, int]
    """(now, was)"""
    columns: tuple[Moved, ...]
    """All of them, those that moved most first."""
    quality: tuple[Moved, ...] = ()
    """Those with more missing, broken, new or out of range than before."""


class Good(msgspec.Struct, frozen=True):
    """How good one version's predictions were, by their outcomes."""

    version: int
    predicted: int
    labelled: int
    metrics: tuple[tuple[str, str], ...]
    """(name, value with its interval), in words."""
    note: str = ""
    estimate: str = ""
    """What those whose outcomes are still to come will probably turn out to be, in words; empty: nothing is estimated."""


class Released(msgspec.Struct, frozen=True):
    """A release, and how the evidence stood in the end."""

    release: releases.Release
    verdict: verdicts.Verdict | None = None


class Log(msgspec.Struct, frozen=True):
    """How the prediction log is."""

    recorded: int = 0
    lost: int = 0
    damaged_rows: int = 0
    trouble: str = ""


class Account(msgspec.Struct, frozen=True):
    """All of it. What is empty is not told of."""

    endpoint: str
    environment: str
    since: float
    until: float
    """Unix seconds."""
    width: float
    """Seconds of one slot of `cells`."""
    cells: tuple[traffic.Cell, ...] = ()
    """By slot and version."""
    names: dict[int, str] = {}
    """Where a version came from, by its ordinal."""
    stable: int = 0
    """The ordinal of the version that serves; 0: not known."""
    released: tuple[Released, ...] = ()
    """Newest first."""
    alarms: tuple[incidents.Incident, ...] = ()
    """Newest first."""
    drift: Drift | None = None
    performance: tuple[Good, ...] = ()
    uptime: availability.Report | None = None
    log: Log | None = None
    missing: tuple[str, ...] = ()
    """What could not be read, in words."""
