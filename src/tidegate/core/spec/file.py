"""The door of this room: text in, settings out, and what people and editors are told about the file."""

from collections.abc import Callable
from typing import Any

import msgspec
import pydantic

from tidegate.core.decide import strategies
from tidegate.core.spec import conditions, document, faults, guards, keys, rules, settings, starter, units
from tidegate.core.vocabulary import arms, errors, handling, instances, manifests, releases, tables

NAME = "tidegate.yaml"
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def load(text: str, name: str = NAME) -> keys.Tidegate:
    """The file's model, everything in it checked and able to be resolved.

    `name` is what errors call the file. Raises SpecInvalid or RuleInvalid with where="NAME:LINE" for the topmost mistake.
    """
    read = document.read(text, name)
    if read.value is None:
        raise errors.SpecInvalid(
            "the file is empty.", cure="Write `endpoint: NAME` and `model: SOURCE`, a line each.", where=f"{name}:1"
        )
    try:
        model = keys.Tidegate.model_validate(read.value)
    except pydantic.ValidationError as wrong:
        raise faults.first(read, keys.Tidegate, wrong) from None
    for path, check in _TOGETHER:
        try:
            check(model)
        except errors.SpecError as wrong:
            wrong.where = read.where(path)
            wrong.message = f"`{'.'.join(path)}`: {wrong.message}"
            raise
    return model


def resolve(model: keys.Tidegate) -> settings.Settings:
    """Everything decided. Raises SpecInvalid or RuleInvalid, without a line, for a model that `load` has not checked."""
    return settings.Settings(
        endpoint=model.endpoint,
        model=model.model,
        environment=model.environment,
        example=model.example or "",
        trust=model.trust or "",
        strategy=model.release.strategy,
        stages=_stages(model),
        policy=_policy(model),
        limits=_limits(model),
        outcomes=_outcomes(model),
        fallback="" if model.fallback is None else msgspec.json.encode(model.fallback).decode(),
        fallbacks=_fallbacks(model),
        fallback_version=model.fallback_version or "",
        guard=model.guard.action,
        terms=_terms(model),
        check=guards.check(model.guard.check)[0] if model.guard.check else "",
        access=model.access,
        origins=model.origins,
        compile=model.compile,
        compile_tolerance=model.compile_tolerance,
        runtime=model.runtime,
        resources=instances.Resources(model.resources.memory, model.resources.cpu, model.resources.files),
        scale_to_zero=model.scale_to_zero,
        follow=model.follow,
        replicas=model.replicas,
        load_seconds=model.load_within,
        probation_seconds=model.release.probation,
        keep=model.keep,
        durability=model.log.durability,
        inputs=model.log.inputs,
        pin=model.pin,
        given=tuple(sorted(_given(model))),
    )


