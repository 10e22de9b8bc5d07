"""Feed checks: can the counts be trusted at all? A broken feed is not a bad model, so what they find pauses and blames no one."""

import math

import numpy as np

from tidegate.core.decide import case, ledger
from tidegate.core.stats import betabinomial, logspace, tally
from tidegate.core.vocabulary import verdicts

SAMPLE_RATIO, LOST, LABEL_SHARE = "sample_ratio", "lost_records", "label_share"
_LOST_COUNT, _LOST_SHARE = 20, 0.01


def checks(found: case.Case) -> tuple[verdicts.Evidence, ...]:
    """All feed checks of the case, each held against the same threshold. Requests of one sticky key share one coin, so that
    under stickiness they need not be split as it says.
    """
    if found.keyed:
        return (_lost_records(found),)
    return (_sample_ratio(found), _lost_records(found), *((_label_share(found.labels),) if found.labels else ()))


def broken(evidence: verdicts.Evidence) -> bool:
    """Whether a feed check has passed its threshold."""
    return evidence.group == ledger.FEED and evidence.log_e >= evidence.threshold


def _sample_ratio(found: case.Case) -> verdicts.Evidence:
    """Requests drawn for each arm against rho: a coin that is not what it is recorded to be makes every bet unfair."""
    counts = found.traffic
    drawn = counts.by_weight(counts.rows.opened)
    candidate, total, expected = _split(drawn)
    note = f"{candidate:,} of {total:,} requests drawn for the candidate, {expected:,.0f} expected"
    return _evidence(SAMPLE_RATIO, betabinomial.sample_ratio(drawn), (candidate, total), note)


def _lost_records(found: case.Case) -> verdicts.Evidence:
    """Requests of the closed prefix that never got a mark: must be few, as likely in both arms, and never below none.

    Beside the sample-ratio check this has plain rules, which are policy: a count below none, more marks than requests, and a
    loss of over 1 % of the requests (and over 20), are certain enough without a bet.
    """
    counts = found.traffic
    rows = counts.evidence & counts.closed
    lost = int(counts.rows.pending[rows].sum())
    opened = int(counts.rows.opened[rows].sum())
    missing = np.maximum(counts.rows.pending, 0)
    log_e = betabinomial.sample_ratio(counts.by_weight(missing, rows))
    note = f"{lost:,} of {opened:,} requests never got a mark"
    if found.counted.below_none:
        log_e, note = math.inf, "fewer requests than none were counted"
    elif bool((counts.rows.pending[rows] < 0).any()):
        log_e, note = math.inf, "more marks than requests were counted"
    elif lost > max(_LOST_COUNT, _LOST_SHARE * opened):
        log_e = math.inf
    return _evidence(LOST, min(log_e, 1e6), (int(missing[rows, 0].sum()), lost), note)


def _label_share(metric: case.Share) -> verdicts.Evidence:
    """Whether outcomes come in time as often for both arms: half of the wealth on the labelled, half on the others."""
    counts = metric.counts
    marks = counts.rows.counts
    labelled = marks[:, [tally.CANDIDATE_BAD, tally.STABLE_BAD]] + marks[:, [tally.CANDIDATE_OK, tally.STABLE_OK]]
    halves = [betabinomial.sample_ratio(counts.by_weight(pair)) for pair in (labelled, counts.rows.opened - labelled)]
    log_e = logspace.total(np.array(halves)) - math.log(2)
    (one, zero), (all_one, all_zero) = labelled[counts.evidence].sum(axis=0), counts.rows.opened[counts.evidence].sum(axis=0)
    note = f"labelled in time: {one:,} of {all_one:,} candidate predictions, {zero:,} of {all_zero:,} of stable's"
    return verdicts.Evidence(
        *(LABEL_SHARE, ledger.FEED, 1.0, log_e, ledger.FEED_THRESHOLD, (int(one), int(all_one)), (int(zero), int(all_zero))),
        note=note,
    )


def _split(segments: list[tuple[float, int, int]]) -> tuple[int, int, float]:
    candidate = sum(one for _, one, _ in segments)
    return candidate, sum(one + zero for _, one, zero in segments), sum(rho * (one + zero) for rho, one, zero in segments)


def _evidence(metric: str, log_e: float, candidate: tuple[int, int], note: str) -> verdicts.Evidence:
    stable = (candidate[1] - candidate[0], candidate[1])
    return verdicts.Evidence(metric, ledger.FEED, 1.0, log_e, ledger.FEED_THRESHOLD, candidate, stable, note=note)
