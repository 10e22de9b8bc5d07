"""What one decision changes: the release, its event, its holds, the endpoint's owner, the command it answers. All or nothing.

Called by `store.Store` inside one writing transaction.
"""

from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from tidegate.control.store import alarms as alarm_rows
from tidegate.control.store import chain, commands, endpoints, evidence, holds, release_rows, traffic, versions
from tidegate.core.vocabulary import alarms, decisions, errors, incidents, phases, releases

_DONE = {
    decisions.Kind.ALARMED: alarms.Action.ROLLBACK,
    decisions.Kind.STABLE_SICK: alarms.Action.ROLLBACK,
    decisions.Kind.CAUTION: alarms.Action.HOLD,
}
"""What an alarm has done to a release, by the event that it became."""


class Heard(NamedTuple):
    """What led to a decision."""

    event: decisions.Event
    at: float
    command: str = ""
    """The command that it answers."""
    inputs: dict[str, Any] | None = None
    """What the event's verdict was computed from; None: what is kept of it already stands."""


def create(connection: sa.Connection, release: releases.Release, event: decisions.Event | None, command: str) -> None:
    """Write a new release, its first event and its candidate where that is new. Raises EndpointUnknown, ReleaseInProgress."""
    endpoints.known(connection, *release.key)
    if versions.get(connection, *release.key, release.candidate.ordinal) is None:
        versions.add(connection, release.environment, release.candidate)
    release_rows.insert(connection, release)
    told = event or decisions.Event(decisions.Kind.TICK, actor=release.actor, reason=release.reason)
    first = chain.StoredEvent(
        environment=release.environment,
        endpoint=release.endpoint,
        kind="created",
        at=release.created_at,
        actor=told.actor,
        reason=release.reason,
        said=told.reason,
        release=release.id,
        generation=release.generation,
        phase_after=str(release.phase),
        facts={
            "candidate": release.candidate.ordinal,
            "stable": release.stable.ordinal if release.stable else None,
            "digest": release.candidate.digest,
            "model_digest": release.candidate.model_digest,
            "strategy": release.strategy,
            "model": release.candidate.model,
            **traffic.facts(release),
        },
    )
    chain.append(connection, first)
    if told.alarm:  # it leads back: its candidate is a version that served before
        _acted(connection, release, told, release.reason, release.created_at, to=release.candidate)
    _answer(connection, command, release)


def apply(connection: sa.Connection, decision: decisions.Decision, heard: Heard, expected: int) -> releases.Release:
    """Write a decision over generation `expected`. Raises ReleaseUnknown, GenerationConflict."""
    event, at = heard.event, heard.at
    before = release_rows.known(connection, decision.release.id)
    release = msgspec.structs.replace(decision.release, generation=expected + 1)
    if not release_rows.swap(connection, msgspec.structs.replace(decision, release=release), expected):
        raise errors.GenerationConflict(
            f"the release of {before.endpoint} is at generation {before.generation}, not at {expected}."
        )
    judged = evidence.put(connection, before, event.verdict, heard.inputs, at) if event.verdict else ""
    link = chain.StoredEvent(
        environment=release.environment,
        endpoint=release.endpoint,
        kind=str(event.kind),
        at=at,
        actor=event.actor,
        reason=decision.reason,
        said=event.reason,
        release=release.id,
        generation=release.generation,
        phase_before=str(before.phase),
        phase_after=str(release.phase),
        effects=decision.effects,
        verdict=judged,
        facts=traffic.facts(release),
    )
    chain.append(connection, link)
    if event.alarm:
        _acted(connection, release, event, decision.reason, at, to=release.stable if _goes_back(release) else None)
    _own(connection, before, release)
    _hold(connection, decision, event, at)
    _answer(connection, heard.command, release)
    return release


def _acted(
    connection: sa.Connection,
    release: releases.Release,
    event: decisions.Event,
    words: str,
    at: float,
    *,
    to: releases.Version | None,
) -> None:
    action = _DONE.get(event.kind)
    if action is not None:
        deed = incidents.Deed(action, at, words, release.id)
        alarm_rows.acted(connection, release.key, event.alarm, deed, to.ordinal if to else 0)


def _goes_back(release: releases.Release) -> bool:
    return release.phase is phases.Phase.ROLLING_BACK


def _own(connection: sa.Connection, before: releases.Release, release: releases.Release) -> None:
    if before.owner == release.owner:
        return
    ordinal = release.owner.ordinal if release.owner else None
    ahead = release.phase in phases.OWNED_BY_CANDIDATE
    row = endpoints.known(connection, *release.key).owned_by(ordinal, ahead=ahead)
    # A version whose model is held is no way back, so it is not kept warm as one.
    kept = tuple(one for one in row.kept if not _is_held(connection, release.key, one))
    endpoints.put(connection, msgspec.structs.replace(row, kept=kept))


def _is_held(connection: sa.Connection, key: tuple[str, str], ordinal: int) -> bool:
    version = versions.get(connection, *key, ordinal)
    return version is not None and holds.get(connection, *key, version.model_digest) is not None


def _hold(connection: sa.Connection, decision: decisions.Decision, event: decisions.Event, at: float) -> None:
    for effect in decision.effects:
        if isinstance(effect, decisions.Hold):
            row = holds.HoldRow(
                environment=decision.release.environment,
                endpoint=effect.endpoint,
                model_digest=effect.model_digest,
                reason=effect.reason,
                actor=event.actor,
                release=decision.release.id,
                at=at,
            )
            holds.put(connection, row)


def _answer(connection: sa.Connection, command: str, release: releases.Release) -> None:
    commands.carried_out(connection, command, {"release": release.id, "phase": str(release.phase), "reason": release.reason})
