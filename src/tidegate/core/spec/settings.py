"""The resolved form of the file: plain, frozen, everything decided. Stored with the endpoint, frozen into each release."""

import msgspec

from tidegate.core.vocabulary import errors, handling, instances, releases, tables


class Settings(msgspec.Struct, frozen=True):
    """What one endpoint goes by."""

    endpoint: str
    model: str
    """As written: mlflow://NAME@ALIAS, mlflow://NAME/VERSION or a path."""
    environment: str = "production"
    example: str = ""
    """A file with input rows, where the model itself carries none."""
    trust: str = ""
    """pickle, when the file accepts that loading the model runs code from it."""
    strategy: str = "canary"
    stages: tuple[releases.Stage, ...] = ()
    """What the strategy came to; empty: straight to 100 %."""
    policy: releases.Policy = releases.Policy()
    limits: tables.Limits = tables.Limits()
    outcomes: tables.Outcomes = tables.Outcomes()
    fallback: str = ""
    """JSON answered, and flagged, when no version can answer and nothing of `fallbacks` holds; empty: 503."""
    fallbacks: tuple[tables.Fallback, ...] = ()
    fallback_version: str = ""
    guard: str = "rescue"
    terms: handling.Terms = handling.PLAIN
    check: str = ""
    """The file that `terms.check` is in: it becomes part of each bundle."""
    access: str = "open"
    """open, or token: predictions need one with the predict scope."""
    origins: tuple[str, ...] = ()
    compile: str = "auto"
    """auto, never or required: whether bundles are made with the model converted to ONNX."""
    compile_tolerance: float = 1e-4
    """How far the converted model's answers may be from the original's: relatively, and a hundredth of it absolutely."""
    runtime: str = "auto"
    """auto, own or shared: whether a version runs in an environment built from its lock."""
    resources: instances.Resources = instances.UNLIMITED
    """For each worker."""
    scale_to_zero: float = 0.0
    """Seconds without a request after which stable's workers are stopped; 0: never."""
    follow: bool = False
    """Release by itself when the model reference comes to mean another model."""
    replicas: int = 1
    load_seconds: float = 60.0
    probation_seconds: float = 600.0
    keep: int = 1
    """Previous versions kept warm."""
    durability: str = "interval"
    inputs: str = "all"
    pin: str = "refuse"
    given: tuple[str, ...] = ()
    """Keys that the file had, dotted and sorted: what is not here is a default."""


_decoder = msgspec.json.Decoder(Settings)


def encode(settings: Settings) -> bytes:
    """As JSON, the same bytes for the same settings."""
    return msgspec.json.encode(settings, order="deterministic")


def decode(raw: bytes | str) -> Settings:
    """What `encode` wrote, by this or an earlier version. Raises SpecInvalid for anything else."""
    try:
        return _decoder.decode(raw)
    except msgspec.DecodeError as broken:
        raise errors.SpecInvalid(
            f"stored settings cannot be read ({broken}).", cure="Release again from tidegate.yaml."
        ) from broken


def plain(settings: Settings) -> dict[str, object]:
    """As a JSON object: what the store keeps with an endpoint."""
    found = msgspec.to_builtins(settings)
    if not isinstance(found, dict):
        raise TypeError("settings are an object")
    return found


def of(stored: dict[str, object]) -> Settings:
    """What `plain` gave. Raises SpecInvalid for anything else."""
    try:
        return msgspec.convert(stored, Settings)
    except msgspec.ValidationError as broken:
        raise errors.SpecInvalid(
            f"stored settings cannot be read ({broken}).", cure="Release again from tidegate.yaml."
        ) from broken
