"""A release and what it moves: versions, stages, the policy it is judged by. All frozen; the machine makes new ones."""

import enum
from collections.abc import Iterable

import msgspec

from tidegate.core.vocabulary import assignment, dependencies, phases


class Version(msgspec.Struct, frozen=True):
    """A bundle deployed behind an endpoint. The ordinal is the endpoint's own count: 1, 2, 3, ..."""

    endpoint: str
    ordinal: int
    digest: str
    model_digest: str
    model: str
    """Where it came from, with everything resolved: mlflow://flight-delay/3, or file:///models/x.joblib."""
    created_at: float = 0.0

    @property
    def name(self) -> str:
        """What people say and responses carry: v1, v2, ..."""
        return f"v{self.ordinal}"


class Watch(enum.StrEnum):
    """What a stage is left on."""

    COMPARISON = "comparison"
    """The two arms of the traffic drawn, by errors and by late outcomes."""
    COHORT = "cohort"
    """A chosen group: no sample, so only its own time and requests, and whether it fails outright."""
    PAIRS = "pairs"
    """Mirrored requests: the answers of both versions to the same inputs."""
    SMOKE = "smoke"
    """Requests of our own, before any client's."""
    METRIC = "metric"
    """The A/B metric of both arms: a winner, a loser or no difference."""
    LEVEL = "level"
    """The candidate alone against what stable did before: no comparison, and it says so."""


class Places(msgspec.Struct, frozen=True):
    """Replicas of both versions in a stage that moves them along with the traffic."""

    candidate: int
    stable: int
    """Once the stage's routes are in force."""
    meanwhile: int
    """Stable's while the candidate's new replicas come up."""


class Stage(msgspec.Struct, frozen=True):
    """One step of a strategy: how much, what for, when on."""

    name: str
    weight: int
    """Buckets of arms.BUCKETS that the candidate gets."""
    min_seconds: float = 60.0
    """Not left earlier, whatever the evidence."""
    max_seconds: float = 600.0
    """When this has passed without proof: go on if nothing speaks against it and `min_requests` were seen, else pause."""
    min_requests: int = 200
    """Candidate requests (pairs, smoke requests) without which a stage is never left."""
    must_prove: bool = False
    """Leave only on proven non-inferiority, however long it takes (the default last stage)."""
    evidence: bool = True
    watch: Watch = Watch.COMPARISON
    mirror: int = 0
    """Buckets of requests of which the version that does not serve them gets a copy, unseen by clients."""
    cohort: bool = False
    """Whether the release's cohort is on the candidate: from the cohort's own stage on."""
    replicas: Places | None = None
    """None: all of both."""
    alone: bool = False
    """Stable is stopped before the candidate is started: the two are never up together."""


def alone(stages: Iterable[Stage]) -> bool:
    """Whether stable and candidate are never up together."""
    return any(one.alone for one in stages)


class TimeMargin(msgspec.Struct, frozen=True):
    """How much longer than stable a candidate may take, at one quantile."""

    quantile: float
    """0.9 is p90."""
    longer: float
    """Of stable's time: 0.3 allows 30 % more."""


class Guard(msgspec.Struct, frozen=True):
    """A/B: a posted metric of which the candidate must not have too much more, or too much less, than stable."""

    metric: str
    more: bool
    """Whether more of it is worse; else less is."""
    margin: float
    """By how much its mean may be worse, above 0: an amount, or a share of stable's mean."""
    relative: bool = False
    text: str = ""
    """As the rule is written: refunds <= stable + 1%."""

    def held(self, interval: tuple[float, float]) -> str:
        """How the difference, candidate - stable, stands by its interval: `within` the margin, `beyond` it, or `open`."""
        best, worst = interval if self.more else (-interval[1], -interval[0])
        return "within" if worst <= self.margin else "beyond" if best > self.margin else "open"


class Policy(msgspec.Struct, frozen=True):
    """What a release is judged by: frozen and hashed when it starts."""

    alpha: float = 0.01
    """Chance of rolling a healthy release back, over its whole life."""
    alpha_promote: float = 0.05
    """Chance, per guard metric, of promoting a candidate worse than the margin."""
    error_margin: float = 0.01
    """Promotion: share of bad requests above stable's that is still called no worse (absolute)."""
    label_margin: float = 0.02
    """The same for wrong predictions, where outcomes arrive."""
    label_age: float = 0.0
    """Seconds after its arrival at which a prediction counts as labelled or not (a*); 0: no outcomes are expected."""
    baseline_errors: float = 0.001
    """Guess of stable's share of bad requests, for the first segment; only tunes the bet."""
    baseline_wrong: float = 0.1
    """Guess of stable's share of wrong predictions, likewise."""
    on_unsure: str = "pause"
    """pause | extend | rollback | promote: when a stage's time is up without proof and without enough requests."""
    disagreement: float = 0.01
    """Shadow: share of pairs that may differ."""
    metric: str = ""
    """A/B: `right`, or the name of a posted metric."""
    higher_is_better: bool = True
    difference: float = 0.0
    """A/B: a difference below this is none; 0: only the horizon ends a test without a winner."""
    harm_budget: int = 0
    """Requests of excess harm that the release may cost; 0: no bound."""
    guard_breaks: int = 2
    """Broken contracts (of a kind that stable never showed) that roll back at once, by policy; 0: none do."""
    memory: float = 1.5
    """Candidate's memory over stable's, from which a ramp pauses; 0: not watched."""
    on_alarm: str = "notify"
    """notify | pause | rollback: what an alarm about the endpoint does to a release."""
    retrain: bool = False
    """Whether a retraining is asked for after an automatic rollback."""
    error_ratio: float = 0.0
    """Promotion: bad requests over stable's, as a part of stable's, instead of `error_margin`; 0: the absolute margin counts."""
    label_ratio: float = 0.0
    """The same for wrong predictions."""
    time_margins: tuple[TimeMargin, ...] = (TimeMargin(0.9, 0.3),)
    """Promotion: how much longer the model may take."""
    time_floor: float = 0.01
    """Seconds: times below this are all the same."""
    score_margin: float = 0.02
    """Promotion: how much larger the candidate's Brier score may be, where predictions are probabilities."""
    score_ratio: float = 0.0
    """The same as a part of stable's, instead."""
    loss: str = ""
    """number | probability: what outcomes tell of how far off a prediction was; empty: only whether it was wrong."""
    slices: tuple[str, ...] = ()
    """Input columns in each of whose slices errors are judged besides."""
    shift: float = 0.1
    """Total variation distance of the predictions from which `on_shift` acts; 0: not watched."""
    on_shift: str = "pause"
    """notify | pause | rollback."""
    limits: tuple[float, float] | None = None
    """A/B: what the metric's values lie within, (low, high); None: nobody said, and the interval is asymptotic."""
    covariate: str = ""
    """A/B: a posted metric with each unit's value from before the test, by which the metric is adjusted; empty: none."""
    guards: tuple[Guard, ...] = ()
    """A/B: what else has to be proven of a winner."""


