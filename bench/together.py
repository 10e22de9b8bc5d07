"""All metrics of a release at once, as the ledger weighs them, for `bench.analyst`: until a rollback, until promotion.

A request brings a mark (ok or an error) and, where it is ok, a time: log-normal, e^3 ms at the median. Stable's law of times is
learned from one hour of its own. Outcomes are expected, so the immediate group has four fifths of alpha. The wealth of each
metric is computed by its recursion, request by request, and averaged by the ledger's weights; what is bet on times by whole
minutes is left out, so that the figures are a little too high.
"""

import dataclasses
import functools
import math
from typing import Any

import numpy as np

from bench import betting
from tidegate.core.decide import ledger
from tidegate.core.stats import bets, larger, logspace
from tidegate.core.vocabulary import marks, releases

MEDIAN_US, SPREAD = math.exp(3) * 1e3, 0.5
FLOOR = marks.latency_bucket(releases.Policy().time_floor * 1e6)
VALUES = marks.LATENCY_BUCKETS - FLOOR
"""Times that are told apart: from the floor on; the value behind them is that of requests that failed."""
LEARNED = 3_600 * betting.RATE
_NEW, _OLD = (releases.Version("e", ordinal, "d", "m", "x") for ordinal in (2, 1))
RELEASE = releases.Release(
    *("r", "production", "e", _NEW, _OLD, "canary", (), releases.Policy(label_age=60.0, loss="number"), b"salt", 0.0)
)
_EDGES = np.array([marks.latency_edge(bucket) for bucket in range(FLOOR, marks.LATENCY_BUCKETS - 1)])


@dataclasses.dataclass(frozen=True)
class Fault:
    """What is the matter with the candidate."""

    name: str
    errors: float = betting.BASE
    slower: float = 1.0
    of: float = 1.0
    """Share of its requests that are slower."""
    hours: int = 0
    """Healthy hours before it."""


FAULTS = (
    *(Fault(f"errors {share:.0%}, all metrics on", share) for share in (0.01, 0.02, 0.05, 0.2, 1.0)),
    *(
        Fault(f"errors {share:.0%}, after {hours} h, all metrics on", share, hours=hours)
        for hours in (1, 24)
        for share in (0.2, 1.0)
    ),
    Fault("all 5% slower, all metrics on", slower=1.05),
    Fault("all 10% slower, all metrics on", slower=1.1),
    Fault("all 50% slower, all metrics on", slower=1.5),
    Fault("2% of requests 20 times slower, all metrics on", slower=20.0, of=0.02),
    Fault("5% of requests 5 times slower, all metrics on", slower=5.0, of=0.05),
)


LONG = ("errors 1%, all metrics on", "errors 2%, all metrics on", "all 5% slower, all metrics on")
"""Those that take thousands of requests."""
RATIOS = {f"errors {share}%, all metrics on": limit for share, limit in ((1, 1.7), (2, 1.7), (5, 1.7), (20, 1.8))} | {
    "accuracy .90 -> .85 by labels, alone": 1.35,
    "accuracy .90 -> .85 by labels, all metrics on": 1.8,
}
"""What is wanted of the mean over the bound."""
LIMITS = {
    "errors 100%, all metrics on": ("median", 3.0),
    "all 10% slower, all metrics on": ("median", 600.0),
    "2% of requests 20 times slower, all metrics on": ("median", 600.0),
    "errors 100%, after 1 h, all metrics on": ("mean", 8.0),
    "errors 20%, after 1 h, all metrics on": ("mean", 60.0),
    "errors 100%, after 24 h, all metrics on": ("mean", 10.0),
    "errors 20%, after 24 h, all metrics on": ("mean", 75.0),
}
"""What is wanted in candidate requests."""


