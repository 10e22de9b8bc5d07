"""The block `log`: what of inputs is kept, in what form and for how long."""

import difflib
from typing import Annotated, Literal

import pydantic

from tidegate.core.spec import surroundings, units, values
from tidegate.core.vocabulary import errors, manifests
from tidegate.core.vocabulary import keeping as vocabulary

_Column = Annotated[str, pydantic.Field(min_length=1)]


class Sink(values.Block):
    """A place that gets the log besides."""

    to: Annotated[surroundings.Secret, values.SECRET] = values.key(
        "Where its address is: `kafka://`, `nats://`, `https://` (a webhook) or a file system's (`s3://`, `file://`, ...)."
    )
    sign: Annotated[surroundings.Secret | None, values.SECRET] = values.key(
        "Webhooks: where the key is that what is sent is signed with.", None
    )
    outcomes: bool = values.key(
        "Whether outcomes go there too: those of all endpoints, since an outcome names its prediction and no endpoint.", False
    )
    behind: values.Duration = values.key("From how far behind on it is an alarm.", 300.0, "5m")


class Log(values.Block):
    """The prediction log."""

    inputs: values.Inputs = values.key(
        "Of which predictions request and response bodies are kept: `all`, `none`, or a `sample 10%`, always the same ones.",
        "all",
    )
    columns: dict[_Column, values.Share] = values.key(
        "Input columns that are kept of fewer predictions: `{income: 10%}`. A body is kept where all of its columns are.", {}
    )
    redact: tuple[_Column, ...] = values.key(
        "Input columns whose values are kept nowhere; the body as it came is not kept then either, the other columns are.",
        (),
        [],
        strict=False,
    )
    encrypt: tuple[_Column, ...] = values.key(
        "Input columns that are kept encrypted only (AES-GCM), and with them the body as it came.", (), [], strict=False
    )
    key: Annotated[surroundings.Secret | None, values.SECRET] = values.key(
        "Where the key of `encrypt` is: `{env: NAME}` or `{file: PATH}`, 32 bytes in hexadecimal or base64; of several the first "
        "encrypts, and each opens what it has encrypted.",
        None,
    )
    retention: values.Retention = values.key(
        "Days of the log that ended longer ago are deleted, whole, with outcomes and profiles; 0s: none are.", 0.0, "0s"
    )
    sinks: tuple[Sink, ...] = values.key(
        "Places that get the log besides, as it is recorded: a message a prediction, or Parquet. See docs/sinks.md.",
        (),
        [],
        strict=False,
    )
    durability: Literal["interval", "ack"] = values.key(
        "`interval`: survives the death of any process. `ack`: survives a power cut, at the price of a disk sync an answer.",
        "interval",
    )


def inputs(block: Log) -> str:
    """All or none. Raises SpecInvalid for none where something is to be done to inputs."""
    if block.inputs == "none" and (block.columns or block.redact or block.encrypt):
        raise errors.SpecInvalid(
            "no input is kept, so there is nothing to sample, redact or encrypt.",
            cure="Take `columns`, `redact` and `encrypt` away.",
        )
    return "none" if block.inputs == "none" else "all"


def keeping(block: Log) -> vocabulary.Keeping:
    """What is kept of inputs, where any are. Raises SpecInvalid."""
    return vocabulary.Keeping(
        share=units.share(block.inputs.removeprefix("sample ")) if block.inputs.startswith("sample ") else 1.0,
        columns=tuple(sorted(block.columns.items())),
        redact=block.redact,
        encrypt=block.encrypt,
        key=surroundings.located(block.key) if block.key else "",
        retention_seconds=block.retention,
        sinks=tuple(_sink(one) for one in block.sinks),
    )


def _sink(one: Sink) -> vocabulary.Sink:
    sign = surroundings.located(one.sign) if one.sign else ""
    return vocabulary.Sink(surroundings.located(one.to), sign, one.outcomes, one.behind)


def shipped(block: Log) -> None:
    """Raises SpecInvalid for a sink that is there twice, and for one without a place."""
    places = [surroundings.located(one.to) for one in block.sinks]
    twice = next((one for one in places if places.count(one) > 1), None)
    if twice is not None:
        raise errors.SpecInvalid(f"{twice} is there twice.", cure="Name each sink once.")
    for one in block.sinks:
        if one.sign is not None:
            surroundings.located(one.sign)


def redacted(block: Log) -> None:
    """Raises SpecInvalid for a column that is there twice."""
    _once(block.redact)


def encrypted(block: Log) -> None:
    """Raises SpecInvalid for columns without a key, a key without columns, and columns that are redacted."""
    _once(block.encrypt)
    both = next((one for one in block.encrypt if one in block.redact), None)
    if both is not None:
        raise errors.SpecInvalid(f"{both} is redacted, so nothing of it is left to encrypt.", cure="Name it in one of the two.")
    if block.encrypt and block.key is None:
        raise errors.SpecInvalid("nothing says where the key is.", cure="Add `key: {env: NAME}` or `key: {file: PATH}`.")
    if block.key is not None:
        surroundings.located(block.key)
        if not block.encrypt:
            raise errors.SpecInvalid("there is a key and nothing to encrypt with it.", cure="Name columns, or take `key` away.")


def sampled(block: Log) -> None:
    """Raises SpecInvalid for a column that is redacted anyway."""
    gone = next((one for one in block.columns if one in block.redact), None)
    if gone is not None:
        raise errors.SpecInvalid(f"{gone} is redacted, so it is kept of no prediction.", cure="Name it in one of the two.")


def fit(kept: vocabulary.Keeping, signature: manifests.Signature) -> None:
    """Raises SpecInvalid for a column that a model with this signature does not take: a slip would let another through."""
    known = [column.name for column in signature.inputs]
    for name in (*kept.redact, *kept.encrypt, *(column for column, _ in kept.columns)):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            cure = f"Did you mean `{near[0]}`?" if near else f"It takes {', '.join(known[:20])}."
            raise errors.SpecInvalid(f"`log` names the input {name}, which this model does not take.", cure=cure)


def rows(kind: str, kept: vocabulary.Keeping) -> list[tuple[str, str]]:
    """(key, value) in the order of the file, without `durability`."""
    fewer = ", ".join(f"{name} {units.share_text(share)}" for name, share in kept.columns)
    return [
        ("log.inputs", f"sample {units.share_text(kept.share)}" if kind == "all" and kept.share < 1 else kind),
        ("log.columns", fewer or "all likewise"),
        ("log.redact", ", ".join(kept.redact) or "none"),
        ("log.encrypt", ", ".join(kept.encrypt) or "none"),
        ("log.key", kept.key or "none"),
        ("log.retention", units.duration_text(kept.retention_seconds) if kept.retention_seconds else "for good"),
        ("log.sinks", ", ".join(one.to for one in kept.sinks) or "none"),
    ]


def _once(names: tuple[str, ...]) -> None:
    twice = next((one for one in names if names.count(one) > 1), None)
    if twice is not None:
        raise errors.SpecInvalid(f"{twice} is there twice.", cure="Name each column once.")
