"""Every release under way brought one event further on each tick: judged, told, and shown to people.

What it keeps in memory is only what one look cannot tell, and is built up again after a restart.
"""

import functools
import time
from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from tidegate.control.loop import checks, events, groups, health, observation, transitions, turns
from tidegate.control.loop import smoke as smoking
from tidegate.core.decide import judge, record
from tidegate.core.vocabulary import decisions, errors, home, incidents, phases, releases, sums, verdicts
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.models import bundles

NOTE_SECONDS, NOTES = 1.0, 10.0
"""Verdicts and waiting are stored this often between decisions, for people to look at; of many releases, so many a second."""
SETTLE_SECONDS = 15.0
"""Requests in flight when a release ends still count towards its harm; the longest of them end within this."""
_CHECKED = (Phase.CHECKING, Phase.WARMING)
"""Before an approval, which may take days, and once more right before exposure."""


class Progress:
    """The releases of one environment on their way."""

    def __init__(self, desk: transitions.Desk, place: home.Home, fared: health.Health) -> None:
        self._desk, self._health, self._home = desk, fared, place
        self._checks = checks.Checks(place)
        self._smoke = smoking.Smoke(place)
        self._restarts: dict[str, int] = {}
        self._memory: dict[tuple[str, int], int] = {}
        self._same_loader: dict[str, bool] = {}
        self._noted: dict[str, tuple[float, tuple[object, ...] | None]] = {}
        self._turns = turns.Turns()
        self._chosen: set[str] = set()
        self._settling: dict[str, tuple[float, releases.Release]] = {}

    @property
    def settling(self) -> dict[str, str]:
        """Releases that have just ended, id to endpoint: requests in flight then still count."""
        return {identifier: release.endpoint for identifier, (_, release) in self._settling.items()}

    def close(self) -> None:
        """Let no thread outlive control."""
        self._checks.close()
        self._smoke.close()

    def to_judge(self, under_way: Iterable[releases.Release], now: float, recent: observation.Recent) -> set[str]:
        """The releases to be judged at this look."""
        self._chosen = self._turns.choose(under_way, now, recent)
        return self._chosen

    def advance(self, release: releases.Release, seen: observation.Observation) -> releases.Release:
        """One event further; the release as it then is. Raises what the store raises."""
        if release.phase in _CHECKED:
            self._checks.start(release, seen)
        self._smoke.start(release)
        smoke = self._smoke.result(release)
        verdict = (
            self._judge_now(release, seen, smoke) if release.id in self._chosen and self._turns.due(release, seen.at) else None
        )
        if release.phase is Phase.PROBATION and verdict is not None and not _matters(verdict):
            verdict = None  # what it was promoted on stays what it is known by
        pairs = seen.pairs.get(release.id)
        found = events.Findings(self._checks.result(release), verdict, smoke, pairs.all.pairs if pairs else 0)
        event = events.next_event(release, seen, self._watched(release, seen), found)
        judged_from = functools.partial(_record, release, seen, smoke)
        decision = self._desk.tell(release, event, seen.at, inputs=judged_from)
        if decision.release.phase in phases.ENDED:
            self._forget(release.id)
            self._settling[release.id] = (seen.at, decision.release)
        else:
            self._note(decision, verdict, seen, judged_from)
        return decision.release

    def _judge_now(self, release: releases.Release, seen: observation.Observation, smoke: sums.Smoke | None) -> verdicts.Verdict:
        began, left = time.process_time(), None
        try:
            verdict, left = judge.look(release, seen.inputs(release, smoke), seen.at)
        finally:  # it has had its turn, whatever came of it
            self._turns.looked(release, seen.at, left, time.process_time() - began)
        return verdict

    def _watched(self, release: releases.Release, seen: observation.Observation) -> events.Watch:
        restarts = sum(one.restarts for one in seen.of(release.candidate))
        begun = self._restarts.setdefault(release.id, restarts)
        memory = 0
        if release.phase is Phase.RUNNING and release.stage_since:
            memory = self._memory.setdefault((release.id, release.stage), seen.memory(release.candidate))
        return events.Watch(
            stable_missing=self._health.missing(release.stable, seen.at),
            candidate_missing=self._health.missing(release.candidate, seen.at),
            candidate_restarts=max(0, restarts - begun),
            memory_before=memory,
            alike=self._alike(release),
            told=self._alarms(release),
            group=groups.event(self._desk, release) if release.group else None,
        )

    def _alike(self, release: releases.Release) -> bool:
        """Whether one loader reads candidate and stable; True where that cannot be seen."""
        if release.id not in self._same_loader:
            both = [one.digest for one in (release.candidate, release.stable) if one is not None]
            try:
                loaders = {bundles.read_manifest(self._home.bundles / digest).loader for digest in both}
            except errors.ModelError:
                loaders = set()
            self._same_loader[release.id] = len(loaders) < 2
        return self._same_loader[release.id]

    def _alarms(self, release: releases.Release) -> tuple[incidents.Incident, ...]:
        return tuple(one for one in self._desk.incidents() if one.open and one.alarm.endpoint == release.endpoint)

    def _note(
        self,
        decision: decisions.Decision,
        verdict: verdicts.Verdict | None,
        seen: observation.Observation,
        judged_from: Callable[[], dict[str, Any]],
    ) -> None:
        """Let people see what is waited for and how the evidence stands; seldom enough not to matter."""
        release = decision.release
        at, before = self._noted.get(release.id, (0.0, None))
        if verdict is None and release.phase is Phase.RUNNING and before is not None and before[0] == release.generation:
            return  # it was not its turn to be judged, so nothing new is known of what it waits for
        shown = (release.generation, decision.waiting and decision.waiting.on, verdict and verdict.result)
        if shown == before and seen.at - at < max(NOTE_SECONDS, len(self._noted) / NOTES):
            return
        self._noted[release.id] = (seen.at, shown)
        self._desk.store.put_waiting(release.id, decision.waiting, decision.look_again_at)
        if release.phase is Phase.PROBATION:
            if release.id in seen.sums:
                self._count_harm(release, seen)
        elif verdict is not None:
            self._desk.store.put_verdict(release.id, verdict, judged_from(), seen.at)

    def settle(self, seen: observation.Observation) -> None:
        """Requests in flight when a release ended count, too."""
        for identifier, (ended, release) in list(self._settling.items()):
            if identifier in seen.sums:  # at the look at which it ended they need not have been read
                self._count_harm(release, seen)
            if seen.at - ended > SETTLE_SECONDS:
                del self._settling[identifier]

    def _count_harm(self, release: releases.Release, seen: observation.Observation) -> None:
        """Bring the harm up to date in the verdict that was decided on; what it was decided on stays as it was."""
        store = self._desk.store
        decided = store.judged(release.id)
        if decided is None or release.stable is None:
            return
        harm = judge.judge(release, seen.inputs(release), seen.at).harm
        if harm != decided.verdict.harm:
            store.put_verdict(release.id, msgspec.structs.replace(decided.verdict, harm=harm), decided.inputs, decided.at)

    def _forget(self, release: str) -> None:
        self._checks.forget(release)
        self._smoke.forget(release)
        self._restarts.pop(release, None)
        self._noted.pop(release, None)
        self._turns.forget(release)
        self._same_loader.pop(release, None)
        self._memory = {key: held for key, held in self._memory.items() if key[0] != release}


def _matters(verdict: verdicts.Verdict) -> bool:
    """Whether a verdict after 100 % may still change something."""
    return verdict.result is verdicts.Result.FAIL


def _record(release: releases.Release, seen: observation.Observation, smoke: sums.Smoke | None) -> dict[str, Any]:
    """All that the verdict can be computed again from."""
    return record.plain(record.of(release, seen.inputs(release, smoke), seen.at))
