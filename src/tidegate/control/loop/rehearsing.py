"""Rehearsals by schedule: an endpoint whose file says so releases its version to itself and back, every so often.

A drill begins as if somebody had asked for it, when nothing else of the endpoint is under way. When the last one was is noted
with the endpoint, so a restarted control neither forgets nor repeats it.
"""

import logging
from collections.abc import Iterable

from tidegate.control.loop import commands, transitions
from tidegate.control.store import commands as orders
from tidegate.control.store import endpoints
from tidegate.core.vocabulary import errors, home

log = logging.getLogger(__name__)
ACTOR, NOTE = "schedule", "rehearsed"


class Drills:
    """All endpoints that rehearse."""

    def __init__(self, desk: transitions.Desk, place: home.Home) -> None:
        self._desk, self._home = desk, place
        self._last: dict[str, float] = {}

    def turn(self, rows: Iterable[endpoints.Endpoint], now: float) -> None:
        """Begin what is due. Raises StoreUnavailable, DiskFull."""
        for row in rows:
            every = float(row.settings.get("rehearse_seconds", 0.0))
            if not every or row.stable is None or now - self._since(row.name, now) < every:
                continue
            if self._desk.active(row.name) is not None or self._held(row.name):
                continue  # once that has ended
            self._note(row.name, now)
            self._begin(row.name, now)

    def _held(self, name: str) -> bool:
        """Whether an alarm holds releases: a drill that waited would stand in the way of others."""
        return any(one.holds and one.alarm.endpoint == name for one in self._desk.incidents())

    def _begin(self, name: str, now: float) -> None:
        order = orders.Command(self._desk.environment, name, "rehearse", actor=ACTOR, reason="rehearsal by schedule", at=now)
        try:
            commands.rehearse(self._desk, self._home, order, now)
        except (errors.StoreUnavailable, errors.DiskFull, errors.GenerationConflict):
            raise
        except errors.TidegateError as refused:
            log.warning("not rehearsed", extra={"endpoint": name, "code": refused.code, "why": refused.message})

    def _since(self, name: str, now: float) -> float:
        """When the last one began; the first is counted from when its endpoint is first seen."""
        if name not in self._last:
            noted = self._desk.store.fact(self._desk.environment, name, NOTE)
            if noted:
                self._last[name] = float(noted)
            else:
                self._note(name, now)
        return self._last[name]

    def _note(self, name: str, now: float) -> None:
        self._last[name] = now
        self._desk.store.note(self._desk.environment, name, NOTE, repr(now))