class Group:
    """The immediate group of many releases at once."""

    def __init__(self, rng: np.random.Generator, runs: int) -> None:
        line = ledger.line(RELEASE, ledger.IMMEDIATE)
        self.threshold, rho = line.threshold, np.array([betting.RHO])
        law = larger.smooth(histogram(times(rng, LEARNED, 1.0, 1.0), LEARNED, betting.BASE, rng)[None, :])[0]
        likely = bets.moved(betting.RHO, law.tobytes(), marks.LATENCY_RATIO)
        slower = bets.Bets(bets.MOVED_WEIGHTS, bets.larger(rho, likely))
        rare = bets.worse(rho, np.array([1e-5]))
        books = {
            ledger.ERRORS: bets.worse(rho, np.array([betting.BASE])),
            ledger.LATENCY: slower,
            ledger.INVALID: rare,
            ledger.TIMEOUTS: rare,
        }
        weights = line.weights | {ledger.LATENCY: line.weights[ledger.LATENCY] * (1 - larger.BY_MINUTES)}
        self.parts = [(math.log(weights[name]), betting.Bettors(runs, book)) for name, book in books.items()]

    def log_e(self, grown: list[logspace.Floats]) -> logspace.Floats:
        """The weighted average, with so much grown in each metric since the epoch began."""
        logs = [weight + bettors.log_e(each) for (weight, bettors), each in zip(self.parts, grown, strict=True)]
        found: logspace.Floats = functools.reduce(np.logaddexp, logs)
        return found

    def end_epoch(self, grown: list[logspace.Floats]) -> None:
        for (_, bettors), each in zip(self.parts, grown, strict=True):
            bettors.end_epoch(each)


def times(rng: np.random.Generator, shape: Any, slower: float, of: float) -> logspace.Ints:
    """The values of requests that are answered."""
    found = rng.lognormal(math.log(MEDIAN_US), SPREAD, shape)
    if slower > 1:
        found = np.where(rng.random(shape) < of, found * slower, found)
    values: logspace.Ints = np.searchsorted(_EDGES, found)
    return values


def histogram(values: logspace.Ints, requests: int, share: float, rng: np.random.Generator) -> logspace.Ints:
    """(VALUES + 1,) requests by value, so many of them failed."""
    failed = rng.binomial(requests, share)
    counts = np.bincount(values[: requests - failed], minlength=VALUES + 1)
    counts[VALUES] = failed
    return counts


def requests_to_rollback(fault: Fault, runs: int, seed: int = 11) -> betting.Json:
    """Candidate requests between the fault and the rollback, looked at after each request."""
    rng = np.random.default_rng(seed)
    found: list[tuple[float, float]] = []
    while len(found) < runs:
        found += _batch(rng, fault, min(40, runs - len(found)))
    row = betting.row(fault.name, betting.OURS, np.array(found), fault.errors if fault.errors > betting.BASE else None)
    return row | {"runs": runs}


def _batch(rng: np.random.Generator, fault: Fault, runs: int) -> list[tuple[float, float]]:
    group = Group(rng, runs)
    for _ in range(fault.hours * 60):
        group.end_epoch(_minute(rng, group, runs))
    stopped, drawn, hurt, failed = np.full(runs, np.nan), np.zeros(runs), np.zeros(runs), np.zeros(runs)
    carried = [np.zeros_like(bettors.start) for _, bettors in group.parts]
    block, left = 500, betting.EPOCH
    while np.isnan(stopped).any():
        candidate = rng.random((runs, block)) < betting.RHO
        ok = rng.random((runs, block)) >= np.where(candidate, fault.errors, betting.BASE)
        slow = np.where(candidate, times(rng, (runs, block), fault.slower, fault.of), times(rng, (runs, block), 1.0, 1.0))
        value = np.where(ok, slow, VALUES) + (VALUES + 1) * ~candidate
        columns = (ok * 2 + ~candidate, value, 2 + ~candidate, 2 + ~candidate)
        grown = [
            before[:, None, :] + np.cumsum(bettors.factors.T[column], axis=1)
            for before, (_, bettors), column in zip(carried, group.parts, columns, strict=True)
        ]
        hit = group.log_e(grown) >= group.threshold
        first, since = hit.argmax(axis=1), drawn[:, None] + np.cumsum(candidate, axis=1)
        fresh = np.isnan(stopped) & hit.any(axis=1)
        bad = failed[:, None] + np.cumsum(candidate & ~ok, axis=1)
        stopped[fresh], hurt[fresh] = since[fresh, first[fresh]], bad[fresh, first[fresh]]
        drawn, failed, carried, left = since[:, -1], bad[:, -1], [each[:, -1] for each in grown], left - block
        if left <= 0:
            group.end_epoch(carried)
            carried, left = [np.zeros_like(each) for each in carried], betting.EPOCH
    return [(float(one), float(other)) for one, other in zip(stopped, hurt, strict=True)]


