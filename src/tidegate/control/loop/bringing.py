"""How a version came to be served: the release that brought it, what its checks found, and who said yes to which model.

Read from the store and HOME/checks, so that it can be told long after. Called by `trace`, `lineage` and `recipe`.
"""

import math

import msgspec

from tidegate.control.loop import checks
from tidegate.control.store import store
from tidegate.core.decide import strategies
from tidegate.core.vocabulary import decisions, home, releases
from tidegate.delivery.gates import findings

MOST = 10_000
"""Newest releases of an endpoint that are looked through."""


class Approval(msgspec.Struct, frozen=True):
    """One yes, or one no."""

    actor: str
    at: float
    """Unix seconds."""
    reason: str
    model_digest: str
    """The model it was said of."""
    yes: bool = True
    ours: bool = True
    """Whether that is the model which was released."""


class Brought(msgspec.Struct, frozen=True):
    """The release that brought a version."""

    release: str
    at: float
    actor: str
    said: str
    """What the actor gave as reason."""
    strategy: str
    phase: str
    outcome: str
    checked_at: float
    """Unix seconds of the latest run of its checks; 0: nothing is kept of them."""
    checks: tuple[findings.Finding, ...]
    asked_of: str
    """Who had to approve it, in words; empty: nobody."""
    approvals: tuple[Approval, ...]


def of(place: home.Home, known: store.Store, at: tuple[str, str], ordinal: int, before: float = math.inf) -> Brought | None:
    """The newest release that was to bring this version of an endpoint and began `before` a Unix time; else the first; else None.

    `at`: environment and endpoint. Ways back do not count: they bring nothing new. Raises StoreUnavailable.
    """
    mine = [one for one in known.releases(*at, MOST) if one.candidate.ordinal == ordinal and one.strategy != strategies.BACK]
    if not mine:
        return None
    release = next((one for one in mine if one.created_at <= before), mine[-1])
    events = known.release_events(release.id)
    said = next((one.said for one in events if one.kind == "created"), "")
    kept = checks.read(place, release.id)
    yes = [
        Approval(one.actor, one.at, one.reason, one.model_digest, ours=one.model_digest == release.candidate.model_digest)
        for one in release.approvals
    ]
    no = [
        Approval(one.actor, one.at, one.said, release.candidate.model_digest, yes=False)
        for one in events
        if one.kind == decisions.Kind.REJECT
    ]
    return Brought(
        release=release.id,
        at=release.created_at,
        actor=release.actor,
        said=said,
        strategy=release.strategy,
        phase=release.phase.value,
        outcome=release.outcome,
        checked_at=kept.at if kept else 0.0,
        checks=kept.findings if kept else (),
        asked_of=_asked(release.approval),
        approvals=(*yes, *no),
    )


def _asked(approval: releases.Approval | None) -> str:
    if approval is None:
        return ""
    who = " or ".join(approval.by) if approval.by else "anybody with the scope approve"
    other = ", not the author" if approval.not_author else ""
    return f"{approval.count} of {who}{other}"
