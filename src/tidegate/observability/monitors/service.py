"""The watch over how endpoints are served and what the processes use, every 15 s, against its own past.

What is counted goes into the minutes (`metrics.minutes`); what dead gateways have counted into the totals. What is wrong now is
held against the day before: times (`slowness`), errors by class (`mishaps`), and what runs out (`shortage`). An alarm stays until
nothing has spoken for it for five minutes, so what flickers is told once.
"""

import collections
import dataclasses
import sqlite3
from collections.abc import Iterator, Mapping, Sequence

import msgspec
import psutil

from tidegate.core.vocabulary import alarms, home, instances, instants, tables
from tidegate.dataplane.wire import counts, tablefile
from tidegate.observability.metrics import aside, machine, minutes, processes, totals
from tidegate.observability.monitors import mishaps, shortage, slowness, witnesses

WINDOW_SECONDS = 600
"""What is looked at: these ten minutes."""
DAY = 86_400
LINGER_SECONDS = 300.0
_SEVERITIES = ("warning", "critical")
NEXT, WHY = "tidegate metrics {}", "tidegate logs {}/v{}"


@dataclasses.dataclass
class _Open:
    """An alarm that has been raised, and when something last spoke for it."""

    alarm: alarms.Alarm
    at: float


class Service:
    """A watch (`rounds`)."""

    name, every = "service", 15.0

    def __init__(self, place: home.Home) -> None:
        self._place, self._table = place, tablefile.Reading(place.table)
        self._minutes: minutes.Minutes | None = None
        self._sampled = 0
        self._usual: dict[totals.Key, list[list[int]]] = {}
        self._learned = 0
        self._waiting: dict[totals.Key, collections.deque[int]] = {}
        self._open: dict[tuple[str, str, str], _Open] = {}

    def look(self, now: float) -> list[alarms.Alarm]:
        """Count, and say what is wrong. Raises OSError, sqlite3.Error, TableUnreadable."""
        totals.fold(self._place)
        served = totals.served(self._place)
        used = processes.listed(self._place, served)
        self._note(served, used, now)
        table = self._table.read()
        found = [*self._of_endpoints(table, served, now), *self._of_processes(table, used, now), *self._of_disk(now)]
        return self._lasting(found, now)

    def _note(self, served: totals.Served, used: list[processes.Process], now: float) -> None:
        try:
            if self._minutes is None:
                self._minutes = minutes.Minutes(self._place)
            self._minutes.count(served.versions, now)
            if int(now) // minutes.MINUTE != self._sampled:
                self._sampled = int(now) // minutes.MINUTE
                self._minutes.sample(used, _machine(self._place), now)
        except sqlite3.Error as failed:
            if self._minutes is not None:
                self._minutes.close()
            self._minutes = None  # opened again at the next look: the file may have been taken away
            aside.put(minutes.path(self._place), failed)
            raise

    def _of_endpoints(self, table: tables.Table, served: totals.Served, now: float) -> Iterator[alarms.Alarm]:
        minute = int(now) // minutes.MINUTE * minutes.MINUTE
        begins = minute + minutes.MINUTE - WINDOW_SECONDS
        lately = minutes.served(self._place, begins, minute + minutes.MINUTE)
        self._learn(begins)
        for route in table.routes.values():
            for ordinal in {one.ordinal for one in route.versions}:
                key = (route.endpoint, ordinal)
                window = minutes.added(lately.get(key, {}).values())
                yield from _of_version(route, ordinal, window, self._usual.get(key, []))
                yield from self._queue(route, key, served)

    def _learn(self, until: int) -> None:
        """What was usual in the day before; learned anew as often as a window has passed."""
        if instants.passed(self._learned, until, WINDOW_SECONDS):
            past = minutes.served(self._place, until - DAY, until)
            self._usual = {key: _stretches(known, until) for key, known in past.items()}
            self._learned = until

    def _queue(self, route: tables.Route, key: totals.Key, served: totals.Served) -> Iterator[alarms.Alarm]:
        seen = self._waiting.setdefault(key, collections.deque(maxlen=shortage.QUEUE_LOOKS))
        seen.append(served.versions[key][counts.QUEUED] if key in served.versions else 0)
        if short := shortage.queue(list(seen), route.limits.queue):
            yield _alarm(route, key[1], "queue", short)

    def _of_processes(self, table: tables.Table, used: list[processes.Process], now: float) -> Iterator[alarms.Alarm]:
        past = minutes.samples(self._place, now - 6 * 3_600)
        for one in used:
            if not one.pid:
                continue
            spec = instances.read(self._place.instances / f"{one.name}.json")
            most = (spec.resources.memory if spec else 0) or psutil.virtual_memory().total
            found = {
                "memory": shortage.memory(past[one.name], most) if past.get(one.name) else None,
                "descriptors": shortage.descriptors(one),
            }
            route = table.routes.get(one.endpoint)
            for what, short in found.items():
                if short is not None:
                    said = short._replace(words=f"{one.name}: {short.words}")
                    subject = f"{one.version}:{one.name}:{what}".lstrip(":")
                    yield _said(said, one.endpoint, subject, _action(route))

    def _of_disk(self, now: float) -> Iterator[alarms.Alarm]:
        short = shortage.disk(minutes.machine(self._place, now - 2 * 3_600))
        if short is not None:
            yield _said(short, "", "disk", alarms.Action.NOTIFY)

    def _lasting(self, found: list[alarms.Alarm], now: float) -> list[alarms.Alarm]:
        """What is wrong, and what was until lately; each with predictions that showed it at first."""
        for one in found:
            known = self._open.get(one.key)
            if known is None:
                self._open[one.key] = _Open(self._shown(one, now), now)
            else:
                severity = max(one.severity, known.alarm.severity, key=_SEVERITIES.index)
                same = {"since": known.alarm.since, "examples": known.alarm.examples, "severity": severity}
                self._open[one.key] = _Open(msgspec.structs.replace(one, **same), now)
        self._open = {key: one for key, one in self._open.items() if now - one.at <= LINGER_SECONDS}
        return [one.alarm for _, one in sorted(self._open.items())]

    def _shown(self, one: alarms.Alarm, now: float) -> alarms.Alarm:
        version, _, what = one.subject.partition(":")
        ordinal, since = version.removeprefix("v"), now - WINDOW_SECONDS
        examples: tuple[str, ...] = ()
        if what in _MARKS and ordinal.isdecimal():
            examples = witnesses.marked(self._place, one.endpoint, int(ordinal), _MARKS[what], since)
        elif what in ("tail", "slower") and ordinal.isdecimal():
            examples = witnesses.slow(self._place, one.endpoint, int(ordinal), since)
        return msgspec.structs.replace(one, since=now, examples=examples)


