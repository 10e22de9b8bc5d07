"""What goes into the release machine and what comes out: events, effects, waiting, decisions. All are values."""

import enum

import msgspec

from tidegate.core.vocabulary import assignment, releases, verdicts


class Kind(enum.StrEnum):
    """The kinds of event. Every pair of phase and kind is a line in the machine's table."""

    TICK = "tick"
    CHECKS_PASSED = "checks_passed"
    CHECKS_FAILED = "checks_failed"
    WORKERS_READY = "workers_ready"
    WORKERS_FAILED = "workers_failed"
    """The candidate cannot load or warm up, crash-loops, or is gone."""
    ROUTES_SEEN = "routes_seen"
    """Every live gateway has confirmed the routes this release asked for last."""
    JUDGED = "judged"
    STABLE_SICK = "stable_sick"
    """Stable cannot answer: nothing to roll back onto."""
    APPROVE = "approve"
    REJECT = "reject"
    PROMOTE = "promote"
    PAUSE = "pause"
    RESUME = "resume"
    ABORT = "abort"
    ROLLBACK = "rollback"
    SUPERSEDED = "superseded"
    """A newer release of the same endpoint starts: a probation ends."""
    OVERRIDDEN = "overridden"
    """The table was rolled back by hand while control was down."""
    CAUTION = "caution"
    """Something that is no proof speaks against going on: memory, a spent budget, an alarm."""
    ALARMED = "alarmed"
    """An alarm that rolls back, as the policy says."""
    RELIEVED = "relieved"
    """The alarm is over, or passed by a person, for which it was paused."""
    GROUP_READY = "group_ready"
    """Every member of its group is through with its stages."""
    GROUP_LOST = "group_lost"
    """A member of its group went back."""
    MIGRATED = "migrated"
    """A contract migration was done: the version before cannot come back."""
    CLOCK_JUMPED = "clock_jumped"
    """The machine's clock was set: times noted before are moved along."""


OPERATOR = frozenset({Kind.APPROVE, Kind.REJECT, Kind.PROMOTE, Kind.PAUSE, Kind.RESUME, Kind.ABORT, Kind.ROLLBACK})


class Event(msgspec.Struct, frozen=True):
    """Something that happened to a release."""

    kind: Kind
    actor: str = "system"
    reason: str = ""
    verdict: verdicts.Verdict | None = None
    rate: float = 0.0
    """Candidate requests a second, lately: for saying how long is left."""
    stage_requests: int = 0
    """Candidate requests closed since this stage's routes came in force; what the stage is left on otherwise: pairs, smoke
    requests, units of a test, after 100 % labelled predictions of the candidate.
    """
    subject: str = ""
    """CAUTION: which one; a person who goes on past it is not stopped by it again."""
    alarm: str = ""
    """The incident that it comes from, by its name; empty: none."""
    seconds: float = 0.0
    """CLOCK_JUMPED: by how much, forward or back."""


class EnsureWorkers(msgspec.Struct, frozen=True, tag=True):
    """Have `replicas` workers of this version; idempotent."""

    version: releases.Version
    replicas: int
    after: releases.Version | None = None
    """Not before all workers of this one are gone."""


class SetRoutes(msgspec.Struct, frozen=True, tag=True):
    """Have the table say this for the endpoint; a table that says so already is left alone."""

    endpoint: str
    release: str
    stage: int
    stable: releases.Version
    candidate: releases.Version | None
    weight: int
    evidence: bool
    salt: bytes
    mirror: int = 0
    sticky: assignment.Sticky | None = None
    cohort: assignment.Cohort | None = None
    candidate_owns: bool = False
    """Probation: the candidate owns the endpoint, and stable keeps a share for comparison."""
    gap: bool = False
    """`stable` here has no worker yet, and nothing else answers meanwhile (recreate)."""


class Drain(msgspec.Struct, frozen=True, tag=True):
    """Let this version's workers finish what they have; no new requests reach them."""

    version: releases.Version


class Retire(msgspec.Struct, frozen=True, tag=True):
    """Stop this version's workers, unless the endpoint keeps it warm."""

    version: releases.Version


class Notify(msgspec.Struct, frozen=True, tag=True):
    """Tell people. `severity` is info, warning or critical."""

    severity: str
    text: str


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Refuse this model digest from now on, until a person clears it."""

    endpoint: str
    model_digest: str
    reason: str


class StartJob(msgspec.Struct, frozen=True, tag=True):
    """Have this job run once for the release: `check` verifies the bundle and the contract, `smoke` asks the candidate,
    `retrain` is asked for and left to whoever trains.
    """

    job: str
    release: str
    version: releases.Version


Effect = EnsureWorkers | SetRoutes | Drain | Retire | Notify | Hold | StartJob


class Waiting(msgspec.Struct, frozen=True):
    """Why nothing happens just now: on what, for whom, about how much longer. CLI, API and log show this same object."""

    on: str
    """requests, traffic, time, workers, routes, checks, approval, operator, outcomes, stable, feed, group, budget, smoke,
    alarm."""
    sentence: str
    """"needs about 4,100 more canary requests (about 3 min at this rate)"."""
    who: str = "tidegate"
    seconds: float = -1.0
    """About how much longer; -1 when it cannot be said."""


class Decision(msgspec.Struct, frozen=True):
    """What the machine answers. Committed with its event in one transaction; then the effects are run."""

    release: releases.Release
    effects: tuple[Effect, ...]
    reason: str
    waiting: Waiting | None = None
    look_again_at: float = 0.0
