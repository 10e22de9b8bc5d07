"""Moves before any traffic: queued, checked, perhaps approved, warmed up. Nothing here needs a rollback, but where stable was
stopped first (recreate).
"""

import msgspec

from tidegate.core.decide import moves, retreat, upkeep
from tidegate.core.vocabulary import amounts, decisions, errors, releases
from tidegate.core.vocabulary.phases import Phase

REMINDERS = 3
"""Into so many parts the time for an approval is cut: at the end of each but the last, people are reminded."""


@moves.move(Phase.CHECKING)
def check(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Queued -> checking: at the first tick."""
    reason = f"{release.candidate.name} ({release.candidate.model}) is being checked"
    checking = moves.enter(release, Phase.CHECKING, reason, now)
    return decisions.Decision(checking, upkeep.effects(checking), reason)


@moves.move(Phase.WARMING, Phase.AWAITING_APPROVAL)
def checked(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Checking -> warming, or first to the people who have to say yes to this very model."""
    if missing(release):
        waits = moves.enter(release, Phase.AWAITING_APPROVAL, f"checks passed; {_wanted(release)}", now, reminded_at=now)
        return decisions.Decision(waits, (*upkeep.effects(waits), _ask(waits, now)), waits.reason)
    return _warm(release, "checks passed" if release.approval is None else "approved, and checked once more", now)


@moves.move(Phase.CHECKING)
def approve(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """awaiting_approval: one more yes; with the last of them it is checked once more, since days may have passed.

    Raises ApprovalRefused for who may not, or has already.
    """
    asked = release.approval or releases.Approval()
    name = release.candidate.name
    if asked.by and event.actor not in asked.by:
        raise errors.ApprovalRefused(f"{event.actor} may not approve {name}.", cure=f"Those who may: {', '.join(asked.by)}.")
    if asked.not_author and event.actor == release.actor:
        raise errors.ApprovalRefused(f"{event.actor} asked for {name} and may not approve it.", cure="Somebody else has to.")
    if event.actor in _approvers(release):
        raise errors.ApprovalRefused(f"{event.actor} has approved {name} already.", cure=f"It {_wanted(release)}.")
    yes = releases.Approved(event.actor, now, release.candidate.model_digest, event.reason)
    approved = moves.changed(release, approvals=(*release.approvals, yes))
    if missing(approved):
        reason = f"approved by {event.actor}; {_wanted(approved)}"
        return decisions.Decision(moves.changed(approved, reason=reason), (), reason)
    reason = f"approved by {', '.join(_approvers(approved))}; {name} is checked once more"
    checking = moves.enter(approved, Phase.CHECKING, reason, now)
    return decisions.Decision(checking, upkeep.effects(checking), reason)


@moves.move(Phase.ABORTED)
def remind(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """awaiting_approval, on a tick: people are reminded, and after the time for it the release ends."""
    asked = release.approval or releases.Approval()
    if now - release.phase_since >= asked.within_seconds:
        return _abort(release, f"not approved within {amounts.span(asked.within_seconds)}", "not approved", now)
    if now - release.reminded_at < asked.within_seconds / REMINDERS:
        return moves.stay(release)
    reminded = moves.changed(release, reminded_at=now)
    return decisions.Decision(reminded, (_ask(release, now, "still "),), moves.said(event, release.reason))


@moves.move(Phase.RUNNING, Phase.PROMOTING)
def expose(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Warming -> the first stage; straight to 100 % where there is nothing to compare with, or no stages are asked for."""
    name = release.candidate.name
    if upkeep.staged(release):
        reason = f"{name} has answered its warm-up: stage {release.stages[0].name}, 1 of {len(release.stages)}"
        entered = {"stage": 0, "stage_since": 0.0, "stage_began_at": now, "stage_ready": True}
        after = moves.enter(release, Phase.RUNNING, reason, now, **entered)
    elif release.stable is None:
        reason = (
            f"first release of {release.endpoint}: no stable to compare with, so {release.strategy} is skipped; {name} gets 100%"
        )
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    else:
        reason = f"strategy {release.strategy}: {name} gets 100% as soon as it has answered its warm-up"
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    return decisions.Decision(after, upkeep.effects(after), reason)


@moves.move(Phase.FAILED, Phase.ROLLING_BACK)
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


fail_warm = moves.Move(fail.handler, (Phase.FAILED, Phase.ROLLING_BACK))
"""The same while it warms up: where stable was stopped for it, stable has to come back first."""


@moves.move(Phase.ABORTED)
def abort(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Ended before any traffic by a person, or with its group: no routes need to change, but where stable was stopped."""
    words = "rejected" if event.kind is decisions.Kind.REJECT else "aborted"
    return _abort(release, moves.said(event, f"{words} before any traffic"), words, now)


abort_warm = moves.Move(abort.handler, (Phase.ABORTED, Phase.ROLLING_BACK))
"""The same while it warms up."""


def missing(release: releases.Release) -> int:
    """How many more have to approve this very model."""
    return max(0, release.approval.count - len(_approvers(release))) if release.approval is not None else 0


def _approvers(release: releases.Release) -> list[str]:
    return [one.actor for one in release.approvals if one.model_digest == release.candidate.model_digest]


def _wanted(release: releases.Release) -> str:
    asked, more = release.approval or releases.Approval(), missing(release)
    whose = f" of {', '.join(asked.by)}" if asked.by else ""
    but = f", not {release.actor} who asked for it" if asked.not_author and release.actor not in asked.by else ""
    return f"waits for {more} {'approval' if more == 1 else 'approvals'}{whose}{but}"


def _ask(release: releases.Release, now: float, still: str = "") -> decisions.Notify:
    asked = release.approval or releases.Approval()
    left = amounts.span(max(0.0, release.phase_since + asked.within_seconds - now))
    cure = f"`tidegate approve {release.endpoint}`"
    return decisions.Notify(
        "warning", f"{release.endpoint}: {release.candidate.name} {still}{_wanted(release)}, for {left}: {cure}"
    )


def _warm(release: releases.Release, why: str, now: float) -> decisions.Decision:
    words = f"{why}; {release.candidate.name} is loading"
    stopped = release.alone and release.stable is not None
    if stopped and release.stable is not None:
        words = f"{why}; {release.stable.name} stops, then {release.candidate.name} loads: nobody answers meanwhile"
    warming = moves.enter(release, Phase.WARMING, words, now, gap_began_at=now if stopped else 0.0)
    return decisions.Decision(warming, upkeep.effects(warming), words)


def _fail(release: releases.Release, reason: str, now: float) -> decisions.Decision:
    if release.phase is Phase.WARMING and release.alone and release.stable is not None:
        return retreat.go_back(release, reason, now, "failed")
    failed = moves.enter(release, Phase.FAILED, reason, now, outcome="failed")
    text = f"{release.endpoint}: {release.candidate.name} failed before any traffic: {reason}"
    return decisions.Decision(failed, (*upkeep.effects(failed), decisions.Notify("warning", text)), reason)


def _abort(release: releases.Release, reason: str, words: str, now: float) -> decisions.Decision:
    if release.phase is Phase.WARMING and release.alone and release.stable is not None:
        return retreat.go_back(release, reason, now, "aborted")
    aborted = moves.enter(release, Phase.ABORTED, reason, now, outcome="aborted")
    text = f"{release.endpoint}: the release of {release.candidate.name} is {words} before any traffic: {reason}"
    return decisions.Decision(aborted, (*upkeep.effects(aborted), decisions.Notify("info", text)), reason)


def shifted(release: releases.Release, seconds: float, now: float) -> releases.Release:
    """The release with every time it has noted moved along with the machine's clock, and not created after `now`."""
    noted = ("phase_since", "stage_since", "stage_began_at", "reminded_at", "rollback_began_at", "gap_began_at")
    moved = {name: getattr(release, name) + seconds for name in noted if getattr(release, name)}
    return msgspec.structs.replace(release, created_at=min(release.created_at, now), **moved)