class Approval(msgspec.Struct, frozen=True):
    """Who has to say yes before any traffic."""

    by: tuple[str, ...] = ()
    """Names of those who may; empty: anybody with the approve scope."""
    count: int = 1
    not_author: bool = True
    """Whether who asked for the release may not approve it."""
    within_seconds: float = 259_200.0
    """Without enough of them by then it ends."""

    def possible(self, author: str) -> bool:
        """Whether enough of those who may can say yes to what this author asks for."""
        return not self.by or len({*self.by} - ({author} if self.not_author else set())) >= self.count


class Approved(msgspec.Struct, frozen=True):
    """One yes. It is for one model digest and for no other."""

    actor: str
    at: float
    model_digest: str
    reason: str = ""


class Release(msgspec.Struct, frozen=True):
    """Moving an endpoint from stable to candidate. `generation` counts its committed states: compare-and-set goes by it."""

    id: str
    environment: str
    endpoint: str
    candidate: Version
    stable: Version | None
    """None for the first release of an endpoint: its strategy is skipped, and said so."""
    strategy: str
    stages: tuple[Stage, ...]
    policy: Policy
    salt: bytes
    created_at: float
    phase: phases.Phase = phases.Phase.QUEUED
    generation: int = 0
    stage: int = 0
    phase_since: float = 0.0
    stage_since: float = 0.0
    """When the current stage's routes were seen in force; time paused does not count towards it."""
    stage_began_at: float = 0.0
    """When the current stage was entered; its routes come in force a little later."""
    stage_ready: bool = True
    """False while a stage that moves replicas waits for the candidate's new ones: its own share comes after them."""
    probation: Stage | None = None
    """How traffic goes after 100 %; None: all of it to the candidate, and nothing is compared."""
    returns: bool = False
    """What follows the last stage: promotion, or (a shadow, a rehearsal) all traffic back to stable with what was learned."""
    sticky: assignment.Sticky | None = None
    cohort: assignment.Cohort | None = None
    approval: Approval | None = None
    approvals: tuple[Approved, ...] = ()
    reminded_at: float = 0.0
    group: str = ""
    """Releases of the same group are promoted together or not at all."""
    at_gate: bool = False
    """All its stages are through, and it waits for its group."""
    heeded: tuple[str, ...] = ()
    """Cautions that have paused it already: a person has gone on past them."""
    paused_by: str = ""
    """The caution that paused it, where it goes on by itself once that is over."""
    no_return: str = ""
    """The contract migration that was done since: the version before cannot come back."""
    requires: tuple[dependencies.Requirement, ...] = ()
    migrations: tuple[dependencies.Migration, ...] = ()
    attempt: int = 1
    """How often this model was tried against this stable: each attempt has to prove more."""
    carried: float = 0.0
    """The log e-value, that the candidate is worse, with which the attempt before ended: this one goes on from there."""
    gap_began_at: float = 0.0
    gap_seconds: float = 0.0
    """For how long neither version answered (recreate)."""
    replicas: int = 1
    load_seconds: float = 60.0
    """How long a candidate may take to load and warm up."""
    probation_seconds: float = 600.0
    probation_outcomes: int = 0
    """Labelled predictions of the candidate after which probation is over before its time; 0: time alone counts."""
    actor: str = "system"
    reason: str = ""
    """Why it is in this phase, in words."""
    resume_stage: int = 0
    rollback_began_at: float = 0.0
    rollback_seconds: float = 0.0
    """From the decision to traffic seen back on stable."""
    ends_as: str = ""
    """What the outcome will be, where that is decided before the end: one of `outcome`'s."""
    forced: bool = False
    """A person promoted it out of a halt: statistics do not send it back onto a stable that was sick."""
    outcome: str = ""
    """Once ended: succeeded, succeeded (superseded), promoted_without_evidence, rolled_back, aborted, failed; a release that
    concluded: shadowed, rehearsed, stable_better, no_difference."""

    @property
    def owner(self) -> Version | None:
        """The version that owns the endpoint as this release stands."""
        return self.candidate if self.phase in phases.OWNED_BY_CANDIDATE or self.no_return else self.stable

    @property
    def alone(self) -> bool:
        """Whether stable and candidate are never up together."""
        return alone(self.stages)

    @property
    def key(self) -> tuple[str, str]:
        """Every key starts with (environment, endpoint)."""
        return (self.environment, self.endpoint)
