"""How things stand, as bodies of responses: endpoints, their releases and alarms, processes."""

from typing import Any

from tidegate.interface.api import answers, judged


class Version(answers.Answer):
    """A version of an endpoint."""

    name: str
    ordinal: int
    digest: str
    model: str
    model_digest: str = ""
    workers: int = -1
    """Workers that are ready; -1 where that was not looked at."""


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


class Stage(answers.Answer):
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


class Approved(answers.Answer):
    """One yes."""

    actor: str
    at: float
    reason: str = ""


class Waiting(answers.Answer):
    """Why nothing happens just now."""

    on: str
    sentence: str
    who: str = "tidegate"
    seconds: float = -1.0
    """About how much longer; -1 when that cannot be said."""


class Release(answers.Answer):
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
    verdict: judged.Verdict | None = None
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


class Hold(answers.Answer):
    """A model that will not be released again until a person clears it."""

    model_digest: str
    reason: str
    actor: str
    at: float


class Endpoint(answers.Answer):
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


class Had(answers.Answer):
    """Who has an alarm, or silenced it."""

    actor: str
    at: float
    reason: str = ""
    go_on: bool = False
    """Releases go on although the alarm holds them."""
    until: float = 0.0
    """Of a snooze."""


class Deed(answers.Answer):
    """What was done because of an alarm."""

    action: str
    at: float
    words: str
    release: str = ""


class Alarm(answers.Answer):
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


class Process(answers.Answer):
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


class Gateway(answers.Answer):
    """A living gateway and the table it obeys."""

    name: str
    incarnation: str
    generation: int
    current: bool
    """Whether that is the newest."""
    shed: dict[str, int] = {}
    """Predictions that it refused or could not have answered since its start, by the error's code."""


class Override(answers.Answer):
    """The routing table was written by hand, and control has not imported that yet."""

    actor: str
    reason: str
    endpoint: str


class Status(answers.Answer):
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
    """What is wrong now: critical ones first, then the oldest."""
    watches: dict[str, str] = {}
    """The monitor's, each with why it cannot look; empty: it does."""
    recorder: dict[str, Any] = {}
    addresses: dict[str, str] = {}