_MARKS = {mark.name.lower(): int(mark) for mark in mishaps.CLASSES}


def _action(route: tables.Route | None) -> str:
    return route.monitors.service.action if route else alarms.Action.NOTIFY


def _of_version(route: tables.Route, ordinal: int, window: Sequence[int], before: list[list[int]]) -> Iterator[alarms.Alarm]:
    for slow in slowness.wrong(window, before):
        yield _alarm(route, ordinal, slow.subject, shortage.Shortage(slow.words, slow.moved))
    for one in mishaps.wrong(window, minutes.added(before)):
        failing = _alarm(route, ordinal, one.mark.name.lower(), shortage.Shortage(one.words, one.moved, one.critical))
        yield msgspec.structs.replace(failing, next=WHY.format(route.endpoint, ordinal))


def _alarm(route: tables.Route, ordinal: int, what: str, wrong: shortage.Shortage) -> alarms.Alarm:
    said = wrong._replace(words=f"v{ordinal}: {wrong.words}")
    return _said(said, route.endpoint, f"v{ordinal}:{what}", _action(route))


def _said(wrong: shortage.Shortage, endpoint: str, subject: str, action: str) -> alarms.Alarm:
    severity, after = "critical" if wrong.critical else "warning", NEXT.format(endpoint).strip()
    kind = alarms.Kind.SERVICE
    return alarms.Alarm(kind, endpoint, f"{wrong.words}.", 0.0, subject, severity, wrong.moved, next=after, action=action)


def _stretches(known: Mapping[int, list[int]], until: int) -> list[list[int]]:
    """Minutes, by stretches as long as the window before a time."""
    found: dict[int, list[list[int]]] = {}
    for minute, slots in known.items():
        found.setdefault((until - 1 - minute) // WINDOW_SECONDS, []).append(slots)
    return [minutes.added(each) for _, each in sorted(found.items())]


def _machine(place: home.Home) -> minutes.Machine:
    size, free = machine.disk(place)
    carried = [one for one in machine.networks() if not one.name.startswith("lo")]
    return minutes.Machine(0, size, free, sum(one.received for one in carried), sum(one.sent for one in carried))
