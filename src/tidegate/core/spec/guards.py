"""The guard's rules, such as "0 <= probability <= 1" or "prediction in [low, high]", and the outputs they are about. No eval.

    rule   := finite | number <= name <= number | name (<= | >=) number | name in [ item, ... ]
    name   := letters, digits, _ . -, or anything in "quotes" or `backticks`
    item   := a number, a word, or anything in quotes

Both ends of a range belong to it. A rule holds for every row of an answer and every number of an output's tensor.
"""

import math
import re

from tidegate.core.vocabulary import errors, handling, manifests

NAME = r"(?:[A-Za-z_][\w.-]*|`[^`]+`|\"[^\"]+\")"
NUMBER = r"[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?"
_BETWEEN = re.compile(rf"(?P<low>{NUMBER})\s*<=\s*(?P<name>{NAME})\s*<=\s*(?P<high>{NUMBER})")
_BOUND = re.compile(rf"(?P<name>{NAME})\s*(?P<op><=|>=)\s*(?P<end>{NUMBER})")
_SET = re.compile(rf"(?P<name>{NAME})\s+in\s*\[(?P<items>.*)\]")
_ITEM = re.compile(r"\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"',\[\]]+(?: [^\s\"',\[\]]+)*))\s*")
_STRICT = re.compile(r"(?<![<>=])[<>](?!=)")
_CHECK = re.compile(r"(?P<file>(?P<module>[A-Za-z_]\w*)\.py):(?P<function>[A-Za-z_]\w*)")
_FORMS = 'Write "finite", "0 <= probability <= 1", "price >= 0" or "grade in [low, high]".'
_TEXT = frozenset({"string", "datetime", "boolean", "BYTES", "BOOL"})
"""Types that are no numbers."""


def parse(text: object) -> handling.Rule:
    """Read one rule. Raises RuleInvalid."""
    given = " ".join(text.split()) if isinstance(text, str) else ""
    if given == "finite":
        return handling.Rule(given, "finite")
    if _STRICT.search(given) and " in " not in given:
        raise errors.RuleInvalid(f"{text!r} has < or >.", cure="Both ends of a range belong to it: write <= or >=.")
    if found := _BETWEEN.fullmatch(given):
        return _range(given, bare(found["name"]), float(found["low"]), float(found["high"]))
    if found := _BOUND.fullmatch(given):
        end = float(found["end"])
        return _range(given, bare(found["name"]), *((None, end) if found["op"] == "<=" else (end, None)))
    if found := _SET.fullmatch(given):
        return handling.Rule(given, "classes", bare(found["name"]), classes=_items(given, found["items"]))
    raise errors.RuleInvalid(f"{text!r} is no rule about an answer.", cure=_FORMS)


def check(text: object) -> tuple[str, str]:
    """(file, MODULE:FUNCTION) of "checks.py:plausible". Raises RuleInvalid."""
    found = _CHECK.fullmatch(text.strip()) if isinstance(text, str) else None
    if not found:
        raise errors.RuleInvalid(
            f"{text!r} names no function.", cure='Write FILE.py:FUNCTION, the file beside this one: "checks.py:plausible".'
        )
    return found["file"], f"{found['module']}:{found['function']}"


def bare(name: str) -> str:
    """A name without the quotes around it."""
    return name[1:-1] if name[:1] in ('"', "`") else name


def fit(terms: handling.Terms, manifest: manifests.Manifest) -> None:
    """Raises RuleInvalid for a rule that could not be held to this bundle's answers, or a check that is not in it."""
    types = {output.name: output.type for output in manifest.signature.outputs}
    for rule in terms.rules:
        if rule.kind == "finite":
            continue
        if rule.output not in types:
            raise errors.RuleInvalid(
                f'"{rule.text}" is about an output that this model does not have.', cure=f"It has {', '.join(types)}."
            )
        if rule.kind == "range" and types[rule.output] in _TEXT:
            raise errors.RuleInvalid(
                f'"{rule.text}": the output `{rule.output}` is {types[rule.output]}, not a number.',
                cure=f'List what it may be: "{rule.output} in [a, b]".',
            )
    module = terms.check.partition(":")[0]
    if module and f"{manifests.CHECKS}/{module}.py" not in {blob.path for blob in manifest.files}:
        raise errors.RuleInvalid(
            f"the check {terms.check} is not in this bundle.",
            cure="Release the model again, from the tidegate.yaml that names it.",
        )


def _range(text: str, output: str, low: float | None, high: float | None) -> handling.Rule:
    if not all(end is None or math.isfinite(end) for end in (low, high)):
        raise errors.RuleInvalid(f'"{text}" has an end that is no finite number.', cure="Leave that end out.")
    if low is not None and high is not None and low > high:
        raise errors.RuleInvalid(f'"{text}" can never hold.', cure="Write the lower end first.")
    return handling.Rule(text, "range", output, low, high)


def _items(text: str, listed: str) -> tuple[str, ...]:
    """What stands between the brackets; commas inside quotes belong to the item."""
    found: list[str] = []
    at = 0
    while at <= len(listed):
        item = _ITEM.match(listed, at)
        if item is None or listed[item.end() : item.end() + 1] not in ("", ","):
            raise errors.RuleInvalid(f'"{text}" does not list what is allowed.', cure='Write "grade in [low, high]".')
        found.append(next(part for part in item.groups() if part is not None))
        at = item.end() + 1
    return tuple(dict.fromkeys(found))
