"""Alarms in a store, as control puts them there."""

from tidegate.core.decide import incidents as course
from tidegate.core.vocabulary import alarms

DRIFT = alarms.Alarm(
    alarms.Kind.DRIFT,
    "delay",
    "inputs are others than they were",
    1.0,
    moved=("distance: median 420 -> 980",),
    examples=("p1", "p2"),
    next="tidegate drift delay",
)


def raised(store, alarm, now=None):
    """Open it; its incident."""
    after, happened = course.follow(None, alarm, alarm.since if now is None else now)
    return store.put_incident("production", after, happened)


def over(store, incident, now):
    """Close it; its incident."""
    after, happened = course.follow(incident, None, now)
    return store.put_incident("production", after, happened)
