"""What is told of an endpoint's service, as bodies of answers: its availability as the probe has seen it."""

import math

from tidegate.interface.api import answers
from tidegate.observability.metrics import availability


class Incident(answers.Answer):
    """Probes in a row without a right answer."""

    since: float
    until: float | None
    """None: it goes on."""
    probes: int
    words: str


class Uptime(answers.Answer):
    """An endpoint's availability over a stretch of time."""

    endpoint: str
    since: float
    until: float
    probes: int
    right: int
    available: float | None
    """Share of the probes with a right answer; None without a probe."""
    mean_seconds: float | None
    p95_seconds: float | None
    unwatched_seconds: float
    """Between probes that were too far apart: nobody looked, or the endpoint slept."""
    incidents: tuple[Incident, ...]


def uptime(found: availability.Report) -> Uptime:
    """A report as an answer."""
    return Uptime(
        endpoint=found.endpoint,
        since=found.since,
        until=found.until,
        probes=found.probes,
        right=found.right,
        available=number(found.available),
        mean_seconds=number(found.seconds),
        p95_seconds=number(found.p95),
        unwatched_seconds=found.unwatched,
        incidents=tuple(
            Incident(since=one.since, until=one.until or None, probes=one.probes, words=one.words) for one in found.incidents
        ),
    )


def number(value: float) -> float | None:
    """JSON has no NaN."""
    return value if math.isfinite(value) else None
