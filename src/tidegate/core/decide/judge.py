"""The judge: from all that was counted of a release to a verdict. A pure function, called every tick.

    ERROR   a feed check says the counts cannot be trusted: nobody is blamed, the release pauses
    FAIL    a line of the alpha ledger is passed, or a policy that says so: the candidate is worse
    PASS    every guard is proven no worse than its margin at the current stage, or the stage's own watch is content
    UNSURE  anything else, with how much more it needs

In this order: counts that cannot be trusted prove nothing; rollback wins ties. Outcomes that do not reach both arms alike
discredit the labels and not the errors: errors may then still FAIL, and nothing may PASS.
"""

import math

import msgspec

from tidegate.core.decide import case, costing, feed, glance, ledger, proof, sentences, shifting, slicing, watching
from tidegate.core.stats import intervals, power
from tidegate.core.vocabulary import arms, marks, releases, sums, verdicts
from tidegate.core.vocabulary.verdicts import Result

GUARD = "guard"
"""The culprit of a broken contract: policy, no statistics."""


def judge(release: releases.Release, given: sums.Inputs, now: float) -> verdicts.Verdict:
    """The verdict on a release at this look; valid however often it is asked for. `now`, Unix seconds, serves the words only."""
    return _judged(case.make(release, given, now))


def look(release: releases.Release, given: sums.Inputs, now: float) -> tuple[verdicts.Verdict, glance.Glance | None]:
    """The verdict, and what it takes to glance at the release until the next one; None where that would say nothing: counts that
    cannot be trusted prove nothing at a glance either.
    """
    brought = case.make(release, given, now)
    verdict = _judged(brought)
    return verdict, glance.after(brought) if verdict.result is not Result.ERROR else None


def _judged(brought: case.Case) -> verdicts.Verdict:
    release, compared = brought.release, _compared(brought)
    if compared.result in (Result.FAIL, Result.ERROR):
        return compared
    broken = _broken_guard(brought)
    if broken:
        return msgspec.structs.replace(compared, result=Result.FAIL, sentence=broken, culprit=GUARD)
    shifted = shifting.beyond(release, compared, "rollback")
    if shifted:
        return msgspec.structs.replace(compared, result=Result.FAIL, sentence=f"{shifted}.", culprit=shifting.SUBJECT)
    watched = watching.find(brought)
    if watched is None:
        return compared
    return msgspec.structs.replace(
        compared,
        result=watched.result,
        sentence=watched.sentence,
        evidence=(*compared.evidence, *watched.evidence),
        culprit=watched.culprit,
        needs=watched.needs,
        decision=watched.decision,
        effect=watched.effect,
        guards=watched.guards,
    )


def _compared(brought: case.Case) -> verdicts.Verdict:
    """What the comparison of the two arms says, over everything drawn so far."""
    lines = ledger.lines(brought.release)
    checks = feed.checks(brought)
    charges = tuple(_charge(metric, lines) for metric in brought.metrics)
    sliced, besides = slicing.find(brought, lines), (shifting.evidence(brought), costing.evidence(brought))
    proofs = () if brought.keyed else proof.proofs(brought)
    evidence = (*charges, *(each.evidence for each in proofs), *checks)
    evidence += (*(one for one in besides if one is not None), *(sliced.evidence if sliced else ()))
    harm = _harm(brought, charges)
    broken = [each for each in checks if feed.broken(each)]
    if any(each.metric != feed.LABEL_SHARE for each in broken):
        return _error(brought, broken[0], evidence, harm)
    for line in lines:
        log_e = brought.log_e(line)
        if log_e >= line.threshold and not (broken and line.group == ledger.LABELS):
            culprit = max((each for each in charges if each.group == line.group), key=_weighted).metric
            sentence = sentences.failed(brought, line, log_e, culprit, harm)
            return verdicts.Verdict(Result.FAIL, sentence, evidence, harm, culprit)
    if sliced and sliced.log_e >= sliced.line.threshold:
        culprit, sentence = slicing.failed(brought, sliced, harm)
        return verdicts.Verdict(Result.FAIL, sentence, evidence, harm, culprit)
    if broken:
        return _error(brought, broken[0], evidence, harm)
    if proofs and all(each.proven for each in proofs):
        return verdicts.Verdict(Result.PASS, sentences.passed(brought, evidence), evidence, harm)
    needs = -1 if not proofs or any(each.needs < 0 for each in proofs) else max(each.needs for each in proofs)
    return verdicts.Verdict(Result.UNSURE, sentences.unsure(brought, needs), evidence, harm, needs=needs)


