"""How workers fare over several looks: who ends again and again, who does not come up, who has fallen silent.

It says what is wrong (as alarms) and which workers are to be ended; control does both. What it remembers is built up again
after a restart of control.
"""

import collections
from collections.abc import Iterable, Iterator

from tidegate.control.loop import observation
from tidegate.core.vocabulary import alarms, releases
from tidegate.dataplane.targets import target

WINDOW = 180.0
CRASHES = 3
"""Ends within WINDOW seconds from which a version is crash-looping; the keeper's longest pause is 30 s."""
LOST_SECONDS = 15.0
"""Stable without a ready replica for so long is an alarm; a worker that died is up again well within it."""
HARD_SECONDS = 30.0
"""A worker that has not answered what it was sent for so long, or for three times its endpoint's timeout where that is longer,
is ended: whoever waited for it has had another answer long ago."""


class Health:
    """What the looks so far have told."""

    def __init__(self) -> None:
        self._restarts: dict[str, int] = {}
        self._ends: dict[tuple[str, int], collections.deque[float]] = {}
        self._missing: dict[tuple[str, int], float] = {}
        self._ended: dict[str, tuple[float, str, float]] = {}

    def look(self, seen: observation.Observation) -> None:
        """Take one more look into account."""
        for one in seen.replicas:
            key = (one.endpoint, one.ordinal)
            fresh = one.restarts - self._restarts.get(one.instance, one.restarts)
            self._restarts[one.instance] = one.restarts
            if fresh > 0:
                self._ends.setdefault(key, collections.deque(maxlen=CRASHES)).extend([seen.at] * fresh)
        versions = {(one.endpoint, one.ordinal) for one in seen.replicas}
        ready = {(one.endpoint, one.ordinal) for one in seen.replicas if one.state == "ready"}
        self._missing = {one: self._missing.get(one, seen.at) for one in versions - ready}
        names = {one.instance for one in seen.replicas}
        self._restarts = {name: count for name, count in self._restarts.items() if name in names}
        self._ends = {key: ends for key, ends in self._ends.items() if seen.at - ends[-1] < WINDOW}
        self._ended = {name: one for name, one in self._ended.items() if seen.at - one[0] < WINDOW}

    def missing(self, version: releases.Version | None, now: float) -> float:
        """Seconds for which a version has been without a ready replica."""
        since = self._missing.get((version.endpoint, version.ordinal)) if version else None
        return now - since if since is not None else 0.0

    def silent(self, seen: observation.Observation) -> Iterator[tuple[str, str]]:
        """Workers to be ended now and why, each named once."""
        known = {one.instance: one for one in seen.replicas}
        for gateway in seen.gateways:
            for name, seconds in gateway.silent.items():
                replica = known.get(name)
                if replica is None or name in self._ended or seconds < self._patience(seen, replica.endpoint):
                    continue
                self._ended[name] = (seen.at, replica.endpoint, seconds)
                yield name, f"silent for {seconds:.0f} s"

    def wrong(
        self,
        seen: observation.Observation,
        stables: Iterable[releases.Version],
        kept: Iterable[releases.Version],
        asleep: frozenset[str],
    ) -> Iterator[alarms.Alarm]:
        """What is wrong with the stable versions and those kept warm now. A candidate's trouble is its release's affair."""
        for version in stables:
            yield from self._of(seen, version, needed=version.endpoint not in asleep)
        for version in kept:
            yield from self._of(seen, version, needed=False)
        for name, (at, endpoint, seconds) in self._ended.items():
            words = f"{name} had not answered for {seconds:.0f} s and was ended; `tidegate logs {name}` may say why."
            yield alarms.Alarm(alarms.Kind.SILENT_WORKER, endpoint, words, at, name)

    def _of(self, seen: observation.Observation, version: releases.Version, *, needed: bool) -> Iterator[alarms.Alarm]:
        name, endpoint, log = version.name, version.endpoint, f"`tidegate logs {version.endpoint}/{version.name}` says why."
        replicas = seen.of(version)
        ready = sum(one.state == "ready" for one in replicas)
        left = f"{ready} of {len(replicas)} workers answer"
        ends = self._ends.get((endpoint, version.ordinal))
        if ends is not None and len(ends) == CRASHES and ends[-1] - ends[0] < WINDOW:
            words = f"workers of {name} end again and again ({CRASHES} times within {ends[-1] - ends[0]:.0f} s); {left}. {log}"
            yield alarms.Alarm(alarms.Kind.CRASH_LOOP, endpoint, words, seen.at, name)
        failed = next((one for one in replicas if one.state is target.State.FAILED), None)
        if failed is not None:
            words = f"a worker of {name} does not come up ({failed.message or failed.code}); {left}. {log}"
            yield alarms.Alarm(alarms.Kind.LOAD_FAILED, endpoint, words, seen.at, name)
        missing = self.missing(version, seen.at)
        if missing > LOST_SECONDS and needed:
            words = f"stable {name} has no worker that answers, for {missing:.0f} s by now. {log}"
            yield alarms.Alarm(alarms.Kind.NO_WORKER, endpoint, words, seen.at, name, severity="critical")

    def _patience(self, seen: observation.Observation, endpoint: str) -> float:
        route = seen.table.routes.get(endpoint)
        return max(HARD_SECONDS, 3 * route.limits.timeout_ms / 1000) if route else HARD_SECONDS
