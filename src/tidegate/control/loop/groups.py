"""Releases that belong together: promoted together, or not at all."""

from tidegate.control.loop import transitions
from tidegate.core.vocabulary import releases
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import OWNED_BY_CANDIDATE, Phase

_LOST = frozenset({Phase.ROLLING_BACK, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED, Phase.CONCLUDED})
_THROUGH = frozenset({Phase.PROMOTING, *OWNED_BY_CANDIDATE})


def event(desk: transitions.Desk, release: releases.Release) -> Kind | None:
    """What the other members mean for this one: all are through with their stages, one went back, or nothing yet."""
    members = desk.group(release.group)
    if any(one.phase in _LOST for one in members):
        return Kind.GROUP_LOST
    if all(one.at_gate or one.phase in _THROUGH for one in members):
        return Kind.GROUP_READY
    return None
