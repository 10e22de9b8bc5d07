"""Verdicts and the evidence behind them. Four results: too few samples is not health, a broken feed is not a bad model."""

import enum

import msgspec


class Result(enum.StrEnum):
    """PASS: proven no worse. FAIL: proven worse. UNSURE: neither yet. ERROR: the evidence itself cannot be trusted."""

    PASS = "pass"
    FAIL = "fail"
    UNSURE = "unsure"
    ERROR = "error"


class Evidence(msgspec.Struct, frozen=True):
    """One e-process at one look. Rollback: group average of weight x e passes 1 / (alpha x group share)."""

    metric: str
    """errors, labels, sample_ratio, ...; promotion processes are errors.no_worse, labels.no_worse; in one slice it is
    errors[column=value]."""
    group: str
    """immediate, labels, slices: a line of the alpha ledger; promotion, feed, shadow, policy: none."""
    weight: float
    log_e: float
    threshold: float
    """log(1 / alpha) that this process, weighted, is held against."""
    candidate: tuple[int, int] = (0, 0)
    """(bad, counted) of the candidate."""
    stable: tuple[int, int] = (0, 0)
    interval: tuple[float, float] = (0.0, float("inf"))
    """Confidence sequence of the risk ratio candidate / stable, for display."""
    note: str = ""

    @property
    def e_value(self) -> float:
        """The e-value, capped so that it can be shown and stored."""
        return float(2.718281828459045 ** min(self.log_e, 690.0))


class Harm(msgspec.Struct, frozen=True):
    """Who was hurt so far. `excess` is the lower bound on what stable would not have done."""

    candidate_requests: int = 0
    failed: int = 0
    """Candidate requests that were not served well (`marks.HARMFUL`)."""
    rescued: int = 0
    """Those of the failed whose client got stable's answer instead."""
    wrong: int = 0
    """Candidate predictions that their outcome showed wrong."""
    excess: float = 0.0
    share_high: float = 1.0
    """Upper bound on the share of its requests that the candidate fails beyond what stable would: what a weight may cost."""


class Effect(msgspec.Struct, frozen=True):
    """A/B: a metric in both arms, and its difference with a confidence sequence."""

    metric: str
    candidate: tuple[int, float]
    """(units, mean)."""
    stable: tuple[int, float]
    difference: float
    interval: tuple[float, float]
    note: str = ""
    """How the interval came about, where there is something to say: adjusted, clipped, only asymptotic."""
    relative: bool = False
    """Whether difference and interval are shares of stable's mean."""
    rule: str = ""
    """A guard's, as it is written; empty: the metric that decides."""
    held: str = ""
    """A guard's: within, beyond or open."""


class Verdict(msgspec.Struct, frozen=True):
    """What the judge says at one look, with the sentence a person would say."""

    result: Result
    sentence: str
    evidence: tuple[Evidence, ...] = ()
    harm: Harm = Harm()
    culprit: str = ""
    """Metric with the largest weight x e on FAIL, or the broken feed on ERROR."""
    needs: int = 0
    """About how many more candidate requests a PASS needs; 0 when none, -1 when it cannot be said."""
    decision: str = ""
    """A/B: candidate, stable or no_difference; empty: not yet."""
    effect: Effect | None = None
    guards: tuple[Effect, ...] = ()
    """A/B: what else a winner has to keep."""
