"""From what pydantic says about a document to one error: file, line, what is wrong, the cure."""

import difflib
import re
import typing
from collections.abc import Iterable

import pydantic

from tidegate.core.spec import document
from tidegate.core.vocabulary import errors

_NEEDED = {
    "int_type": "a whole number",
    "float_type": "a number",
    "string_type": "text, in quotes where it looks like a number",
    "string_too_short": "at least one letter",
    "bool_type": "true or false",
    "tuple_type": "a list: [ONE, ANOTHER], or each on a line of its own after a hyphen",
    "model_type": "a block of keys, each indented on its own line",
    "finite_number": "a finite number",
    "too_short": "at least one item",
    "string_pattern_mismatch": "a name of letters and digits, as docs/file.md shows for this key",
}


def first(read: document.Document, model: type[pydantic.BaseModel], wrong: pydantic.ValidationError) -> errors.SpecError:
    """The error nearest the top of the file; the others are counted, since one line is what people read."""
    faults = wrong.errors(include_url=False)
    paths = {fault["loc"] for fault in faults}
    deepest = [
        fault for fault in faults if not any(len(path) > len(fault["loc"]) and _within(path, fault["loc"]) for path in paths)
    ]
    found = [_fault(read, model, fault) for fault in deepest]
    found.sort(key=lambda pair: pair[0])
    fault = found[0][1]
    if len(found) > 1:
        fault.cure = f"{fault.cure} ({len(found) - 1} more after this one.)".strip()
    return fault


def _fault(read: document.Document, model: type[pydantic.BaseModel], fault: typing.Any) -> tuple[int, errors.SpecError]:
    path: document.Path = tuple(fault["loc"])
    key = dotted(path)
    value = fault["input"]
    context = fault.get("ctx", {})
    kind: type[errors.SpecError] = errors.SpecInvalid
    match fault["type"]:
        case "extra_forbidden":
            message, cure = f"there is no key `{key}`.", _cure(str(path[-1]), keys_at(model, path[:-1]))
        case "missing":
            message, cure = f"`{key}` is missing.", f"Add `{path[-1]}: ...`."
        case "literal_error":
            allowed = [part.strip("' ") for part in context["expected"].replace(" or ", ", ").split(",")]
            message, cure = f"`{key}` cannot be {_shown(value)}.", _cure(str(value), allowed, "It is one of")
        case "tidegate":
            message, cure = f"`{key}`: {context['what']}", context["cure"]
            kind = errors.RuleInvalid if context["code"] == errors.RuleInvalid.code else kind
        case _:
            message = f"`{key}` cannot be {_shown(value)}."
            cure = f"Write {_NEEDED.get(fault['type']) or fault['msg'].replace('Input should be', 'a number')}."
    if not key:
        message, cure = "the file is not a list of keys.", "Write `endpoint: NAME` and `model: SOURCE`, a line each."
    return read.line(path), kind(message, cure=cure, where=read.where(path))


def dotted(path: Iterable[str | int]) -> str:
    """("release", "steps", 0) -> release.steps[0]."""
    shown = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
    return shown.removeprefix(".")


def keys_at(model: type[pydantic.BaseModel], path: document.Path) -> list[str]:
    """The keys that a block may have."""
    for part in path:
        if isinstance(part, str):
            field = next(field for name, field in model.model_fields.items() if (field.alias or name) == part)
            model = _block(field.annotation) or model
    return [field.alias or name for name, field in model.model_fields.items()]


def _block(annotation: object) -> type[pydantic.BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    inner = (_block(part) for part in typing.get_args(annotation))
    return next((found for found in inner if found is not None), None)


def _within(path: document.Path, around: document.Path) -> bool:
    return path[: len(around)] == around


def _cure(word: str, allowed: list[str], otherwise: str = "Keys here:") -> str:
    near = difflib.get_close_matches(word, allowed, n=1, cutoff=0.6)
    return f"Did you mean `{near[0]}`?" if near else f"{otherwise} {', '.join(allowed)}."


def _shown(value: object) -> str:
    """For an error. Of an address the scheme only: what follows may be a secret."""
    text = "empty" if value is None else re.sub(r"(?<=://)[^'\"]+", "...", repr(value))
    return text if len(text) <= 60 else text[:57] + "..."
