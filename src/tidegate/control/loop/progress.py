"""Every release under way brought one event further on each tick: judged, told, and shown to people.

What it keeps in memory is only what one look cannot tell, and is built up again after a restart.
"""

import msgspec

from tidegate.control.loop import checks, events, health, observation, transitions
from tidegate.core.decide import judge
from tidegate.core.vocabulary import decisions, home, phases, releases, sums, verdicts
from tidegate.core.vocabulary.phases import Phase

NOTE_SECONDS = 1.0
"""Verdicts and waiting are stored this often between decisions, for people to look at."""
SETTLE_SECONDS = 15.0
"""Requests in flight when a release ends still count towards its harm; the longest of them end within this."""
_JUDGED = (Phase.RUNNING, Phase.PAUSED, Phase.PROBATION)


class Progress:
    """The releases of one environment on their way."""

    def __init__(self, desk: transitions.Desk, place: home.Home, fared: health.Health) -> None:
        self._desk, self._health = desk, fared
        self._checks = checks.Checks(place)
        self._restarts: dict[str, int] = {}
        self._noted: dict[str, tuple[float, object]] = {}
        self._settling: dict[str, tuple[float, releases.Release]] = {}

    @property
    def settling(self) -> dict[str, str]:
        """Releases that have just ended, id to endpoint: requests in flight then still count."""
        return {identifier: release.endpoint for identifier, (_, release) in self._settling.items()}

    def close(self) -> None:
        """Let no check outlive control."""
        self._checks.close()

    def advance(self, release: releases.Release, seen: observation.Observation) -> releases.Release:
        """One event further; the release as it then is. Raises what the store raises."""
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
            stable_missing=self._health.missing(release.stable, seen.at),
            candidate_missing=self._health.missing(release.candidate, seen.at),
            candidate_restarts=max(0, restarts - begun),
        )

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

    def settle(self, seen: observation.Observation) -> None:
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
