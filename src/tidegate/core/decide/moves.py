"""What stands in a line of the machine's table: a move, and the three ways to make one."""

import dataclasses
from collections.abc import Callable

import msgspec

from tidegate.core.vocabulary import decisions, phases, releases

Handler = Callable[[releases.Release, decisions.Event, float], decisions.Decision]


@dataclasses.dataclass(frozen=True)
class Move:
    """What a phase does on an event."""

    handler: Handler
    targets: tuple[phases.Phase, ...] = ()
    """The phases it may lead to, besides staying: the diagram is drawn from these, and `advance` holds handlers to them."""
    refusal: str = ""
    """Why the phase does not allow it; empty for a move that is allowed."""


def move(*targets: phases.Phase) -> Callable[[Handler], Move]:
    """Make a handler a move that leads to `targets`, or stays."""

    def made(handler: Handler) -> Move:
        return Move(handler, targets)

    return made


def stays(because: str) -> Move:
    """A move that is deliberately nothing."""
    return Move(lambda release, _event, _now: stay(release, because))


def refused(because: str) -> Move:
    """A verb that the phase does not allow."""
    return Move(lambda release, _event, _now: stay(release, because), refusal=because)


def stay(release: releases.Release, reason: str = "") -> decisions.Decision:
    """The very same release: nothing to commit."""
    return decisions.Decision(release, (), reason or release.reason)


def enter(release: releases.Release, phase: phases.Phase, reason: str, now: float, **changes: object) -> releases.Release:
    """The release in another phase from now on, and why."""
    return msgspec.structs.replace(release, phase=phase, phase_since=now, reason=reason, **changes)


def changed(release: releases.Release, **changes: object) -> releases.Release:
    """The release in the same phase, otherwise."""
    return msgspec.structs.replace(release, **changes)


def at(release: releases.Release) -> str:
    """Where in its stages it is: "v2 gets 5%", "v2 is at the stage smoke"."""
    stage = release.stages[release.stage]
    gets = stage.watch in (releases.Watch.COMPARISON, releases.Watch.METRIC) and stage.replicas is None
    return f"{release.candidate.name} {'gets' if gets else 'is at the stage'} {stage.name}"


def said(event: decisions.Event, otherwise: str) -> str:
    """The event's own words; who spoke them, when it was a person."""
    words = event.reason or otherwise
    return words if event.kind not in decisions.OPERATOR else f"{words} ({event.actor})"
