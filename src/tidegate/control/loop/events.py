"""From what was seen to the one event a release is told next. Pure: the most urgent thing wins, one event a tick."""

import msgspec

from tidegate.control.loop import health, observation
from tidegate.core.decide import actions, upkeep
from tidegate.core.vocabulary import decisions, incidents, releases, sums, verdicts
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import EXPOSED, Phase

LOST_SECONDS = health.LOST_SECONDS
"""A version without a ready replica for this long is lost; a worker that died is restarted well within it."""
_LEAVING = (Phase.ROLLING_BACK, Phase.HALTED)
_COMPARED = (Phase.RUNNING, Phase.PAUSED)
"""In these stable still has to be gone back to; a promotion is leaving it."""
LEAST_MEMORY = 64 << 20
"""Bytes below which no difference of memory is worth a pause."""
RISE, RISE_SECONDS = 1.3, 30.0
"""Memory rises through a stage when it is so many times what it was at its beginning, so long after."""
_NO_LABELS = sums.Labels(0, ())
CRASHES = 3
"""Restarts within one release after which a candidate is crash-looping."""


class Watch(msgspec.Struct, frozen=True):
    """What one look cannot tell."""

    stable_missing: float = 0.0
    """Seconds for which stable has been without a ready replica."""
    candidate_missing: float = 0.0
    candidate_restarts: int = 0
    """Since the release began to warm."""
    memory_before: int = 0
    """Bytes that the candidate's largest replica held when the stage began; 0: not known."""
    alike: bool = True
    """Whether one loader reads both versions: a model that was compiled and one that was not hold memory for other reasons."""
    told: tuple[incidents.Incident, ...] = ()
    """The open alarms of the endpoint."""
    group: Kind | None = None
    """GROUP_READY or GROUP_LOST, where the release is one of a group."""


class Findings(msgspec.Struct, frozen=True):
    """What jobs and the judge have found."""

    check: str | None = None
    """None while it runs, "" when passed, else why not."""
    verdict: verdicts.Verdict | None = None
    smoke: sums.Smoke | None = None
    pairs: int = 0


def next_event(release: releases.Release, seen: observation.Observation, watch: Watch, found: Findings) -> decisions.Event:
    """What to tell the machine now."""
    told = _lost(release, seen, watch) or _warned(release, seen, watch) or _progress(release, seen, found)
    if told.kind is Kind.WORKERS_READY and release.phase is Phase.WARMING:  # all that is left is to give it traffic
        return actions.to_release(release, watch.told) or told
    return told


def _lost(release: releases.Release, seen: observation.Observation, watch: Watch) -> decisions.Event | None:
    """Stable first: when it cannot answer there is nothing to roll back onto."""
    if watch.group is Kind.GROUP_LOST and release.phase not in _LEAVING:
        return decisions.Event(Kind.GROUP_LOST, reason=f"a member of the group {release.group} went back")
    compared = release.phase in _COMPARED or (release.phase is Phase.PROBATION and release.probation is not None)
    if compared and not release.alone and release.stable is not None and watch.stable_missing > LOST_SECONDS:
        words = f"stable {release.stable.name} has had no ready worker for {watch.stable_missing:.0f} s"
        return decisions.Event(Kind.STABLE_SICK, reason=words)
    if release.phase is Phase.WARMING:
        return _not_warm(release, seen, watch)
    if release.phase in EXPOSED or release.phase is Phase.PROBATION:
        why = _gone(release, seen, watch)
        if why:
            return decisions.Event(Kind.WORKERS_FAILED, reason=why)
    return None


def _not_warm(release: releases.Release, seen: observation.Observation, watch: Watch) -> decisions.Event | None:
    for replica in seen.of(release.candidate):
        if replica.state == "failed":
            return decisions.Event(Kind.WORKERS_FAILED, reason=f"{release.candidate.name}: {replica.message or replica.code}")
    if watch.candidate_restarts >= CRASHES:
        return decisions.Event(Kind.WORKERS_FAILED, reason=f"{_crashed(release, seen, watch)} before it was ready")
    late = release.phase_since and seen.at - release.phase_since > release.load_seconds
    if late and seen.ready(release.candidate) < upkeep.places(release)[0]:
        words = f"{release.candidate.name} was not ready within {release.load_seconds:g} s; `load_within` allows it more"
        return decisions.Event(Kind.WORKERS_FAILED, reason=words)
    return None


def _gone(release: releases.Release, seen: observation.Observation, watch: Watch) -> str:
    if watch.candidate_restarts >= CRASHES:
        return _crashed(release, seen, watch)
    if watch.candidate_missing > LOST_SECONDS:
        return f"{release.candidate.name} has had no ready worker for {watch.candidate_missing:.0f} s"
    return ""


def _crashed(release: releases.Release, seen: observation.Observation, watch: Watch) -> str:
    """How often, and why where that is known: one that is over its memory is ended by the keeper, time and again."""
    why = next((f" ({one.why})" for one in seen.of(release.candidate) if one.why), "")
    return f"{release.candidate.name} crashed {watch.candidate_restarts} times{why}"


def _warned(release: releases.Release, seen: observation.Observation, watch: Watch) -> decisions.Event | None:
    """What speaks against going on without being a proof: alarms as the policy has it, and the candidate's memory."""
    told = actions.to_release(release, watch.told)
    if told is not None and (told.kind is not Kind.CAUTION or release.phase is not Phase.WARMING):
        return told
    if release.phase is not Phase.RUNNING:
        return None
    memory = _memory(release, seen, watch)
    if memory and "memory" not in release.heeded:
        return decisions.Event(Kind.CAUTION, reason=memory, subject="memory")
    if watch.group is Kind.GROUP_READY and release.at_gate:
        return decisions.Event(Kind.GROUP_READY)
    return None


