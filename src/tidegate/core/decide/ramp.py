"""Moves while traffic is split: stages by evidence, pauses, and a stable that falls ill."""

import msgspec

from tidegate.core.decide import actions, budget, doubt, moves, retreat, shifting, strategies, upkeep
from tidegate.core.vocabulary import decisions, errors, releases, verdicts
from tidegate.core.vocabulary.phases import Phase

BUDGET = "harm_budget"
"""The caution of a budget that is spent."""


@moves.move()
def begin_stage(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """The gateways obey the stage's routes: its clock starts, once."""
    if release.stage_since or not release.stage_ready:
        return moves.stay(release)
    reason = f"{moves.at(release)}, confirmed by every gateway"
    started = moves.changed(release, stage_since=now, reason=reason)
    moves_on = release.stages[release.stage].replicas is not None  # stable's spare replicas may go now
    return decisions.Decision(started, upkeep.effects(started) if moves_on else (), reason)


@moves.move()
def workers_there(release: releases.Release, _event: decisions.Event, _now: float) -> decisions.Decision:
    """running: the replicas that the stage adds are ready, so that their share of the traffic may follow."""
    if release.stage_ready:
        return moves.stay(release)
    name = release.stages[release.stage].name
    ready = moves.changed(release, stage_ready=True, reason=f"{release.candidate.name} has its replicas for {name}")
    return decisions.Decision(ready, upkeep.effects(ready), ready.reason)


@moves.move(Phase.PROMOTING, Phase.PAUSED, Phase.ROLLING_BACK)
def judged(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """running: back at once on FAIL; otherwise one stage on at most, after its least time, on proof or when its time is up."""
    verdict = found(event)
    stopped = _stopped(release, verdict, now)
    if stopped is not None:
        return stopped
    stage = release.stages[release.stage]
    elapsed = now - release.stage_since
    if release.at_gate or not release.stage_since or elapsed < stage.min_seconds:
        return moves.stay(release)
    if stage.watch is releases.Watch.METRIC:
        return _decided(release, event, elapsed, now)
    enough = event.stage_requests >= stage.min_requests
    if enough and verdict.result is verdicts.Result.PASS:
        return _advance(release, event, f"{_passed(stage)}: {verdict.sentence}", now)
    if stage.must_prove or elapsed < stage.max_seconds:
        return moves.stay(release)
    if not enough:
        return _unsure(release, event, now)
    if doubt.building(verdict, release) and release.strategy != strategies.REHEARSAL:
        return moves.stay(release)
    return _advance(release, event, f"no harm seen at {stage.name}, not proven better", now)


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
    if release.no_return or not upkeep.staged(release):
        after = moves.enter(release, Phase.PROMOTING, reason, now)
    else:
        began = now if release.stage_since else 0.0  # its routes never left
        after = moves.enter(release, Phase.RUNNING, reason, now, stage=release.resume_stage, stage_since=began)
    return decisions.Decision(after, upkeep.effects(after), reason)


resume_halted = moves.Move(resume.handler, (Phase.RUNNING, Phase.PROMOTING))
"""The same from a halt, where it may be a first release."""


@moves.move(Phase.PROMOTING, Phase.RUNNING)
def promote(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A person gives the candidate all traffic without waiting for evidence."""
    reason = moves.said(event, "promoted by hand")
    forced = release.phase is Phase.HALTED
    if release.group and not forced and upkeep.staged(release):
        return _await_group(release, f"{reason}, as soon as its group is through", now)
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


@moves.move(Phase.PAUSED)
def caution(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """running: something speaks against going on. Once a person has gone on past it, it is not said again."""
    if event.subject in release.heeded:
        return moves.stay(release)
    return _caution(release, event.subject, event.reason, now)


@moves.move(Phase.RUNNING, Phase.PROMOTING)
def relieved(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """paused: it was an alarm's hold, and that is over. The next such alarm holds it again. A person's pause stays."""
    if not release.paused_by:
        return moves.stay(release)
    heeded = tuple(one for one in release.heeded if one != release.paused_by)
    decision = resume.handler(moves.changed(release, heeded=heeded, paused_by=""), event, now)
    text = f"{release.endpoint}: the release of {release.candidate.name} goes on: {decision.reason}"
    effects = (*decision.effects, decisions.Notify("info", text))
    return msgspec.structs.replace(decision, effects=effects)


@moves.move(Phase.PROMOTING)
def group_ready(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """running: every member of the group is through with its stages, so all are promoted now."""
    if not release.at_gate:
        return moves.stay(release)
    after = moves.enter(release, Phase.PROMOTING, f"the whole group {release.group} is through: {release.reason}", now)
    return decisions.Decision(after, upkeep.effects(after), after.reason)


def _stopped(release: releases.Release, verdict: verdicts.Verdict, now: float) -> decisions.Decision | None:
    """What keeps a release from going on, whatever else is proven; None: nothing does."""
    if verdict.result is verdicts.Result.FAIL:
        return retreat.go_back(release, verdict.sentence, now)
    if verdict.result is verdicts.Result.ERROR:
        return _pause(release, f"the evidence cannot be trusted, the feed is broken: {verdict.sentence}", now)
    if BUDGET not in release.heeded and (spent := budget.spent(release, verdict)):
        return _caution(release, BUDGET, spent, now)
    if shifting.SUBJECT not in release.heeded and (apart := shifting.beyond(release, verdict, "pause")):
        return _caution(release, shifting.SUBJECT, apart, now)
    return None


def _decided(release: releases.Release, event: decisions.Event, elapsed: float, now: float) -> decisions.Decision:
    """A/B: a winner is promoted, a loser goes back unheld, and so does one that made no difference by the horizon."""
    verdict, stage = found(event), release.stages[release.stage]
    if verdict.decision == "candidate" and event.stage_requests >= stage.min_requests:
        return _advance(release, event, f"the candidate is better: {verdict.sentence}", now)
    if verdict.decision in ("stable", "no_difference") and event.stage_requests >= stage.min_requests:
        return retreat.go_back(
            release, verdict.sentence, now, "stable_better" if verdict.decision == "stable" else "no_difference"
        )
    if elapsed >= stage.max_seconds:
        return retreat.go_back(release, f"no winner by the horizon: {verdict.sentence}", now, "no_difference")
    return moves.stay(release)


def _passed(stage: releases.Stage) -> str:
    if stage.watch is releases.Watch.COMPARISON:
        return f"proven no worse at {stage.name}"
    return f"passed {stage.name}"


def _advance(release: releases.Release, event: decisions.Event, reason: str, now: float, ends_as: str = "") -> decisions.Decision:
    """One stage on; after the last one 100 %, or back where the release was only a look, or to its group."""
    ends_as = ends_as or release.ends_as
    if release.stage + 1 == len(release.stages):
        if release.returns:
            return retreat.go_back(release, reason, now, "rehearsed" if release.strategy == strategies.REHEARSAL else "shadowed")
        if release.group:
            return _await_group(moves.changed(release, ends_as=ends_as), reason, now)
        after = moves.enter(release, Phase.PROMOTING, reason, now, ends_as=ends_as)
        return decisions.Decision(after, upkeep.effects(after), reason)
    if dear := budget.exceeded(release, event):
        return moves.stay(release, dear)
    following = release.stages[release.stage + 1]
    after = moves.changed(
        release,
        stage=release.stage + 1,
        stage_since=0.0,
        stage_began_at=now,
        stage_ready=following.replicas is None,
        reason=reason,
        ends_as=ends_as,
    )
    return decisions.Decision(after, upkeep.effects(after), reason)


def _await_group(release: releases.Release, reason: str, now: float) -> decisions.Decision:
    waits = moves.changed(release, at_gate=True, reason=reason)
    if release.phase is not Phase.RUNNING:
        began = now if release.stage_since else 0.0
        waits = moves.enter(waits, Phase.RUNNING, reason, now, stage=release.resume_stage, stage_since=began)
    return decisions.Decision(waits, upkeep.effects(waits), reason)


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
        case "promote" if not doubt.building(event.verdict, release):
            return _advance(release, event, f"{words}; goes on without evidence (policy)", now, "promoted_without_evidence")
        case "promote":
            odds = f"{doubt.against(event.verdict, release):.0f} to 1"
            return _pause(release, f"{words}, and the evidence is {odds} against it: not promoted without more", now)
    return _pause(release, words, now)


def _caution(release: releases.Release, subject: str, reason: str, now: float) -> decisions.Decision:
    by = subject if subject.startswith(actions.HOLD) else ""
    return _pause(moves.changed(release, heeded=(*release.heeded, subject)), reason, now, by)


def _pause(release: releases.Release, reason: str, now: float, by: str = "") -> decisions.Decision:
    """Paused by the machine: people are told, since it is for them to go on. `by`: what it goes on after by itself."""
    paused = _paused(release, reason, now, by)
    text = f"{release.endpoint}: the release of {release.candidate.name} is paused: {reason}"
    return decisions.Decision(paused, (*upkeep.effects(paused), decisions.Notify("warning", text)), reason)


def _paused(release: releases.Release, reason: str, now: float, by: str = "") -> releases.Release:
    return moves.enter(release, Phase.PAUSED, reason, now, resume_stage=release.stage, paused_by=by)
