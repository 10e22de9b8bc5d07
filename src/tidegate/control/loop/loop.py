"""The control loop: a tick every 200 ms, from counters in memory-mapped files, not from a scrape.

Everything it knows is in the store, the table and the processes; what it keeps in memory is only how long something has
been so, and is built up again after a restart.
"""

import logging
import secrets
import signal
import threading
import time

import msgspec

from tidegate.control.loop import checks, commands, events, observation, overrides, transitions, upkeep
from tidegate.control.store import store as stores
from tidegate.core.decide import judge
from tidegate.core.vocabulary import decisions, errors, ids, instances, phases, releases, sums, verdicts
from tidegate.core.vocabulary import home as homes
from tidegate.core.vocabulary.phases import Phase
from tidegate.dataplane.targets import target

log = logging.getLogger(__name__)
TICK_SECONDS = 0.2
NOTE_SECONDS = 1.0
"""Verdicts and waiting are stored this often between decisions, for people to look at."""
SETTLE_SECONDS = 15.0
"""Requests in flight when a release ends still count towards its harm; the longest of them end within this."""
SWEEP_SECONDS = 60.0
_JUDGED = (Phase.RUNNING, Phase.PAUSED, Phase.PROBATION)


class Control:
    """One environment's decider."""

    def __init__(self, home: homes.Home, environment: str, store: stores.Store, placed: target.Target) -> None:
        self._home, self._placed = home, placed
        self._desk = transitions.Desk(store, environment, _release_id)
        self._checks = checks.Checks(home)
        self._missing: dict[tuple[str, int], float] = {}
        self._restarts: dict[str, int] = {}
        self._noted: dict[str, tuple[float, object]] = {}
        self._settling: dict[str, tuple[float, releases.Release]] = {}
        self._swept = 0.0

    def tick(self, now: float) -> None:
        """Look, answer commands, advance every release under way by one event, make true what is asked.

        Raises StoreUnavailable, StoreBehindTable, GenerationConflict, ParentStale, DiskFull: nothing half-done, try again.
        """
        desk = self._desk
        under_way = [*(one.id for one in desk.store.active(desk.environment)), *self._settling]
        seen = observation.look(self._home, self._placed, under_way, now)
        self._heed_overrides(seen, now)
        for command in desk.store.pending_commands(desk.environment):
            commands.answer(desk, self._home, command, now)
        self._watch(seen)
        advanced = [self._advance(one, seen) for one in desk.store.active(desk.environment)]
        rows = desk.store.endpoints(desk.environment)
        active = {one.endpoint: one for one in advanced if one.phase not in phases.ENDED}
        needs = [upkeep.asked(desk, row, active.get(row.name), seen) for row in rows]
        upkeep.hold_true(desk, self._home, self._placed, needs, seen)
        self._settle_harm(seen)
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            upkeep.sweep(self._home, seen, min((one.created_at for one in advanced), default=now))

    def close(self) -> None:
        """Stop what it started in its own process."""
        self._checks.close()

    def _heed_overrides(self, seen: observation.Observation, now: float) -> None:
        try:
            overrides.settle(self._desk, seen.table, now)
        except errors.StoreBehindTable as behind:
            for command in self._desk.store.pending_commands(self._desk.environment):
                if command.kind == "adopt":
                    commands.answer(self._desk, self._home, command, now)
                else:
                    self._desk.store.refuse(command.id, behind)
            raise

    def _watch(self, seen: observation.Observation) -> None:
        """How long each version has been without a ready replica."""
        versions = {(one.endpoint, one.ordinal) for one in seen.replicas}
        ready = {(one.endpoint, one.ordinal) for one in seen.replicas if one.state == "ready"}
        self._missing = {one: self._missing.get(one, seen.at) for one in versions - ready}

    def _advance(self, release: releases.Release, seen: observation.Observation) -> releases.Release:
        if release.phase is Phase.CHECKING:
            self._checks.start(release)
        verdict = self._judge(release, seen) if release.phase in _JUDGED and release.stable is not None else None
        if verdict is not None and release.phase is Phase.PROBATION and verdict.result is not verdicts.Result.FAIL:
            verdict = None  # what it was promoted on stays what it is known by
        event = events.next_event(release, seen, self._watched(release, seen), self._checks.result(release), verdict)
        decision = self._desk.tell(release, event, seen.at)
        if decision.release.phase in phases.ENDED:
            self._forget(release.id)
            self._settling[release.id] = (seen.at, decision.release)
        else:
            self._note(decision, verdict, seen)
        return decision.release

    def _judge(self, release: releases.Release, seen: observation.Observation) -> verdicts.Verdict:
        return judge.judge(release, seen.sums.get(release.id, ()), seen.closed_before, seen.labels.get(release.id), seen.at)

    def _watched(self, release: releases.Release, seen: observation.Observation) -> events.Watch:
        restarts = sum(one.restarts for one in seen.of(release.candidate))
        begun = self._restarts.setdefault(release.id, restarts)
        return events.Watch(
            stable_missing=self._absent(release.stable, seen),
            candidate_missing=self._absent(release.candidate, seen),
            candidate_restarts=max(0, restarts - begun),
        )

    def _absent(self, version: releases.Version | None, seen: observation.Observation) -> float:
        since = self._missing.get((version.endpoint, version.ordinal)) if version else None
        return seen.at - since if since is not None else 0.0

    def _note(self, decision: decisions.Decision, verdict: verdicts.Verdict | None, seen: observation.Observation) -> None:
        """Let people see what is waited for and how the evidence stands; seldom enough not to matter."""
        release = decision.release
        shown = (release.generation, decision.waiting and decision.waiting.on, verdict and verdict.result)
        at, before = self._noted.get(release.id, (0.0, None))
        if shown == before and seen.at - at < NOTE_SECONDS:
            return
        self._noted[release.id] = (seen.at, shown)
        self._desk.store.put_waiting(release.id, decision.waiting, decision.look_again_at)
        if release.phase is Phase.PROBATION:
            self._count_harm(release, seen)
        elif verdict is not None:
            self._desk.store.put_verdict(release.id, verdict, _inputs(release, seen), seen.at)

    def _settle_harm(self, seen: observation.Observation) -> None:
        """Requests in flight when a release ended count, too."""
        for identifier, (ended, release) in list(self._settling.items()):
            self._count_harm(release, seen)
            if seen.at - ended > SETTLE_SECONDS:
                del self._settling[identifier]

    def _count_harm(self, release: releases.Release, seen: observation.Observation) -> None:
        """Bring the harm up to date in the verdict that was decided on; what it was decided on stays as it was."""
        store = self._desk.store
        decided = store.verdict(release.id)
        if decided is None or release.stable is None:
            return
        harm = self._judge(release, seen).harm
        if harm != decided.harm:
            inputs = store.verdict_inputs(release.id)
            store.put_verdict(release.id, msgspec.structs.replace(decided, harm=harm), inputs, seen.at)

    def _forget(self, release: str) -> None:
        self._checks.forget(release)
        self._restarts.pop(release, None)
        self._noted.pop(release, None)


