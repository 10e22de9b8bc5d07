"""Alarms from what was seen: raised when something begins to be wrong, cleared when it is over. Nobody acts on one here.

What is open is in the store; a restart of control raises nothing twice and forgets nothing.
"""

import logging
from collections.abc import Iterable

from tidegate.control.loop import transitions
from tidegate.core.vocabulary import alarms

Alarm = alarms.Alarm
INHERITED_SECONDS = 180.0
"""For how long after a start alarms stay open that were so before: what they were raised for may take that long to show again."""
log = logging.getLogger(__name__)
_LEVELS = {"warning": logging.WARNING, "critical": logging.CRITICAL}


class Book:
    """The alarms of the kinds that control itself raises; those of others are left alone."""

    def __init__(self, desk: transitions.Desk) -> None:
        self._desk = desk
        self._open: dict[tuple[str, str, str], alarms.Alarm] | None = None
        self._inherited: set[tuple[str, str, str]] = set()
        self._began = 0.0

    def settle(self, due: Iterable[alarms.Alarm], now: float) -> None:
        """Have exactly these open. Raises StoreUnavailable, DiskFull; the next call then does what is left."""
        store, environment = self._desk.store, self._desk.environment
        if self._open is None:
            ours = set(alarms.Kind)
            self._open = {one.key: one for one in store.open_alarms(environment) if one.kind in ours}
            self._inherited, self._began = set(self._open), now
        wanted = {one.key: one for one in due}
        for key in wanted.keys() - self._open.keys():
            alarm = wanted[key]
            if store.raise_alarm(environment, alarm):
                log.log(_LEVELS[alarm.severity], "alarm", extra=_told(alarm))
            self._open[key] = alarm
        self._inherited = self._inherited - wanted.keys() if now - self._began < INHERITED_SECONDS else set()
        for key in self._open.keys() - wanted.keys() - self._inherited:
            store.clear_alarm(environment, self._open[key], now)
            log.info("alarm over", extra=_told(self._open.pop(key)))


def _told(alarm: alarms.Alarm) -> dict[str, str]:
    return {"endpoint": alarm.endpoint, "kind": alarm.kind, "words": alarm.words}
