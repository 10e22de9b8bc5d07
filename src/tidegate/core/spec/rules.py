"""The rules language: a comparison with units, such as "errors <= stable + 0.1%" or "p99 <= 120ms". A parser, no eval.

    rule   := metric op side
    op     := <=  <  >=  >
    side   := value | base | base (+ | -) value | number x base
    base   := stable | champion
    value  := number unit         unit := %  ms  s  (none)

Reading a rule says nothing about whether its metric is known where it stands: `margins` decides that for promotion, `guard` for
what a test has to keep besides its metric.
"""

import math
import re
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import errors, releases, sums

_RULE = re.compile(
    r"(?P<metric>[a-z][a-z0-9_.-]*)\s*(?P<op><=|>=|<|>)\s*"
    r"(?:(?:(?P<times>\d+(?:\.\d+)?)\s*x\s*)?(?P<base>stable|champion)"
    r"(?:\s*(?P<sign>[+-])\s*(?P<offset>\d+(?:\.\d+)?)\s*(?P<offset_unit>%|ms|s|))?"
    r"|(?P<value>-?\d+(?:\.\d+)?)\s*(?P<value_unit>%|ms|s|))"
)
_SCALE = {"%": 0.01, "ms": 0.001, "s": 1.0, "": 1.0}

MARGINS = ("errors", "wrong", "score")
SUPPORTED = (
    '"errors <= stable + N%", "errors <= N x stable", the same of wrong, "score <= stable + 0.0N", and "p90 <= stable + N%"'
)
LEAST_LONGER = 0.29
"""A time's margin is at least one bucket that times are counted in."""
_QUANTILE = re.compile(r"p(50|75|90|95|99)")


class Rule(msgspec.Struct, frozen=True):
    """One comparison. Its own text is its name in reports."""

    metric: str
    op: str
    base: str
    """stable, champion, or empty for a fixed value."""
    offset: float
    """Added to the base, or the fixed value: a share for %, seconds for ms and s."""
    unit: str
    """As written: %, ms, s or nothing."""
    text: str
    times: float = 1.0
    """What the base is multiplied by."""


class Margins(msgspec.Struct, frozen=True):
    """How much worse than stable a candidate may be and still be promoted; None where no rule says."""

    errors: float | None = None
    wrong: float | None = None
    times: tuple[releases.TimeMargin, ...] | None = None
    """How much longer the model may take, at some quantiles."""
    error_ratio: float = 0.0
    """By how much of stable's share there may be more errors; then `errors` says nothing."""
    wrong_ratio: float = 0.0
    score: float | None = None
    score_ratio: float = 0.0


def parse(text: object) -> Rule:
    """Read one rule. Raises RuleInvalid for text that is no comparison."""
    found = _RULE.fullmatch(text.strip()) if isinstance(text, str) else None
    if not isinstance(text, str) or not found:
        raise errors.RuleInvalid(
            f"{text!r} is not a rule.", cure='Write a comparison with units, such as "p99 <= 120ms" or "errors <= stable + 0.1%".'
        )
    unit = found["offset_unit"] or found["value_unit"] or ""
    number = float(found["offset"] or found["value"] or 0) * _SCALE[unit]
    offset = round(-number if found["sign"] == "-" else number, 12)
    return Rule(found["metric"], found["op"], found["base"] or "", offset, unit, text.strip(), float(found["times"] or 1))


def margins(texts: Sequence[object]) -> Margins:
    """The promotion margins that `release.promote_if` gives. Raises RuleInvalid for a rule that could not be held to."""
    given: dict[str, Rule] = {}
    for text in texts:
        rule = margin(text)
        if rule.metric in given:
            raise errors.RuleInvalid(f"there are two rules on {rule.metric}.", cure="Keep the one that you mean.")
        given[rule.metric] = rule
    shares = {name: rule.offset for name, rule in given.items() if name in MARGINS and rule.times == 1}
    ratios = {name: rule.times - 1 for name, rule in given.items() if name in MARGINS}
    times = tuple(releases.TimeMargin(float(name[1:]) / 100, rule.offset) for name, rule in given.items() if name not in MARGINS)
    return Margins(
        *(shares.get("errors"), shares.get("wrong"), times or None, ratios.get("errors", 0.0), ratios.get("wrong", 0.0)),
        *(shares.get("score"), ratios.get("score", 0.0)),
    )


