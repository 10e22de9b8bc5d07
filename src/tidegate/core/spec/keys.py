"""Every key of tidegate.yaml: its meaning, its default, what it may be. The JSON Schema and docs/file.md come from here.

The models are also the Python form of the file: `Tidegate.model_validate({...})` takes what YAML gives.
"""

from typing import Annotated, Literal

import pydantic

from tidegate.core.spec import logged, surroundings, values, watched, ways

Release = ways.Release


class Outcomes(values.Block):
    """Ground truth that arrives late for a prediction."""

    kind: Literal["auto", "probability", "class", "number"] = values.key(
        "How a label is held to its prediction: true/false against a probability, equal classes, or numbers within `tolerance`.",
        "auto",
    )
    threshold: float = values.key("`probability`: from here on the answer means true.", 0.5, allow_inf_nan=False)
    tolerance: float = values.key(
        "`number`: an answer this near its label is right; 0: none is wrong, and how far off they are is compared.",
        0.0,
        ge=0,
        allow_inf_nan=False,
    )
    within: values.Duration = values.key(
        "Age at which a prediction counts as labelled or not; 0s: outcomes are shown but are no evidence.", 0.0, "0s"
    )
    lookback: values.Duration = values.key(
        "For outcomes that name whom and when instead of an id: how long before then the prediction may lie. 0s: by id only.",
        0.0,
        "0s",
    )
    key: str | None = values.key("`lookback`: the input column that names whom; else the sticky key.", None, min_length=1)
    time: str | None = values.key(
        "`lookback`: the input column with a prediction's time; else when it was asked for.", None, min_length=1
    )
    query: str | None = values.key(
        "Outcomes are taken from a table: a query whose columns are `id, label`, or `key, time, label`.", None, min_length=1
    )
    url: Annotated[surroundings.Secret | None, values.SECRET] = values.key(
        "`query`: where the table's SQLAlchemy address is (duckdb:///FILE too); else the query reads files.", None
    )
    every: values.Duration = values.key("`query`: how often it is asked.", 3_600.0, "1h")
    watermark: str | None = values.key(
        "`query`: its column that only grows with each row added, such as a time; only rows from the last one on are asked for.",
        None,
        min_length=1,
    )


class Limits(values.Block):
    """What the endpoint takes."""

    timeout: values.Duration = values.key(
        "A request is answered within this, by the candidate, stable or the fallback.", 2.0, "2s"
    )
    queue: int = values.key("Requests that may wait, over all gateways; more get 429.", 1_000, ge=1)
    body: values.Size = values.key("Bytes of one request's body, decompressed.", 4 << 20, "4MiB")
    batch: int = values.key("Requests in one batch at most.", 256, ge=1, le=65_536)
    rate: float = values.key(
        "Predictions (rows) a second for each token, or for all clients together where none is asked for; 0: no limit.",
        0.0,
        ge=0,
        allow_inf_nan=False,
    )
    daily: int = values.key("Predictions a day (UTC) likewise.", 0, ge=0)


class Resources(values.Block):
    """What each worker may use."""

    memory: values.Size = values.key("Bytes of memory; a worker that holds more is ended and started again. 0: no limit.", 0)
    cpu: float = values.key("Cores, fractions too; 0: no limit.", 0.0, ge=0, allow_inf_nan=False)
    files: int = values.key("Open files and sockets; 0: as many as the account may have.", 0, ge=0)


class Guard(values.Block):
    """What every answer is held to before a client sees it."""

    rules: tuple[values.AnswerRule, ...] = values.key(
        "Rules for every row: `finite`, `0 <= probability <= 1`, `price >= 0`, `grade in [low, high]`.", (), [], strict=False
    )
    check: values.Check | None = values.key(
        "A function of one's own, in a file beside this one: `checks.py:plausible`, called with a request's inputs and outputs.",
        None,
    )
    action: Literal["rescue", "fallback", "reject", "flag"] = values.key(
        "What becomes of an answer that breaks one. `rescue`: stable answers in the candidate's place. `fallback`: the fallback. "
        "`reject`: an error. `flag`: the answer, with a header that says so.",
        "rescue",
    )


class FallbackRule(values.Block):
    """A fallback for some inputs."""

    when: tuple[values.Condition, ...] = values.key(
        "Conditions on the request's first row, all of which hold: `distance > 1000`.", min_length=1, strict=False
    )
    value: pydantic.JsonValue = values.key("JSON answered, and flagged.")


