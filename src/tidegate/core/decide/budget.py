"""The harm budget: how much of it is spent, and whether the next step could cost more than is left.

A step of weight w that lasts for n requests in all may fail w n share more than stable would, where `share` is the upper bound on
what the candidate fails beyond stable. While that is more than the budget has left, the weight stays and the bound narrows: the
ramp is as fast as the harm allows (after Li, Mao and Bojinov, "Balancing Risk and Reward", NeurIPS 2023).
"""

from tidegate.core.vocabulary import amounts, arms, decisions, releases, verdicts


def spent(release: releases.Release, verdict: verdicts.Verdict) -> str:
    """Why the release may not go on: its budget is used up; empty where it is not, or there is none."""
    most = release.policy.harm_budget
    if not most or verdict.harm.excess < most:
        return ""
    return f"the harm budget is spent: at least {verdict.harm.excess:,.0f} requests that stable would have served, of {most:,}"


def exceeded(release: releases.Release, event: decisions.Event) -> str:
    """Why the next step would be too dear; empty where it would not, or where nothing bounds it."""
    most, verdict = release.policy.harm_budget, event.verdict
    later = release.stage + 1
    if not most or verdict is None or later >= len(release.stages):
        return ""
    current, following = release.stages[release.stage], release.stages[later]
    if not current.weight or event.rate <= 0:
        return ""
    drawn = max(following.min_requests, event.rate * following.weight / current.weight * following.min_seconds)
    cost, left = drawn * verdict.harm.share_high, max(0.0, most - verdict.harm.excess)
    if cost <= left:
        return ""
    share = f"{100 * following.weight / arms.BUCKETS:g}%"
    return (
        f"{share} could harm {amounts.count(cost)} requests before it is left, and the budget has {left:,.0f}: "
        f"waits at {current.name} until less is in doubt"
    )