def margin(text: object) -> Rule:
    """One rule of promote_if. Raises RuleInvalid unless it is a margin over stable of a known metric."""
    rule = parse(text)
    if _QUANTILE.fullmatch(rule.metric):
        return _time(rule)
    if rule.metric not in MARGINS:
        raise errors.RuleInvalid(
            f'nothing here measures "{rule.metric}", so "{rule.text}" could never hold.', cure=f"Supported: {SUPPORTED}."
        )
    plain = rule.times == 1 and rule.unit == ("" if rule.metric == "score" else "%")
    if rule.op != "<=" or rule.base != "stable" or not (plain or (rule.times != 1 and not rule.offset)):
        raise errors.RuleInvalid(f'"{rule.text}" is not supported in promote_if.', cure=f"Supported: {SUPPORTED}.")
    if rule.times != 1:
        if not 1.01 <= rule.times <= 100:
            raise errors.RuleInvalid(
                f'"{rule.text}" is no margin: 1.01 to 100 times what stable has can be one.',
                cure=f'Write a margin such as "{rule.metric} <= 1.5 x stable".',
            )
        return rule
    if not 0 < rule.offset < 1:
        raise errors.RuleInvalid(
            f'"{rule.text}" can never be proven: a margin lies above 0% and below 100%.',
            cure='Write a margin such as "errors <= stable + 0.5%".',
        )
    return rule


def _time(rule: Rule) -> Rule:
    if rule.op != "<=" or rule.base != "stable" or rule.unit != "%" or rule.times != 1:
        raise errors.RuleInvalid(f'"{rule.text}" is not supported in promote_if.', cure=f"Supported: {SUPPORTED}.")
    if not LEAST_LONGER <= rule.offset <= 10:
        raise errors.RuleInvalid(
            f'"{rule.text}" cannot be told: times are counted in steps of 30 %.',
            cure=f'Write "{rule.metric} <= stable + 30%", or more, up to 1000%.',
        )
    return rule


def guard(text: object) -> releases.Guard:
    """One rule of ab.guards: `refunds <= stable + 1%`, `basket >= stable - 0.5`. A percentage is of stable's mean; of `right`,
    which is a share itself, it is points. Raises RuleInvalid for a rule that could not be proven.
    """
    rule = parse(text)
    if rule.metric in MARGINS or _QUANTILE.fullmatch(rule.metric):
        raise errors.RuleInvalid(f'"{rule.metric}" is no posted metric.', cure=f'Write "{rule.text}" in `promote_if`.')
    if rule.base != "stable" or rule.times != 1 or rule.op not in ("<=", ">=") or rule.unit not in ("%", ""):
        raise errors.RuleInvalid(
            f'"{rule.text}" is not supported in ab.guards.',
            cure='Write how much worse than stable it may be: "refunds <= stable + 1%", or "basket >= stable - 0.5".',
        )
    more, relative = rule.op == "<=", rule.unit == "%" and rule.metric != sums.RIGHT
    margin = rule.offset if more else -rule.offset
    most = 1 if rule.metric == sums.RIGHT or (relative and not more) else math.inf
    if not 0 < margin < most:
        sign = "+" if more else "-"
        raise errors.RuleInvalid(
            f'"{rule.text}" decides nothing: the margin has to leave room on the worse side of stable, and not all of it.',
            cure=f'Write a margin, such as "{rule.metric} {rule.op} stable {sign} 1%".',
        )
    return releases.Guard(rule.metric, more, margin, relative, rule.text)
