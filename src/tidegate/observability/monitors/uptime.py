"""The watch over endpoints from outside: every endpoint is probed at its own interval, at whole multiples of it (on the minute).

Two probes in a row without a right answer are an alarm, one may be chance. An endpoint that sleeps is not asked: a probe would
wake it. A monitor that starts goes on with what the probes before it came to.
"""

import concurrent.futures
import datetime as dt
import logging
import math
import sqlite3
from collections.abc import Callable, Iterator

from tidegate.core.vocabulary import alarms, errors, home, tables, tokens
from tidegate.dataplane.wire import tablefile
from tidegate.observability.metrics import aside, probes
from tidegate.observability.monitors import probing

IN_A_ROW = 2
AT_ONCE = 8
SHOWN = 9
"""Failures that an alarm lists, after the first."""
STALE_SECONDS = 3_600.0
"""Failures longer ago than this are not gone on with by a monitor that starts."""
log = logging.getLogger(__name__)
Reach = Callable[[], probing.Line]
Ask = Callable[[probing.Line, probing.Question], probing.Outcome]


class Uptime:
    """A watch (`rounds`)."""

    name, every = "uptime", 1.0

    def __init__(self, place: home.Home, reach: Reach, ask: Ask = probing.ask) -> None:
        """`reach`: how predictions are reached now; may raise ProcessError. `ask`: another way to ask."""
        self._place, self._reach, self._ask = place, reach, ask
        self._table = tablefile.Reading(place.table)
        self._slots: dict[str, int] = {}
        self._failed: dict[str, list[probes.Probe]] = {}
        self._said: dict[str, str] = {}
        self._owners: dict[str, str] = {}
        self._begun = False

    def look(self, now: float) -> list[alarms.Alarm]:
        """Probe whoever is due; every endpoint that is down. Raises TableUnreadable, ProcessError."""
        table = self._table.read()
        routes = {name: route for name, route in table.routes.items() if _is_probed(route)}
        if not self._begun:
            self._resume(routes, now)
        owners = {name: route.owner.name for name, route in routes.items()}
        same = {name for name, owner in owners.items() if self._owners.get(name, owner) == owner}
        self._failed = {name: failed for name, failed in self._failed.items() if name in same}  # else another was asked
        self._owners = owners
        due = [route for route in routes.values() if self._is_due(route, now)]
        if due:
            self._probe(due, table.holders, now)
        return list(self._wrong(routes))

    def _resume(self, routes: dict[str, tables.Route], now: float) -> None:
        for name in routes:
            latest = probes.listed(self._place, name, now - STALE_SECONDS, math.inf)
            for one in latest:
                self._note(one)
        self._begun = True

    def _is_due(self, route: tables.Route, now: float) -> bool:
        """Once in each interval; not in the one in which it was first seen, since that may have had its probe."""
        slot = int(now // route.monitors.uptime.every_seconds)
        before = self._slots.get(route.endpoint)
        self._slots[route.endpoint] = slot
        return before is not None and before != slot

    def _probe(self, due: list[tables.Route], holders: tuple[tokens.Token, ...], now: float) -> None:
        line = self._reach()
        if not line.address or not _is_known(line.token, holders):
            return  # nothing is up yet, or gateways would take the probe for a client's request
        asked = [(route, one) for route in due if (one := self._question(route)) is not None]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            came = list(pool.map(lambda one: self._ask(line, one[1]), asked))
        made = [self._compared(route, one, found) for (route, one), found in zip(asked, came, strict=True)]
        for probe in made:
            self._note(probe)
            if not probe.right:
                told = {"endpoint": probe.endpoint, "prediction_id": probe.prediction, "why": probe.words}
                log.warning("a probe had no right answer", extra=told)
        self._kept(lambda: probes.note(self._place, made, now))

    def _question(self, route: tables.Route) -> probing.Question | None:
        try:
            found = probing.question(self._place, route)
            said = "" if found else "its bundle has no example"
        except (errors.TidegateError, OSError, ValueError, KeyError) as failed:
            found, said = None, probing.broken_bundle(failed)
        if said and self._said.get(route.endpoint) != said:
            log.warning("an endpoint cannot be probed", extra={"endpoint": route.endpoint, "why": said})
        self._said[route.endpoint] = said
        return found

    def _compared(self, route: tables.Route, asked: probing.Question, found: probing.Outcome) -> probes.Probe:
        """The probe, held against what this version answered at first."""
        if found.answer is None or not route.monitors.uptime.compare:
            return found.probe
        first = probes.first(self._place, asked.endpoint, asked.digest)
        tolerance = route.pairing.tolerance
        if first is None or not first.settled:
            again = first is not None and not probing.differs(first.answer, found.answer, tolerance)
            tries = first.tries + 1 if first else 1
            kept = probes.First(found.answer, tries, again or tries >= probes.TRIES, varies=not again and tries >= probes.TRIES)
            self._kept(lambda: probes.settle(self._place, asked.endpoint, asked.digest, kept))
            return found.probe
        if first.varies or not probing.differs(first.answer, found.answer, tolerance):
            return found.probe
        return found.probe._replace(right=False, words=f"200, but {asked.version} answered its example otherwise than at first")

    def _kept(self, write: Callable[[], None]) -> None:
        """Write to the log of probes. Where that cannot be, endpoints are watched all the same."""
        try:
            write()
        except sqlite3.Error as failed:
            log.warning("probes cannot be noted", extra={"why": str(failed)})
            aside.put(self._place.probes, failed)

    def _note(self, probe: probes.Probe) -> None:
        if probe.right:
            self._failed.pop(probe.endpoint, None)
        else:
            failed = [*self._failed.get(probe.endpoint, []), probe]
            self._failed[probe.endpoint] = [failed[0], *failed[1:][-SHOWN:]]

    def _wrong(self, routes: dict[str, tables.Route]) -> Iterator[alarms.Alarm]:
        for name, failed in sorted(self._failed.items()):
            if len(failed) < IN_A_ROW:
                continue
            yield alarms.Alarm(
                alarms.Kind.DOWN,
                name,
                f"the probe from outside has no right answer since {_clock(failed[0].at)} UTC: {failed[0].words}.",
                failed[0].at,
                subject=routes[name].owner.name,
                severity="critical",
                moved=tuple(f"{_clock(one.at)}: {one.words} ({one.seconds:.3f} s)" for one in reversed(failed)),
                examples=tuple(one.prediction for one in reversed(failed) if one.prediction),
                next=f"tidegate uptime {name} --since 1d",
                action=routes[name].monitors.uptime.action,
            )


def _is_probed(route: tables.Route) -> bool:
    return route.monitors.uptime.every_seconds > 0 and not route.asleep and not route.gap


def _is_known(token: str, holders: tuple[tokens.Token, ...]) -> bool:
    """Whether gateways know that this token may operate."""
    digest = tokens.digest(token.encode()) if token else ""
    return any(one.sha256 == digest and one.may("operate") for one in holders)


def _clock(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%H:%M:%S")
