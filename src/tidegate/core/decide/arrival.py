"""Moves at 100 %: promotion confirmed, probation, the end."""

from tidegate.core.decide import moves, ramp, retreat, upkeep
from tidegate.core.vocabulary import arms, decisions, releases, verdicts
from tidegate.core.vocabulary.phases import Phase

UNCOMPARED = frozenset({"level", "pairs"})
"""What a probation may find without a comparison of two arms: people are told, and nothing is rolled back by it."""


@moves.move(Phase.PROBATION, Phase.SUCCEEDED)
def confirmed(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """promoting: every gateway sends all traffic to the candidate, which owns the endpoint from now on."""
    seconds = max(0.0, now - release.rollback_began_at) if release.rollback_began_at else 0.0
    gap = max(0.0, now - release.gap_began_at) if release.gap_began_at else 0.0
    arrived = moves.changed(release, rollback_seconds=seconds, gap_seconds=gap)
    if release.stable is None:
        return _succeed(arrived, f"{release.candidate.name} is the first version of {release.endpoint} and has all traffic", now)
    reason = f"{release.candidate.name} has all traffic{_kept(release)}"
    if gap:
        reason += f"; nobody answered for {gap:.1f} s"
    after = moves.enter(arrived, Phase.PROBATION, reason, now)
    text = f"{release.endpoint}: {release.candidate.name} has all traffic ({release.reason})"
    return decisions.Decision(after, (*upkeep.effects(after), decisions.Notify("info", text)), reason)


@moves.move(Phase.ROLLING_BACK, Phase.HALTED)
def judged_on_the_way(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """promoting: harm goes back, unless a person has promoted past a sick stable."""
    verdict = ramp.found(event)
    return retreat.go_back(release, verdict.sentence, now) if _turns(release, verdict) else moves.stay(release)


@moves.move(Phase.SUCCEEDED)
def tick(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """probation: over when its time is, or when enough outcomes are there."""
    if 0 < release.probation_outcomes <= event.stage_requests:
        words = f"probation is over after {event.stage_requests:,} outcomes: {release.candidate.name} stays"
        return _succeed(release, words, now)
    if now - release.phase_since < release.probation_seconds:
        return moves.stay(release)
    words = f"probation is over: {release.candidate.name} stays" if release.probation_seconds else release.reason
    return _succeed(release, words, now)


@moves.move(Phase.ROLLING_BACK, Phase.SUCCEEDED, Phase.HALTED)
def judged(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """probation: the share that stable keeps and late outcomes may still send it back; what is no comparison may not."""
    verdict = ramp.found(event)
    if _turns(release, verdict) and (verdict.culprit not in UNCOMPARED):
        return retreat.go_back(release, verdict.sentence, now)
    over = tick.handler(release, event, now)
    if over.release.phase is Phase.SUCCEEDED or verdict.culprit not in UNCOMPARED or verdict.culprit in release.heeded:
        return over
    reason = f"{verdict.sentence} No comparison, so nothing is rolled back by it"
    warned = moves.changed(release, heeded=(*release.heeded, verdict.culprit), reason=reason)
    text = f"{release.endpoint}: {reason}; `tidegate rollback {release.endpoint}` goes back."
    return decisions.Decision(warned, (decisions.Notify("critical", text),), reason)


@moves.move()
def stable_gone(release: releases.Release, event: decisions.Event, _now: float) -> decisions.Decision:
    """probation: the version before cannot answer, so it gets no share any more, and nothing is compared."""
    if release.probation is None:
        return moves.stay(release)
    reason = f"{moves.said(event, 'the version before cannot answer')}: it keeps no share, and nothing is compared any more"
    after = moves.changed(release, probation=None, reason=reason)
    return decisions.Decision(
        after, (*upkeep.effects(after), decisions.Notify("warning", f"{release.endpoint}: {reason}")), reason
    )


@moves.move()
def migrated(release: releases.Release, event: decisions.Event, _now: float) -> decisions.Decision:
    """promoting, probation: a contract migration is done, so the version before cannot come back."""
    gone = release.stable.name if release.stable else "nothing"
    reason = f"the contract migration {event.reason} is done: {gone} cannot come back, and gets no traffic any more"
    after = moves.changed(release, no_return=event.reason, probation=None, reason=reason)
    return decisions.Decision(after, upkeep.effects(after), reason)


@moves.move(Phase.SUCCEEDED)
def superseded(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A newer release starts: probation ends well, before its time."""
    reason = moves.said(event, "superseded by a newer release")
    return _succeed(release, reason, now, "succeeded (superseded)")


def _kept(release: releases.Release) -> str:
    stable = release.stable.name if release.stable else "nothing"
    if release.alone:
        return f"; {stable} is stopped"
    if release.probation is not None and release.probation.weight < arms.BUCKETS:
        return f" but {100 - release.probation.weight / arms.BUCKETS * 100:g}%, which {stable} keeps for comparison"
    return f"; {stable} is kept warm"


def _turns(release: releases.Release, verdict: verdicts.Verdict) -> bool:
    return verdict.result is verdicts.Result.FAIL and release.stable is not None and not release.forced


def _succeed(release: releases.Release, reason: str, now: float, outcome: str = "succeeded") -> decisions.Decision:
    after = moves.enter(release, Phase.SUCCEEDED, reason, now, outcome=release.ends_as or outcome)
    text = f"{release.endpoint}: {release.candidate.name} {after.outcome.replace('_', ' ')}: {reason}"
    return decisions.Decision(after, (*upkeep.effects(after), decisions.Notify("info", text)), reason)