@functools.cache
def law() -> logspace.Floats:
    """Stable's true law over the values of answered requests."""
    edges = np.concatenate([[-math.inf], (np.log(_EDGES) - math.log(MEDIAN_US)) / SPREAD, [math.inf]])
    cumulative = np.array([0.5 * (1 + math.erf(edge / math.sqrt(2))) for edge in edges])
    found: logspace.Floats = np.diff(cumulative)
    return found


def _minute(rng: np.random.Generator, group: Group, runs: int, requests: int = betting.EPOCH) -> list[logspace.Floats]:
    """What each metric grows by in a healthy minute."""
    counts = betting.counts(rng, runs, requests, betting.RHO, (betting.BASE, betting.BASE))
    ok = counts.copy()
    ok[:, 2:] += ok[:, :2]
    ok[:, :2] = 0
    both = [np.concatenate([rng.multinomial(counts[:, 2 + arm], law()), counts[:, [arm]]], axis=1) for arm in (0, 1)]
    told = (counts, np.concatenate(both, axis=1), ok, ok)
    return [each @ bettors.factors.T for each, (_, bettors) in zip(told, group.parts, strict=True)]


def false_rollbacks(hours: int, runs: int, seed: int = 12) -> betting.Json:
    """Equal arms with every metric on, looked at every ten seconds."""
    rng, first = np.random.default_rng(seed), 0.0
    group, lost = Group(rng, runs), np.zeros(runs, dtype=bool)
    for minute in range(hours * 60):
        grown = [np.zeros_like(bettors.start) for _, bettors in group.parts]
        for _ in range(6):
            more = _minute(rng, group, runs, betting.EPOCH // 6)
            grown = [before + each for before, each in zip(grown, more, strict=True)]
            lost |= group.log_e(grown) >= group.threshold
        group.end_epoch(grown)
        first = float(lost.mean()) if minute == 59 else first
    row = {"scenario": "healthy, all metrics on", "policy": betting.OURS, "false_rollback_1h": first, "runs": runs}
    return row | {f"false_rollback_{hours}h": float(lost.mean()), "alpha": betting.ALPHA}


def labels_to_rollback(runs: int, alone: bool, seed: int = 13) -> betting.Json:
    """Labelled candidate predictions until an accuracy of .85 against .90 is sent back, at 5 %."""
    rng, base, share = np.random.default_rng(seed), 0.1, 0.15
    line = ledger.line(RELEASE, ledger.LABELS)
    weight, threshold = (1.0, math.log(1 / betting.ALPHA)) if alone else (line.weights[ledger.RIGHT], line.threshold)
    book = bets.worse(np.array([betting.RHO]), np.array([base]), bets.COMMON_RATIOS, bets.COMMON_WEIGHTS)
    found = []
    while len(found) < runs:
        now = min(100, runs - len(found))
        bettors, drawn, stopped = betting.Bettors(now, book), np.zeros(now), np.full(now, np.nan)
        while np.isnan(stopped).any():
            candidate = rng.random((now, betting.EPOCH)) < betting.RHO
            ok = rng.random((now, betting.EPOCH)) >= np.where(candidate, share, base)
            grown = np.cumsum(bettors.factors.T[ok * 2 + ~candidate], axis=1)
            e = np.logaddexp(math.log(weight) + bettors.log_e(grown), math.log1p(-weight) if weight < 1 else -math.inf)
            hit, since = e >= threshold, drawn[:, None] + np.cumsum(candidate, axis=1)
            fresh = np.isnan(stopped) & hit.any(axis=1)
            stopped[fresh] = since[fresh, hit.argmax(axis=1)[fresh]]
            drawn = since[:, -1]
            bettors.end_epoch(grown[:, -1])
        found += [(float(one), 0.0) for one in stopped]
    limit = betting.bound(share, base)
    name = f"accuracy .90 -> .85 by labels, {'alone' if alone else 'all metrics on'}"
    row = betting.row(name, betting.OURS, np.array(found), None)
    return row | {"bound": round(limit, 2), "ratio": round(row["mean"] / limit, 2), "runs": runs}


def minutes_to_promotion(runs: int, excess: float = 1.0, *, guards: bool, seed: int = 14) -> dict[str, Any]:
    """Minutes until a candidate with `excess` times stable's errors is proven to have at most half as many more, at 25 %: by
    errors alone, or by its times at p50, p90 and p99 (30 % more) and its wrong predictions (2 points more) as well.
    """
    rng, rho, share = np.random.default_rng(seed), np.array([0.25]), betting.BASE
    errors, wrong = bets.no_worse_ratio(rho, 0.5), bets.no_worse(rho, np.array([0.1]), 0.02)
    whole = np.append(law() * (1 - share), share)
    quantiles = [int(np.searchsorted(np.cumsum(whole), at)) for at in larger.SHARES]
    grown = [np.zeros((runs, len(book.log_weights))) for book in (errors, wrong)]
    timed = [np.full(runs, -math.inf) for _ in quantiles]
    taken, in_time = np.zeros((2, runs, VALUES + 1), np.int64), [np.zeros((runs, 4)) for _ in quantiles]
    steps, when = 5, np.full(runs, math.inf)
    for step in range(6 * 720):
        requests = steps * betting.RATE
        counts = betting.counts(rng, runs, requests, 0.25, (share * excess, share))
        grown[0] = grown[0] + counts @ errors.factors[0].T
        logs = [np.logaddexp.reduce(errors.log_weights + grown[0], axis=1)]
        if guards:
            drawn = counts[:, 0] + counts[:, 2]
            taken += np.stack([rng.multinomial(each, whole) for each in (drawn, requests - drawn)])
            if (step + 1) * steps % 60 == 0:
                for at, bucket in enumerate(quantiles):
                    timed[at], in_time[at] = _in_time(taken, (bucket, float(whole[bucket:].sum())), in_time[at])
                taken = np.zeros_like(taken)
            grown[1] = grown[1] + betting.counts(rng, runs, requests, 0.25, (0.1, 0.1)) @ wrong.factors[0].T
            logs += [*timed, np.logaddexp.reduce(wrong.log_weights + grown[1], axis=1)]
        passed = np.min(logs, axis=0) >= math.log(20)
        when[passed & np.isinf(when)] = (step + 1) * steps / 60
        if np.isfinite(when).all():
            break
    median = float(np.median(when))
    return {
        "guards": "errors, p50, p90, p99, wrong" if guards else "errors",
        "case": f"{excess:g} times stable's against at most 1.5 times",
        "stable_share": share,
        "median_minutes": round(median, 1) if math.isfinite(median) else None,
        "promoted": float(np.isfinite(when).mean()),
    }


def _in_time(
    taken: logspace.Ints, quantile: tuple[int, float], grown: logspace.Floats
) -> tuple[logspace.Floats, logspace.Floats]:
    """(log e-values (R,), wealth (R, K)) of a time's margin of one bucket, after another minute: `taken` (2, R, C) by value."""
    bucket, beyond = quantile
    bad = np.stack([taken[0][:, bucket + 1 :].sum(axis=1), taken[1][:, bucket:].sum(axis=1)], axis=1)
    sizes = taken.sum(axis=2).T
    book = larger.no_larger(sizes[:, 0] / sizes.sum(axis=1), np.full(len(bad), beyond))
    grown = grown + np.einsum("rkw,rw->rk", book.factors, np.concatenate([bad, sizes - bad], axis=1))
    return np.logaddexp.reduce(book.log_weights + grown, axis=1), grown
