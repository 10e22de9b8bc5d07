"""Slices before the judge: whether the candidate fails more requests than stable does in one declared part of the traffic.

In each slice runs the comparison that judges all requests, on that slice's alone; the group's e-value is the average of theirs.
So what fails in one part has to outweigh that part's weight only, and not the traffic in which nothing is wrong.

The weights are fixed before the coins that they weigh. The columns share alike. In a column half goes to the slices by their
share of the requests of the first `sums.LEARN_SECONDS`, whatever their arm or mark, and half evenly to as many slices as a
column can have. Every slice's process begins after these seconds: what it was weighed by is no evidence. The even part of
values that have not come yet stays with them, at an e-value of 1; who gets it is settled in order of arrival (the recorder).

The recorder tells of a request later than gateways do, so slices are a group of their own.
"""

import collections
import math
from collections.abc import Sequence

import msgspec
import numpy as np

from tidegate.core.decide import case, ledger, sentences
from tidegate.core.stats import comparison, logspace, tally
from tidegate.core.vocabulary import sums, verdicts

_PLACES = sums.SLICE_VALUES + 1
"""Slices that a column can have: its values, and the rest."""
_BySlice = dict[str, list[sums.SliceSum]]


class Sliced(msgspec.Struct, frozen=True):
    """What the slices say together, and each of them."""

    line: ledger.Line
    log_e: float
    """Of the weighted average."""
    evidence: tuple[verdicts.Evidence, ...]
    """A row a slice, the one that says most first; last of all, what is kept for values that have not come."""


def find(found: case.Case, lines: Sequence[ledger.Line]) -> Sliced | None:
    """What the slices say; None where none are judged: none are declared, or units are sticky."""
    line = next((one for one in lines if one.group == ledger.SLICES), None)
    if line is None or found.keyed:
        return None
    given, policy = found.given.slices or sums.Slices(0), found.release.policy
    rows = _by_slice(given, policy.slices)
    since = min((one.tick for those in rows.values() for one in those), default=0) + sums.LEARN_SECONDS
    weights = _weights(rows, policy.slices, since)
    told = []
    for name, weight in weights.items():
        counts = comparison.Comparison(tally.of_slice(rows[name], since), given.closed_before, policy.baseline_errors)
        told.append(_evidence(name, weight, counts, line.threshold))
    told.sort(key=_weighted, reverse=True)
    unread = f"{given.unread:,} requests with values that cannot be read are in no slice" if given.unread else ""
    left = max(0.0, 1.0 - sum(weights.values()))
    told.append(verdicts.Evidence(ledger.SLICES, ledger.SLICES, left, 0.0, line.threshold, note=unread))
    return Sliced(line, logspace.total(np.array([_weighted(one) for one in told])), tuple(told))


def failed(found: case.Case, sliced: Sliced, harm: verdicts.Harm) -> tuple[str, str]:
    """(culprit, sentence) of a FAIL: the slice that says most."""
    worst = sliced.evidence[0]
    return worst.metric, sentences.failed_where(found, worst, (sliced.log_e, sliced.line.threshold), harm)


def _by_slice(given: sums.Slices, columns: tuple[str, ...]) -> _BySlice:
    """The closed sums of each slice of these columns."""
    rows: _BySlice = collections.defaultdict(list)
    for one in given.sums:
        if _column(one.slice) in columns and one.tick + one.span <= given.closed_before:
            rows[one.slice].append(one)
    return rows


def _weights(rows: _BySlice, columns: tuple[str, ...], since: int) -> dict[str, float]:
    """The weight of each slice by what came before `since`; of one column they are 1 / columns at the most."""
    seen = {name: sum(_counted(one) for one in those if one.tick < since) for name, those in rows.items()}
    of_column: collections.Counter[str] = collections.Counter()
    for name, count in seen.items():
        of_column[_column(name)] += count
    return {
        name: (count / max(1, of_column[_column(name)]) + 1 / _PLACES) / 2 / len(columns) for name, count in sorted(seen.items())
    }


def _evidence(name: str, weight: float, counts: comparison.Comparison, threshold: float) -> verdicts.Evidence:
    bad1, bad0, ok1, ok0 = (int(count) for count in counts.seen)
    log_e = max(counts.worse)
    return verdicts.Evidence(
        *(f"errors[{name}]", ledger.SLICES, weight, log_e, threshold, (bad1, bad1 + ok1), (bad0, bad0 + ok0)),
        interval=counts.interval if log_e > 0 else (0.0, math.inf),
    )


def _column(name: str) -> str:
    return name.partition("=")[0]


def _counted(one: sums.SliceSum) -> int:
    return one.candidate_bad + one.stable_bad + one.candidate_ok + one.stable_ok


def _weighted(one: verdicts.Evidence) -> float:
    return math.log(one.weight) + one.log_e if one.weight > 0 else -math.inf
