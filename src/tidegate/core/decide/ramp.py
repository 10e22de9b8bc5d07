"""Moves while traffic is split: stages by evidence, pauses, and a stable that falls ill."""

from tidegate.core.decide import doubt, moves, retreat, upkeep
from tidegate.core.vocabulary import decisions, errors, releases, verdicts
from tidegate.core.vocabulary.phases import Phase


@moves.move()
def begin_stage(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """The gateways obey the stage's routes: its clock starts, once."""
    if release.stage_since:
        return moves.stay(release)
    reason = f"{release.candidate.name} gets {release.stages[release.stage].name}, confirmed by every gateway"
    started = moves.changed(release, stage_since=now, reason=reason)
    return decisions.Decision(started, (), reason)


@moves.move(Phase.PROMOTING, Phase.PAUSED, Phase.ROLLING_BACK)
def judged(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """running: back at once on FAIL; otherwise one stage on at most, after its least time, on proof or when its time is up."""
    verdict = found(event)
    if verdict.result is verdicts.Result.FAIL:
        return retreat.go_back(release, verdict.sentence, now)
    if verdict.result is verdicts.Result.ERROR:
        return _pause(release, f"the evidence cannot be trusted, the feed is broken: {verdict.sentence}", now)
    stage = release.stages[release.stage]
    elapsed = now - release.stage_since
    if not release.stage_since or elapsed < stage.min_seconds:
        return moves.stay(release)
    enough = event.stage_requests >= stage.min_requests
    if enough and verdict.result is verdicts.Result.PASS:
        return _advance(release, f"proven no worse at {stage.name}: {verdict.sentence}", now)
    if stage.must_prove or elapsed < stage.max_seconds:
        return moves.stay(release)
    if not enough:
        return _unsure(release, event, now)
    if doubt.building(verdict):
        return moves.stay(release)
    return _advance(release, f"no harm seen at {stage.name}, not proven better", now)


@moves.move(Phase.ROLLING_BACK)
def judged_paused(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """paused: a person holds the weight, but harm still goes back at once."""
    verdict = found(event)
    if verdict.result is verdicts.Result.FAIL:
        return retreat.go_back(release, verdict.sentence, now)
    return moves.stay(release)


@moves.move(Phase.PAUSED)
def pause(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A person stops the ramp; the weight stays, and evidence goes on being collected."""
    paused = _paused(release, moves.said(event, "paused"), now)
    return decisions.Decision(paused, upkeep.effects(paused), paused.reason)


@moves.move(Phase.RUNNING)
def resume(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Back to the stage, with its clock started again; a first release goes on towards 100 %."""
    reason = moves.said(event, "resumed")
    if not upkeep.staged(release):
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    else:
        after = moves.enter(release, Phase.RUNNING, reason, now, stage=release.resume_stage, stage_since=0.0)
    return decisions.Decision(after, upkeep.effects(after), reason)


resume_halted = moves.Move(resume.handler, (Phase.RUNNING, Phase.PROMOTING))
"""The same from a halt, where it may be a first release."""


@moves.move(Phase.PROMOTING)
def promote(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A person gives the candidate all traffic without waiting for evidence."""
    reason = moves.said(event, "promoted by hand")
    forced = release.phase is Phase.HALTED
    after = moves.enter(release, Phase.PROMOTING, reason, now, forced=forced)
    return decisions.Decision(after, upkeep.effects(after), reason)


@moves.move(Phase.HALTED)
def halt(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """Stable cannot answer: nothing to roll back onto, so weights stay and a person is called."""
    reason = moves.said(event, "stable cannot answer")
    halted = moves.enter(release, Phase.HALTED, reason, now, resume_stage=release.stage)
    text = (
        f"{release.endpoint}: halted, {reason}. {release.candidate.name} is not rolled back onto a sick stable; choose by hand."
    )
    return decisions.Decision(halted, (*upkeep.effects(halted), decisions.Notify("critical", text)), reason)


def found(event: decisions.Event) -> verdicts.Verdict:
    """The verdict that a judged event has to bring. Raises TransitionUnknown for one that does not."""
    if event.verdict is None:
        raise errors.TransitionUnknown("a judged event came without its verdict.")
    return event.verdict


def _advance(release: releases.Release, reason: str, now: float, ends_as: str = "") -> decisions.Decision:
    ends_as = ends_as or release.ends_as
    if release.stage + 1 == len(release.stages):
        after = moves.enter(release, Phase.PROMOTING, reason, now, ends_as=ends_as)
    else:
        after = moves.changed(release, stage=release.stage + 1, stage_since=0.0, reason=reason, ends_as=ends_as)
    return decisions.Decision(after, upkeep.effects(after), reason)


def _unsure(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """The stage's time is up with too few requests: what the policy says. A stage without any traffic has not begun to count."""
    stage = release.stages[release.stage]
    if event.stage_requests == 0:
        reason = f"no traffic at {stage.name} so far: its clock starts again"
        return decisions.Decision(moves.changed(release, stage_since=now, reason=reason), (), reason)
    words = f"only {event.stage_requests} of {stage.min_requests} canary requests in the time of {stage.name}"
    match release.policy.on_unsure:
        case "extend":
            return moves.stay(release)
        case "rollback":
            return retreat.go_back(release, f"{words} (policy: roll back when unsure)", now)
        case "promote" if not doubt.building(event.verdict):
            return _advance(release, f"{words}; goes on without evidence (policy)", now, "promoted_without_evidence")
        case "promote":
            odds = f"{doubt.against(event.verdict):.0f} to 1"
            return _pause(release, f"{words}, and the evidence is {odds} against it: not promoted without more", now)
    return _pause(release, words, now)


def _pause(release: releases.Release, reason: str, now: float) -> decisions.Decision:
    """Paused by the machine: people are told, since only they can go on."""
    paused = _paused(release, reason, now)
    text = f"{release.endpoint}: the release of {release.candidate.name} is paused: {reason}"
    return decisions.Decision(paused, (*upkeep.effects(paused), decisions.Notify("warning", text)), reason)


def _paused(release: releases.Release, reason: str, now: float) -> releases.Release:
    return moves.enter(release, Phase.PAUSED, reason, now, resume_stage=release.stage)
