"""Every key of tidegate.yaml: its meaning, its default, what it may be. The JSON Schema and docs/file.md come from here.

The models are also the Python form of the file: `Tidegate.model_validate({...})` takes what YAML gives.
"""

import re
from collections.abc import Callable
from typing import Annotated, Any, Literal

import pydantic
import pydantic_core

from tidegate.core.spec import conditions, guards, rules, units
from tidegate.core.vocabulary import errors, ids


def _reads(read: Callable[[object], Any]) -> pydantic.BeforeValidator:
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


def _model(value: object) -> str:
    scheme, found, _ = str(value).partition("://")
    if not isinstance(value, str) or not value.strip() or (found and scheme not in {"mlflow", "file"}):
        raise errors.SpecInvalid(f"{value!r} is no model.", cure="Write mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path.")
    return value.strip()


def _margin(value: object) -> str:
    return rules.margin(value).text


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


def _step(value: object) -> object:
    return value if isinstance(value, dict | pydantic.BaseModel) else {"traffic": value}


def _block(value: object) -> object:
    return {} if value is None else value


def _schema(pattern: str, example: str, **number: Any) -> pydantic.WithJsonSchema:
    return pydantic.WithJsonSchema({"anyOf": [{"type": "string", "pattern": pattern}, number], "examples": [example]})


Name = Annotated[str, _reads(_name)]
Model = Annotated[str, _reads(_model)]
Duration = Annotated[float, _reads(units.duration), _schema(r"^(\d+(\.\d+)?(ms|s|m|h|d) *)+$", "30s", const=0)]
Share = Annotated[float, _reads(units.share), _schema(r"^\d+(\.\d+)? *%$", "5%", type="number", minimum=0, exclusiveMaximum=1)]
Size = Annotated[int, _reads(units.size), _schema(r"^\d+(\.\d+)? *(B|[kKMG]B|[KMG]iB)$", "4MiB", type="integer", minimum=0)]
Margin = Annotated[str, _reads(_margin)]
AnswerRule = Annotated[str, _reads(_answer_rule)]
Check = Annotated[str, _reads(_check)]
Condition = Annotated[str, _reads(_condition)]
Version = Annotated[str, _reads(_version)]
EMPTY_BLOCK = pydantic.BeforeValidator(_block)


def _key(words: str, default: Any = ..., shown: Any = None, **more: Any) -> Any:
    """A key: its meaning, its default, and the default as people write it where that differs."""
    extra = None if shown is None else {"default": shown}
    return pydantic.Field(default=default, description=words, json_schema_extra=extra, **more)


class Block(pydantic.BaseModel):
    """What every block holds to: no unknown keys, no silent conversions."""

    model_config = pydantic.ConfigDict(strict=True, extra="forbid", frozen=True)


class Step(Block):
    """One step of a canary. A bare share such as 5% is a step with the release's own times."""

    traffic: Share = _key("Share of the traffic that the candidate gets.")
    least: Duration | None = _key("Not left earlier; `release.for` unless given.", None, alias="for")
    at_most: Duration | None = _key("Goes on without proof after this; `release.at_most` unless given.", None)
    requests: int | None = _key("Candidate requests without which it is not left; `release.requests` unless given.", None, ge=1)


class Release(Block):
    """How traffic moves to a new version."""

    strategy: Literal["canary", "full"] = _key("`canary`: step by step, watched. `full`: 100 % after warm-up.", "canary")
    steps: tuple[Annotated[Step, pydantic.BeforeValidator(_step)], ...] = _key(
        "Shares of a canary, going up, then 100 %. A step may say more: `{traffic: 5%, for: 30s, at_most: 5m, requests: 200}`.",
        tuple(Step(traffic=part) for part in ("1%", "5%", "25%", "50%")),  # type: ignore[arg-type]
        ["1%", "5%", "25%", "50%"],
        min_length=1,
        strict=False,
    )
    least: Duration = _key("Each step lasts at least this.", 60.0, "1m", alias="for")
    at_most: Duration = _key("After this a step goes on without proof, if nothing speaks against it.", 600.0, "10m")
    requests: int = _key("Candidate requests without which no step is left.", 200, ge=1)
    prove_last: bool = _key("Leave the last step only on proof that the candidate is no worse, however long that takes.", True)
    unsure: Literal["pause", "extend", "rollback", "promote"] = _key(
        "What happens when a step's time is up without proof and without enough requests.", "pause"
    )
    alpha: Share = _key("Chance of rolling a healthy release back, over its whole life.", 0.01, "1%")
    promote_if: tuple[Margin, ...] = _key(
        "What has to be proven for promotion: margins over stable.",
        ("errors <= stable + 1%", "wrong <= stable + 2%"),
        ["errors <= stable + 1%", "wrong <= stable + 2%"],
        strict=False,
    )
    probation: Duration = _key(
        "After 100 % the version before is kept warm this long, for a rollback in one write.", 600.0, "10m"
    )


class Outcomes(Block):
    """Ground truth that arrives late for a prediction."""

    kind: Literal["auto", "probability", "class", "number"] = _key(
        "How a label is held to its prediction: true/false against a probability, equal classes, or numbers within `tolerance`.",
        "auto",
    )
    threshold: float = _key("`probability`: from here on the answer means true.", 0.5, allow_inf_nan=False)
    tolerance: float = _key("`number`: an answer this near its label is right.", 0.0, ge=0, allow_inf_nan=False)
    within: Duration = _key(
        "Age at which a prediction counts as labelled or not; 0s: outcomes are shown but are no evidence.", 0.0, "0s"
    )


