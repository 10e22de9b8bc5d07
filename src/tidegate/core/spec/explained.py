"""Every key with its value as the file would say it: what `tidegate plan` shows, from the settings alone."""

from collections.abc import Iterable, Iterator

from tidegate.core.spec import conditions, logged, settings, units, values, watched
from tidegate.core.vocabulary import amounts, losses, recipients, releases, tables

Rows = list[tuple[str, str]]
MATTER = frozenset(
    {
        *("environment", "replicas", "release.strategy", "release.promote_if", "release.approve", "release.probation"),
        *("outcomes.within", "limits.timeout", "access", "log.inputs", "guard.rules", "fallback", "notify"),
    }
)
"""Keys whose default is worth knowing: who gets what and when, who has to agree, what clients meet, what is kept."""
_STEPS = frozenset({releases.Watch.COMPARISON, releases.Watch.COHORT})
_OURS = frozenset({releases.Watch.SMOKE, releases.Watch.LEVEL})


def rows(resolved: settings.Settings) -> Rows:
    """(key, value) in the order of the file."""
    return [
        *_served(resolved),
        *_moving(resolved),
        *_held(resolved),
        *watched.rows(resolved.monitors),
        ("explain", values.explain_text(resolved.monitors.explained)),
        *_answered(resolved),
        *_around(resolved),
    ]


def differing(before: settings.Settings, now: settings.Settings) -> list[tuple[str, str, str]]:
    """(key, value before, value now) of what differs, in the order of the file."""
    known = dict(rows(before))
    return [(key, known[key], value) for key, value in rows(now) if known[key] != value]


def _served(resolved: settings.Settings) -> Rows:
    return [
        ("endpoint", resolved.endpoint),
        ("api", f"{resolved.api}: clients call {resolved.endpoint}"),
        ("model", resolved.model),
        ("example", resolved.example or "the model's own"),
        ("training", resolved.training or "what the model's run names, if it has one"),
        ("trust", resolved.trust or "nothing that runs code on loading"),
        ("method", resolved.method or "predict"),
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
    ]


def _moving(resolved: settings.Settings) -> Rows:
    policy = resolved.policy
    return [
        ("release.strategy", resolved.strategy),
        ("release.steps", _steps(resolved)),
        ("release.shadow", _shadow(resolved)),
        ("release.rolling", _names(one for one in resolved.stages if one.replicas is not None)),
        (
            "release.blue_green",
            _names(one for one in resolved.stages if "blue-green" in resolved.strategy and one.watch in _OURS),
        ),
        ("release.ab", _ab(policy)),
        ("release.sticky", f"{resolved.sticky.by} {resolved.sticky.name}" if resolved.sticky else "none: each request by itself"),
        ("release.cohort", resolved.cohort.said if resolved.cohort else "none"),
        ("release.unsure", policy.on_unsure),
        ("release.alpha", units.share_text(policy.alpha)),
        (
            "release.promote_if",
            ", ".join(_margins(policy)) + (": never proven, since units are sticky" if resolved.sticky else ""),
        ),
        ("release.times_from", units.duration_text(policy.time_floor)),
        ("release.shift", _shift(resolved)),
        ("release.on_shift", policy.on_shift),
        ("release.harm_budget", f"{policy.harm_budget} requests" if policy.harm_budget else "no bound"),
        ("release.guard_breaks", str(policy.guard_breaks) if policy.guard_breaks else "none roll back by themselves"),
        ("release.memory", f"{policy.memory:g} times stable's" if policy.memory else "not watched"),
        ("release.on_alarm", policy.on_alarm),
        ("release.retrain", "yes" if policy.retrain else "no"),
        ("release.approve", approval(resolved.approval)),
        ("release.probation", probation(resolved)),
    ]


def _held(resolved: settings.Settings) -> Rows:
    limits, outcomes = resolved.limits, resolved.outcomes
    return [
        ("outcomes.kind", outcomes.kind),
        ("outcomes.threshold", f"{outcomes.threshold:g}"),
        ("outcomes.tolerance", f"{outcomes.tolerance:g}"),
        ("outcomes.within", units.duration_text(outcomes.within_seconds)),
        ("outcomes.lookback", units.duration_text(outcomes.lookback_seconds) if outcomes.lookback_seconds else "by id only"),
        ("outcomes.key", outcomes.key or "the sticky key"),
        ("outcomes.time", outcomes.time or "when it was asked for"),
        ("outcomes.query", resolved.monitors.truth.query or "none"),
        ("outcomes.url", resolved.monitors.truth.url or "none"),
        ("outcomes.every", units.duration_text(resolved.monitors.truth.every_seconds)),
        ("outcomes.watermark", resolved.monitors.truth.watermark or "none"),
        ("limits.timeout", units.duration_text(limits.timeout_ms / 1_000)),
        ("limits.queue", str(limits.queue)),
        ("limits.body", units.size_text(limits.body)),
        ("limits.batch", str(limits.batch)),
        ("limits.rate", f"{limits.rate:g} a second" if limits.rate else "unlimited"),
        ("limits.daily", str(limits.daily or "unlimited")),
        ("access", resolved.access),
        ("origins", ", ".join(resolved.origins) or "none"),
        *logged.rows(resolved.inputs, resolved.log),
        ("log.durability", resolved.durability),
    ]


