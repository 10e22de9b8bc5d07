"""What stages are left on besides the comparison of the two arms: smoke requests, pairs, a metric, a level, a cohort.

Each looks at one part of the case and says how it stands; None where the comparison alone decides. The alpha ledger goes before
all of them: what a comparison has found is not undone here. What fails here is policy, and says so: no coin was thrown.
"""

import math
from collections.abc import Callable

from tidegate.core.decide import case, finding, ledger, sentences, trial
from tidegate.core.stats import comparison, paired, shares
from tidegate.core.vocabulary import arms, marks, releases, sums, verdicts
from tidegate.core.vocabulary.phases import Phase
from tidegate.core.vocabulary.verdicts import Result

LEVEL_THRESHOLD = math.log(1000)
"""Odds at which a candidate is worse than stable was before. Two times are compared, not two arms: so they are high."""


def find(found: case.Case) -> finding.Finding | None:
    """What the current stage's own watch says."""
    stage = found.stage
    look = _WATCHES.get(stage.watch) if stage is not None else None
    return look(found) if look is not None else None


def _smoke(found: case.Case) -> finding.Finding:
    """Every one of our own requests has to be answered well."""
    name, given = found.release.candidate.name, found.given.smoke
    wanted = found.stage.min_requests if found.stage else 0
    if given is None:
        return finding.Finding(Result.UNSURE, f"{name} has not been asked anything yet.", needs=wanted)
    if given.failure:
        words = f"{name} answered {given.answered} of {given.asked} smoke requests well"
        words += f"; of the others the first: {given.failure.rstrip('.')}."
        return finding.Finding(Result.FAIL, words, culprit="smoke")
    if given.answered < wanted:
        words = f"{name} has answered {given.answered} of {wanted} smoke requests."
        return finding.Finding(Result.UNSURE, words, needs=wanted - given.answered)
    return finding.Finding(Result.PASS, f"{name} answered all {given.answered} smoke requests.")


def _pairs(found: case.Case) -> finding.Finding:
    """Shadow: whether the share of pairs that differ is below what may differ, or above."""
    policy, all_of = found.release.policy, (found.given.pairs or sums.Pairs(())).all
    differ, pairs, name = all_of.disagreed, all_of.pairs, found.release.candidate.name
    if not pairs:
        return finding.Finding(Result.UNSURE, f"No pair of answers of {name} and stable yet.", needs=-1)
    held = shares.Held(differ, pairs, policy.disagreement, policy.alpha, policy.alpha_promote)
    share = f"{sentences.percent(differ, pairs)} {sentences.span(differ, pairs)} of {pairs:,} {'pair' if pairs == 1 else 'pairs'}"
    told = f"{name} answers {share} otherwise than stable ({100 * policy.disagreement:g} % may be)"
    if all_of.failed:
        told += f"; {all_of.failed:,} of them {'was' if all_of.failed == 1 else 'were'} not answered at all"
    worst = max(found.given.pairs.sums[1:], key=_share, default=None) if found.given.pairs else None
    if worst is not None and worst.disagreed:
        told += f"; most where {worst.slice}: {sentences.percent(worst.disagreed, worst.pairs)} of {worst.pairs:,}"
    sides = ((ledger.PAIRS, held.above, policy.alpha), (ledger.PAIRS_AGREE, held.below, policy.alpha_promote))
    evidence = tuple(
        verdicts.Evidence(metric, ledger.SHADOW, 1.0, log_e, -math.log(alpha), (differ, pairs)) for metric, log_e, alpha in sides
    )
    wrong = _wrong_alone(found, all_of)
    if wrong is not None:
        evidence, told = (*evidence, wrong), f"{told}; {wrong.note}"
        if wrong.log_e >= wrong.threshold:
            return finding.Finding(Result.FAIL, f"{told}.", evidence, culprit=ledger.PAIRS)
    if held.is_beyond:
        return finding.Finding(Result.FAIL, f"{told}.", evidence, culprit=ledger.PAIRS)
    if held.is_within:
        return finding.Finding(Result.PASS, f"{told}.", evidence)
    return finding.Finding(Result.UNSURE, f"{told}; that is neither few enough nor too many.", evidence, needs=held.needs)


