"""The way back: whoever asks for it, the same effects in the same order. Statistics are not on this path.

Traffic to stable first; when every gateway has confirmed it: drain, hold, retire, tell.
"""

from tidegate.core.decide import moves, strategies, upkeep
from tidegate.core.vocabulary import decisions, errors, releases
from tidegate.core.vocabulary.phases import EXPOSED, Phase

UNHELD = {"aborted": Phase.ABORTED, "failed": Phase.FAILED} | dict.fromkeys(
    ("shadowed", "rehearsed", "stable_better", "no_difference"), Phase.CONCLUDED
)
"""Ways to end on stable that say nothing against the model, by outcome. Every other one holds it."""


def go_back(release: releases.Release, reason: str, now: float, ends_as: str = "rolled_back") -> decisions.Decision:
    """Everything to stable. Where there is none, or it cannot come back, it halts: a person has to choose."""
    if release.stable is None or release.no_return:
        halted = moves.enter(release, Phase.HALTED, reason, now, resume_stage=release.stage)
        why = "This is its first release: there is no version to go back to."
        if release.stable is not None:
            why = f"{release.stable.name} cannot come back: the contract migration {release.no_return} is done."
        text = f"{release.endpoint}: halted, {reason}. {why}"
        return decisions.Decision(halted, (*upkeep.effects(halted), decisions.Notify("critical", text)), reason)
    after = moves.enter(release, Phase.ROLLING_BACK, reason, now, rollback_began_at=now, rollback_seconds=0.0, ends_as=ends_as)
    return decisions.Decision(after, upkeep.effects(after), reason)


