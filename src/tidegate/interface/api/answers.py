"""Bodies of responses. Names and meanings are stable; fields are added, never changed."""

from typing import Any

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


class Version(Answer):
    """A version of an endpoint."""

    name: str
    ordinal: int
    digest: str
    model: str
    model_digest: str = ""
    workers: int = -1
    """Workers that are ready; -1 where that was not looked at."""


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


class Past(Version):
    """A version of an endpoint, as one to go back to."""

    created_at: float = 0.0
    revision: str = ""
    """The git commit it was built from, where its bundle says so."""
    released: bool
    """Whether it has owned the endpoint and came through."""
    held: bool = False
    here: bool = True
    """Whether its bundle is here: without it there is no way back to it."""
    kept: bool = False
    """Kept warm: going back to it is one write."""
    serving: bool = False


class Stage(Answer):
    """Where in its strategy a release is."""

    name: str
    index: int
    """From 0."""
    of: int
    weight: int
    """Share of the requests drawn for the candidate, in buckets of 10,000."""
    watch: str = "comparison"
    """What it is left on: comparison, cohort, pairs, smoke, metric or level."""
    mirror: int = 0
    """Share of the requests of which the version that does not serve them gets a copy."""
    min_seconds: float = 0.0
    max_seconds: float = 0.0
    min_requests: int = 0


class Approved(Answer):
    """One yes."""

    actor: str
    at: float
    reason: str = ""


class Waiting(Answer):
    """Why nothing happens just now."""

    on: str
    sentence: str
    who: str = "tidegate"
    seconds: float = -1.0
    """About how much longer; -1 when that cannot be said."""


class Evidence(Answer):
    """One e-process at its last look."""

    metric: str
    group: str
    weight: float
    log_e: float
    e_value: float
    threshold: float
    candidate: tuple[int, int]
    """(bad, counted)"""
    stable: tuple[int, int]
    interval: tuple[float | None, float | None]
    """Confidence sequence of the risk ratio; None: unbounded."""
    note: str = ""


class Harm(Answer):
    """Who was hurt so far."""

    candidate_requests: int = 0
    failed: int = 0
    rescued: int = 0
    wrong: int = 0
    excess: float = 0.0


class Effect(Answer):
    """A/B: the metric in both arms, and its difference with a confidence sequence."""

    metric: str
    candidate: tuple[int, float]
    """(units, mean)"""
    stable: tuple[int, float]
    difference: float
    interval: tuple[float | None, float | None]
    note: str = ""
    """How the interval came about: adjusted, clipped, only asymptotic."""
    relative: bool = False
    """Whether difference and interval are shares of stable's mean."""
    rule: str = ""
    """A guard's, as it is written."""
    held: str = ""
    """A guard's: within, beyond or open."""


class Verdict(Answer):
    """What the judge says."""

    result: str
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    harm: Harm = Harm()
    culprit: str = ""
    needs: int = 0
    decision: str = ""
    """A/B: candidate, stable or no_difference."""
    effect: Effect | None = None
    guards: tuple[Effect, ...] = ()
    """A/B: what else a winner has to keep."""


class Release(Answer):
    """A release, wherever it is."""

    id: str
    environment: str
    endpoint: str
    candidate: Version
    stable: Version | None
    strategy: str
    phase: str
    ended: bool
    stage: Stage | None
    waiting: Waiting | None = None
    verdict: Verdict | None = None
    reason: str
    outcome: str = ""
    actor: str
    created_at: float
    since: float
    """When it entered its phase, Unix seconds."""
    stage_since: float = 0.0
    rollback_seconds: float = 0.0
    gap_seconds: float = 0.0
    """For how long nobody answered (recreate)."""
    stages: tuple[Stage, ...] = ()
    """All of its strategy, then that of the probation."""
    group: str = ""
    attempt: int = 1
    approvals_wanted: int = 0
    """How many more have to approve it."""
    approvals: tuple[Approved, ...] = ()
    harm_budget: int = 0
    """Requests of excess harm that it may cost; 0: no bound."""
    no_return: str = ""
    """The contract migration that was done: the version before cannot come back."""
    generation: int


class Hold(Answer):
    """A model that will not be released again until a person clears it."""

    model_digest: str
    reason: str
    actor: str
    at: float


class Endpoint(Answer):
    """An endpoint as it stands."""

    name: str
    environment: str
    stable: Version | None
    kept: tuple[Version, ...] = ()
    """Kept warm: a rollback to these is one write."""
    release: Release | None = None
    """The newest release, ended or not."""
    weight: int = 0
    """What the routing table says now for the candidate, in buckets of 10,000."""
    holds: tuple[Hold, ...] = ()
    url: str = ""
    """Where its records are POSTed."""
    rate: float = 0.0
    """Requests a second, lately."""
    candidate_rate: float = 0.0
    asleep: bool = False
    """Nobody asked for long, so there are no workers; the first request wakes them."""
    follows: str = ""
    """The model reference that is released by itself when it comes to mean another model; empty: none."""
    settings: dict[str, Any] = {}
    """tidegate.yaml with every default filled in; only where one endpoint is asked for."""


