"""Workers replaced one by one, version by version, because their code is to be the one that is installed now.

Which are to go is noted in the store, so a restarted control goes on where it was. For each version: one replica more than
asked for; once all are ready and every gateway is connected to the new ones, one of the old is let go, and so on until none
is left. Where a new one does not come up, the rest stay as they are and an alarm says so.
"""

import logging
from collections.abc import Iterable

import msgspec

from tidegate.control.loop import observation, transitions
from tidegate.core.vocabulary import alarms, releases
from tidegate.dataplane.targets import target

log = logging.getLogger(__name__)
NOTE = "replacing"
LOAD_SECONDS = 600.0
"""A version that takes longer than this for its replacement is given up."""
_names = msgspec.json.Decoder(tuple[str, ...])
Wanted = dict[tuple[str, int], tuple[releases.Version, int]]
"""Versions with the replicas they are to have, by (endpoint, ordinal)."""


def begin(desk: transitions.Desk, names: Iterable[str]) -> None:
    """Have these workers replaced."""
    desk.store.note(desk.environment, "", NOTE, msgspec.json.encode(tuple(sorted(names))).decode())


def left(desk: transitions.Desk) -> tuple[str, ...]:
    """Names of workers that are still to be replaced, as far as they were noted."""
    noted = desk.store.fact(desk.environment, "", NOTE)
    return _names.decode(noted) if noted else ()


class Replacing:
    """What is under way of it."""

    def __init__(self, desk: transitions.Desk) -> None:
        self._desk = desk
        self._leaving: frozenset[str] | None = None
        self._since: tuple[tuple[str, int], float] | None = None
        self.failed: alarms.Alarm | None = None

    def asked(self) -> None:
        """It was noted anew: look at the store again."""
        self._leaving, self._since, self.failed = None, None, None

    @property
    def under_way(self) -> bool:
        """Whether any worker is still to go."""
        return bool(self._leaving is None or self._leaving)

    def turn(self, wanted: Wanted, placed: target.Target, seen: observation.Observation) -> Wanted:
        """What to have instead of `wanted`, one version at a time; lets one old worker go when its successor serves."""
        if self._leaving is None:
            self._leaving = frozenset(left(self._desk))
        old = {one.instance for one in seen.replicas} & self._leaving
        if not old:
            if self._leaving:
                log.info("every worker is replaced")
                self._end()
            return wanted
        key = next((key for key in sorted(wanted) if old & _names_of(seen, key)), None)
        if key is None:
            return wanted
        return self._replace(key, wanted, old & _names_of(seen, key), placed, seen)

    def _replace(
        self, key: tuple[str, int], wanted: Wanted, old: set[str], placed: target.Target, seen: observation.Observation
    ) -> Wanted:
        version, replicas = wanted[key]
        if self._since is None or self._since[0] != key:
            self._since = (key, seen.at)
        serving = [one for one in seen.by_version[key] if one.state is not target.State.DRAINING]
        fresh = [one for one in serving if one.instance not in old]
        broken = next((one for one in fresh if one.state is target.State.FAILED), None)
        if broken is not None or seen.at - self._since[1] > LOAD_SECONDS:
            why = (broken.message or broken.code) if broken else f"it is not ready after {LOAD_SECONDS:.0f} s"
            self._give_up(version, why, seen.at)
            return wanted
        ready = sum(one.state is target.State.READY for one in serving)
        stays = [one.instance for one in serving if one.instance in old]
        if stays and ready > replicas and seen.obeyed and _reached(version, fresh, seen):
            leaving = min(stays)
            log.info("worker replaced", extra={"endpoint": version.endpoint, "version": version.name, "left": leaving})
            self._since = (key, seen.at)
            placed.dismiss(leaving)
            return wanted
        return wanted | {key: (version, replicas + 1)}

    def _give_up(self, version: releases.Version, why: str, now: float) -> None:
        words = f"the new worker of {version.name} does not come up ({why}); the old ones go on. `tidegate upgrade` tries again."
        self.failed = alarms.Alarm(alarms.Kind.REPLACING_FAILED, version.endpoint, words, now, version.name)
        log.error("workers are not replaced", extra={"endpoint": version.endpoint, "version": version.name, "why": why})
        self._end()

    def _end(self) -> None:
        self._leaving, self._since = frozenset(), None
        self._desk.store.note(self._desk.environment, "", NOTE, "")


def _names_of(seen: observation.Observation, key: tuple[str, int]) -> set[str]:
    return {one.instance for one in seen.by_version.get(key, ())}


def _reached(version: releases.Version, fresh: Iterable[target.Replica], seen: observation.Observation) -> bool:
    """Whether every gateway is connected to the new workers, where the table lists the version at all."""
    route = seen.table.routes.get(version.endpoint)
    listed = route.versions if route else ()
    workers = {worker.instance for one in listed if one.ordinal == version.ordinal for worker in one.workers}
    ready = {one.instance for one in fresh if one.state is target.State.READY}
    return not workers or all(ready <= one.workers for one in seen.gateways)
