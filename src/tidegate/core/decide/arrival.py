"""Moves at 100 %: promotion confirmed, probation, the end."""

from tidegate.core.decide import moves, ramp, retreat, upkeep
from tidegate.core.vocabulary import decisions, releases, verdicts
from tidegate.core.vocabulary.phases import Phase


@moves.move(Phase.PROBATION, Phase.SUCCEEDED)
def confirmed(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """promoting: every gateway sends all traffic to the candidate, which owns the endpoint from now on."""
    seconds = max(0.0, now - release.rollback_began_at) if release.rollback_began_at else 0.0
    arrived = moves.changed(release, rollback_seconds=seconds)
    if release.stable is None:
        return _succeed(arrived, f"{release.candidate.name} is the first version of {release.endpoint} and has all traffic", now)
    reason = f"{release.candidate.name} has all traffic; {release.stable.name} is kept warm"
    after = moves.enter(arrived, Phase.PROBATION, reason, now)
    text = f"{release.endpoint}: {release.candidate.name} has all traffic ({release.reason})"
    return decisions.Decision(after, (*upkeep.effects(after), decisions.Notify("info", text)), reason)


@moves.move(Phase.ROLLING_BACK)
def judged_on_the_way(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """promoting: harm goes back, unless a person has promoted past a sick stable."""
    verdict = ramp.found(event)
    return retreat.go_back(release, verdict.sentence, now) if _turns(release, verdict) else moves.stay(release)


@moves.move(Phase.SUCCEEDED)
def tick(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """probation: over when its time is."""
    if now - release.phase_since < release.probation_seconds:
        return moves.stay(release)
    return _succeed(release, f"probation is over: {release.candidate.name} stays", now)


@moves.move(Phase.ROLLING_BACK, Phase.SUCCEEDED)
def judged(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """probation: outcomes that came late may still send it back."""
    verdict = ramp.found(event)
    if _turns(release, verdict):
        return retreat.go_back(release, verdict.sentence, now)
    return tick.handler(release, event, now)


@moves.move(Phase.SUCCEEDED)
def superseded(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A newer release starts: probation ends well, before its time."""
    reason = moves.said(event, "superseded by a newer release")
    return _succeed(release, reason, now, "succeeded (superseded)")


def _turns(release: releases.Release, verdict: verdicts.Verdict) -> bool:
    return verdict.result is verdicts.Result.FAIL and release.stable is not None and not release.forced


def _succeed(release: releases.Release, reason: str, now: float, outcome: str = "succeeded") -> decisions.Decision:
    after = moves.enter(release, Phase.SUCCEEDED, reason, now, outcome=release.ends_as or outcome)
    text = f"{release.endpoint}: {release.candidate.name} {after.outcome.replace('_', ' ')}: {reason}"
    return decisions.Decision(after, (*upkeep.effects(after), decisions.Notify("info", text)), reason)
