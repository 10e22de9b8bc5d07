"""msgspec's words about a value, said as a client needs them: which column, which row, what was expected, what came."""

import difflib
import re
from collections.abc import Iterable

from tidegate.core.vocabulary import errors

_SAID = {
    "float": "a number",
    "int": "a whole number",
    "str": "a string",
    "bool": "true or false",
    "null": "null",
    "array": "a list",
    "object": "an object",
}
_EXPECTED = re.compile(r"Expected `([^`]*)`(?: (<=|>=) ([^,]+))?(?:, got `([^`]*)`)?")
_FIELD = re.compile(r"(missing required|contains unknown) field `(.*?)`(?: - at |$)")
_STEP = re.compile(r"\[(\d+|\.\.\.)\]")


class Misfit(Exception):
    """A value, or a tensor as a whole, is not what it has to be: for whoever knows the input's name to say to the client."""

    def __init__(self, words: str, place: int = -1) -> None:
        """`place`: the value's, among its tensor's flat ones; -1 where it is about them all."""
        super().__init__(words)
        self.place = place


def path(words: str) -> str:
    """Where in the body, as msgspec writes it: `$.records[2].distance`; empty for the body itself."""
    return words.rpartition(" - at `$")[2].rstrip("`") if " - at `$" in words else ""


def rows(words: str) -> list[int]:
    """The list positions on the way there, outermost first."""
    return [int(step) for step in _STEP.findall(path(words)) if step != "..."]


def expectation(words: str) -> str:
    """What was expected and what came: expected a number, got a string."""
    found = _EXPECTED.search(words)
    if found is None:
        return words.partition(" - at ")[0].lower()
    wanted = " or ".join(_SAID.get(kind, kind) for kind in found[1].split(" | "))
    if found[2]:
        return f"expected {wanted} of at {'most' if found[2] == '<=' else 'least'} {found[3].partition(' ')[0].strip('`')}"
    return f"expected {wanted}, got {_SAID.get(found[4], found[4])}"


def field(words: str) -> tuple[str, str]:
    """("missing" or "unknown", name) where the complaint is about a key of an object, else ("", "")."""
    found = _FIELD.search(words)
    return ("missing" if found[1].startswith("missing") else "unknown", found[2]) if found else ("", "")


def unknown(what: str, name: str, known: Iterable[str]) -> errors.InputInvalid:
    """The error for a name the model does not have, with the nearest it has."""
    names = list(known)
    near = difflib.get_close_matches(name[:80], names, n=1)  # its time grows with the length, and clients choose it
    cure = f"Did you mean `{near[0]}`?" if near else f"The model has: {', '.join(names[:40])}."
    return errors.InputInvalid(f"unknown {what} `{name[:80]}`.", cure=cure)


def missing(what: str, names: Iterable[str]) -> errors.InputInvalid:
    """The error for names that have to be there."""
    listed = ", ".join(f"`{name}`" for name in names)
    return errors.InputInvalid(f"missing required {what} {listed}")
