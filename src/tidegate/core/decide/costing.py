"""What a prediction costs: the model's time for a request that is alone in its call, in both arms. It decides nothing.

Times are those of the buckets that gateways count in, each taken at the middle of its bucket in logarithms: within 14 % of one
request's (but for those below 10 us and above 100 s), and alike in both arms.
"""

import math

import numpy as np

from tidegate.core.decide import case, ledger
from tidegate.core.stats import logspace, means
from tidegate.core.vocabulary import amounts, arms, marks, sums, verdicts

METRIC = "cost"
_MIDDLES = np.array(
    [marks.latency_edge(min(bucket, marks.LATENCY_BUCKETS - 2)) / 1e3 for bucket in range(marks.LATENCY_BUCKETS)]
) / math.sqrt(marks.LATENCY_RATIO)
"""Milliseconds."""


def evidence(found: case.Case) -> verdicts.Evidence | None:
    """Milliseconds a prediction in both arms, and by how much they differ; None where no time was counted, or units are sticky.

    The interval is that of the ratio candidate / stable, asymptotic.
    """
    if found.times is None:
        return None
    counts = found.times.counts.rows.counts[:, :, : marks.LATENCY_BUCKETS]
    values = []
    for rho, rows in found.traffic.ramp:
        candidate, stable = (_moments(counts[rows, arm].sum(axis=0)) for arm in (0, 1))
        values.append(sums.Values(METRIC, round(rho * arms.BUCKETS), candidate, stable))
    told = means.relative(values)
    (requests1, mean1), (requests0, mean0) = told.candidate, told.stable
    if not requests1 or not requests0:
        return None
    low, high = told.interval
    span = f" [{amounts.figure(100 * low, 2, '+')}, {amounts.figure(100 * high, 2, '+')}]" if math.isfinite(low) else ""
    both_arms = f"{amounts.figure(mean1)} ms, stable {amounts.figure(mean0)} ms"
    note = f"model time a prediction: {both_arms}: {amounts.figure(100 * told.difference, 2, '+')} %{span}"
    ratio = (1 + low, 1 + high) if math.isfinite(low) else (0.0, math.inf)
    both = (requests1, requests1), (requests0, requests0)
    return verdicts.Evidence(METRIC, ledger.SHOWN, 0.0, 0.0, 0.0, *both, interval=ratio, note=note)


def _moments(counts: logspace.Ints) -> sums.Moments:
    return sums.Moments(int(counts.sum()), float(counts @ _MIDDLES), float(counts @ _MIDDLES**2))