def _charge(metric: case.Metric, lines: tuple[ledger.Line, ...]) -> verdicts.Evidence:
    line = next(each for each in lines if each.group == metric.group)
    candidate, stable = metric.seen()
    return verdicts.Evidence(
        *(metric.name, line.group, line.weights[metric.name], max(metric.counts.worse), line.threshold, candidate, stable),
        interval=metric.interval,
        note=sentences.noted(metric),
    )


def _weighted(evidence: verdicts.Evidence) -> float:
    return math.log(evidence.weight) + evidence.log_e


def _broken_guard(found: case.Case) -> str:
    """Answers that break the contract, of a candidate whose stable breaks it never: a policy, since two are enough.

    But not where equal arms would show as many: at a weight of 99 % nearly every break is the candidate's, whoever is to blame.
    So the coins of those that were drawn have to make it unlikely that all fell to the candidate: two are enough at 5 %, four
    at 25 %, seven at 50 %. While stable has none the product of their rhos falls to alpha in at most a share alpha of releases.
    A cohort's count as they are, while it is alone on the candidate; at 100 % there is no stable that could show one.
    """
    most = found.release.policy.guard_breaks
    candidate, stable = found.counted.marks_of(marks.Mark.INVALID)
    if not most or candidate < most or stable:
        return ""
    cohort = found.stage is not None and found.stage.watch is releases.Watch.COHORT
    chosen, drawn, log_chance = 0, 0, 0.0
    for row in found.given.sums:
        broken = row.candidate.marks[marks.Mark.INVALID]
        if 0 < row.weight < arms.BUCKETS:
            drawn += broken
            log_chance += broken * math.log(row.weight / arms.BUCKETS)
        elif cohort:
            chosen += broken
    unlikely = drawn >= most and log_chance <= math.log(found.release.policy.alpha)
    if chosen < most and not unlikely:
        return ""
    name, other = found.release.candidate.name, found.release.stable.name if found.release.stable else "stable"
    times, enough = f"{candidate:,} {'time' if candidate == 1 else 'times'}", f"{most:,} {'is' if most == 1 else 'are'} enough"
    return f"{name} broke its contract {times}, {other} never (policy: {enough}, if not by chance)."


def _harm(found: case.Case, charges: tuple[verdicts.Evidence, ...]) -> verdicts.Harm:
    """Over all generations: those without evidence (warm-up) hurt clients just as much."""
    counts = {ledger.ERRORS: found.counted.harmed, ledger.RIGHT: found.wrong}
    excess = sum(power.excess_harm(counts[each.metric], each.interval[0]) for each in charges if each.metric in counts)
    # Requests, of sticky keys as well: of those that are well none is counted.
    bad1, bad0, ok1, ok0 = found.traffic.seen.tolist()
    high = max(0.0, intervals.share(bad1, bad1 + ok1)[1] - (bad0 / (bad0 + ok0) if bad0 else 0.0))
    drawn = int(found.traffic.rows.opened[:, 0].sum())
    return verdicts.Harm(drawn, found.counted.harmed, found.counted.rescued, found.wrong, excess, high)


def _error(
    found: case.Case, check: verdicts.Evidence, evidence: tuple[verdicts.Evidence, ...], harm: verdicts.Harm
) -> verdicts.Verdict:
    sentence = sentences.broken(found, check)
    return verdicts.Verdict(Result.ERROR, sentence, evidence, harm, check.metric)
