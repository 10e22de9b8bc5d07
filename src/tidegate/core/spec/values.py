"""What the value of a key may be: names, durations, shares and the like, read as people write them, and what blocks hold to."""

import difflib
import re
from collections.abc import Callable
from typing import Annotated, Any

import pydantic
import pydantic_core

from tidegate.core.decide import strategies
from tidegate.core.spec import conditions, guards, rules, units
from tidegate.core.vocabulary import errors, ids, urls


def reads(read: Callable[[object], Any]) -> pydantic.BeforeValidator:
    """A validator that reads a value as people write it; its cure travels to the error with the file's line."""

    def validate(value: object) -> Any:
        try:
            return read(value)
        except errors.SpecError as wrong:
            context = {"what": wrong.message, "cure": wrong.cure, "code": wrong.code}
            raise pydantic_core.PydanticCustomError("tidegate", "{what}", context) from wrong

    return pydantic.BeforeValidator(validate)


def _name(value: object) -> str:
    if isinstance(value, str) and ids.is_name(value):
        return value
    raise errors.SpecInvalid(f"{value!r} cannot be a name.", cure="Use 1 to 63 of a-z, 0-9 and inner hyphens: flight-delay.")


def _metric(value: object) -> str:
    if isinstance(value, str) and ids.is_metric(value):
        return value
    raise errors.SpecInvalid(
        f"{value!r} cannot be a metric.", cure="Use 1 to 63 of a-z, 0-9, underscores, dots and hyphens, a letter first."
    )


def _person(value: object) -> str:
    if isinstance(value, str) and value.strip():
        return value.strip()
    raise errors.SpecInvalid(f"{value!r} is nobody's name.", cure="Write names as they are in `--actor` or of tokens.")


