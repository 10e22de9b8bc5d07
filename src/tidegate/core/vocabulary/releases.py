"""A release and what it moves: versions, stages, the policy it is judged by. All frozen; the machine makes new ones."""

import msgspec

from tidegate.core.vocabulary import phases


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
    """Candidate requests without which a stage is never left."""
    must_prove: bool = False
    """Leave only on proven non-inferiority, however long it takes (the default last stage)."""
    evidence: bool = True


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
    replicas: int = 1
    load_seconds: float = 60.0
    """How long a candidate may take to load and warm up."""
    probation_seconds: float = 600.0
    actor: str = "system"
    reason: str = ""
    """Why it is in this phase, in words."""
    resume_stage: int = 0
    rollback_began_at: float = 0.0
    rollback_seconds: float = 0.0
    """From the decision to traffic seen back on stable."""
    ends_as: str = ""
    """What the outcome will be, where that is decided before the end: rolled_back, aborted, promoted_without_evidence."""
    forced: bool = False
    """A person promoted it out of a halt: statistics do not send it back onto a stable that was sick."""
    outcome: str = ""
    """Once ended: succeeded, succeeded (superseded), promoted_without_evidence, rolled_back, aborted, failed."""

    @property
    def owner(self) -> Version | None:
        """The version that owns the endpoint as this release stands."""
        return self.candidate if self.phase in phases.OWNED_BY_CANDIDATE else self.stable

    @property
    def key(self) -> tuple[str, str]:
        """Every key starts with (environment, endpoint)."""
        return (self.environment, self.endpoint)