def _memory(release: releases.Release, seen: observation.Observation, watch: Watch) -> str:
    """Why the candidate's memory is a reason to stop: over stable's, or rising through a stage. Empty: it is none."""
    most = release.policy.memory
    if not most or release.stable is None:
        return ""
    name, now, stable = release.candidate.name, seen.memory(release.candidate), seen.memory(release.stable)
    if watch.alike and stable and now > most * stable and now - stable > LEAST_MEMORY:
        return f"{name} holds {now >> 20} MiB a worker, {now / stable:.1f} times {release.stable.name}'s {stable >> 20} MiB"
    before = watch.memory_before
    settled = release.stage_since and seen.at - release.stage_since > RISE_SECONDS
    if before and settled and now > RISE * before and now - before > LEAST_MEMORY:
        return f"{name} held {before >> 20} MiB a worker when this stage began and holds {now >> 20} MiB now"
    return ""


def _progress(release: releases.Release, seen: observation.Observation, found: Findings) -> decisions.Event:
    if release.phase is Phase.CHECKING and found.check is not None:
        kind = Kind.CHECKS_FAILED if found.check else Kind.CHECKS_PASSED
        return decisions.Event(kind, reason=found.check)
    wanted = upkeep.places(release)[0]
    if release.phase is Phase.WARMING and found.check:
        return decisions.Event(Kind.CHECKS_FAILED, reason=found.check)
    checked = release.phase is Phase.WARMING and found.check == ""
    if checked and seen.ready(release.candidate) >= wanted and not _sleeps(release, seen):
        return decisions.Event(Kind.WORKERS_READY)
    if release.phase is Phase.RUNNING and not release.stage_ready:
        return _await_replicas(release, seen, wanted)
    if _awaits_routes(release) and _asked_is_in_force(release, seen):
        return decisions.Event(Kind.ROUTES_SEEN)
    if found.verdict is not None and release.phase in (Phase.RUNNING, Phase.PAUSED, Phase.PROBATION):
        requests = _requests(release, seen, found)
        return decisions.Event(Kind.JUDGED, verdict=found.verdict, rate=seen.rate(release), stage_requests=requests)
    return decisions.Event(Kind.TICK, stage_requests=_requests(release, seen, found) if release.phase is Phase.PROBATION else 0)


def _await_replicas(release: releases.Release, seen: observation.Observation, wanted: int) -> decisions.Event:
    """A stage that moves replicas: the candidate's new ones are ready, or take too long."""
    if seen.ready(release.candidate) >= wanted:
        return decisions.Event(Kind.WORKERS_READY)
    if seen.at - release.stage_began_at > release.load_seconds:
        words = f"{release.candidate.name} has not got its {wanted} replicas within {release.load_seconds:g} s"
        return decisions.Event(Kind.WORKERS_FAILED, reason=words)
    return decisions.Event(Kind.TICK)


def _requests(release: releases.Release, seen: observation.Observation, found: Findings) -> int:
    """How much of what the stage is left on there is: requests, pairs, smoke requests, units of a test; after 100 % the
    candidate's predictions of that time whose outcome is known.
    """
    labels = seen.labels.get(release.id, _NO_LABELS)
    if release.phase is Phase.PROBATION:
        return sum(one.candidate_labelled for one in labels.sums if one.tick >= release.phase_since)
    current = upkeep.stage(release)
    if current is not None and current.watch is releases.Watch.METRIC:
        asked = (release.policy.metric, current.weight)
        return sum(one.candidate.count + one.stable.count for one in labels.values if (one.metric, one.weight) == asked)
    if current is not None and current.watch is releases.Watch.PAIRS:
        return found.pairs
    if current is not None and current.watch is releases.Watch.SMOKE:
        return found.smoke.asked if found.smoke is not None else 0
    return sum(one.candidate.closed for one in seen.stage_sums(release))


def _sleeps(release: releases.Release, seen: observation.Observation) -> bool:
    """Whether stable is still being woken: until it can answer there is nothing to compare with, nor to go back to."""
    route = seen.table.routes.get(release.endpoint)
    return release.stable is not None and route is not None and route.asleep


def _awaits_routes(release: releases.Release) -> bool:
    if release.phase is Phase.RUNNING:
        return release.stage_since == 0
    return release.phase in (Phase.PROMOTING, Phase.ROLLING_BACK)


def _asked_is_in_force(release: releases.Release, seen: observation.Observation) -> bool:
    """Whether the routes this phase asks for are in the table and every living gateway obeys them, and somebody answers there."""
    route, asked = seen.table.routes.get(release.endpoint), upkeep.routes(release)
    if route is None or not seen.in_force(release.endpoint):
        return False
    if asked is None:
        return True
    if asked.gap and not seen.ready(asked.stable):
        return False
    drawn, wanted = (one.ordinal if one is not None else 0 for one in (route.candidate, asked.candidate))
    said = (route.stable.ordinal, drawn, route.weight, route.mirror, route.cohort, route.candidate_owns)
    if release.phase is Phase.RUNNING and (route.release, route.stage) != (release.id, release.stage):
        return False
    return said == (asked.stable.ordinal, wanted, asked.weight, asked.mirror, asked.cohort, asked.candidate_owns)
