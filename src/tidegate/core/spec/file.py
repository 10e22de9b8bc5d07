"""The door of this room: text in, settings out, and what people and editors are told about the file."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec
import pydantic

from tidegate.core.decide import strategies
from tidegate.core.spec import (
    document,
    explained,
    faults,
    guards,
    judging,
    keys,
    logged,
    protection,
    schedule,
    settings,
    starter,
    surroundings,
    together,
    values,
    watched,
)
from tidegate.core.vocabulary import dependencies, errors, instances, manifests, recipients, tables

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
    for path, check in (*together.checks(model), *_whole()):
        try:
            check(model)
        except errors.SpecError as wrong:
            wrong.where = read.where(path)
            wrong.message = f"`{faults.dotted(path)}`: {wrong.message}"
            raise
    return model


def by(model: keys.Tidegate, strategy: str, where: str = "--strategy") -> keys.Tidegate:
    """The same file with another strategy, or several with commas between; blocks of those that are not named are passed over.

    Raises SpecInvalid or RuleInvalid, saying `where` the strategy comes from, if they do not go together.
    """
    try:
        names = values.strategy([one.strip() for one in strategy.split(",")])
        unmade = {key for key in model.release.model_fields_set if key != "cohort" or schedule.COHORTS & set(names)}
        release = {key: getattr(model.release, key) for key in unmade} | {"strategy": names}
        found = model.model_copy(update={"release": keys.Release.model_construct(_fields_set=set(release), **release)})
        for _, check in (*together.strategic(found), *_whole()):
            check(found)
    except errors.SpecError as wrong:
        wrong.where = where
        raise
    return found


def _whole() -> Iterator[tuple[document.Path, together.Check]]:
    """What holds of settings wherever they come from, each with the key to be named: once all else is right."""
    for key, check in settings.CHECKS.items():
        yield tuple(key.split(".")), functools.partial(_as_resolved, check)


def _as_resolved(check: Callable[[settings.Settings], None], model: keys.Tidegate) -> None:
    check(resolve(model, ("unread",)))


def resolve(model: keys.Tidegate, listed: Sequence[str] = ()) -> settings.Settings:
    """Everything decided; `listed` are the keys in the cohort's file. What is named by a path is as the file says it.

    Raises SpecInvalid where that list is empty, and, without a line, SpecInvalid or RuleInvalid for what `load` has not checked.
    """
    near, release = model.release.shadow.within, model.release
    return settings.Settings(
        endpoint=together.endpoint(model),
        api=model.api,
        model=model.model,
        environment=model.environment,
        example=model.example or "",
        training=model.training or "",
        trust=model.trust or "",
        method=model.method or "",
        strategy=" -> ".join(release.strategy),
        stages=schedule.stages(model),
        returns=strategies.returns(release.strategy),
        policy=judging.policy(model),
        sticky=schedule.sticky(model),
        cohort=schedule.cohort(model, listed),
        approval=judging.approval(model),
        group=model.group or "",
        downtime=model.downtime,
        requires=tuple(map(_requirement, model.requires)),
        migrations=tuple(dependencies.Migration(one.name, one.kind) for one in model.migrations),
        slices=model.slices,
        pairing=tables.Pairing(near),
        notify=tuple(map(_recipient, model.notify)),
        rehearse_seconds=model.rehearse,
        limits=protection.limits(model),
        outcomes=protection.outcomes(model),
        fallback="" if model.fallback is None else msgspec.json.encode(model.fallback).decode(),
        fallbacks=protection.fallbacks(model),
        fallback_version=model.fallback_version or "",
        guard=model.guard.action,
        terms=protection.terms(model),
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
        probation=schedule.probation(model),
        probation_seconds=release.probation.least,
        probation_outcomes=release.probation.outcomes,
        keep=schedule.keep(model),
        durability=model.log.durability,
        inputs=logged.inputs(model.log),
        log=logged.keeping(model.log),
        monitors=msgspec.structs.replace(watched.resolved(model.monitors, together.truth(model)), explained=model.explain),
        pin=model.pin,
        given=tuple(sorted(_given(model))),
    )


def explain(resolved: settings.Settings, told: Mapping[str, str] = MappingProxyType({})) -> list[tuple[str, str, str]]:
    """(key, value as the file would say it, where it comes from) of every key: what `tidegate plan` shows.

    It comes from the "file", is a "default", or comes from what `told` has under the key, such as "--model".
    """
    given = resolved.given
    if {f"release.{key}" for key in ("for", "at_most", "requests", "prove_last")} & set(given):
        given = (*given, "release.steps")
    there = {key: "file" for key, _ in explained.rows(resolved) if any(f"{one}.".startswith(f"{key}.") for one in given)}
    return [(key, value, {**there, **told}.get(key, "default")) for key, value in explained.rows(resolved)]


def template(
    endpoint: str,
    model: str,
    manifest: manifests.Manifest | None = None,
    *,
    trust: str = "",
    example: str = "",
    method: str = "",
) -> str:
    """The commented file that `tidegate init` writes: what is needed set, every other key there with its default."""
    return starter.text(endpoint, model, manifest, {"example": example, "trust": trust, "method": method})


def json_schema() -> dict[str, Any]:
    """The file's JSON Schema (draft 2020-12), for editors and for docs/file.md."""
    found = keys.Tidegate.model_json_schema(by_alias=True)
    steps = found["$defs"]["Release"]["properties"]["steps"]
    steps["items"] = {"anyOf": [found["$defs"]["Step"]["properties"]["traffic"], steps["items"]]}
    blocks = [f"#/$defs/{name}" for name, one in found["$defs"].items() if "properties" in one]
    for owner in (found, found["$defs"]["Release"], found["$defs"]["Monitors"]):
        for block in (one for one in owner["properties"].values() if one.get("$ref") in blocks):
            reference = block.pop("$ref")
            block["anyOf"] = [{"$ref": reference}, {"type": "null"}]
            block.setdefault("description", found["$defs"][reference.rpartition("/")[2]]["description"])
    probation = found["$defs"]["Release"]["properties"]["probation"]
    probation["anyOf"] = [found["$defs"]["Probation"]["properties"]["for"], probation["anyOf"][0]]
    return {"$schema": DIALECT, "title": NAME, **{key: value for key, value in found.items() if key != "title"}}


def _given(model: pydantic.BaseModel, prefix: str = "") -> list[str]:
    found: list[str] = []
    for name in model.model_fields_set:
        value, key = getattr(model, name), prefix + (type(model).model_fields[name].alias or name)
        found += _given(value, f"{key}.") if isinstance(value, pydantic.BaseModel) else [key]
    return found


def _recipient(given: surroundings.Recipient) -> str | recipients.Recipient:
    where = surroundings.located(given)
    return recipients.entry(recipients.Recipient(where, given.floor, tuple(map(str, given.about))))


def _requirement(given: surroundings.Requirement) -> dependencies.Requirement:
    if given.service is not None:
        return dependencies.Requirement("service", given.service)
    name, _, version = str(given.table).partition("@")
    return dependencies.Requirement(
        "table", name, version, surroundings.located(given.url) if given.url else "", given.query or ""
    )