class Limits(Block):
    """What the endpoint takes."""

    timeout: Duration = _key("A request is answered within this, by the candidate, stable or the fallback.", 2.0, "2s")
    queue: int = _key("Requests that may wait, over all gateways; more get 429.", 1_000, ge=1)
    body: Size = _key("Bytes of one request's body, decompressed.", 4 << 20, "4MiB")
    batch: int = _key("Requests in one batch at most.", 256, ge=1, le=65_536)
    rate: float = _key(
        "Predictions (rows) a second for each token, or for all clients together where none is asked for; 0: no limit.",
        0.0,
        ge=0,
        allow_inf_nan=False,
    )
    daily: int = _key("Predictions a day (UTC) likewise.", 0, ge=0)


class Resources(Block):
    """What each worker may use."""

    memory: Size = _key("Bytes of memory; a worker that holds more is ended and started again. 0: no limit.", 0)
    cpu: float = _key("Cores, fractions too; 0: no limit.", 0.0, ge=0, allow_inf_nan=False)
    files: int = _key("Open files and sockets; 0: as many as the account may have.", 0, ge=0)


class Log(Block):
    """The prediction log."""

    inputs: Literal["all", "none"] = _key("Whether records carry request and response bodies.", "all")
    durability: Literal["interval", "ack"] = _key(
        "`interval`: survives the death of any process. `ack`: survives a power cut, at the price of a disk sync an answer.",
        "interval",
    )


class Guard(Block):
    """What every answer is held to before a client sees it."""

    rules: tuple[AnswerRule, ...] = _key(
        "Rules for every row: `finite`, `0 <= probability <= 1`, `price >= 0`, `grade in [low, high]`.", (), [], strict=False
    )
    check: Check | None = _key(
        "A function of one's own, in a file beside this one: `checks.py:plausible`, called with a request's inputs and outputs.",
        None,
    )
    action: Literal["rescue", "fallback", "reject", "flag"] = _key(
        "What becomes of an answer that breaks one. `rescue`: stable answers in the candidate's place. `fallback`: the fallback. "
        "`reject`: an error. `flag`: the answer, with a header that says so.",
        "rescue",
    )


class FallbackRule(Block):
    """A fallback for some inputs."""

    when: tuple[Condition, ...] = _key(
        "Conditions on the request's first row, all of which hold: `distance > 1000`.", min_length=1, strict=False
    )
    value: pydantic.JsonValue = _key("JSON answered, and flagged.")


class Tidegate(Block):
    """tidegate.yaml: one endpoint and the model behind it."""

    endpoint: Name = _key("The public name that clients call.")
    model: Model = _key("What to release: mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path.")
    example: str | None = _key(
        "A CSV or JSON file with input rows: a model file that nobody has described needs one, its signature is read off it.",
        None,
        min_length=1,
    )
    trust: Literal["pickle"] | None = _key("`pickle`: loading this model may run code that is inside it.", None)
    environment: Name = _key("Where this file is released to.", "production")
    follow: bool = _key("Release by itself when `model` comes to mean another model: an alias moved, a file replaced.", False)
    compile: Literal["auto", "never", "required"] = _key(
        "Whether bundles hold the model converted to ONNX. `auto`: where a converter exists and the answers stay the same.",
        "auto",
    )
    compile_tolerance: float = _key(
        "How far its answers may be from the original's, relatively (a hundredth of it absolutely).", 1e-4, gt=0, le=0.1
    )
    runtime: Literal["auto", "own", "shared"] = _key(
        "`own`: an environment of each version's own, built from its lock. `shared`: Tidegate's. `auto`: own where they differ.",
        "auto",
    )
    replicas: int = _key("Worker processes of each version.", 1, ge=1, le=256)
    resources: Annotated[Resources, EMPTY_BLOCK] = _key("What each worker may use.", Resources(), {})
    scale_to_zero: Duration = _key("Without a request for this long the workers are stopped; 0s: never.", 0.0, "0s")
    input: Literal["strict", "coerce"] = _key(
        '`coerce` takes "3" for 3, 3.0 for 3 and 0/1 for false/true; `strict` refuses them.', "strict"
    )
    round: int | None = _key(
        "Decimals that clients see of numbers; the log keeps all. Without it: as the model says.", None, ge=0, le=15
    )
    access: Literal["open", "token"] = _key("`token`: predictions need one with the predict scope.", "open")
    origins: tuple[str, ...] = _key(
        "Web origins whose pages may read answers (CORS), such as https://shop.example; `*` is any.", (), [], strict=False
    )
    release: Annotated[Release, EMPTY_BLOCK] = _key("How traffic moves to a new version.", Release(), {})
    outcomes: Annotated[Outcomes, EMPTY_BLOCK] = _key("Ground truth that arrives late.", Outcomes(), {})
    limits: Annotated[Limits, EMPTY_BLOCK] = _key("What the endpoint takes.", Limits(), {})
    log: Annotated[Log, EMPTY_BLOCK] = _key("The prediction log.", Log(), {})
    guard: Annotated[Guard, EMPTY_BLOCK] = _key("What every answer is held to before a client sees it.", Guard(), {})
    fallback: pydantic.JsonValue = _key("JSON answered, and flagged, when no version can answer; without it: 503.", None)
    fallback_rules: tuple[FallbackRule, ...] = _key(
        'Fallbacks for some inputs, tried in order before `fallback`: `{when: ["distance > 1000"], value: 0.4}`.',
        (),
        [],
        strict=False,
    )
    fallback_version: Version | None = _key(
        "A version asked before any of these fallbacks: `previous` (the one kept warm), or one by its name, v3.", None
    )
    pin: Literal["allow", "refuse"] = _key("Whether clients may ask for one version by /versions/vN.", "refuse")
    keep: int = _key("Previous versions kept warm, for a rollback without loading.", 1, ge=0, le=16)
    load_within: Duration = _key("A version that is not ready after this has failed to load.", 60.0, "1m")
