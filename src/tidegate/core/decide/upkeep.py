"""What has to hold in a phase: the level-triggered effects. Running them again changes nothing, so a crash anywhere is healed.

After the end no routes are asked for: the endpoint's own record says who gets its traffic, and a table rolled back by hand
stands. What is left then is to see that nobody's workers linger.
"""

from tidegate.core.vocabulary import decisions, releases
from tidegate.core.vocabulary.phases import Phase

_STAGED = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.HALTED})
_TAKEN = frozenset({Phase.PROMOTING, Phase.PROBATION})
_GONE = frozenset({Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED})


def effects(release: releases.Release) -> tuple[decisions.Effect, ...]:
    """All that must hold now, routes before processes where traffic has to get away, after them where it has to arrive."""
    if release.phase in _GONE:
        return (decisions.Drain(release.candidate), decisions.Retire(release.candidate))
    if release.phase is Phase.SUCCEEDED:
        return () if release.stable is None else (decisions.Retire(release.stable),)
    stable = () if release.stable is None else (decisions.EnsureWorkers(release.stable, release.replicas),)
    asked = routes(release)
    if release.phase is Phase.ROLLING_BACK:
        return (*_present(asked), *stable)
    if release.phase is Phase.CHECKING:
        return (*stable, decisions.StartJob("check", release.id, release.candidate))
    if release.phase in (Phase.QUEUED, Phase.AWAITING_APPROVAL):
        return stable
    return (*stable, decisions.EnsureWorkers(release.candidate, release.replicas), *_present(asked))


def routes(release: releases.Release) -> decisions.SetRoutes | None:
    """The routes that the phase asks for; None where it leaves them as they are."""
    if release.phase in _TAKEN or (release.phase is Phase.HALTED and not staged(release)):
        return _all_to(release, release.candidate)
    if release.phase in _STAGED and release.stable is not None:
        stage = release.stages[release.stage]
        return decisions.SetRoutes(
            endpoint=release.endpoint,
            release=release.id,
            stage=release.stage,
            stable=release.stable,
            candidate=release.candidate,
            weight=stage.weight,
            evidence=stage.evidence,
            salt=release.salt,
        )
    if release.phase is Phase.ROLLING_BACK and release.stable is not None:
        return _all_to(release, release.stable)
    return None


def staged(release: releases.Release) -> bool:
    """Whether traffic is split stage by stage: not for an endpoint's first release, nor for one without stages."""
    return release.stable is not None and bool(release.stages)


def _all_to(release: releases.Release, version: releases.Version) -> decisions.SetRoutes:
    return decisions.SetRoutes(
        endpoint=release.endpoint,
        release=release.id,
        stage=len(release.stages),
        stable=version,
        candidate=None,
        weight=0,
        evidence=False,
        salt=release.salt,
    )


def _present(asked: decisions.SetRoutes | None) -> tuple[decisions.Effect, ...]:
    return () if asked is None else (asked,)
