"""How the traffic of an endpoint goes as a release stands, as every event of a release keeps it: so that the events alone
tell, years later, which version served.
"""

import msgspec

from tidegate.core.decide import upkeep
from tidegate.core.vocabulary import arms, phases, releases

FACT = "traffic"
"""The name of the event's fact that holds it."""


class Traffic(msgspec.Struct, frozen=True):
    """Who is to serve, by ordinals."""

    stable: int | None
    """Who serves what is not drawn for the candidate; None: nobody yet."""
    candidate: int | None = None
    weight: int = 0
    """The candidate's share in buckets of arms.BUCKETS."""
    mirror: int = 0
    """The share of which the version that does not serve gets a copy, likewise."""
    cohort: bool = False
    """Whether a chosen group is on the candidate, besides the weight."""
    gap: bool = False
    """Nobody answers: one is stopped before the other is started."""
    stage: str = ""
    """The step's name."""


def of(release: releases.Release) -> Traffic:
    """From the routes that its phase asks for; where it asks for none, all is with who owns the endpoint."""
    owner = Traffic(release.owner.ordinal if release.owner else None)
    asked = None if release.phase in phases.ENDED else upkeep.routes(release)
    if asked is None:
        return owner
    stage = upkeep.stage(release)
    drawn = asked.candidate is not None
    return Traffic(
        stable=asked.stable.ordinal,
        candidate=asked.candidate.ordinal if asked.candidate else None,
        weight=asked.weight,
        mirror=asked.mirror,
        cohort=asked.cohort is not None,
        gap=asked.gap,
        stage=stage.name if drawn and stage is not None else "",
    )


def facts(release: releases.Release) -> dict[str, object]:
    """What an event keeps of it."""
    return {FACT: msgspec.to_builtins(of(release))}


def share(weight: int) -> float:
    """Buckets as a share of 1."""
    return weight / arms.BUCKETS
