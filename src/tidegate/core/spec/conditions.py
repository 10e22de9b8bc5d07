"""Conditions on a request's input, such as "distance > 1000" or "carrier == AA": when a fallback rule applies. No eval.

condition := name op value
op        := ==  !=  <  <=  >  >=
value     := number | true | false | null | a word | anything in quotes
"""

import re
from collections.abc import Iterable

from tidegate.core.spec import guards
from tidegate.core.vocabulary import errors, manifests, tables

_CONDITION = re.compile(
    rf"(?P<name>{guards.NAME})\s*(?P<op>==|!=|<=|>=|<|>)\s*"
    rf"(?:(?P<number>{guards.NUMBER})|\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<word>[^\s\"'<>=!]+))"
)
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None}


def parse(text: object) -> tables.Condition:
    """Read one condition. Raises RuleInvalid."""
    found = _CONDITION.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise errors.RuleInvalid(f"{text!r} is no condition.", cure='Write "distance > 1000" or "carrier == AA".')
    value = _value(found)
    if (value is None or isinstance(value, bool)) and found["op"] not in ("==", "!="):
        raise errors.RuleInvalid(f"{text!r}: there is no more or less of that.", cure="Write == or !=.")
    return tables.Condition(guards.bare(found["name"]), found["op"], value)


def fit(fallbacks: Iterable[tables.Fallback], signature: manifests.Signature) -> None:
    """Raises RuleInvalid for a condition on an input that a model with this signature does not take."""
    known = [column.name for column in signature.inputs]
    for one in (condition for fallback in fallbacks for condition in fallback.when):
        if one.column not in known:
            raise errors.RuleInvalid(
                f'"{shown(one)}" is about an input that this model does not take.', cure=f"It takes {', '.join(known)}."
            )


def shown(condition: tables.Condition) -> str:
    """As `parse` reads it."""
    value = condition.value
    if isinstance(value, bool) or value is None:
        said = {True: "true", False: "false", None: "null"}[value]
    else:
        said = f"{value:.15g}" if isinstance(value, float) else f'"{value}"'
    return f"{condition.column} {condition.op} {said}"


def _value(found: re.Match[str]) -> float | str | bool | None:
    if found["number"] is not None:
        return float(found["number"])
    if found["word"] is not None:
        return _WORDS.get(found["word"], found["word"])
    return found["double"] if found["double"] is not None else found["single"]
