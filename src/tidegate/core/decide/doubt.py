"""Evidence for harm that does not suffice for a rollback, but forbids to say that no harm was seen."""

import math

from tidegate.core.decide import ledger
from tidegate.core.vocabulary import releases, verdicts

TOO_MUCH = 10.0
"""Odds from which a stage does not go on by the clock, and `unsure: promote` is refused."""


def against(verdict: verdicts.Verdict | None, release: releases.Release) -> float:
    """The odds for harm: the largest weighted average of e-values of a group that may roll back, with what an attempt before has
    brought, or e-value of what a stage watches besides; 1 or less is none.
    """
    groups = dict.fromkeys((ledger.IMMEDIATE, ledger.LABELS, ledger.SLICES), 0.0)
    besides = [0.0]
    for evidence in verdict.evidence if verdict is not None else ():
        if evidence.group in groups:
            groups[evidence.group] += evidence.weight * evidence.e_value
        elif evidence.metric in ledger.WATCHED:
            besides.append(evidence.e_value)
    groups[ledger.IMMEDIATE] *= math.exp(release.carried)
    return max(*groups.values(), *besides)


def building(verdict: verdicts.Verdict | None, release: releases.Release) -> bool:
    """Whether there is too much against the candidate to go on by the clock."""
    return against(verdict, release) > TOO_MUCH
