"""A/B: from sums of posted values to effects: the difference of the two arms, with the interval that fits what is known of it.

    right            between 0 and 1 by nature: by betting, exact
    with `range`     the same, as long as its values were counted within that range
    with `covariate` adjusted, asymptotic: theta is estimated, so a range does not make it exact
    anything else    asymptotic
    a guard          asymptotic, of a percentage as a share of stable's mean; `right` exact, in points

Each at the policy's `alpha_promote`, from both sides.
"""

import math
from collections.abc import Sequence

from tidegate.core.stats import betabinomial, bounded, cuped, means
from tidegate.core.vocabulary import arms, releases, sums, verdicts

Values = Sequence[sums.Values]
_UNEVEN = math.log(1000)
"""Where it is sure that values do not come from both arms alike."""


def metric(policy: releases.Policy, values: Values) -> verdicts.Effect:
    """Of the metric that decides, from its values by weight."""
    alpha = policy.alpha_promote
    if policy.metric == sums.RIGHT:
        return _effect(policy.metric, bounded.difference(values, bounded.UNIT, alpha))
    notes = _clipped(policy, values)
    if policy.covariate:
        told = cuped.adjusted(values)
        notes += [_adjusted(policy, told, cuped.narrower(values, alpha))]
        return _effect(policy.metric, means.difference(told.values, alpha), notes)
    if policy.limits and all(one.limits == policy.limits for one in values):
        return _effect(policy.metric, bounded.difference(values, policy.limits, alpha), notes)
    if policy.limits:
        notes += ["not all values were counted within its range, so the interval is asymptotic"]
    return _effect(policy.metric, means.difference(values, alpha), notes)


def guard(rule: releases.Guard, values: Values, alpha: float) -> verdicts.Effect:
    """Of a guard, and how it is held; open while nothing is known of it."""
    if rule.metric == sums.RIGHT:
        told = bounded.difference(values, bounded.UNIT, alpha)
    else:
        told = (means.relative if rule.relative else means.difference)(values, alpha)
    held = rule.held(told.interval)
    found = (rule.metric, told.candidate, told.stable, told.difference, told.interval)
    return verdicts.Effect(*found, relative=rule.relative, rule=rule.text, held=held)


def broken(policy: releases.Policy, values: Values, covariate: Values) -> str:
    """Why nothing may be concluded from the values, or the covariate may not be adjusted by, in words; empty: it may."""
    units = [(one.weight / arms.BUCKETS, one.candidate.count, one.stable.count) for one in values]
    if betabinomial.sample_ratio(units) >= _UNEVEN:
        candidate, all_of = sum(one for _, one, _ in units), sum(one + two for _, one, two in units)
        expected = sum(rho * (one + two) for rho, one, two in units)
        there = f"{policy.metric} is known of {candidate:,} units of the candidate among {all_of:,}, and {expected:,.0f} would be"
        return f"{there} its part: it has to be posted for units to which nothing happened, too"
    found = cuped.unlike(values, covariate) if policy.covariate else None
    if found is None:
        return ""
    low, high = found.interval
    return (
        f"{policy.covariate} differs between the arms before the test: {found.difference:+.3g} [{low:.3g}, {high:.3g}]; it is no "
        "value from before, or is not posted for both alike, or the split is broken"
    )


def _effect(name: str, told: means.Difference, notes: Sequence[str] = ()) -> verdicts.Effect:
    return verdicts.Effect(name, told.candidate, told.stable, told.difference, told.interval, note="; ".join(notes))


def _clipped(policy: releases.Policy, values: Values) -> list[str]:
    count = sum(one.candidate.clipped + one.stable.clipped for one in values)
    if not count or policy.limits is None:
        return []
    low, high = policy.limits
    one = count == 1
    return [
        f"{count:,} {'value' if one else 'values'} outside {low:g} to {high:g} {'counts' if one else 'count'} as the nearer end"
    ]


def _adjusted(policy: releases.Policy, told: cuped.Adjusted, narrower: float) -> str:
    if not told.units:
        return f"no unit has {policy.covariate} yet, so nothing is adjusted"
    exact = ", and asymptotic whatever its range" if policy.limits else ""
    percent = math.floor(100 * narrower + 0.5)
    words = f"adjusted by {policy.covariate} of {told.units:,} units"
    return (
        f"{words}, which makes the interval {percent} % narrower{exact}"
        if percent > 0
        else f"{words}, which explains nothing{exact}"
    )
