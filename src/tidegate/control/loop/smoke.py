"""Requests of our own to a candidate that no client has asked yet, in threads: a stage that watches SMOKE is left on them.

They go the way that clients' requests go, through a living gateway to the candidate's workers, and nobody counts them but this.
The bodies are the bundle's example and what the endpoint has answered lately. After a restart of control they are asked again.
"""

import contextlib
import itertools
import threading
from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

from tidegate.core.decide import upkeep
from tidegate.core.vocabulary import errors, home, instances, releases, sums
from tidegate.dataplane.gateway import smoke as asking
from tidegate.dataplane.models import bundles
from tidegate.dataplane.wire import frames, samples

AT_ONCE = 8
"""Requests in one turn: between two turns what has come of them is seen."""
SECONDS = 30.0
"""For one turn."""
PAUSE_SECONDS = 0.5
TURNS = 60
"""How often a gateway is looked for before it is given up: gateways come back within seconds."""


class Answer(Protocol):
    """What came of one request."""

    @property
    def failure(self) -> str:
        """Why it was not answered well; empty: it was."""


class Ask(Protocol):
    """Asks a version through one gateway."""

    def __call__(
        self, gateway: instances.Spec, version: releases.Version, bodies: Sequence[samples.Sample], seconds: float
    ) -> Sequence[Answer]:
        """The answers in order. Raises CapacityError where the gateway cannot be reached or is lost."""


def _through(place: home.Home) -> Ask:
    def ask(
        gateway: instances.Spec, version: releases.Version, bodies: Sequence[samples.Sample], seconds: float
    ) -> Sequence[Answer]:
        return asking.ask(asking.target(place, gateway, version.endpoint, version.name), bodies, seconds)

    return ask


class _Run(NamedTuple):
    """One release's requests in one stage."""

    stage: int
    over: threading.Event
    counted: list[sums.Smoke]
    """The latest count last."""


class Smoke:
    """The smoke requests under way."""

    def __init__(self, place: home.Home, ask: Ask | None = None) -> None:
        """`ask`: another way to a version than a gateway's front socket."""
        self._home, self._ask = place, ask or _through(place)
        self._runs: dict[str, _Run] = {}

    def start(self, release: releases.Release) -> None:
        """Begin unless begun, where the release is in a stage that watches SMOKE and every gateway knows the candidate."""
        stage = upkeep.stage(release)
        if stage is None or stage.watch is not releases.Watch.SMOKE or not release.stage_since:
            return
        running = self._runs.get(release.id)
        if running is not None and running.stage == release.stage:
            return
        self.forget(release.id)
        run = self._runs[release.id] = _Run(release.stage, threading.Event(), [])
        work = threading.Thread(target=self._work, args=(release, stage.min_requests, run), name="smoke", daemon=True)
        work.start()

    def result(self, release: releases.Release) -> sums.Smoke | None:
        """What has come of them so far; None before the first answers."""
        run = self._runs.get(release.id)
        return run.counted[-1] if run is not None and run.counted else None

    def forget(self, release: str) -> None:
        """Ask no more for it."""
        run = self._runs.pop(release, None)
        if run is not None:
            run.over.set()

    def close(self) -> None:
        """Let no thread outlive control."""
        for release in list(self._runs):
            self.forget(release)

    def _work(self, release: releases.Release, wanted: int, run: _Run) -> None:
        try:
            given = list(itertools.islice(itertools.cycle(bodies(self._home, release)), wanted))
        except errors.TidegateError as broken:
            run.counted.append(sums.Smoke(wanted, 0, str(broken)))
            return
        if not given:
            why = "there is nothing to ask: the bundle has no example, and the endpoint has answered nothing lately"
            run.counted.append(sums.Smoke(wanted, 0, why))
            return
        total, missed = sums.Smoke(0, 0), 0
        while given and not run.over.is_set():
            turn = given[:AT_ONCE]
            try:
                answers = self._turn(release.candidate, turn)
            except errors.CapacityError as lost:
                missed += 1
                if missed > TURNS:
                    run.counted.append(sums.Smoke(total.asked + 1, total.answered, total.failure or f"no gateway: {lost}"))
                    return
                run.over.wait(PAUSE_SECONDS)
                continue
            missed, given = 0, given[AT_ONCE:]
            failures = [one.failure for one in answers if one.failure]
            total = sums.Smoke(
                total.asked + len(turn), total.answered + len(turn) - len(failures), total.failure or next(iter(failures), "")
            )
            run.counted.append(total)

    def _turn(self, version: releases.Version, turn: Sequence[samples.Sample]) -> Sequence[Answer]:
        for gateway in gateways(self._home):
            with contextlib.suppress(errors.CapacityError):
                return self._ask(gateway, version, turn, SECONDS)
        raise errors.CapacityError("none can be reached")


def bodies(place: home.Home, release: releases.Release) -> list[samples.Sample]:
    """What is asked: the bundle's example, then what the endpoint has answered lately, newest first.

    Raises BundleMissing, DigestMismatch.
    """
    folder = place.bundles / release.candidate.digest
    manifest = bundles.read_manifest(folder)
    lately = list(reversed(samples.read(place.warm, release.endpoint)))
    if not manifest.example:
        return lately
    with contextlib.suppress(OSError):
        lately.insert(0, samples.Sample(int(frames.Content.RECORDS), (folder / manifest.example).read_bytes()))
    return lately


def gateways(place: home.Home) -> Iterator[instances.Spec]:
    """Those that live."""
    for path in sorted(place.instances.glob("gateway-*.json")):
        spec = instances.read(path)
        if spec is not None and instances.holder(place.instances, spec.name):
            yield spec
