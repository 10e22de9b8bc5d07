"""The rules language: a comparison with units, such as "errors <= stable + 0.1%" or "p99 <= 120ms". A parser, no eval.

    rule   := metric op side
    op     := <=  <  >=  >
    side   := value | base | base (+ | -) value
    base   := stable | champion
    value  := number unit         unit := %  ms  s  (none)

Reading a rule says nothing about whether its metric is known where it stands: `margins` decides that for promotion.
"""

import re
from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import errors

_RULE = re.compile(
    r"(?P<metric>[a-z][a-z0-9_.]*)\s*(?P<op><=|>=|<|>)\s*"
    r"(?:(?P<base>stable|champion)(?:\s*(?P<sign>[+-])\s*(?P<offset>\d+(?:\.\d+)?)\s*(?P<offset_unit>%|ms|s|))?"
    r"|(?P<value>-?\d+(?:\.\d+)?)\s*(?P<value_unit>%|ms|s|))"
)
_SCALE = {"%": 0.01, "ms": 0.001, "s": 1.0, "": 1.0}

MARGINS = ("errors", "wrong")
SUPPORTED = '"errors <= stable + N%" and "wrong <= stable + N%"'


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


class Margins(msgspec.Struct, frozen=True):
    """How much worse than stable a candidate may be and still be promoted; None where no rule says."""

    errors: float | None = None
    wrong: float | None = None


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
    return Rule(found["metric"], found["op"], found["base"] or "", offset, unit, text.strip())


def margins(texts: Sequence[object]) -> Margins:
    """The promotion margins that `release.promote_if` gives. Raises RuleInvalid for a rule that could not be held to."""
    given: dict[str, float] = {}
    for text in texts:
        rule = margin(text)
        if rule.metric in given:
            raise errors.RuleInvalid(f"there are two rules on {rule.metric}.", cure="Keep the one that you mean.")
        given[rule.metric] = rule.offset
    return Margins(**given)


def margin(text: object) -> Rule:
    """One rule of promote_if. Raises RuleInvalid unless it is an absolute margin over stable of a known metric."""
    rule = parse(text)
    if rule.metric not in MARGINS:
        raise errors.RuleInvalid(
            f'nothing here measures "{rule.metric}", so "{rule.text}" could never hold.', cure=f"Supported: {SUPPORTED}."
        )
    if rule.op != "<=" or rule.base != "stable" or rule.unit != "%":
        raise errors.RuleInvalid(f'"{rule.text}" is not supported in promote_if.', cure=f"Supported: {SUPPORTED}.")
    if not 0 < rule.offset < 1:
        raise errors.RuleInvalid(
            f'"{rule.text}" can never be proven: a margin lies above 0% and below 100%.',
            cure='Write a margin such as "errors <= stable + 0.5%".',
        )
    return rule