def explain(resolved: settings.Settings) -> list[tuple[str, str, str]]:
    """(key, value as the file would say it, "file" or "default") of every key: what `tidegate plan` shows."""
    policy, limits, outcomes = resolved.policy, resolved.limits, resolved.outcomes
    promote_if = (
        f"errors <= stable + {units.share_text(policy.error_margin)}, wrong <= stable + {units.share_text(policy.label_margin)}"
    )
    rows = [
        ("endpoint", resolved.endpoint),
        ("model", resolved.model),
        ("example", resolved.example or "the model's own"),
        ("trust", resolved.trust or "nothing that runs code on loading"),
        ("environment", resolved.environment),
        ("follow", "yes" if resolved.follow else "no"),
        ("compile", resolved.compile),
        ("compile_tolerance", f"{resolved.compile_tolerance:g}"),
        ("runtime", resolved.runtime),
        ("replicas", str(resolved.replicas)),
        ("resources.memory", units.size_text(resolved.resources.memory) if resolved.resources.memory else "unlimited"),
        ("resources.cpu", f"{resolved.resources.cpu:g} cores" if resolved.resources.cpu else "unlimited"),
        ("resources.files", str(resolved.resources.files or "unlimited")),
        ("scale_to_zero", units.duration_text(resolved.scale_to_zero) if resolved.scale_to_zero else "never"),
        ("release.strategy", resolved.strategy),
        ("release.steps", "; ".join([*map(_stage_text, resolved.stages), "100%"])),
        ("release.unsure", policy.on_unsure),
        ("release.alpha", units.share_text(policy.alpha)),
        ("release.promote_if", promote_if),
        ("release.probation", units.duration_text(resolved.probation_seconds)),
        ("outcomes.kind", outcomes.kind),
        ("outcomes.threshold", f"{outcomes.threshold:g}"),
        ("outcomes.tolerance", f"{outcomes.tolerance:g}"),
        ("outcomes.within", units.duration_text(outcomes.within_seconds)),
        ("limits.timeout", units.duration_text(limits.timeout_ms / 1_000)),
        ("limits.queue", str(limits.queue)),
        ("limits.body", units.size_text(limits.body)),
        ("limits.batch", str(limits.batch)),
        ("limits.rate", f"{limits.rate:g} a second" if limits.rate else "unlimited"),
        ("limits.daily", str(limits.daily or "unlimited")),
        ("access", resolved.access),
        ("origins", ", ".join(resolved.origins) or "none"),
        ("input", "coerce" if resolved.terms.coerce else "strict"),
        ("round", f"{resolved.terms.round} decimals" if resolved.terms.round >= 0 else "as the model says"),
        ("log.inputs", resolved.inputs),
        ("log.durability", resolved.durability),
        ("guard.rules", "; ".join(rule.text for rule in resolved.terms.rules) or "none"),
        ("guard.check", f"{resolved.check}:{resolved.terms.check.partition(':')[2]}" if resolved.check else "none"),
        ("guard.action", resolved.guard),
        ("fallback", resolved.fallback or "none: 503"),
        ("fallback_rules", "; ".join(map(_fallback_text, resolved.fallbacks)) or "none"),
        ("fallback_version", resolved.fallback_version or "none"),
        ("pin", resolved.pin),
        ("keep", str(resolved.keep)),
        ("load_within", units.duration_text(resolved.load_seconds)),
    ]
    paces = {f"release.{key}" for key in ("for", "at_most", "requests", "prove_last")}
    given = set(resolved.given) | ({"release.steps"} if paces & set(resolved.given) else set())
    return [(key, value, "file" if key in given else "default") for key, value in rows]


def template(
    endpoint: str, model: str, signature: manifests.Signature | None = None, *, trust: str = "", example: str = ""
) -> str:
    """The commented file that `tidegate init` writes: what is needed set, every other key there with its default."""
    return starter.text(endpoint, model, signature, {"example": example, "trust": trust})


def json_schema() -> dict[str, Any]:
    """The file's JSON Schema (draft 2020-12), for editors and for docs/file.md."""
    found = keys.Tidegate.model_json_schema(by_alias=True)
    steps = found["$defs"]["Release"]["properties"]["steps"]
    steps["items"] = {"anyOf": [found["$defs"]["Step"]["properties"]["traffic"], steps["items"]]}
    for key in ("release", "outcomes", "limits", "log", "resources", "guard"):
        block = found["properties"][key]
        reference = block.pop("$ref")
        block["anyOf"] = [{"$ref": reference}, {"type": "null"}]
        block.setdefault("description", found["$defs"][reference.rpartition("/")[2]]["description"])
    return {"$schema": DIALECT, "title": NAME, **{key: value for key, value in found.items() if key != "title"}}


def _stages(model: keys.Tidegate) -> tuple[releases.Stage, ...]:
    """The strategy's stages with each step's own times. A bare 100% at the end says what promotion does anyway."""
    release = model.release
    steps = list(release.steps)
    if steps[-1].traffic == 1:
        if steps.pop().model_fields_set != {"traffic"}:
            raise errors.SpecInvalid(
                "100% is the promotion itself and has no times.", cure="Leave it out; `probation` is the watch after it."
            )
        if not steps:
            raise errors.SpecInvalid(
                "a canary of 100% compares nothing.", cure="Write `strategy: full`, or smaller steps before it."
            )
    weights = tuple(round(step.traffic * arms.BUCKETS) for step in steps)
    for step, weight in zip(steps, weights, strict=True):
        if abs(weight - step.traffic * arms.BUCKETS) > 1e-6:
            raise errors.SpecInvalid(
                f"{units.share_text(step.traffic)} is finer than traffic can be split.", cure="The least step is 0.01%."
            )
    ramp = strategies.Ramp(weights, release.least, max(release.at_most, release.least), release.requests, release.prove_last)
    if "at_most" in release.model_fields_set and release.at_most < release.least:
        raise errors.SpecInvalid("`at_most` is less than `for`.", cure="Let `at_most` be at least `for`.")
    made = strategies.STRATEGIES[release.strategy](strategies.Plan(ramp))
    return strategies.check(tuple(_paced(stage, step) for stage, step in zip(made, steps, strict=False)))


