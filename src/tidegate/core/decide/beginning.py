"""Moves before any traffic: queued, checked, perhaps approved, warmed up. Nothing here needs a rollback."""

from tidegate.core.decide import moves, upkeep
from tidegate.core.vocabulary import decisions, releases
from tidegate.core.vocabulary.phases import Phase


@moves.move(Phase.CHECKING)
def check(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Queued -> checking: at the first tick."""
    reason = f"{release.candidate.name} ({release.candidate.model}) is being checked"
    checking = moves.enter(release, Phase.CHECKING, reason, now)
    return decisions.Decision(checking, upkeep.effects(checking), reason)


@moves.move(Phase.WARMING)
def warm(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Checking or awaiting_approval -> warming."""
    reason = "checks passed" if event.kind is decisions.Kind.CHECKS_PASSED else moves.said(event, "approved")
    warming = moves.enter(release, Phase.WARMING, f"{reason}; {release.candidate.name} is loading", now)
    return decisions.Decision(warming, upkeep.effects(warming), warming.reason)


@moves.move(Phase.RUNNING, Phase.PROMOTING)
def expose(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Warming -> the first stage; straight to 100 % where there is nothing to compare with, or no stages are asked for."""
    name = release.candidate.name
    if upkeep.staged(release):
        reason = f"{name} has answered its warm-up: stage {release.stages[0].name}, 1 of {len(release.stages)}"
        after = moves.enter(release, Phase.RUNNING, reason, now, stage=0, stage_since=0.0)
    elif release.stable is None:
        reason = (
            f"first release of {release.endpoint}: no stable to compare with, so {release.strategy} is skipped; {name} gets 100%"
        )
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    else:
        reason = f"strategy {release.strategy}: {name} gets 100% as soon as it has answered its warm-up"
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    return decisions.Decision(after, upkeep.effects(after), reason)


@moves.move(Phase.FAILED)
def overdue(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """warming: a tick after `load_within` is up fails it."""
    if now - release.phase_since < release.load_seconds:
        return moves.stay(release)
    late = f"{release.candidate.name} was not ready within {release.load_seconds:g} s; `load_within` allows it more"
    return _fail(release, moves.said(event, late), now)


@moves.move(Phase.FAILED)
def fail(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Checks, load or warm-up said no: before any traffic, so nothing is held and nobody was hurt."""
    return _fail(release, moves.said(event, f"{release.candidate.name} did not come up"), now)


@moves.move(Phase.ABORTED)
def abort(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Ended by a person before any traffic: no routes need to change."""
    words = "rejected" if event.kind is decisions.Kind.REJECT else "aborted"
    reason = moves.said(event, f"{words} before any traffic")
    aborted = moves.enter(release, Phase.ABORTED, reason, now, outcome="aborted")
    text = f"{release.endpoint}: the release of {release.candidate.name} is {words} before any traffic: {reason}"
    return decisions.Decision(aborted, (*upkeep.effects(aborted), decisions.Notify("info", text)), reason)


def _fail(release: releases.Release, reason: str, now: float) -> decisions.Decision:
    failed = moves.enter(release, Phase.FAILED, reason, now, outcome="failed")
    text = f"{release.endpoint}: {release.candidate.name} failed before any traffic: {reason}"
    return decisions.Decision(failed, (*upkeep.effects(failed), decisions.Notify("warning", text)), reason)
