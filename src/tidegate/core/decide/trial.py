"""An A/B test's own watch: a winner, a loser or no difference, by the metric that decides and by what guards beside it.

    covariate differs     nothing is decided: the adjustment, or the split itself, cannot be trusted
    guard beyond          stable wins, whatever the metric says
    metric worse          stable wins
    metric better         the candidate wins once every guard is within its margin; until then the test goes on
    no difference         where the file says which difference is none

Each guard has to be proven by itself, so a winner is wrong with no more chance than the least of them has (intersection-union).
"""

from collections.abc import Sequence

from tidegate.core.decide import case, effects, finding, sentences
from tidegate.core.vocabulary import amounts, sums, verdicts
from tidegate.core.vocabulary.verdicts import Result

WITHIN, BEYOND = "within", "beyond"


def find(found: case.Case) -> finding.Finding:
    """How the test stands."""
    policy = found.release.policy
    values = _values(found, policy.metric)
    if not (values and values[0].candidate.count and values[0].stable.count):
        return finding.Finding(Result.UNSURE, f"No value of {policy.metric} for both arms yet.", needs=-1)
    effect = effects.metric(policy, values)
    guards = tuple(effects.guard(one, _values(found, one.metric), policy.alpha_promote) for one in policy.guards)
    told = _told(found, effect)
    if wrong := effects.broken(policy, values, _values(found, policy.covariate)):
        return _open(f"{told}; not decided: {wrong}.", effect, guards)
    if guards:
        told = f"{told}; {', '.join(map(guarded, guards))}"
    low, high = effect.interval
    better, worse = (low > 0, high < 0) if policy.higher_is_better else (high < 0, low > 0)
    if worst := next((one for one in guards if one.held == BEYOND), None):
        words = f"{told}; {worst.metric} is worse than it may be."
        return finding.Finding(Result.UNSURE, words, decision="stable", effect=effect, guards=guards)
    if worse:
        return finding.Finding(Result.UNSURE, f"{told}.", decision="stable", effect=effect, guards=guards)
    if better and all(one.held == WITHIN for one in guards):
        return finding.Finding(Result.PASS, f"{told}.", decision="candidate", effect=effect, guards=guards)
    if policy.difference and max(-low, high) < policy.difference:
        words = f"{told}; no difference of {policy.difference:g} or more."
        return finding.Finding(Result.UNSURE, words, decision="no_difference", effect=effect, guards=guards)
    waits = [one.metric for one in guards if one.held != WITHIN] if better else []
    return _open(f"{told}; {f'better, but not decided before {_names(waits)}' if waits else 'not decided'}.", effect, guards)


def guarded(one: verdicts.Effect) -> str:
    """A guard and how it is held: refunds +0.4 % [-0.3, 1.1] (open: refunds <= stable + 1%)."""
    if not (one.candidate[0] and one.stable[0]):
        return f"no value of {one.metric} for both arms yet"
    return f"{one.metric} {sentences.difference(one.difference, one.interval, one.relative)} ({one.held}: {one.rule})"


def _values(found: case.Case, metric: str) -> Sequence[sums.Values]:
    """A metric's values at the weight of the stage."""
    weight = found.stage.weight if found.stage else 0
    values = found.given.labels.values if found.given.labels else ()
    return [one for one in values if (one.metric, one.weight) == (metric, weight)]


def _told(found: case.Case, effect: verdicts.Effect) -> str:
    (units1, mean1), (units0, mean0) = effect.candidate, effect.stable
    interval = sentences.difference(effect.difference, effect.interval)
    name = found.release.candidate.name
    both = f"is {amounts.figure(mean1, 4)}, of stable {amounts.figure(mean0, 4)}"
    told = f"{effect.metric} of {name} {both}: {interval} after {units1 + units0:,} units"
    return f"{told} ({effect.note})" if effect.note else told


def _open(words: str, effect: verdicts.Effect, guards: tuple[verdicts.Effect, ...]) -> finding.Finding:
    return finding.Finding(Result.UNSURE, words, needs=-1, effect=effect, guards=guards)


def _names(metrics: Sequence[str]) -> str:
    return f"{' and '.join(metrics)} {'is' if len(metrics) == 1 else 'are'} proven"
