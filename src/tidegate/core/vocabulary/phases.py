"""The phases of a release. Which follows which is `core.decide.machine`'s table, and nowhere else."""

import enum


class Phase(enum.StrEnum):
    """Where a release is."""

    QUEUED = "queued"
    CHECKING = "checking"
    AWAITING_APPROVAL = "awaiting_approval"
    WARMING = "warming"
    RUNNING = "running"
    PAUSED = "paused"
    PROMOTING = "promoting"
    PROBATION = "probation"
    SUCCEEDED = "succeeded"
    ROLLING_BACK = "rolling_back"
    ROLLED_BACK = "rolled_back"
    ABORTED = "aborted"
    FAILED = "failed"
    HALTED = "halted"
    CONCLUDED = "concluded"


ENDED = frozenset({Phase.SUCCEEDED, Phase.ROLLED_BACK, Phase.ABORTED, Phase.FAILED, Phase.CONCLUDED})
"""Nothing more will happen. HALTED is not among them: it waits for a person."""
OWNED_BY_CANDIDATE = frozenset({Phase.PROBATION, Phase.SUCCEEDED})
"""In these the candidate is the endpoint's stable."""
EXPOSED = frozenset({Phase.RUNNING, Phase.PAUSED, Phase.PROMOTING})
"""In these the candidate may get traffic while stable owns the endpoint."""
