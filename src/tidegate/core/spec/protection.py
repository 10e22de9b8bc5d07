"""What the endpoint takes, what its answers and outcomes are held to, and what is answered when no version can."""

import msgspec

from tidegate.core.spec import conditions, guards, keys, units
from tidegate.core.vocabulary import errors, handling, manifests, tables


def limits(model: keys.Tidegate) -> tables.Limits:
    """What the endpoint takes. Raises SpecInvalid."""
    given = model.limits
    if not 0.001 <= given.timeout <= 3_600:
        raise errors.SpecInvalid(f"{units.duration_text(given.timeout)} is no time limit.", cure="Write 1ms to 1h.")
    return tables.Limits(
        timeout_ms=round(given.timeout * 1_000),
        queue=given.queue,
        body=given.body,
        batch=given.batch,
        rate=given.rate,
        daily=given.daily,
    )


def outcomes(model: keys.Tidegate) -> tables.Outcomes:
    """Ground truth that arrives late."""
    given = model.outcomes
    return tables.Outcomes(
        kind=given.kind,
        threshold=given.threshold,
        tolerance=given.tolerance,
        within_seconds=given.within,
        lookback_seconds=given.lookback,
        key=given.key or "",
        time=given.time or "",
    )


def fit(given: tables.Outcomes, manifest: manifests.Manifest) -> None:
    """Raises RuleInvalid for outcomes that say nothing of this bundle's answers."""
    if given.within_seconds and given.kind == "auto" and manifest.answers_quantities:
        raise errors.RuleInvalid(
            "the answers are quantities, and without `outcomes.kind` each counts as wrong that is not exactly its label.",
            cure="Say `outcomes: {kind: number}`: versions are then compared by how far off they are.",
        )


def terms(model: keys.Tidegate) -> handling.Terms:
    """What requests and answers are held to."""
    return handling.Terms(
        coerce=model.input == "coerce",
        round=-1 if model.round is None else model.round,
        rules=tuple(map(guards.parse, model.guard.rules)),
        check=guards.check(model.guard.check)[1] if model.guard.check else "",
        discreet=bool(model.log.redact or model.log.encrypt),
    )


def fallbacks(model: keys.Tidegate) -> tuple[tables.Fallback, ...]:
    """In the order in which they are tried."""
    return tuple(
        tables.Fallback(msgspec.json.encode(one.value).decode(), tuple(map(conditions.parse, one.when)))
        for one in model.fallback_rules
    )
