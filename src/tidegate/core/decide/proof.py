"""Proof that a candidate is no worse: one process for each guard metric, begun anew at each stage, and what each still needs.

Every guard must pass on its own, so nothing is paid for their number (intersection-union). A stage begins its processes anew,
else one crossing would let several stages pass in consecutive ticks.
"""

import math

import msgspec
import numpy as np

from tidegate.core.decide import case, ledger
from tidegate.core.stats import bets, power
from tidegate.core.vocabulary import verdicts

_LEAST_MARGIN = 1e-4


class Proof(msgspec.Struct, frozen=True):
    """One guard's process at the current stage."""

    evidence: verdicts.Evidence
    needs: int
    """About how many more candidate requests; 0 when proven or when only outcomes of past ones are missing, -1 unknown."""

    @property
    def proven(self) -> bool:
        """Whether this guard lets the stage pass."""
        return self.evidence.log_e >= self.evidence.threshold


def proofs(found: case.Case) -> tuple[Proof, ...]:
    """The proof of every guard, in the order of the case's metrics."""
    return tuple(_proof(found, metric) for metric in found.metrics)


def _proof(found: case.Case, metric: case.Metric) -> Proof:
    rows, threshold = found.in_stage(metric), -math.log(found.release.policy.alpha_promote)
    promise = metric.counts.no_worse(metric.margin, rows)
    closed = rows & metric.counts.evidence & metric.counts.closed
    candidate, stable = metric.seen(closed)
    evidence = verdicts.Evidence(
        *(f"{metric.name}.no_worse", ledger.PROMOTION, 1.0, promise.log_e, threshold, candidate, stable),
        interval=metric.counts.interval,
        note=f"bad share of the candidate at most stable's + {metric.margin:.3g}",
    )
    if promise.log_e >= threshold:
        return Proof(evidence, 0)
    if not 0 < found.rho < 1:
        return Proof(evidence, -1)
    everything = metric.seen()
    margin = max(metric.margin, _LEAST_MARGIN)
    shares = power.expected_shares(*everything, metric.counts.guess, margin)
    book = bets.no_worse(np.array([found.rho]), np.array([shares[1]]), metric.margin)
    needs = power.requests_needed(book, promise.wealth, found.rho, shares, threshold)
    return Proof(evidence, _requests(found, metric, needs) if needs > 0 else needs)


def _requests(found: case.Case, metric: case.Metric, needs: int) -> int:
    """Candidate requests for `needs` more that count: only some get an outcome in time, and some wait for theirs already."""
    if metric is found.errors:
        return needs
    counts = metric.counts
    labelled = metric.seen()[0][1]
    arrived = int(counts.rows.opened[counts.evidence, 0].sum())
    needs = math.ceil(needs * (arrived + 1) / (labelled + 1))
    drawn = found.traffic
    waiting = int(drawn.rows.opened[found.in_stage(found.errors) & drawn.evidence, 0].sum())
    waiting -= int(counts.rows.opened[found.in_stage(metric) & counts.evidence, 0].sum())
    return max(0, needs - max(0, waiting))
