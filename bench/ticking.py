"""What a tick costs for one release, for `bench.analyst`: a verdict, a glance between two verdicts, and a hundred processes."""

import pickle
import statistics
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np

from bench import betting, together
from tidegate.core.decide import judge
from tidegate.core.stats import bets, wealth
from tidegate.core.vocabulary import arms, marks, releases, sums

HISTORIES = {"ten minutes": 10, "a day": 1_440}
"""Minutes."""
METRICS, SEGMENTS = 10, 10
_START = 1_700_000_040
_APART = 8
"""Seconds that are kept apart from their minute, as in a control process."""


def costs() -> dict[str, Any]:
    """Medians of CPU time, and the bytes that a glance keeps."""
    found: dict[str, Any] = {"verdict_ms": {}, "glance_us": {}, "glance_bytes": {}}
    for name, minutes in HISTORIES.items():
        found["verdict_ms"][name], found["glance_us"][name], found["glance_bytes"][name] = _cost(*_history(minutes))
    found["processes_us"] = _microseconds(_processes(), 2_000)
    return found


def _cost(release: releases.Release, given: sums.Inputs) -> tuple[float, float, int]:
    verdict = _microseconds(lambda: judge.judge(release, given, 0.0), 200)
    _, left = judge.look(release, given, 0.0)
    assert left is not None
    since = tuple(one for one in given.sums if one.tick >= left.since)
    glance = _microseconds(lambda: left.alarmed(since, given.closed_before), 500)
    return round(verdict / 1e3, 2), glance, len(pickle.dumps(left))


def _processes() -> Callable[[], object]:
    """One tick of every metric in every segment: from counts to e-values, in the epoch that is open."""
    rng, processes = np.random.default_rng(6), METRICS * SEGMENTS
    book = bets.worse(np.full(processes, betting.RHO), rng.uniform(1e-4, 0.05, processes))
    weights = np.tile(book.log_weights, (processes, 1))
    past = wealth.running(weights, rng.normal(0, 0.01, (60, processes, weights.shape[1])))
    counts = rng.integers(0, 100, (processes, 4)).astype(np.float64)

    def tick() -> object:
        return past.after(np.einsum("pkw,pw->pk", book.factors, counts)[None]).log_e()

    return tick


def _history(minutes: int) -> tuple[releases.Release, sums.Inputs]:
    """So many minutes, and the seconds kept apart, with times and predictions."""
    rng, end = np.random.default_rng(5), _START + 60 * minutes
    spans = [(_START + 60 * at, 60) for at in range(minutes)] + [(end + at, 1) for at in range(_APART)]
    rows = tuple(sums.Sum(4, round(betting.RHO * arms.BUCKETS), True, *span, *_arms(rng, span[1])) for span in spans)
    release = msgspec.structs.replace(together.RELEASE, stages=(releases.Stage("5 %", 500),), policy=releases.Policy())
    return release, sums.Inputs(rows, end + _APART)


def _arms(rng: np.random.Generator, seconds: int) -> tuple[sums.Counts, sums.Counts]:
    """(stable, candidate) of so many seconds."""
    bad1, bad0, ok1, ok0 = betting.counts(rng, 1, betting.RATE * seconds, betting.RHO, (betting.BASE, betting.BASE))[0].tolist()
    found = []
    for ok, bad in ((ok0, bad0), (ok1, bad1)):
        taken = (*(0,) * together.FLOOR, *rng.multinomial(ok, together.law()).tolist())
        bins = (*rng.multinomial(ok, np.full(16, 1 / 16)).tolist(), *(0,) * (sums.BINS - 16))
        found.append(sums.Counts(ok + bad, (ok, bad, *(0,) * (marks.SLOTS - 2)), taken, bins))
    return found[0], found[1]


def _microseconds(act: Callable[[], object], times: int) -> float:
    """The median CPU time of an act."""
    act()
    took = []
    for _ in range(times):
        began = time.process_time_ns()
        act()
        took.append(time.process_time_ns() - began)
    return round(statistics.median(took) / 1e3, 1)
