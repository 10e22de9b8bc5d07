"""What the judge says, as bodies of responses."""

from tidegate.interface.api import answers


class Evidence(answers.Answer):
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


class Harm(answers.Answer):
    """Who was hurt so far."""

    candidate_requests: int = 0
    failed: int = 0
    rescued: int = 0
    wrong: int = 0
    excess: float = 0.0


class Effect(answers.Answer):
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


class Verdict(answers.Answer):
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
