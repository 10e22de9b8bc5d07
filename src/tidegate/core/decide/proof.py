"""Proof that a candidate is no worse: one process for each guard metric, begun anew at each stage, and what each still needs.

Every guard must pass on its own, so nothing is paid for their number (intersection-union). A stage begins its processes anew,
else one crossing would let several stages pass in consecutive ticks. A guard on times is held once stable's are known and the
first wall minute of the stage is over, and while the candidate has at most half of the traffic: beyond that its workers are
the busier ones.
"""

import math
from collections.abc import Callable, Iterator

import msgspec
import numpy as np

from tidegate.core.decide import case, ledger, sentences
from tidegate.core.stats import larger, power, tally
from tidegate.core.vocabulary import releases, verdicts

_LEAST_MARGIN = 1e-4
_TRUST = 50
"""Candidate requests that what stable does is worth, as a first guess of what the candidate will."""


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
    return tuple(_proofs(found))


def _proofs(found: case.Case) -> Iterator[Proof]:
    yield from (_proof(found, metric) for metric in found.guards)
    if found.times is not None:
        yield from (proof for margin in found.times.margins if (proof := _in_time(found, found.times, margin)) is not None)


def _proof(found: case.Case, metric: case.Share) -> Proof:
    assert metric.margin is not None
    rows, margin = found.in_stage(metric), metric.margin
    promise = metric.counts.no_worse(margin, rows)
    closed = rows & metric.counts.evidence & metric.counts.closed
    candidate, stable = metric.seen(closed)
    evidence = verdicts.Evidence(
        *(f"{metric.name}.no_worse", ledger.PROMOTION, 1.0, promise.log_e, _threshold(found), candidate, stable),
        interval=metric.counts.interval_of(rows),
        note=f"{sentences.of(metric)} of the candidate at most {sentences.allowed(metric, margin)}",
    )

    def forecast() -> int:
        everything = metric.seen()
        room = margin.relative * everything[1][0] / max(1, everything[1][1]) if margin.relative else margin.absolute
        return metric.counts.needed(margin, promise.wealth, found.rho, max(room, _LEAST_MARGIN), _threshold(found))

    return _told(found, metric, evidence, forecast)


def _in_time(found: case.Case, metric: case.Sizes, margin: releases.TimeMargin) -> Proof | None:
    """That the candidate's quantile is not too far above stable's: bad is beyond the moved quantile, and beyond it as it is. None
    before the stage's first whole minute of which anything is known.
    """
    rows, times = found.in_stage(metric), metric.counts
    steps = times.steps(margin.longer)
    promise = times.no_worse(margin.quantile, steps, rows)
    bad1, bad0, ok1, ok0 = (int(count) for count in promise.seen)
    if not promise.seen.any():
        return None
    candidate, stable = (bad1, bad1 + ok1), (bad0, bad0 + ok0)
    evidence = verdicts.Evidence(
        *(metric.proof(margin), ledger.PROMOTION, 1.0, promise.log_e, _threshold(found), candidate, stable),
        note=f"time of the candidate at most stable's + {metric.longer(margin)}",
    )

    def forecast() -> int:
        base = (bad0 + _TRUST * (1 - margin.quantile)) / (stable[1] + _TRUST)
        expected = (bad1 + _TRUST * times.alike(margin.quantile, steps)) / (candidate[1] + _TRUST)
        counted = candidate[1] + stable[1]
        mine = candidate[1] / counted if candidate[1] and stable[1] else found.rho
        book = larger.no_larger(np.array([mine]), np.array([base]))
        return power.requests_needed(book, promise.wealth, mine, (expected, base), _threshold(found))

    return _told(found, metric, evidence, forecast)


def _told(found: case.Case, metric: case.Metric, evidence: verdicts.Evidence, forecast: Callable[[], int]) -> Proof:
    """How a proof stands; `forecast` says how many more requests that count it takes, where it is not there and may be."""
    if evidence.log_e >= _threshold(found):
        return Proof(evidence, 0)
    if not 0 < found.rho < 1:
        return Proof(evidence, -1)
    needs = forecast()
    return Proof(evidence, _requests(found, metric, needs) if needs > 0 else needs)


def _threshold(found: case.Case) -> float:
    return -math.log(found.release.policy.alpha_promote)


def _requests(found: case.Case, metric: case.Metric, needs: int) -> int:
    """Candidate requests for `needs` more that count: only some are counted (get an outcome in time, have a time of their own),
    and some wait for theirs already.
    """
    if metric is found.errors:
        return needs
    counts = metric.counts
    counted = metric.seen()[0][1]
    arrived = int(counts.rows.opened[counts.evidence, 0].sum())
    needs = math.ceil(needs * (arrived + 1) / (counted + 1))
    if metric.group != ledger.LABELS:
        return needs
    drawn = found.traffic
    waiting = _drawn(drawn.rows, found.in_stage(found.errors) & drawn.evidence)
    waiting -= _drawn(counts.rows, found.in_stage(metric) & counts.evidence)
    return max(0, needs - max(0, waiting))


def _drawn(rows: tally.Rows, chosen: tally.Mask) -> int:
    return int(rows.opened[chosen, 0].sum())