def _answered(resolved: settings.Settings) -> Rows:
    return [
        ("input", "coerce" if resolved.terms.coerce else "strict"),
        ("round", f"{resolved.terms.round} decimals" if resolved.terms.round >= 0 else "as the model says"),
        ("guard.rules", "; ".join(rule.text for rule in resolved.terms.rules) or "none"),
        ("guard.check", f"{resolved.check}:{resolved.terms.check.partition(':')[2]}" if resolved.check else "none"),
        ("guard.action", resolved.guard),
        ("fallback", resolved.fallback or "none: 503"),
        ("fallback_rules", "; ".join(map(_fallback_text, resolved.fallbacks)) or "none"),
        ("fallback_version", resolved.fallback_version or "none"),
    ]


def _around(resolved: settings.Settings) -> Rows:
    return [
        ("pin", resolved.pin),
        ("keep", str(resolved.keep)),
        ("load_within", units.duration_text(resolved.load_seconds)),
        ("requires", ", ".join(one.said for one in resolved.requires) or "nothing"),
        ("migrations", ", ".join(f"{one.kind} {one.name}" for one in resolved.migrations) or "none"),
        ("group", resolved.group or "none"),
        ("notify", ", ".join(one.said for one in recipients.of(resolved.notify)) or "nobody"),
        ("slices", _slices(resolved)),
        (
            "rehearse",
            f"every {units.duration_text(resolved.rehearse_seconds)}" if resolved.rehearse_seconds else "when asked for",
        ),
        ("downtime", resolved.downtime),
    ]


def _steps(resolved: settings.Settings) -> str:
    """A canary's. What else moves the traffic stands with its own block."""
    if "canary" not in resolved.strategy:
        return "none"
    steps = [one for one in resolved.stages if one.watch in _STEPS and one.replicas is None]
    return "; ".join([*map(stage, steps), "100%"])


def stage(one: releases.Stage) -> str:
    """A stage in a line: 5% for 1m and 200 requests, at most 10m."""
    until = "until proven" if one.must_prove else f"at most {units.duration_text(one.max_seconds)}"
    requests = f" and {one.min_requests} requests" if one.min_requests else ""
    return f"{one.name} for {units.duration_text(one.min_seconds)}{requests}, {until}"


def approval(given: releases.Approval | None) -> str:
    """Who has to say yes."""
    if given is None:
        return "nobody has to"
    who = ", ".join(given.by) or "anybody with the approve scope"
    barred = ", not who asked for it" if given.not_author else ""
    return f"{given.count} of {who}{barred}, within {units.duration_text(given.within_seconds)}"


def probation(resolved: settings.Settings) -> str:
    """How long the version before stays warm, until when and how watched."""
    until = f" or {resolved.probation_outcomes} outcomes" if resolved.probation_outcomes else ""
    watching = resolved.probation.name if resolved.probation else "nothing watched"
    return f"{units.duration_text(resolved.probation_seconds)}{until}, {watching}"


def _shadow(resolved: settings.Settings) -> str:
    copied = [one for one in resolved.stages if one.mirror]
    if not copied:
        return "none"
    near = f", numbers within {resolved.pairing.tolerance:g} are the same" if resolved.pairing.tolerance else ""
    return f"{_names(copied)}, {units.share_text(resolved.policy.disagreement)} of pairs may differ{near}"


def _margins(policy: releases.Policy) -> Iterator[str]:
    for name, margin, ratio in (
        ("errors", policy.error_margin, policy.error_ratio),
        ("wrong", policy.label_margin, policy.label_ratio),
    ):
        yield f"{name} <= {1 + ratio:g} x stable" if ratio else f"{name} <= stable + {units.share_text(margin)}"
    if policy.loss == losses.PROBABILITY:
        yield (
            f"score <= {1 + policy.score_ratio:g} x stable"
            if policy.score_ratio
            else f"score <= stable + {policy.score_margin:g}"
        )
    for one in policy.time_margins:
        yield f"p{100 * one.quantile:g} <= stable + {units.share_text(one.longer)}"


def _ab(policy: releases.Policy) -> str:
    if not policy.metric:
        return "none"
    told = [f"{policy.metric}, {'higher' if policy.higher_is_better else 'lower'} is better"]
    told += [f"less than {policy.difference:g} is no difference"] if policy.difference else []
    told += ["from {} to {}".format(*map(amounts.figure, policy.limits))] if policy.limits else []
    told += [f"adjusted by {policy.covariate}"] if policy.covariate else []
    return ", ".join([*told, *(f"guard {one.text}" for one in policy.guards)])


def _shift(resolved: settings.Settings) -> str:
    if not resolved.policy.shift:
        return "not watched"
    told = f"{units.share_text(resolved.policy.shift)} of predictions"
    return f"{told}: not watched, since units are sticky" if resolved.sticky else told


def _slices(resolved: settings.Settings) -> str:
    """The columns, and why they are not judged where they are not."""
    told = ", ".join(resolved.slices) or "none"
    if resolved.slices and resolved.sticky:
        return f"{told}: of mirrored answers only, since units are sticky"
    return f"{told}: never known without log.inputs" if resolved.slices and resolved.inputs == "none" else told


def _names(found: Iterable[releases.Stage]) -> str:
    return "; ".join(one.name for one in found) or "none"


def _fallback_text(one: tables.Fallback) -> str:
    return f"{' and '.join(map(conditions.shown, one.when))}: {one.value}"
