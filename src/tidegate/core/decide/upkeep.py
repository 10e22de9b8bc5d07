"""What has to hold in a phase: the level-triggered effects. Running them again changes nothing, so a crash anywhere is healed.

After the end no routes are asked for: the endpoint's own record says who gets its traffic, and a table rolled back by hand
stands. What is left then is to see that nobody's workers linger.
"""

from tidegate.core.vocabulary import arms, decisions, releases
from tidegate.core.vocabulary.phases import Phase

_STAGED = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HALTED})
_OWNED = frozenset({Phase.PROMOTING, Phase.PROBATION})
_GONE = frozenset({Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED, Phase.CONCLUDED})


def effects(release: releases.Release) -> tuple[decisions.Effect, ...]:
    """All that must hold now, routes before processes where traffic has to get away, after them where it has to arrive."""
    if release.phase in _GONE:
        return (decisions.Drain(release.candidate), decisions.Retire(release.candidate))
    if release.phase is Phase.SUCCEEDED:
        return () if release.stable is None else (decisions.Retire(release.stable),)
    candidate, stable = places(release)
    asked = routes(release)
    workers = (*_workers(release, release.stable, stable), *_workers(release, release.candidate, candidate))
    if release.phase is Phase.ROLLING_BACK:
        return (*_present(asked), *workers)
    if release.phase is Phase.CHECKING:
        return (*workers, decisions.StartJob("check", release.id, release.candidate))
    if release.phase is Phase.RUNNING and release.stages[release.stage].watch is releases.Watch.SMOKE:
        return (*workers, *_present(asked), decisions.StartJob("smoke", release.id, release.candidate))
    return (*workers, *_present(asked))


def places(release: releases.Release) -> tuple[int, int]:
    """Replicas that candidate and stable are to have now."""
    whole = release.replicas
    if release.phase in (Phase.QUEUED, Phase.CHECKING, Phase.AWAITING_APPROVAL, Phase.ROLLING_BACK):
        return 0, whole
    if release.alone and release.stable is not None:
        return whole, 0
    if release.phase is Phase.WARMING:
        first = release.stages[0].replicas if staged(release) else None
        return (first.candidate, first.meanwhile) if first else (whole, whole)
    current = stage(release) or (release.stages[-1] if staged(release) else None)  # what was moved last stays so
    moved = current.replicas if current is not None else None
    if moved is None:
        return whole, whole
    there = moved.candidate if release.phase in _STAGED else whole
    return there, moved.stable if release.stage_since else moved.meanwhile


def stage(release: releases.Release) -> releases.Stage | None:
    """The stage that says how traffic goes in this phase: the last one once all are through, the probation's on the way to it
    and after.
    """
    if release.phase is Phase.PROBATION or (release.phase is Phase.PROMOTING and release.probation is not None):
        return release.probation if release.stable is not None else None
    if not staged(release):
        return None
    return release.stages[min(release.stage, len(release.stages) - 1)]


def routes(release: releases.Release) -> decisions.SetRoutes | None:
    """The routes that the phase asks for; None where it leaves them as they are."""
    if release.phase is Phase.HALTED and (release.no_return or not staged(release)):
        return _all_to(release, release.candidate)
    if release.phase in _OWNED:  # promoted straight into the probation: whom the candidate fails, stable may still answer
        after = release.probation if release.stable is not None else None
        return _split(release, after, after.weight) if after is not None else _all_to(release, release.candidate)
    if release.stable is None:
        return None
    if release.phase is Phase.WARMING and release.alone:
        return _all_to(release, release.candidate, gap=True)
    if release.phase in _STAGED:
        current = release.stages[release.stage]
        return _split(release, current, current.weight if release.stage_ready else _served(release))
    if release.phase is Phase.ROLLING_BACK:
        return _all_to(release, release.stable, gap=release.alone)
    return None


def staged(release: releases.Release) -> bool:
    """Whether traffic is split stage by stage: not for an endpoint's first release, nor for one without such stages."""
    return release.stable is not None and bool(release.stages) and not release.alone


def _served(release: releases.Release) -> int:
    """The candidate's weight while its next replicas come up: what is there of both shares the traffic alike."""
    before = release.stages[release.stage - 1].replicas if release.stage else None
    moved = release.stages[release.stage].replicas
    there, meanwhile = (before.candidate if before else 0), (moved.meanwhile if moved else 0)
    return there * arms.BUCKETS // (there + meanwhile) if there + meanwhile else 0


def _split(release: releases.Release, current: releases.Stage, weight: int) -> decisions.SetRoutes:
    assert release.stable is not None
    owned = release.phase in _OWNED
    cohort = current.cohort or (owned and any(one.cohort for one in release.stages))
    return decisions.SetRoutes(
        endpoint=release.endpoint,
        release=release.id,
        stage=len(release.stages) if owned else release.stage,
        stable=release.stable,
        candidate=release.candidate,
        weight=weight,
        evidence=current.evidence,
        salt=release.salt,
        mirror=current.mirror,
        sticky=release.sticky,
        cohort=release.cohort if cohort else None,
        candidate_owns=owned,
    )


def _all_to(release: releases.Release, version: releases.Version, *, gap: bool = False) -> decisions.SetRoutes:
    return decisions.SetRoutes(
        endpoint=release.endpoint,
        release=release.id,
        stage=len(release.stages),
        stable=version,
        candidate=None,
        weight=0,
        evidence=False,
        salt=release.salt,
        sticky=release.sticky,
        gap=gap,
    )


def _workers(release: releases.Release, version: releases.Version | None, replicas: int) -> tuple[decisions.Effect, ...]:
    """Workers of one side. Where the two are never up together, its own come after the other's are gone."""
    if version is None or not replicas:
        return ()
    other = release.stable if version is release.candidate else release.candidate
    alone = release.alone and release.stable is not None and release.phase in (Phase.WARMING, Phase.ROLLING_BACK)
    return (decisions.EnsureWorkers(version, replicas, other if alone else None),)


def _present(asked: decisions.SetRoutes | None) -> tuple[decisions.Effect, ...]:
    return () if asked is None else (asked,)