class Tidegate(values.Block):
    """tidegate.yaml: one endpoint and the model behind it."""

    endpoint: values.Name = values.key("The public name that clients call.")
    model: values.Model = values.key("What to release: mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path.")
    example: str | None = values.key(
        "A CSV or JSON file with input rows: a model file that nobody has described needs one, its signature is read off it.",
        None,
        min_length=1,
    )
    training: values.Data | None = values.key(
        "The training data, CSV or Parquet: a file or a folder beside this file, or a URL (s3://...). All of its rows are the "
        "baseline profile that drift is held against. Without it: what the model's MLflow run names, where it can be read.",
        None,
    )
    trust: Literal["pickle"] | None = values.key("`pickle`: loading this model may run code that is inside it.", None)
    method: str | None = values.key(
        "What is called of a model file or a scikit-learn model instead of `predict`: `predict_proba` answers probabilities.",
        None,
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
    )
    environment: values.Name = values.key("Where this file is released to.", "production")
    follow: bool = values.key(
        "Release by itself when `model` comes to mean another model: an alias moved, a file replaced.", False
    )
    compile: Literal["auto", "never", "required"] = values.key(
        "Whether bundles hold the model converted to ONNX. `auto`: where a converter exists and the answers stay the same.",
        "auto",
    )
    compile_tolerance: float = values.key(
        "How far its answers may be from the original's, relatively (a hundredth of it absolutely).", 1e-4, gt=0, le=0.1
    )
    runtime: Literal["auto", "own", "shared"] = values.key(
        "`own`: an environment of each version's own, built from its lock. `shared`: Tidegate's. `auto`: own where they differ.",
        "auto",
    )
    replicas: int = values.key("Worker processes of each version.", 1, ge=1, le=256)
    resources: Annotated[Resources, values.EMPTY_BLOCK] = values.key("What each worker may use.", Resources(), {})
    scale_to_zero: values.Duration = values.key("Without a request for this long the workers are stopped; 0s: never.", 0.0, "0s")
    input: Literal["strict", "coerce"] = values.key(
        '`coerce` takes "3" for 3, 3.0 for 3 and 0/1 for false/true; `strict` refuses them.', "strict"
    )
    round: int | None = values.key(
        "Decimals that clients see of numbers; the log keeps all. Without it: as the model says.", None, ge=0, le=15
    )
    access: Literal["open", "token"] = values.key("`token`: predictions need one with the predict scope.", "open")
    origins: tuple[str, ...] = values.key(
        "Web origins whose pages may read answers (CORS), such as https://shop.example; `*` is any.", (), [], strict=False
    )
    release: Annotated[ways.Release, values.EMPTY_BLOCK] = values.key("How traffic moves to a new version.", ways.Release(), {})
    outcomes: Annotated[Outcomes, values.EMPTY_BLOCK] = values.key("Ground truth that arrives late.", Outcomes(), {})
    limits: Annotated[Limits, values.EMPTY_BLOCK] = values.key("What the endpoint takes.", Limits(), {})
    log: Annotated[logged.Log, values.EMPTY_BLOCK] = values.key("The prediction log.", logged.Log(), {})
    monitors: Annotated[watched.Monitors, values.EMPTY_BLOCK] = values.key(
        "What is watched after a release.", watched.Monitors(), {}
    )
    explain: values.Explain = values.key(
        "Which predictions are explained afterwards, off every request's path, and kept: `always`, a `sample 1%`, or none "
        "(`on_demand`) until `tidegate explain` is asked.",
        0.0,
        "on_demand",
    )
    guard: Annotated[Guard, values.EMPTY_BLOCK] = values.key("What every answer is held to before a client sees it.", Guard(), {})
    fallback: pydantic.JsonValue = values.key("JSON answered, and flagged, when no version can answer; without it: 503.", None)
    fallback_rules: tuple[FallbackRule, ...] = values.key(
        'Fallbacks for some inputs, tried in order before `fallback`: `{when: ["distance > 1000"], value: 0.4}`.',
        (),
        [],
        strict=False,
    )
    fallback_version: values.Version | None = values.key(
        "A version asked before any of these fallbacks: `previous` (the one kept warm), or one by its name, v3.", None
    )
    requires: tuple[surroundings.Requirement, ...] = values.key(
        "What has to be there before traffic moves: `{service: https://...}`, `{table: customers@v3, url: {env: WAREHOUSE}}`.",
        (),
        [],
        strict=False,
    )
    migrations: tuple[surroundings.Migration, ...] = values.key(
        "Changes of shared things that this version needs: `{name: drop-x, kind: contract}`.", (), [], strict=False
    )
    group: values.Name | None = values.key("Endpoints of one group are released together, all or none.", None)
    notify: tuple[Annotated[surroundings.Recipient, values.SECRET], ...] = values.key(
        "Whom to tell: where each apprise address is, `{env: SLACK_URL}` or `{file: PATH}`; with `from: critical`, what.",
        (),
        [],
        strict=False,
    )
    slices: tuple[Annotated[str, pydantic.Field(min_length=1)], ...] = values.key(
        "Input columns by whose values requests are told apart (20 of each, the rest is `other`): a candidate that fails where "
        "`region=north` only goes back for it, unless units are `sticky`, and mirrored answers are counted by them.",
        (),
        [],
        strict=False,
    )
    rehearse: values.Duration = values.key("A rollback is rehearsed this often; 0s: only when asked for.", 0.0, "0s")
    api: int = values.key(
        "Version of the endpoint's contract: with 2 the endpoint is NAME-v2, beside NAME. For changes that break clients.",
        1,
        ge=1,
        le=999,
    )
    downtime: Literal["allowed", "never"] = values.key(
        "`never`: a strategy that leaves the endpoint without a worker (recreate) is refused.", "allowed"
    )
    pin: Literal["allow", "refuse"] = values.key("Whether clients may ask for one version by /versions/vN.", "refuse")
    keep: int = values.key("Previous versions kept warm, for a rollback without loading; none with recreate.", 2, ge=0, le=16)
    load_within: values.Duration = values.key("A version that is not ready after this has failed to load.", 60.0, "1m")