class Had(Answer):
    """Who has an alarm, or silenced it."""

    actor: str
    at: float
    reason: str = ""
    go_on: bool = False
    """Releases go on although the alarm holds them."""
    until: float = 0.0
    """Of a snooze."""


class Deed(Answer):
    """What was done because of an alarm."""

    action: str
    at: float
    words: str
    release: str = ""


class Alarm(Answer):
    """Something that is wrong now, or was."""

    kind: str
    endpoint: str
    """Empty for all."""
    words: str
    since: float
    subject: str = ""
    severity: str = "warning"
    moved: tuple[str, ...] = ()
    """What moved and by how much, a line each."""
    examples: tuple[str, ...] = ()
    """Ids of predictions that show it."""
    next: str = ""
    """The command to type next."""
    action: str = "notify"
    """notify, hold, rollback or retrain."""
    number: int = 0
    """Of the event that opened the incident."""
    opened_at: float = 0.0
    ended_at: float = 0.0
    """0: open."""
    times: int = 1
    """How often it came."""
    quiet_since: float = 0.0
    """Of one that comes and goes: not wrong since; 0: wrong now."""
    acknowledged: Had | None = None
    snoozed: Had | None = None
    deeds: tuple[Deed, ...] = ()
    """What was done because of it."""


class Process(Answer):
    """A process that the keeper runs."""

    name: str
    kind: str
    alive: bool
    state: str
    well: bool
    """Alive, and ready or rightly on its way."""
    code: str = ""
    message: str = ""
    endpoint: str = ""
    version: str = ""
    rss: int = 0
    load_seconds: float = 0.0
    """What a worker took from its start until it was ready."""


class Gateway(Answer):
    """A living gateway and the table it obeys."""

    name: str
    incarnation: str
    generation: int
    current: bool
    """Whether that is the newest."""
    shed: dict[str, int] = {}
    """Predictions that it refused or could not have answered since its start, by the error's code."""


class Override(Answer):
    """The routing table was written by hand, and control has not imported that yet."""

    actor: str
    reason: str
    endpoint: str


class Status(Answer):
    """Everything on one screen."""

    at: float
    home: str
    environment: str
    control: bool
    """Whether control is alive. Without it predictions go on and releases wait."""
    control_state: str = ""
    """ready, or the code of what keeps it from deciding."""
    api: bool = True
    """False where the command line put this together itself, from the files."""
    store: str = ""
    """Why the store cannot be read; empty when it can."""
    table: str = ""
    """Why the routing table cannot be read; empty when it can. What is shown of it is then the one before."""
    generation: int
    """Of the routing table."""
    override: Override | None = None
    endpoints: tuple[Endpoint, ...]
    processes: tuple[Process, ...]
    gateways: tuple[Gateway, ...]
    alarms: tuple[Alarm, ...] = ()
    """What is wrong now, oldest first."""
    watches: dict[str, str] = {}
    """The monitor's, each with why it cannot look; empty: it does."""
    recorder: dict[str, Any] = {}
    addresses: dict[str, str] = {}


class Event(Answer):
    """One link of the event log."""

    sequence: int
    endpoint: str
    kind: str
    at: float
    actor: str
    reason: str
    said: str = ""
    release: str = ""
    phase_before: str = ""
    phase_after: str = ""
    facts: dict[str, Any] = {}
    hash: str


class History(Answer):
    """What became of an endpoint."""

    releases: tuple[Release, ...]
    """Newest first."""
    events: tuple[Event, ...]
    """Oldest first."""


class Begun(Answer):
    """The release that brought a version, as it was asked for."""

    release: str
    at: float
    actor: str
    said: str
    strategy: str


class Server(Answer):
    """A version that served."""

    name: str
    share: float
    """Of the requests, 0 to 1."""
    digest: str
    model_digest: str
    model: str
    brought: Begun | None = None


class Served(Answer):
    """How an endpoint's traffic went at one moment, and why: from the event log alone."""

    endpoint: str
    at: float
    servers: tuple[Server, ...]
    """The larger share first; empty: nobody answered."""
    since: float
    until: float
    """When it next changed; 0: not until now."""
    why: Event
    """The event from which on it went so."""
    mirror: float = 0.0
    """Share of requests of which a version got a copy."""
    cohort: bool = False
    """Whether a chosen group was on the candidate besides the shares."""
    gap: bool = False
    """One version was stopped before the other was started."""
    stage: str = ""
    release: str = ""
    """Under way then; empty: none."""
    phase: str = ""


class Audit(Answer):
    """The event log is as it was written."""

    events: int
    hash: str
    """Of the last one, over all before it."""
    witness: str = ""
    """The event that somebody had the hash of, and which is the same still."""


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


class Done(Answer):
    """Control's answer to a command."""

    release: str = ""
    phase: str = ""
    reason: str = ""
    version: str = ""
    """Of a new release: the candidate's name."""
    digest: str = ""


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
