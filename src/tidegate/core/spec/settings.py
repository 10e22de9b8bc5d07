"""The resolved form of the file: plain, frozen, everything decided. Stored with the endpoint, frozen into each release."""

import math
from collections.abc import Callable

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.spec import units
from tidegate.core.vocabulary import (
    assignment,
    dependencies,
    errors,
    handling,
    instances,
    keeping,
    losses,
    monitoring,
    recipients,
    releases,
    sums,
    tables,
)

LONGEST_TIME = 60.0
"""Seconds from which on model times may be compared at the latest."""
SHORTEST_REHEARSAL = 600.0
"""Seconds that are between two rehearsals at the least."""


class Settings(msgspec.Struct, frozen=True):
    """What one endpoint goes by."""

    endpoint: str
    model: str
    """As written: mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path."""
    api: int = 1
    """The version of the contract; from 2 on it is in the endpoint's name."""
    environment: str = "production"
    example: str = ""
    """A file with input rows, where the model itself carries none."""
    training: str = ""
    """The training data, a path or a URL; empty: what the model's run names."""
    trust: str = ""
    """pickle, when the file accepts that loading the model runs code from it."""
    method: str = ""
    """What is called of the model instead of `predict`."""
    strategy: str = "canary"
    stages: tuple[releases.Stage, ...] = ()
    """What the strategy came to; empty: straight to 100 %."""
    returns: bool = False
    """After the last stage all traffic goes back to stable: what was asked for was a look (shadow)."""
    policy: releases.Policy = releases.Policy()
    sticky: assignment.Sticky | None = None
    cohort: assignment.Cohort | None = None
    approval: releases.Approval | None = None
    group: str = ""
    """Endpoints of the same group are released together, all or none."""
    downtime: str = "allowed"
    """allowed or never: whether a release may leave the endpoint without a worker."""
    requires: tuple[dependencies.Requirement, ...] = ()
    migrations: tuple[dependencies.Migration, ...] = ()
    slices: tuple[str, ...] = ()
    pairing: tables.Pairing = tables.Pairing()
    notify: tuple[str | recipients.Recipient, ...] = ()
    """Whom to tell: where each apprise address is, env:NAME or file:PATH; with what it is told where that is not everything."""
    rehearse_seconds: float = 0.0
    """A rollback is rehearsed this often; 0: only when asked for."""
    limits: tables.Limits = tables.Limits()
    outcomes: tables.Outcomes = tables.Outcomes()
    fallback: str = ""
    """JSON answered, and flagged, when no version can answer and nothing of `fallbacks` holds; empty: 503."""
    fallbacks: tuple[tables.Fallback, ...] = ()
    fallback_version: str = ""
    guard: str = "rescue"
    terms: handling.Terms = handling.PLAIN
    check: str = ""
    """The file that `terms.check` is in: it becomes part of each bundle."""
    access: str = "open"
    """open, or token: predictions need one with the predict scope."""
    origins: tuple[str, ...] = ()
    compile: str = "auto"
    """auto, never or required: whether bundles are made with the model converted to ONNX."""
    compile_tolerance: float = 1e-4
    """How far the converted model's answers may be from the original's: relatively, and a hundredth of it absolutely."""
    runtime: str = "auto"
    """auto, own or shared: whether a version runs in an environment built from its lock."""
    resources: instances.Resources = instances.UNLIMITED
    """For each worker."""
    scale_to_zero: float = 0.0
    """Seconds without a request after which stable's workers are stopped; 0: never."""
    follow: bool = False
    """Release by itself when the model reference comes to mean another model."""
    replicas: int = 1
    load_seconds: float = 60.0
    probation: releases.Stage | None = None
    """How traffic goes after 100 %."""
    probation_seconds: float = 604_800.0
    probation_outcomes: int = 0
    """Labelled predictions after which probation is over before its time; 0: time alone counts."""
    keep: int = 2
    """Previous versions kept warm."""
    durability: str = "interval"
    inputs: str = "all"
    log: keeping.Keeping = keeping.ALL
    """What of inputs is kept, where `inputs` is all."""
    monitors: monitoring.Monitors = monitoring.Monitors()
    pin: str = "refuse"
    given: tuple[str, ...] = ()
    """Keys that the file had, dotted and sorted: what is not here is a default."""


