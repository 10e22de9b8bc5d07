"""Bodies of responses. Names and meanings are stable; fields are added, never changed."""

import pydantic


class Answer(pydantic.BaseModel):
    """Read-only, like everything that crosses a door."""

    model_config = pydantic.ConfigDict(frozen=True)


class Failure(Answer):
    """What every refusal and error looks like."""

    error: str
    """What is wrong, in one sentence."""
    code: str
    """Stable: match on it, never on the sentence."""
    cure: str = ""


class Done(Answer):
    """Control's answer to a command."""

    release: str = ""
    phase: str = ""
    reason: str = ""
    version: str = ""
    """Of a new release: the candidate's name."""
    digest: str = ""


class Check(Answer):
    """One thing that the checks of a release looked at."""

    name: str
    """bundle, contract, requires, migrations, data or memory."""
    passed: bool
    words: str
    code: str = ""
    """Of the error it comes to, where it did not pass."""
    compared: bool = True
    """False: it could not be looked at, and `words` say why."""


class Setting(Answer):
    """One setting that a release changes."""

    key: str
    """As the file has it, dotted."""
    before: str
    now: str


class Erasure(Answer):
    """Records that somebody asked to have erased."""

    id: str
    state: str
    """pending or done."""
    predictions: int = 0
    outcomes: int = 0
    noted: int = 0
    """What the recorder knew of them besides: waiting for outcomes, pairs, units."""
    objects: int = 0
    """Large texts, bodies and tensors."""
    aside: int = 0
    """Damaged files that lie aside and may hold some: they are to be deleted by hand."""


class Erasures(Answer):
    """Several that were asked for at once, in this order."""

    erasures: list[Erasure]


class Audit(Answer):
    """The event log is as it was written."""

    events: int
    hash: str
    """Of the last one, over all before it."""
    witness: str = ""
    """The event that somebody had the hash of, and which is the same still."""


class Token(Answer):
    """A token that is good, by its name."""

    name: str
    scopes: tuple[str, ...]
    endpoints: tuple[str, ...] = ()
    """Those it is good for; empty: all."""
    rate: float = 0.0
    daily: int = 0
    actor: str
    """Who made it."""
    at: float


class NewToken(Token):
    """A token just made."""

    token: str
    """Shown here and never again."""


class Entry(Answer):
    """A way into the page for one browser."""

    code: str
    seconds: float
    """For how long it is good, unless used before."""