def _paced(stage: releases.Stage, step: keys.Step) -> releases.Stage:
    least = stage.min_seconds if step.least is None else step.least
    at_most = max(stage.max_seconds, least) if step.at_most is None else step.at_most
    requests = stage.min_requests if step.requests is None else step.requests
    return msgspec.structs.replace(stage, min_seconds=least, max_seconds=at_most, min_requests=requests)


def _margins(model: keys.Tidegate) -> rules.Margins:
    given = rules.margins(model.release.promote_if)
    if given.wrong is not None and "promote_if" in model.release.model_fields_set and not model.outcomes.within:
        raise errors.RuleInvalid(
            '"wrong" is never known without outcomes.', cure="Say with `outcomes: {within: 1h}` how late they may come."
        )
    return given


def _policy(model: keys.Tidegate) -> releases.Policy:
    given, default = _margins(model), releases.Policy()
    return releases.Policy(
        alpha=model.release.alpha,
        error_margin=default.error_margin if given.errors is None else given.errors,
        label_margin=default.label_margin if given.wrong is None else given.wrong,
        label_age=model.outcomes.within,
        on_unsure=model.release.unsure,
    )


def _limits(model: keys.Tidegate) -> tables.Limits:
    limits = model.limits
    if not 0.001 <= limits.timeout <= 3_600:
        raise errors.SpecInvalid(f"{units.duration_text(limits.timeout)} is no time limit.", cure="Write 1ms to 1h.")
    return tables.Limits(
        timeout_ms=round(limits.timeout * 1_000),
        queue=limits.queue,
        body=limits.body,
        batch=limits.batch,
        rate=limits.rate,
        daily=limits.daily,
    )


def _outcomes(model: keys.Tidegate) -> tables.Outcomes:
    given = model.outcomes
    return tables.Outcomes(given.kind, given.threshold, given.tolerance, given.within)


def _terms(model: keys.Tidegate) -> handling.Terms:
    return handling.Terms(
        coerce=model.input == "coerce",
        round=-1 if model.round is None else model.round,
        rules=tuple(map(guards.parse, model.guard.rules)),
        check=guards.check(model.guard.check)[1] if model.guard.check else "",
    )


def _fallbacks(model: keys.Tidegate) -> tuple[tables.Fallback, ...]:
    return tuple(
        tables.Fallback(msgspec.json.encode(one.value).decode(), tuple(map(conditions.parse, one.when)))
        for one in model.fallback_rules
    )


def _fallback_version(model: keys.Tidegate) -> None:
    if model.fallback_version == "previous" and not model.keep:
        raise errors.SpecInvalid("with `keep: 0` there is no previous version to ask.", cure="Let `keep` be at least 1.")


_TOGETHER: tuple[tuple[tuple[str, ...], Callable[[keys.Tidegate], object]], ...] = (
    (("release", "promote_if"), _margins),
    (("release", "steps"), _stages),
    (("limits", "timeout"), _limits),
    (("fallback_version",), _fallback_version),
)
"""What is right only together with other keys, and the key whose line is named when it is not."""


def _fallback_text(one: tables.Fallback) -> str:
    return f"{' and '.join(map(conditions.shown, one.when))}: {one.value}"


def _stage_text(stage: releases.Stage) -> str:
    until = "until proven" if stage.must_prove else f"at most {units.duration_text(stage.max_seconds)}"
    return f"{stage.name} for {units.duration_text(stage.min_seconds)} and {stage.min_requests} requests, {until}"


def _given(model: pydantic.BaseModel, prefix: str = "") -> list[str]:
    found: list[str] = []
    for name in model.model_fields_set:
        value, key = getattr(model, name), prefix + (type(model).model_fields[name].alias or name)
        found += _given(value, f"{key}.") if isinstance(value, pydantic.BaseModel) else [key]
    return found
