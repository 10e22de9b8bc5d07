"""The judge: from the sums of a release to a verdict. A pure function, called every tick.

    ERROR   a feed check says the counts cannot be trusted: nobody is blamed, the release pauses
    FAIL    a line of the alpha ledger is passed: the candidate is worse
    PASS    every guard is proven no worse than its margin at the current stage
    UNSURE  anything else, with how much more it needs

In this order: counts that cannot be trusted prove nothing; rollback wins ties. Outcomes that do not reach both arms alike
discredit the labels and not the errors: errors may then still FAIL, and nothing may PASS.
"""

import math

from tidegate.core.decide import case, feed, ledger, proof, sentences
from tidegate.core.stats import power
from tidegate.core.vocabulary import releases, sums, verdicts


def judge(
    release: releases.Release, found: tuple[sums.Sum, ...], closed_before: int, labels: sums.Labels | None, now: float
) -> verdicts.Verdict:
    """The verdict on a release at this look; valid however often it is asked for.

    `found` are all sums of the release since it began, merged over gateways, in any order; ticks and folded epochs may be
    mixed. Arrivals in ticks below `closed_before` are no longer pending anywhere. `labels` is what the recorder knows, if
    outcomes are expected. `now`, in Unix seconds, serves the words only.
    """
    brought = case.make(release, found, closed_before, labels, now)
    lines = ledger.lines(release.policy)
    checks = feed.checks(brought)
    found_worse = {metric.name: metric.counts.worse() for metric in brought.metrics}
    charges = tuple(_charge(metric, lines, max(found_worse[metric.name])) for metric in brought.metrics)
    proofs = proof.proofs(brought)
    evidence = (*charges, *(each.evidence for each in proofs), *checks)
    harm = _harm(brought, charges)
    broken = [each for each in checks if feed.broken(each)]
    if any(each.metric != feed.LABEL_SHARE for each in broken):
        return _error(brought, broken[0], evidence, harm)
    for line in lines:
        log_e = ledger.group_log_e(line, found_worse)
        if log_e >= line.threshold and not (broken and line.group == ledger.LABELS):
            culprit = max((each for each in charges if each.group == line.group), key=_weighted).metric
            sentence = sentences.failed(brought, line, log_e, culprit, harm)
            return verdicts.Verdict(verdicts.Result.FAIL, sentence, evidence, harm, culprit)
    if broken:
        return _error(brought, broken[0], evidence, harm)
    if all(each.proven for each in proofs):
        return verdicts.Verdict(verdicts.Result.PASS, sentences.passed(brought, evidence), evidence, harm)
    needs = -1 if any(each.needs < 0 for each in proofs) else max(each.needs for each in proofs)
    return verdicts.Verdict(verdicts.Result.UNSURE, sentences.unsure(brought, needs), evidence, harm, needs=needs)


def _charge(metric: case.Metric, lines: tuple[ledger.Line, ...], log_e: float) -> verdicts.Evidence:
    line = next(each for each in lines if each.group == metric.group)
    candidate, stable = metric.seen()
    return verdicts.Evidence(
        *(metric.name, line.group, line.weights[metric.name], log_e, line.threshold, candidate, stable),
        interval=metric.counts.interval,
    )


def _weighted(evidence: verdicts.Evidence) -> float:
    return math.log(evidence.weight) + evidence.log_e


def _harm(found: case.Case, charges: tuple[verdicts.Evidence, ...]) -> verdicts.Harm:
    """Over all generations: those without evidence (warm-up) hurt clients just as much."""
    rows = found.errors.counts.rows
    counts = {"errors": rows.harmed, "labels": found.wrong}
    excess = sum(power.excess_harm(counts[each.metric], each.interval[0]) for each in charges)
    return verdicts.Harm(int(rows.opened[:, 0].sum()), rows.harmed, rows.rescued, found.wrong, excess)


def _error(
    found: case.Case, check: verdicts.Evidence, evidence: tuple[verdicts.Evidence, ...], harm: verdicts.Harm
) -> verdicts.Verdict:
    sentence = sentences.broken(found, check)
    return verdicts.Verdict(verdicts.Result.ERROR, sentence, evidence, harm, check.metric)