_decoder = msgspec.json.Decoder(Settings)


def encode(settings: Settings) -> bytes:
    """As JSON, the same bytes for the same settings."""
    return msgspec.json.encode(settings, order="deterministic")


def decode(raw: bytes | str) -> Settings:
    """What `encode` wrote, by this or an earlier version. Raises SpecInvalid for anything else."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as broken:
        raise errors.SpecInvalid(
            f"stored settings cannot be read ({broken}).", cure="Release again from tidegate.yaml."
        ) from broken


def plain(settings: Settings) -> dict[str, object]:
    """As a JSON object: what the store keeps with an endpoint."""
    found = msgspec.to_builtins(settings)
    if not isinstance(found, dict):
        raise TypeError("settings are an object")
    return found


def of(stored: dict[str, object]) -> Settings:
    """What `plain` gave. Raises SpecInvalid for anything else."""
    try:
        return msgspec.convert(stored, Settings)
    except msgspec.ValidationError as broken:
        raise errors.SpecInvalid(
            f"stored settings cannot be read ({broken}).", cure="Release again from tidegate.yaml."
        ) from broken


def check(settings: Settings) -> None:
    """Whether a release can go by them, whoever wrote them. Raises SpecInvalid."""
    strategies.check(settings.stages)
    for look in CHECKS.values():
        look(settings)


def _downtime(settings: Settings) -> None:
    if settings.downtime == "never" and _alone(settings):
        raise errors.SpecInvalid(
            "recreate leaves the endpoint without a worker while the candidate starts.",
            cure="Write another `release.strategy`, or `downtime: allowed`.",
        )


def _rehearse(settings: Settings) -> None:
    if 0 < settings.rehearse_seconds < SHORTEST_REHEARSAL:
        raise errors.SpecInvalid(
            "a rehearsal has half of the traffic on the way out, and no release begins meanwhile.",
            cure="Let ten minutes be between two, or more.",
        )
    if settings.rehearse_seconds and _alone(settings):
        raise errors.SpecInvalid(
            "a rehearsal has two versions up at once, and recreate is for those that cannot be.",
            cure="Take `rehearse` away, or write another `release.strategy`.",
        )


def _group(settings: Settings) -> None:
    if settings.group and (settings.returns or not settings.stages or _alone(settings)):
        raise errors.SpecInvalid(
            f"{settings.strategy} cannot wait for the others of a group.",
            cure="Let `release.strategy` end with canary, rolling, blue-green or ab.",
        )


def _keep(settings: Settings) -> None:
    if settings.keep and _alone(settings):
        raise errors.SpecInvalid(
            "with recreate no previous version can stay up beside the one that serves.", cure="Write `keep: 0`, or leave it out."
        )


def _metric(settings: Settings) -> None:
    tested = any(one.watch is releases.Watch.METRIC for one in settings.stages)
    if tested and not settings.policy.metric:
        raise errors.SpecInvalid(
            "a test without a metric decides nothing.",
            cure="Write `ab: {metric: right}`, or the name of a metric that is posted.",
        )
    if tested and settings.policy.metric == sums.RIGHT:
        _right(settings.outcomes)


def unjudged(outcomes: tables.Outcomes) -> tuple[str, str] | None:
    """Why it is never known which answers are right, and the cure; None where it is."""
    if not outcomes.within_seconds:
        return "is never known without outcomes.", "Say with `outcomes: {within: 1h}` how late they may come."
    if outcomes.kind == losses.NUMBER and not outcomes.tolerance:
        return (
            "is never known of numbers by themselves.",
            "Say with `outcomes: {tolerance: 5}` how near its label an answer is right.",
        )
    return None


def _right(outcomes: tables.Outcomes) -> None:
    if told := unjudged(outcomes):
        raise errors.SpecInvalid(f'"right" {told[0]}', cure=told[1])


def _range(settings: Settings) -> None:
    policy = settings.policy
    if policy.limits is None:
        return
    low, high = policy.limits
    if not -units.LARGEST <= low < high <= units.LARGEST:  # not a number is neither
        raise errors.SpecInvalid(f"from {low:g} to {high:g} is no range.", cure="Write the least and the most: [0, 1].")
    if policy.metric == sums.RIGHT:
        raise errors.SpecInvalid('"right" lies between 0 and 1 by itself.', cure="Take `range` away.")


def _covariate(settings: Settings) -> None:
    policy = settings.policy
    if not policy.covariate:
        return
    if sums.RIGHT in (policy.metric, policy.covariate):
        raise errors.SpecInvalid(
            '"right" is made of outcomes, and only posted metrics are adjusted or adjusted by.', cure="Take `covariate` away."
        )
    if policy.covariate == policy.metric:
        raise errors.SpecInvalid(
            "the metric cannot be its own past.", cure="Post the value from before the test under another name, and name that."
        )


def _guards(settings: Settings) -> None:
    names = [one.metric for one in settings.policy.guards]
    for one in settings.policy.guards:
        if not 0 < one.margin < math.inf:
            raise errors.SpecInvalid(f"a guard on {one.metric} leaves no room.", cure="Let its margin be above 0.")
        if names.count(one.metric) > 1:
            raise errors.SpecInvalid(f"there are two guards on {one.metric}.", cure="Keep the one that you mean.")
        if one.metric == settings.policy.metric:
            raise errors.SpecInvalid(f"{one.metric} decides, so it cannot guard as well.", cure="Take that guard away.")
        if one.metric == settings.policy.covariate:
            raise errors.SpecInvalid(
                f"{one.metric} is of the time before the test, which no candidate can worsen.", cure="Take that guard away."
            )
        if one.metric == sums.RIGHT:
            _right(settings.outcomes)


def _times(settings: Settings) -> None:
    if not 0 <= settings.policy.time_floor <= LONGEST_TIME:
        raise errors.SpecInvalid(
            "no model's time would ever be compared: they are counted up to 100 s.", cure="Write 10ms, or at most 60s."
        )


def _difference(settings: Settings) -> None:
    policy = settings.policy
    if policy.limits is not None and policy.difference >= policy.limits[1] - policy.limits[0]:
        raise errors.SpecInvalid(
            "no two means within `range` are as far apart, so every test would end without a difference.",
            cure="Let `difference` be less than the range is wide.",
        )


def _veiled(settings: Settings) -> None:
    """What is kept from the log, and told by another key all the same."""
    veiled = settings.log.veiled
    sliced = next((one for one in settings.slices if one in veiled), None)
    if sliced is not None:
        raise errors.SpecInvalid(
            f"{sliced} is redacted or encrypted, and one of `slices`: their values stand in sums, verdicts and alarms.",
            cure="Take it out of one of the two.",
        )
    sticky = settings.sticky
    if sticky is not None and sticky.by == "field" and sticky.name in veiled:
        raise errors.SpecInvalid(
            f"requests stick by {sticky.name}, so every record has a hash of what is redacted or encrypted.",
            cure="Stick by something that means nothing elsewhere: `sticky: {header: x-user}`.",
        )


def _entity(settings: Settings) -> None:
    if settings.outcomes.key in settings.log.veiled:
        raise errors.SpecInvalid(
            f"{settings.outcomes.key} is redacted or encrypted, and the index that outcomes are matched by has hashes of it.",
            cure="Match by another column, or by prediction id.",
        )


def _retention(settings: Settings) -> None:
    if 0 < settings.log.retention_seconds < settings.outcomes.within_seconds:
        raise errors.SpecInvalid(
            "predictions would be gone before they count as labelled (`outcomes.within`).", cure="Keep the log for longer."
        )


def _explained(settings: Settings) -> None:
    if settings.monitors.explained and (settings.inputs == "none" or settings.log.redact):
        raise errors.SpecInvalid(
            "predictions are explained from the inputs that the log has, and it keeps no request as it came.",
            cure="Log inputs without `redact`, or write `explain: on_demand`.",
        )


def _alone(settings: Settings) -> bool:
    return releases.alone(settings.stages)


CHECKS: dict[str, Callable[[Settings], None]] = {
    "downtime": _downtime,
    "rehearse": _rehearse,
    "group": _group,
    "keep": _keep,
    "log": _veiled,
    "explain": _explained,
    "outcomes.key": _entity,
    "log.retention": _retention,
    "release.times_from": _times,
    "release.ab": _metric,
    "release.ab.range": _range,
    "release.ab.difference": _difference,
    "release.ab.covariate": _covariate,
    "release.ab.guards": _guards,
}
"""What has to hold together, by the file's key, dotted, that is to be changed where it does not."""
