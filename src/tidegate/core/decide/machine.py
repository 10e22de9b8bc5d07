"""The release machine: one table, and everything about who may follow whom is in it.

    queued > checking > [awaiting_approval] > warming > running, stage by stage > promoting > probation > succeeded
    any way back while exposed > rolling_back > rolled_back (aborted for a person's abort)
    a look that is over (shadow, rehearsal, A/B without a winner) > rolling_back > concluded
    before any traffic > failed or aborted          stable sick, or nothing to go back to > halted, for a person

Every pair of phase and event has its line: a move, a deliberate nothing, or a refusal with its reason. A pair without a line
is a fault in Tidegate and raises TransitionUnknown naming both. docs/machine.md is drawn from this table.

`advance` is pure: no clock, no chance, no input or output. It acts on one event and goes one step: two stages never pass in
one tick, because a stage's clock starts only when the gateways have confirmed its routes.
"""

import msgspec

from tidegate.core.decide import arrival, beginning, moves, ramp, retreat, waiting
from tidegate.core.decide import upkeep as requirements
from tidegate.core.decide.moves import refused, stays
from tidegate.core.vocabulary import decisions, errors, releases
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import ENDED, Phase

_WAIT = stays("")
_HELD = stays("an alarm holds it")
_LATE = stays("that is known already")
_EARLY = stays("that cannot be about this release yet")
_BUSY = refused("a release is under way; only one in probation makes room for a newer one")
_UNPAUSED = stays("nothing keeps it paused")
_NO_APPROVAL = refused("nothing waits for an approval")
_NO_TRAFFIC = refused("it has no traffic yet; `tidegate abort` ends it")
_NOT_READY = refused("it has not answered its warm-up yet")
_NOT_PAUSED = refused("it is not paused")
_ALL_TRAFFIC = refused("all traffic is going to it already; `tidegate rollback` takes it back")
_GOING_BACK = refused("it is being rolled back already")
_STANDS_STILL = refused("it stands still already")
_ENDED = refused("it has ended")
_NOT_PROMOTED = refused("a contract migration waits until the release that names it is promoted")


