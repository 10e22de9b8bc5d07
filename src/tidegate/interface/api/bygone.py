"""What was, as bodies of responses: events, releases that ended, who served."""

from typing import Any

from tidegate.interface.api import answers, standing


class Event(answers.Answer):
    """One link of the event log."""

    sequence: int
    endpoint: str
    kind: str
    at: float
    actor: str
    reason: str
    said: str = ""
    release: str = ""
    phase_before: str = ""
    phase_after: str = ""
    facts: dict[str, Any] = {}
    hash: str


class History(answers.Answer):
    """What became of an endpoint."""

    releases: tuple[standing.Release, ...]
    """Newest first."""
    events: tuple[Event, ...]
    """Oldest first."""


class Begun(answers.Answer):
    """The release that brought a version, as it was asked for."""

    release: str
    at: float
    actor: str
    said: str
    strategy: str


class Server(answers.Answer):
    """A version that served."""

    name: str
    share: float
    """Of the requests, 0 to 1."""
    digest: str
    model_digest: str
    model: str
    brought: Begun | None = None


class Served(answers.Answer):
    """How an endpoint's traffic went at one moment, and why: from the event log alone."""

    endpoint: str
    at: float
    servers: tuple[Server, ...]
    """The larger share first; empty: nobody answered."""
    since: float
    until: float
    """When it next changed; 0: not until now."""
    why: Event
    """The event from which on it went so."""
    mirror: float = 0.0
    """Share of requests of which a version got a copy."""
    cohort: bool = False
    """Whether a chosen group was on the candidate besides the shares."""
    gap: bool = False
    """One version was stopped before the other was started."""
    stage: str = ""
    release: str = ""
    """Under way then; empty: none."""
    phase: str = ""