def _wrong_alone(found: case.Case, pairs: sums.PairSum) -> verdicts.Evidence | None:
    """Whether the candidate is wrong where stable is right more often than the other way round, by outcomes; None: no outcome."""
    mine, others = pairs.copy_only_wrong, pairs.served_only_wrong
    if found.release.phase is Phase.PROBATION:  # the copies are the version before's
        mine, others = others, mine
    if not mine + others:
        return None
    note = f"by its outcome it alone was wrong {mine:,} times, stable alone {others:,} times"
    seen = (mine, mine + others), (others, mine + others)
    log_e, threshold = paired.worse(mine, others), -math.log(found.release.policy.alpha)
    return verdicts.Evidence(ledger.PAIRS_WRONG, ledger.SHADOW, 1.0, log_e, threshold, *seen, note=note)


def _share(one: sums.PairSum) -> float:
    return one.disagreed / one.pairs if one.pairs else 0.0


def _level(found: case.Case) -> finding.Finding:
    """The candidate alone, against what stable failed before, with the margin that a promotion allows."""
    weight, since = found.stage.weight if found.stage else arms.BUCKETS, case.began(found.release)
    # A cohort's requests are counted at this weight, too, but before.
    here = [one for one in found.given.sums if one.weight == weight and not one.evidence and one.tick + one.span > since]
    return _against(found, [one.candidate for one in here], ledger.LEVEL)


def _cohort(found: case.Case) -> finding.Finding:
    """A chosen group is no sample: only what fails outright is acted on."""
    return _against(found, [one.candidate for one in found.given.sums if one.weight == arms.BUCKETS], ledger.COHORT)


def _against(found: case.Case, counts: list[sums.Counts], culprit: str) -> finding.Finding:
    """The candidate's counts against what stable has failed in this release, and the margin."""
    policy, name = found.release.policy, found.release.candidate.name
    stable_bad, stable_all = _bad([one.stable for one in found.given.sums])
    guess = (stable_bad + policy.baseline_errors * comparison.GUESS_WEIGHT) / (stable_all + comparison.GUESS_WEIGHT)
    bad, counted = _bad(counts)
    log_e = shares.above(bad, counted, guess + policy.error_margin)
    allowed, before = f"{100 * (guess + policy.error_margin):.2g} %", sentences.percent(stable_bad, stable_all)
    told = f"No request of {name} that counts here has ended yet"
    if counted:
        told = f"{name} fails {sentences.percent(bad, counted)} of {counted:,} requests"
    told += f"; stable failed {before}, allowed are {allowed}"
    evidence = (verdicts.Evidence(culprit, ledger.POLICY, 1.0, log_e, LEVEL_THRESHOLD, (bad, counted)),)
    if counted and log_e >= LEVEL_THRESHOLD:
        return finding.Finding(Result.FAIL, f"{told} (policy, not a comparison).", evidence, culprit)
    return finding.Finding(Result.UNSURE, f"{told}; nothing is compared here.", evidence)


def _bad(counts: list[sums.Counts]) -> tuple[int, int]:
    """(bad, bad and ok) requests."""
    bad = sum(one.bad for one in counts)
    return bad, bad + sum(one.marks[marks.Mark.OK] for one in counts)


_WATCHES: dict[releases.Watch, Callable[[case.Case], finding.Finding]] = {
    releases.Watch.SMOKE: _smoke,
    releases.Watch.PAIRS: _pairs,
    releases.Watch.LEVEL: _level,
    releases.Watch.COHORT: _cohort,
    releases.Watch.METRIC: trial.find,
}