@moves.move(Phase.ROLLING_BACK, Phase.HALTED)
def with_group(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A member of its group went back, so all do: nothing is said against this one's model, and it is not held."""
    return go_back(release, moves.said(event, f"the group {release.group} went back"), now, "aborted")


@moves.move(Phase.ROLLING_BACK, Phase.HALTED)
def alarmed(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """An alarm about the endpoint, and the policy says that it rolls back. What is a way back already is not turned around."""
    if release.rollback_began_at:
        return moves.stay(release, "it goes back already")
    return go_back(release, f"{moves.said(event, 'an alarm')} (policy: roll back on alarms)", now)


@moves.move(Phase.ROLLING_BACK)
def by_hand(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """A person's rollback or abort. Raises NothingToRollBack for an endpoint's first release, unless an abort ends its halt."""
    aborting = event.kind is decisions.Kind.ABORT
    if release.rollback_began_at and not aborting:
        return moves.stay(release, "this is a rollback already; `tidegate abort` undoes it")
    reason = moves.said(event, "aborted" if aborting else "rolled back")
    if release.no_return:
        raise errors.IrreversibleMigration(
            f"{release.endpoint} cannot go back: the contract migration {release.no_return} is done.",
            cure="Release a mended model on top of this one.",
        )
    if release.stable is not None:
        return go_back(release, reason, now, "aborted" if aborting else "rolled_back")
    if aborting and release.phase is Phase.HALTED:
        return end(release, reason, now, "aborted")
    words = f"this is the first release of {release.endpoint}: there is no version to go back to."
    raise errors.NothingToRollBack(words, cure="Release a mended model when this one is through.")


@moves.move(Phase.ROLLING_BACK)
def lost(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """The candidate's workers are gone while it has traffic."""
    return go_back(release, moves.said(event, f"{release.candidate.name} is lost"), now)


lost_first = moves.Move(lost.handler, (Phase.ROLLING_BACK, Phase.HALTED))
"""The same where there may be nothing to go back to."""
out_of_halt = moves.Move(by_hand.handler, (Phase.ROLLING_BACK, Phase.ABORTED))
"""The same from a halt: an endpoint's first release is aborted."""


@moves.move(Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED, Phase.CONCLUDED)
def confirmed(release: releases.Release, _event: decisions.Event, now: float) -> decisions.Decision:
    """Every gateway sends all traffic to stable: the rest of the way back."""
    return end(release, release.reason, now, release.ends_as)


@moves.move()
def insist(release: releases.Release, event: decisions.Event, _now: float) -> decisions.Decision:
    """A rollback while an abort is under way: the same way back, and the model is held after all."""
    if release.ends_as == "rolled_back":
        return moves.stay(release, "it is being rolled back already")
    reason = moves.said(event, "rolled back")
    return decisions.Decision(moves.changed(release, ends_as="rolled_back", reason=reason), (), reason)


@moves.move()
def sick_on_return(release: releases.Release, event: decisions.Event, _now: float) -> decisions.Decision:
    """Stable cannot answer while traffic goes back to it: nothing better is known, so go on, and say so once."""
    reason = f"{moves.said(event, 'stable cannot answer')}, while rolling back onto it"
    if release.reason == reason:
        return moves.stay(release)
    text = f"{release.endpoint}: {reason}. Neither version is well: clients get the fallback or 503."
    return decisions.Decision(moves.changed(release, reason=reason), (decisions.Notify("critical", text),), reason)


@moves.move(Phase.ROLLED_BACK)
def overridden(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """The table was rolled back by hand, and stands: no routes are asked for. Its override brings its own hold."""
    reason = moves.said(event, "rolled back by hand while control was down")
    rolled_back = moves.enter(release, Phase.ROLLED_BACK, reason, now, outcome="rolled_back")
    exposed = release.phase in EXPOSED or release.phase in (Phase.PROBATION, Phase.HALTED, Phase.ROLLING_BACK)
    traffic = "rolled back by hand" if exposed else "ended by a rollback by hand, before it had traffic"
    text = f"{release.endpoint}: {release.candidate.name} is {traffic}: {reason}"
    return decisions.Decision(rolled_back, (*upkeep.effects(rolled_back), decisions.Notify("warning", text)), reason)


def end(release: releases.Release, reason: str, now: float, outcome: str) -> decisions.Decision:
    """Traffic is off the candidate: drain it, hold its model unless nothing speaks against it, retire it, tell people."""
    phase = UNHELD.get(outcome, Phase.ROLLED_BACK)
    seconds, gap = (max(0.0, now - began) if began else 0.0 for began in (release.rollback_began_at, release.gap_began_at))
    ended = moves.enter(release, phase, reason, now, outcome=outcome, rollback_seconds=seconds, gap_seconds=gap)
    drain, retire = decisions.Drain(release.candidate), decisions.Retire(release.candidate)
    back = f"rolled back to {release.stable.name} in {ended.rollback_seconds:.1f} s" if release.stable else "taken down"
    if outcome in UNHELD:
        serves = f"{release.stable.name} serves" if release.stable else "nothing serves"
        words = outcome.replace("_", " ")
        nobody = f"; nobody answered for {gap:.1f} s" if gap else ""
        text = f"{release.endpoint}: the release of {release.candidate.name} is over ({words}), {serves}: {reason}{nobody}"
        return decisions.Decision(ended, (drain, retire, decisions.Notify("info", text)), reason)
    if release.stable is not None and release.stable.model_digest == release.candidate.model_digest:
        # A drill, or other settings: its model is the one that serves, and goes on serving.
        name = release.candidate.name
        what = f"the drill of {release.stable.name}" if release.strategy == strategies.REHEARSAL else f"{name}, the same model,"
        text = f"{release.endpoint}: {what} is {back}: {reason}"
        return decisions.Decision(ended, (drain, retire, decisions.Notify("critical", text)), reason)
    hold = decisions.Hold(release.endpoint, release.candidate.model_digest, reason)
    text = f"{release.endpoint}: {release.candidate.name} is {back} and held: {reason}"
    job = (decisions.StartJob("retrain", release.id, release.candidate),) if release.policy.retrain else ()
    return decisions.Decision(ended, (drain, hold, retire, *job, decisions.Notify("critical", text)), reason)
