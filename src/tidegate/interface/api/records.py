"""Releases, verdicts and events as answers."""

import math

import msgspec

from tidegate.control.loop import served as past
from tidegate.control.store import chain
from tidegate.control.store import store as stores
from tidegate.core.decide import beginning
from tidegate.core.vocabulary import decisions, phases, releases, verdicts
from tidegate.interface.api import bygone, judged, standing


def version(one: releases.Version, ready: dict[int, int] | None = None) -> standing.Version:
    """A version; `ready` has the workers by ordinal."""
    return standing.Version(
        name=one.name,
        ordinal=one.ordinal,
        digest=one.digest,
        model=one.model,
        model_digest=one.model_digest,
        workers=-1 if ready is None else ready.get(one.ordinal, 0),
    )


def release(store: stores.Store, one: releases.Release) -> standing.Release:
    """A release with what it waits for and how the evidence stands."""
    decided = store.decision(one.id)
    return of(one, decided.waiting, store.verdict(one.id), decided.reason)


def of(
    one: releases.Release,
    waiting: decisions.Waiting | None,
    found: verdicts.Verdict | None,
    reason: str = "",
) -> standing.Release:
    """The same from its parts."""
    ended = one.phase in phases.ENDED
    return standing.Release(
        id=one.id,
        environment=one.environment,
        endpoint=one.endpoint,
        candidate=version(one.candidate),
        stable=version(one.stable) if one.stable else None,
        strategy=one.strategy,
        phase=str(one.phase),
        ended=ended,
        stage=stage(one),
        waiting=None if ended or waiting is None else _waiting(waiting),
        verdict=verdict(found) if found else None,
        reason=one.reason or reason,
        outcome=one.outcome,
        actor=one.actor,
        created_at=one.created_at,
        since=one.phase_since,
        stage_since=one.stage_since,
        rollback_seconds=one.rollback_seconds,
        gap_seconds=one.gap_seconds,
        stages=stages(one),
        group=one.group.partition("/")[0],
        attempt=one.attempt,
        approvals_wanted=0 if ended else beginning.missing(one),
        approvals=tuple(standing.Approved(actor=yes.actor, at=yes.at, reason=yes.reason) for yes in one.approvals),
        harm_budget=one.policy.harm_budget,
        no_return=one.no_return,
        generation=one.generation,
    )


def stage(one: releases.Release) -> standing.Stage | None:
    """Where in its strategy the release is; None for one that has no stages (a first release)."""
    if not one.stages:
        return None
    return stages(one)[min(one.stage, len(one.stages) - 1)]


def stages(one: releases.Release) -> tuple[standing.Stage, ...]:
    """All stages, then the probation's."""
    after = (one.probation,) if one.probation is not None and one.stable is not None else ()
    return tuple(
        standing.Stage(
            name=each.name,
            index=index,
            of=len(one.stages),
            weight=each.weight,
            watch=str(each.watch),
            mirror=each.mirror,
            min_seconds=each.min_seconds,
            max_seconds=each.max_seconds,
            min_requests=each.min_requests,
        )
        for index, each in enumerate((*one.stages, *after))
    )


def _waiting(one: decisions.Waiting) -> standing.Waiting:
    return standing.Waiting(on=one.on, sentence=one.sentence, who=one.who, seconds=one.seconds)


def verdict(one: verdicts.Verdict) -> judged.Verdict:
    """A verdict; what JSON has no number for becomes null."""
    harm = one.harm
    return judged.Verdict(
        result=str(one.result),
        sentence=one.sentence,
        evidence=tuple(_evidence(each) for each in one.evidence),
        harm=judged.Harm(
            candidate_requests=harm.candidate_requests,
            failed=harm.failed,
            rescued=harm.rescued,
            wrong=harm.wrong,
            excess=harm.excess,
        ),
        culprit=one.culprit,
        needs=one.needs,
        decision=one.decision,
        effect=_effect(one.effect) if one.effect else None,
        guards=tuple(map(_effect, one.guards)),
    )


def _effect(one: verdicts.Effect) -> judged.Effect:
    low, high = one.interval
    return judged.Effect(
        metric=one.metric,
        candidate=one.candidate,
        stable=one.stable,
        difference=one.difference,
        interval=(low if math.isfinite(low) else None, high if math.isfinite(high) else None),
        note=one.note,
        relative=one.relative,
        rule=one.rule,
        held=one.held,
    )


def _evidence(one: verdicts.Evidence) -> judged.Evidence:
    low, high = one.interval
    return judged.Evidence(
        metric=one.metric,
        group=one.group,
        weight=one.weight,
        log_e=one.log_e if math.isfinite(one.log_e) else math.copysign(1e9, one.log_e),
        e_value=one.e_value,
        threshold=one.threshold if math.isfinite(one.threshold) else 1e9,
        candidate=one.candidate,
        stable=one.stable,
        interval=(low if math.isfinite(low) else None, high if math.isfinite(high) else None),
        note=one.note,
    )


def served(found: past.Served) -> bygone.Served:
    """Who served at a moment."""
    told = msgspec.to_builtins(found)
    servers = [{"name": one.name, **msgspec.to_builtins(one)} for one in found.servers]
    return bygone.Served.model_validate({**told, "servers": servers, "why": event(found.why)})


def event(one: chain.StoredEvent) -> bygone.Event:
    """A link of the event log."""
    return bygone.Event(
        sequence=one.sequence,
        endpoint=one.endpoint,
        kind=one.kind,
        at=one.at,
        actor=one.actor,
        reason=one.reason,
        said=one.said,
        release=one.release,
        phase_before=one.phase_before,
        phase_after=one.phase_after,
        facts=one.facts,
        hash=one.hash,
    )