def _inputs(release: releases.Release, seen: observation.Observation) -> dict[str, object]:
    labels = seen.labels.get(release.id)
    return {
        "closed_before": seen.closed_before,
        "at": seen.at,
        "sums": msgspec.to_builtins(sums.folded(seen.sums.get(release.id, ()), seen.closed_before)),
        "labels": msgspec.to_builtins(labels),
    }


def _release_id() -> str:
    return ids.text(ids.uuid7(time.time_ns() // 1_000_000, secrets.randbits(74)))


def run(home: homes.Home, name: str, store: stores.Store, placed: target.Target, environment: str = "production") -> None:
    """The control process: tick until SIGTERM. A failed tick is logged and tried again; nothing it did is half-done."""
    spec = instances.read(home.instances / f"{name}.json")
    claim = instances.Claim(home.instances, name, spec.token if spec else "")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    control = Control(home, environment, store, placed)
    said = ""
    while not stop.is_set():
        began = time.monotonic()
        state, words = _tick(control)
        if state != said:
            log.log(logging.INFO if state == "ready" else logging.WARNING, words or "ready", extra={"state": state})
            claim.say(state, message=words)
            said = state
        stop.wait(max(0.01, TICK_SECONDS - (time.monotonic() - began)))
    control.close()
    claim.say("stopped")


def _tick(control: Control) -> tuple[str, str]:
    """One tick; returns the state of control and, when it is not ready, why."""
    try:
        control.tick(time.time())
    except (errors.GenerationConflict, errors.ParentStale) as overtaken:
        log.info("overtaken", extra={"reason": str(overtaken)})
    except errors.TidegateError as trouble:
        return trouble.code, str(trouble)
    except Exception as bug:
        log.exception("a tick failed")
        return errors.TidegateError.code, repr(bug)
    return "ready", ""