@moves.move()
def _clock_jumped(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """The machine's clock was set: what was noted before moves along, so that no stage passes, or lasts for ever, by it."""
    if not event.seconds:
        return moves.stay(release)
    reason = f"the clock was set {'forward' if event.seconds > 0 else 'back'} by {abs(event.seconds):.0f} s"
    return decisions.Decision(beginning.shifted(release, event.seconds, now), (), reason)


_BEFORE: dict[Kind, moves.Move] = {
    Kind.TICK: _WAIT,
    Kind.CHECKS_PASSED: _LATE,
    Kind.CHECKS_FAILED: _LATE,
    Kind.WORKERS_READY: _EARLY,
    Kind.WORKERS_FAILED: _EARLY,
    Kind.ROUTES_SEEN: _EARLY,
    Kind.JUDGED: _EARLY,
    Kind.STABLE_SICK: stays("the candidate has no traffic; stable's own restart is the target's affair"),
    Kind.APPROVE: _NO_APPROVAL,
    Kind.REJECT: _NO_APPROVAL,
    Kind.PROMOTE: _NOT_READY,
    Kind.PAUSE: _NO_TRAFFIC,
    Kind.RESUME: _NOT_PAUSED,
    Kind.ABORT: beginning.abort,
    Kind.ROLLBACK: _NO_TRAFFIC,
    Kind.SUPERSEDED: _BUSY,
    Kind.OVERRIDDEN: retreat.overridden,
    Kind.CAUTION: _EARLY,
    Kind.ALARMED: _EARLY,
    Kind.RELIEVED: _UNPAUSED,
    Kind.GROUP_READY: _EARLY,
    Kind.GROUP_LOST: beginning.abort,
    Kind.MIGRATED: _NOT_PROMOTED,
    Kind.CLOCK_JUMPED: _clock_jumped,
}
"""Before any traffic: what the phases there have in common."""

_EXPOSED: dict[Kind, moves.Move] = {
    Kind.TICK: _WAIT,
    Kind.CHECKS_PASSED: _LATE,
    Kind.CHECKS_FAILED: _LATE,
    Kind.WORKERS_READY: _LATE,
    Kind.WORKERS_FAILED: retreat.lost,
    Kind.ROUTES_SEEN: _LATE,
    Kind.JUDGED: _WAIT,
    Kind.STABLE_SICK: _WAIT,
    Kind.APPROVE: _NO_APPROVAL,
    Kind.REJECT: _NO_APPROVAL,
    Kind.PROMOTE: _ALL_TRAFFIC,
    Kind.PAUSE: _ALL_TRAFFIC,
    Kind.RESUME: _NOT_PAUSED,
    Kind.ABORT: retreat.by_hand,
    Kind.ROLLBACK: retreat.by_hand,
    Kind.SUPERSEDED: _BUSY,
    Kind.OVERRIDDEN: retreat.overridden,
    Kind.CAUTION: _WAIT,
    Kind.ALARMED: retreat.alarmed,
    Kind.RELIEVED: _UNPAUSED,
    Kind.GROUP_READY: _LATE,
    Kind.GROUP_LOST: retreat.with_group,
    Kind.MIGRATED: _NOT_PROMOTED,
    Kind.CLOCK_JUMPED: _clock_jumped,
}
"""With traffic: what the phases there have in common."""

_ASKED = decisions.OPERATOR | {Kind.MIGRATED}
_OVER: dict[Kind, moves.Move] = {kind: _ENDED if kind in _ASKED else stays("it has ended") for kind in Kind}
"""After the end nothing changes any more."""

_ROWS: dict[Phase, dict[Kind, moves.Move]] = {
    Phase.QUEUED: _BEFORE
    | {
        Kind.TICK: beginning.check,
        Kind.CAUTION: _HELD,
        Kind.CHECKS_PASSED: _EARLY,
        Kind.CHECKS_FAILED: _EARLY,
    },
    Phase.CHECKING: _BEFORE
    | {
        Kind.CHECKS_PASSED: beginning.checked,
        Kind.CHECKS_FAILED: beginning.fail,
        Kind.WORKERS_FAILED: beginning.fail,
    },
    Phase.AWAITING_APPROVAL: _BEFORE
    | {
        Kind.TICK: beginning.remind,
        Kind.APPROVE: beginning.approve,
        Kind.REJECT: beginning.abort,
    },
    Phase.WARMING: _BEFORE
    | {
        Kind.TICK: beginning.overdue,
        Kind.CAUTION: _HELD,
        Kind.CHECKS_FAILED: beginning.fail_warm,
        Kind.WORKERS_READY: beginning.expose,
        Kind.WORKERS_FAILED: beginning.fail_warm,
        Kind.ABORT: beginning.abort_warm,
        Kind.GROUP_LOST: beginning.abort_warm,
    },
    Phase.RUNNING: _EXPOSED
    | {
        Kind.WORKERS_READY: ramp.workers_there,
        Kind.CAUTION: ramp.caution,
        Kind.GROUP_READY: ramp.group_ready,
        Kind.ROUTES_SEEN: ramp.begin_stage,
        Kind.JUDGED: ramp.judged,
        Kind.STABLE_SICK: ramp.halt,
        Kind.PROMOTE: ramp.promote,
        Kind.PAUSE: ramp.pause,
    },
    Phase.PAUSED: _EXPOSED
    | {
        Kind.JUDGED: ramp.judged_paused,
        Kind.RELIEVED: ramp.relieved,
        Kind.STABLE_SICK: ramp.halt,
        Kind.PROMOTE: ramp.promote,
        Kind.PAUSE: _STANDS_STILL,
        Kind.RESUME: ramp.resume,
    },
    Phase.HALTED: _EXPOSED
    | {
        Kind.WORKERS_FAILED: stays("a person has to choose between two versions that are not well"),
        Kind.ALARMED: stays("a person has to choose"),
        Kind.GROUP_LOST: stays("a person has to choose"),
        Kind.JUDGED: stays("statistics do not roll back onto a sick stable"),
        Kind.STABLE_SICK: _LATE,
        Kind.PROMOTE: ramp.promote,
        Kind.PAUSE: _STANDS_STILL,
        Kind.RESUME: ramp.resume_halted,
        Kind.ABORT: retreat.out_of_halt,
        Kind.ROLLBACK: retreat.out_of_halt,
    },
    Phase.PROMOTING: _EXPOSED
    | {
        Kind.WORKERS_FAILED: retreat.lost_first,
        Kind.ROUTES_SEEN: arrival.confirmed,
        Kind.JUDGED: arrival.judged_on_the_way,
        Kind.STABLE_SICK: stays("traffic is leaving stable anyway"),
        Kind.MIGRATED: arrival.migrated,
    },
    Phase.PROBATION: _EXPOSED
    | {
        Kind.TICK: arrival.tick,
        Kind.WORKERS_FAILED: retreat.lost_first,
        Kind.JUDGED: arrival.judged,
        Kind.STABLE_SICK: arrival.stable_gone,
        Kind.MIGRATED: arrival.migrated,
        Kind.SUPERSEDED: arrival.superseded,
    },
    Phase.ROLLING_BACK: _EXPOSED
    | {
        Kind.WORKERS_FAILED: stays("traffic is leaving the candidate anyway"),
        Kind.ROUTES_SEEN: retreat.confirmed,
        Kind.JUDGED: stays("a rollback does not wait for statistics"),
        Kind.STABLE_SICK: retreat.sick_on_return,
        Kind.PROMOTE: _GOING_BACK,
        Kind.PAUSE: _GOING_BACK,
        Kind.ABORT: _GOING_BACK,
        Kind.ALARMED: stays("it is being rolled back already"),
        Kind.GROUP_LOST: stays("it is being rolled back already"),
        Kind.ROLLBACK: retreat.insist,
    },
    **dict.fromkeys(ENDED, _OVER),
}

TRANSITIONS: dict[tuple[Phase, Kind], moves.Move] = {
    (phase, kind): move for phase, row in _ROWS.items() for kind, move in row.items()
}


def advance(release: releases.Release, event: decisions.Event, now: float) -> decisions.Decision:
    """What becomes of a release by one event at one time (Unix seconds).

    A decision whose release equals the one given and that has no effects is nothing to commit: it says why nothing happens
    and what is waited for. Raises TransitionUnknown, TransitionRefused, or NothingToRollBack for a first release.
    """
    move = TRANSITIONS.get((release.phase, event.kind))
    if move is None:
        raise errors.TransitionUnknown(f"the machine has no line for {event.kind} while {release.phase}.", where=release.id)
    if move.refusal:
        words = f"{event.kind} is not possible while the release of {release.candidate.name} is {release.phase}: {move.refusal}."
        raise errors.TransitionRefused(words, cure=f"See `tidegate status {release.endpoint}`.", where=release.endpoint)
    decision = move.handler(release, event, now)
    after = decision.release
    if after.phase is not release.phase and after.phase not in move.targets:
        raise errors.TransitionUnknown(f"{event.kind} led from {release.phase} to {after.phase}, which the table does not say.")
    return msgspec.structs.replace(
        decision, waiting=waiting.on(after, event, now), look_again_at=waiting.look_again_at(after, now)
    )


def upkeep(release: releases.Release) -> tuple[decisions.Effect, ...]:
    """All that must hold in the release's phase, for the control loop to make true on every tick. Idempotent.

    Run it for each release under way, and for the latest of each endpoint after its end.
    """
    return requirements.effects(release)
