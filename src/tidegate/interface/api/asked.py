"""Bodies of requests. A key that is not listed is refused: a misspelt one would otherwise be lost without a word."""

from typing import Any

import pydantic

from tidegate.core.vocabulary import erasures as vocabulary


class Asked(pydantic.BaseModel):
    """Strict about keys."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
    reason: str = pydantic.Field(default="", max_length=500)
    actor: str = pydantic.Field(default="operator", min_length=1, max_length=64)
    """Who asks, for the event log: heeded with the home's own token only, any other speaks in its own name."""


class Release(Asked):
    """A release. The bundle is made from `model`, unless one that is here already is named by `digest`."""

    settings: dict[str, Any] = {}
    """tidegate.yaml resolved, or only what is to differ from the endpoint's last release."""
    model: str = pydantic.Field(default="", max_length=2000)
    digest: str = pydantic.Field(default="", pattern="^([0-9a-f]{64})?$")


class Group(Asked):
    """Releases that begin together, each as one of its own."""

    members: list[Release] = pydantic.Field(min_length=2, max_length=50)


class Verb(Asked):
    """promote, pause, resume, abort, retry, rollback, approve, reject, hold, unhold, rehearse."""

    to: int | None = pydantic.Field(default=None, ge=1, lt=2**31)
    """rollback: the ordinal of the version to go back to. hold: that of the version whose model is held."""
    seconds: float = pydantic.Field(default=10.0, ge=0, le=86_400, allow_inf_nan=False)
    """rehearse: for how long half of the traffic is away."""
    aa: bool = False
    """rehearse: whether the version is compared with itself meanwhile."""
    pool: int | None = pydantic.Field(default=None, ge=1, le=256)
    """rehearse, with `aa`: workers that it gets for that, where they are not to be as many as it has."""
    to_ref: str = pydantic.Field(default="", max_length=200)
    """rollback, in place of `to`: a git tag, branch or SHA (or a SHA's beginning) that the version was built from."""
    digest: str = pydantic.Field(default="", pattern="^[0-9a-f]{0,64}$")
    """unhold: the model digest, or its beginning; empty: all holds of the endpoint."""


class Follow(Asked):
    """Following a model, or not any more."""

    follow: bool = True
    settings: dict[str, Any] = {}
    """tidegate.yaml resolved, or only what is to differ; an endpoint that is new here needs it to name a model."""


class OfAlarm(Asked):
    """Something about an open alarm."""

    kind: str = pydantic.Field(min_length=1, max_length=100)
    """drift, quality, ..."""
    endpoint: str = pydantic.Field(default="", max_length=200)
    """Empty: it is about no single one."""
    subject: str = pydantic.Field(default="", max_length=500)
    """Which of several of its kind; may be left out where there is one."""


class Acknowledge(OfAlarm):
    """Somebody has it."""

    go_on: bool = False
    """Whether releases go on that it holds."""


class Snooze(OfAlarm):
    """Silence for a while."""

    seconds: float = pydantic.Field(gt=0, le=30 * 86_400, allow_inf_nan=False)


class Migrated(Asked):
    """A contract migration that was done."""

    name: str = pydantic.Field(min_length=1, max_length=200)
    """As `migrations` of the release that it came with names it."""


class Whose(pydantic.BaseModel):
    """Whose records are to be erased: exactly one of the three."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)
    key: str = pydantic.Field(default="", max_length=4_096)
    """A sticky key, or a key that outcomes are matched by; only its hash is kept."""
    id: str = pydantic.Field(default="", max_length=64)
    """A prediction."""
    column: str = pydantic.Field(default="", max_length=1_000)
    """An input column, together with `value`."""
    value: str = pydantic.Field(default="", max_length=1 << 20)


class Forget(Asked, Whose):
    """An erasure."""


class Erasures(Asked):
    """Several at once, each one of its own."""

    erasures: list[Whose] = pydantic.Field(min_length=1, max_length=vocabulary.TOGETHER_MOST)


class Replace(Asked):
    """Workers to be replaced by new ones with the installed code."""

    instances: list[str] = pydantic.Field(max_length=10_000)


class Token(Asked):
    """A token to be made."""

    name: str
    scopes: list[str]
    """Of predict, feedback, read, operate, approve, admin."""
    endpoints: list[str] = []
    """Those it is good for; empty: all."""
    rate: float = pydantic.Field(default=0.0, ge=0, allow_inf_nan=False)
    """Predictions (rows) a second; 0: the endpoint's own limit."""
    daily: int = pydantic.Field(default=0, ge=0)
    """A day likewise."""
