"""What each number and word of settings may be, whoever wrote them: what the file holds its keys to, held for the API as well."""

import operator
from collections.abc import Iterator

from tidegate.core.spec import settings as specification
from tidegate.core.spec import units
from tidegate.core.vocabulary import arms, errors, releases

_MOST = 10**9
"""Requests, units, outcomes: more than anybody waits for."""
_LEAST_CHANCE, _MOST_CHANCE = 1e-9, 0.5
NUMBERS: dict[str, tuple[float, float]] = {
    "api": (1, 999),
    "replicas": (1, 256),
    "keep": (0, 16),
    "load_seconds": (0.001, units.LONGEST),
    "scale_to_zero": (0, units.LONGEST),
    "rehearse_seconds": (0, units.LONGEST),
    "probation_seconds": (0, units.LONGEST),
    "probation_outcomes": (0, _MOST),
    "compile_tolerance": (1e-12, 0.1),
    "resources.memory": (0, 1 << 50),
    "resources.cpu": (0, 4_096),
    "resources.files": (0, 1 << 30),
    "limits.timeout_ms": (1, 3_600_000),
    "limits.queue": (1, _MOST),
    "limits.body": (1, 1 << 40),
    "limits.batch": (1, 65_536),
    "limits.rate": (0, 1e12),
    "limits.daily": (0, 10**15),
    "outcomes.within_seconds": (0, units.LONGEST),
    "outcomes.lookback_seconds": (0, units.LONGEST),
    "monitors.truth.every_seconds": (1, units.LONGEST),
    "monitors.performance.drop": (0, 1),
    "policy.alpha": (_LEAST_CHANCE, _MOST_CHANCE),
    "policy.alpha_promote": (_LEAST_CHANCE, _MOST_CHANCE),
    "policy.error_margin": (0, 1),
    "policy.label_margin": (0, 1),
    "policy.score_margin": (0, 1),
    "policy.label_age": (0, units.LONGEST),
    "policy.baseline_errors": (0, 1),
    "policy.baseline_wrong": (0, 1),
    "policy.disagreement": (0, 1),
    "policy.difference": (0, 1e12),
    "policy.harm_budget": (0, _MOST),
    "policy.guard_breaks": (0, _MOST),
    "policy.memory": (0, 1e6),
}
"""The least and the most of each, by its place in the settings."""
WORDS: dict[str, tuple[str, ...]] = {
    "downtime": ("allowed", "never"),
    "access": ("open", "token"),
    "guard": ("rescue", "fallback", "reject", "flag"),
    "runtime": ("auto", "own", "shared"),
    "compile": ("auto", "never", "required"),
    "durability": ("interval", "ack"),
    "inputs": ("all", "none"),
    "pin": ("allow", "refuse"),
    "outcomes.kind": ("auto", "probability", "class", "number"),
    "policy.on_unsure": ("pause", "extend", "rollback", "promote"),
    "policy.on_alarm": ("notify", "pause", "rollback"),
}
_APPROVAL: dict[str, tuple[float, float]] = {"count": (1, 100), "within_seconds": (1, units.LONGEST)}


def check(settings: specification.Settings) -> None:
    """Raises SpecInvalid naming the first that is out of its bounds."""
    for what, value, (least, most) in _numbers(settings):
        if not least <= value <= most:  # not a number is neither
            raise errors.SpecInvalid(f"`{what}` is {value}.", cure=f"It goes from {least:g} to {most:g}.")
    for what, words in WORDS.items():
        value = operator.attrgetter(what)(settings)
        if value not in words:
            raise errors.SpecInvalid(f"`{what}` is {value[:40]!r}.", cure=f"It is one of {', '.join(words)}.")
    standby = settings.fallback_version.removeprefix("v")
    if standby not in ("", "previous") and not (standby.isascii() and standby.isdigit() and len(standby) <= 9):
        raise errors.SpecInvalid(f"`fallback_version` is {standby[:40]!r}.", cure="Write `previous`, or one by its name: v3.")
    if settings.probation is not None:
        _probation(settings.probation)


def _numbers(settings: specification.Settings) -> Iterator[tuple[str, float, tuple[float, float]]]:
    for what, bounds in NUMBERS.items():
        yield what, operator.attrgetter(what)(settings), bounds
    if settings.approval is not None:
        for name, bounds in _APPROVAL.items():
            yield f"approval.{name}", getattr(settings.approval, name), bounds


def _probation(stage: releases.Stage) -> None:
    if not (0 < stage.weight <= arms.BUCKETS and 0 <= stage.mirror <= arms.BUCKETS):
        raise errors.SpecInvalid("the probation's share cannot be routed.", cure="Weights go from 1 to 10000 buckets.")