def _times(value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and (value == 0 or 1 < value < float("inf")):
        return float(value)
    raise errors.SpecInvalid(
        f"{value!r} times stable's memory is what any release has.", cure="Write a number above 1, such as 1.5; 0: not watched."
    )


def _chance(value: object) -> float:
    found = units.share(value)
    if not 0 < found <= 0.5:
        raise errors.SpecInvalid(
            f"a chance of {units.share_text(found)} decides nothing.", cure='Write above 0% and at most 50%, such as "1%".'
        )
    return found


def _model(value: object) -> str:
    scheme, found, _ = str(value).partition("://")
    if not isinstance(value, str) or not value.strip() or (found and scheme not in {"mlflow", "file"}):
        raise errors.SpecInvalid(f"{value!r} is no model.", cure="Write mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path.")
    return value.strip()


def _margin(value: object) -> str:
    return rules.margin(value).text


def _guard(value: object) -> str:
    return rules.guard(value).text


def _range(value: object) -> tuple[float, float]:
    if isinstance(value, list | tuple) and len(value) == 2 and all(map(_is_finite, value)) and value[0] < value[1]:
        return float(value[0]), float(value[1])
    raise errors.SpecInvalid(f"{value!r} is no range.", cure="Write the least and the most that a value can be: [0, 1].")


def _is_finite(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= units.LARGEST


def _answer_rule(value: object) -> str:
    return guards.parse(value).text


def _check(value: object) -> str:
    file, function = guards.check(value)
    return f"{file}:{function.partition(':')[2]}"


def _condition(value: object) -> str:
    return conditions.shown(conditions.parse(value))


def _version(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"previous|v[1-9]\d{0,8}", value):
        return value
    raise errors.SpecInvalid(f"{value!r} is no version.", cure="Write `previous`, or one by its name: v3.")


def short_for(key_: str) -> pydantic.BeforeValidator:
    """Where a bare value is short for a block with only that key."""
    return pydantic.BeforeValidator(lambda value: value if isinstance(value, dict | pydantic.BaseModel) else {key_: value})


def strategy(value: object) -> tuple[str, ...]:
    """The strategies' names; one alone is a list of one. Raises SpecInvalid."""
    names = tuple(value) if isinstance(value, list | tuple) else (value,)
    known = ", ".join(strategies.STRATEGIES)
    if not names:
        raise errors.SpecInvalid("there is no strategy in the list.", cure=f"Write one or several of {known}.")
    for name in names:
        if not isinstance(name, str) or name not in strategies.STRATEGIES:
            near = difflib.get_close_matches(str(name), strategies.STRATEGIES, n=1, cutoff=0.6)
            raise errors.SpecInvalid(
                f"there is no strategy {name!r}.", cure=f"Did you mean `{near[0]}`?" if near else f"There are {known}."
            )
    return tuple(map(str, names))


def _requests(value: object) -> int:
    found = re.fullmatch(r"(\d{1,9})(?: requests?)?", value.strip()) if isinstance(value, str) else None
    if found:
        return int(found[1])
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    raise errors.SpecInvalid(f"{value!r} is no number of requests.", cure='Write "200 requests", or 200; 0: no bound.')


def _token(value: object) -> str:
    if isinstance(value, str) and _TOKEN.fullmatch(value):
        return value.lower()
    raise errors.SpecInvalid(f"{value!r} cannot be the name of a header or cookie.", cure="Write it as x-user.")


def _header(value: object) -> str:
    name, colon, wanted = str(value).partition(":")
    if not isinstance(value, str) or not _TOKEN.fullmatch(name.strip()) or (colon and not wanted.strip()):
        raise errors.SpecInvalid(f"{value!r} is no header.", cure='Write "x-internal", or "x-internal: yes" for one value of it.')
    return f"{name.strip().lower()}: {wanted.strip()}" if colon else name.strip().lower()


def _keys(value: object) -> tuple[str, ...] | float:
    """Sticky keys, or the share of all of them. Numbers are keys too: 7 and "7" are one."""
    if not isinstance(value, list | tuple):
        return units.share(value)
    if not value or not all(isinstance(one, str | int) and not isinstance(one, bool) and str(one).strip() for one in value):
        raise errors.SpecInvalid("this is no list of keys.", cure="Write [alice, bob], or a share of all keys such as 5%.")
    return tuple(str(one) for one in value)


def split(value: object) -> float:
    """The candidate's share of an A/B test: "50%", or "60/40" for stable/candidate. Raises SpecInvalid where that is not 100."""
    found = _SPLIT.fullmatch(value.strip()) if isinstance(value, str) else None
    if not found:
        return units.share(value)
    stable, candidate = float(found[1]), float(found[2])
    if abs(stable + candidate - 100) > 1e-9:
        raise errors.SpecInvalid(
            f"{value!r} comes to {stable + candidate:g}, not to 100.",
            cure=f'Write stable/candidate, such as "{100 - candidate:g}/{candidate:g}", or the candidate\'s share alone.'
            if 0 < candidate < 100
            else 'Write stable/candidate, such as "60/40", or the candidate\'s share alone.',
        )
    return round(candidate / 100, 12)


def amount(value: object) -> float:
    """A share as percent, or any number from 0 on."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return float(value)
    return units.share(value)


def _service(value: object) -> str:
    if isinstance(value, str) and re.fullmatch(r"https?://[^\s/@]+(/\S*)?", value):
        return value
    raise errors.SpecInvalid(  # without the value: a password may stand in it
        "this is no service.", cure="Write the URL that answers while it is well, without a password in it."
    )


def _data(value: object) -> object:
    if isinstance(value, str) and urls.bare(value) != value:
        raise errors.SpecInvalid(  # likewise
            "the address of training data says a secret.",
            cure="Take it out: whoever reads the data finds credentials in the environment or in its cloud's own files.",
        )
    return value


def _table(value: object) -> str:
    name, at, version = str(value).partition("@")
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z_][\w.$-]*", name) or (at and not version.strip()):
        raise errors.SpecInvalid(f"{value!r} is no table.", cure="Write customers, or customers@v3.")
    return value


def _secret(value: object) -> object:
    """Where a secret is, never itself."""
    if isinstance(value, str):
        raise errors.SpecInvalid(
            "this file says where a secret is, never the secret itself.",
            cure="Write {env: NAME_OF_A_VARIABLE} or {file: PATH}, and put the address there.",
        )
    return value


_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_SPLIT = re.compile(r"(\d+(?:\.\d+)?)\s*%?\s*/\s*(\d+(?:\.\d+)?)\s*%?")


def _inputs(value: object) -> str:
    """all, none, or a share of predictions."""
    if value in ("all", "none"):
        return str(value)
    found = re.fullmatch(r"sample\s+(\S.*)", value.strip()) if isinstance(value, str) else None
    if not found:
        raise errors.SpecInvalid(f"{value!r} is no amount of inputs.", cure='Write all, none, or "sample 10%".')
    part = units.share(found[1])
    if not 0 < part < 1:
        raise errors.SpecInvalid(f"{units.share_text(part)} is no sample.", cure="Write all, none, or a share between them.")
    return f"sample {units.share_text(part)}"


def _explain(value: object) -> float:
    """The share of predictions that are explained afterwards: always is 1, on_demand 0."""
    if value in ("always", "on_demand"):
        return 1.0 if value == "always" else 0.0
    found = re.fullmatch(r"sample\s+(\S.*)", value.strip()) if isinstance(value, str) else None
    part = units.share(found[1]) if found else 0.0
    if not 0 < part < 1:
        raise errors.SpecInvalid(f"{value!r} does not say what is explained.", cure='Write always, on_demand, or "sample 1%".')
    return part


def explain_text(part: float) -> str:
    """As `explain` is written: 0.01 -> "sample 1%"."""
    return "always" if part >= 1 else f"sample {units.share_text(part)}" if part else "on_demand"


def _retention(value: object) -> float:
    found = units.duration(value, _LONGEST_KEPT)
    if 0 < found < _SHORTEST_KEPT:
        raise errors.SpecInvalid("the log goes by whole days.", cure='Write a day or more, such as "90d"; 0s: for good.')
    return found


_SHORTEST_KEPT, _LONGEST_KEPT = 86_400.0, 36_525 * 86_400.0


def _block(value: object) -> object:
    return {} if value is None else value


def schema(pattern: str, example: str, **number: Any) -> pydantic.WithJsonSchema:
    """What editors know of a value: a string of this pattern, or what `number` describes."""
    return pydantic.WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, number], "examples": [example]})


Name = Annotated[str, reads(_name)]
Metric = Annotated[str, reads(_metric), pydantic.WithJsonSchema({"type": "string", "pattern": f"^{ids.METRIC.pattern}$"})]
Person = Annotated[str, reads(_person)]
Times = Annotated[float, reads(_times)]
Model = Annotated[str, reads(_model)]
Duration = Annotated[float, reads(units.duration), schema(r"^(\d+(\.\d+)?(ms|s|m|h|d) *)+$", "30s", const=0)]
Share = Annotated[float, reads(units.share), schema(r"^\d+(\.\d+)? *%$", "5%", type="number", minimum=0, exclusiveMaximum=1)]
Chance = Annotated[float, reads(_chance), schema(r"^\d+(\.\d+)? *%$", "1%", type="number", exclusiveMinimum=0, maximum=0.5)]
Size = Annotated[int, reads(units.size), schema(r"^\d+(\.\d+)? *(B|[kKMG]B|[KMG]iB)$", "4MiB", type="integer", minimum=0)]
Margin = Annotated[str, reads(_margin)]
Guard = Annotated[str, reads(_guard)]
Range = Annotated[
    tuple[float, float],
    reads(_range),
    pydantic.WithJsonSchema({"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2, "examples": [[0, 1]]}),
]
AnswerRule = Annotated[str, reads(_answer_rule)]
Check = Annotated[str, reads(_check)]
Condition = Annotated[str, reads(_condition)]
Version = Annotated[str, reads(_version)]
_NAMES: dict[str, Any] = {"type": "string", "enum": list(strategies.STRATEGIES)}
Strategies = Annotated[
    tuple[str, ...],
    reads(strategy),
    pydantic.WithJsonSchema({"anyOf": [_NAMES, {"type": "array", "items": _NAMES, "minItems": 1}]}),
]
Requests = Annotated[int, reads(_requests), schema(r"^\d+( requests?)?$", "200 requests", type="integer", minimum=0)]
Token = Annotated[str, reads(_token)]
Inputs = Annotated[
    str, reads(_inputs), pydantic.WithJsonSchema({"type": "string", "pattern": r"^(all|none|sample +\d+(\.\d+)? *%)$"})
]
Explain = Annotated[
    float, reads(_explain), pydantic.WithJsonSchema({"type": "string", "pattern": r"^(always|on_demand|sample +\d+(\.\d+)? *%)$"})
]
Retention = Annotated[float, reads(_retention), schema(r"^(\d+(\.\d+)?(ms|s|m|h|d) *)+$", "90d", const=0)]
Header = Annotated[str, reads(_header)]
Keys = Annotated[
    tuple[str, ...] | float,
    reads(_keys),
    schema(r"^\d+(\.\d+)? *%$", "5%", type="array", items={"type": ["string", "integer"]}, minItems=1),
]
Split = Annotated[float, reads(split), schema(r"^\d+(\.\d+)? *%?( */ *\d+(\.\d+)? *%?)?$", "60/40", type="number")]
Amount = Annotated[float, reads(amount), schema(r"^\d+(\.\d+)? *%$", "1%", type="number", minimum=0)]
Service = Annotated[str, reads(_service)]
Table = Annotated[str, reads(_table)]
Data = Annotated[str, reads(_data)]
SECRET = reads(_secret)
EMPTY_BLOCK = pydantic.BeforeValidator(_block)


def key(words: str, default: Any = ..., shown: Any = None, **more: Any) -> Any:
    """A key: its meaning, its default, and the default as people write it where that differs."""
    extra = None if shown is None else {"default": shown}
    return pydantic.Field(default=default, description=words, json_schema_extra=extra, **more)


class Block(pydantic.BaseModel):
    """What every block holds to: no unknown keys, no silent conversions."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)
