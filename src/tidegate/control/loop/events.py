"""From what was seen to the one event a release is told next. Pure: the most urgent thing wins, one event a tick."""

import msgspec

from tidegate.control.loop import health, observation
from tidegate.core.vocabulary import decisions, releases, verdicts
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import EXPOSED, Phase

LOST_SECONDS = health.LOST_SECONDS
"""A version without a ready replica for this long is lost; a worker that died is restarted well within it."""
_COMPARED = (Phase.RUNNING, Phase.PAUSED)
"""In these stable still has to be gone back to; a promotion is leaving it."""
CRASHES = 3
"""Restarts within one release after which a candidate is crash-looping."""


class Watch(msgspec.Struct, frozen=True):
    """What one look cannot tell: how long a version has been without a ready replica, and its restarts at release start."""

    stable_missing: float = 0.0
    candidate_missing: float = 0.0
    candidate_restarts: int = 0
    """Since the release began to warm."""


def next_event(
    release: releases.Release,
    seen: observation.Observation,
    watch: Watch,
    check: str | None,
    verdict: verdicts.Verdict | None,
) -> decisions.Event:
    """What to tell the machine now. `check`: None while it runs, "" when passed, else why not."""
    lost = _lost(release, seen, watch)
    if lost is not None:
        return lost
    return _progress(release, seen, check, verdict)


def _lost(release: releases.Release, seen: observation.Observation, watch: Watch) -> decisions.Event | None:
    """Stable first: when it cannot answer there is nothing to roll back onto."""
    if release.phase in _COMPARED and release.stable is not None and watch.stable_missing > LOST_SECONDS:
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
    if late and seen.ready(release.candidate) < release.replicas:
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


def _progress(
    release: releases.Release, seen: observation.Observation, check: str | None, verdict: verdicts.Verdict | None
) -> decisions.Event:
    if release.phase is Phase.CHECKING and check is not None:
        kind = Kind.CHECKS_FAILED if check else Kind.CHECKS_PASSED
        return decisions.Event(kind, reason=check)
    if release.phase is Phase.WARMING and seen.ready(release.candidate) >= release.replicas and not _sleeps(release, seen):
        return decisions.Event(Kind.WORKERS_READY)
    if _awaits_routes(release) and _asked_is_in_force(release, seen):
        return decisions.Event(Kind.ROUTES_SEEN)
    if verdict is not None and release.phase in (Phase.RUNNING, Phase.PAUSED, Phase.PROBATION):
        stage = sum(one.candidate.closed for one in seen.stage_sums(release))
        return decisions.Event(Kind.JUDGED, verdict=verdict, rate=seen.rate(release), stage_requests=stage)
    return decisions.Event(Kind.TICK)


def _sleeps(release: releases.Release, seen: observation.Observation) -> bool:
    """Whether stable is still being woken: until it can answer there is nothing to compare with, nor to go back to."""
    route = seen.table.routes.get(release.endpoint)
    return release.stable is not None and route is not None and route.asleep


def _awaits_routes(release: releases.Release) -> bool:
    if release.phase is Phase.RUNNING:
        return release.stage_since == 0
    return release.phase in (Phase.PROMOTING, Phase.ROLLING_BACK)


def _asked_is_in_force(release: releases.Release, seen: observation.Observation) -> bool:
    """Whether the routes this phase asks for are in the table and every living gateway obeys them."""
    route = seen.table.routes.get(release.endpoint)
    if route is None or not seen.in_force(release.endpoint):
        return False
    drawn = route.candidate.ordinal if route.candidate is not None else 0
    if release.phase is Phase.RUNNING:
        asked = release.stages[release.stage]
        wanted = (release.id, release.stage, asked.weight, release.candidate.ordinal)
        return (route.release, route.stage, route.weight, drawn) == wanted
    owner = release.candidate if release.phase is Phase.PROMOTING else release.stable
    return owner is None or (route.stable.ordinal == owner.ordinal and drawn == 0)
