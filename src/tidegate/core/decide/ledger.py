"""The alpha ledger: who may roll a release back, and how much of the chance of a false rollback each may use up.

Metrics are averaged only within a group whose members learn a request's arm at the same moment: marks
are known within seconds, labels at a fixed age, slices once the recorder has read the requests. A group fails the release
when its weighted average passes 1 / (alpha share); the shares add up to 1, so the whole release is rolled back by chance with
probability alpha at most. Every rollback that does not have a line here is policy, and says so.
"""

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from tidegate.core.vocabulary import losses, releases

IMMEDIATE, LABELS, PROMOTION, FEED, SHADOW, POLICY = "immediate", "labels", "promotion", "feed", "shadow", "policy"
SLICES, SHOWN = "slices", "shown"
"""The groups an Evidence can be of; immediate, labels and slices have lines. A shadow that disagrees hurts nobody, and what is
policy is no statistics: both may end a release without a part of alpha, and say so. What is shown decides nothing.
"""
PAIRS, PAIRS_AGREE, PAIRS_WRONG, LEVEL, COHORT = "pairs", "pairs.agree", "pairs.wrong", "level", "cohort"
WATCHED = frozenset({PAIRS, PAIRS_WRONG, LEVEL, COHORT})
"""Processes of a stage's own watch that speak against the candidate."""
_NOTHING = (0.0, 0.0)
"""Of a metric that has seen nothing: its e-value is 1."""
FEED_THRESHOLD = math.log(1000)
"""Where a feed check says that the counts cannot be trusted. It pauses, and uses up no alpha."""
ERRORS, TIMEOUTS, INVALID, LATENCY = "errors", "timeouts", "invalid", "latency"
RIGHT, LOSS, SCORE = "labels", "loss", "score"
"""The metrics that may roll a release back."""
_MARKS = MappingProxyType({ERRORS: 0.5, LATENCY: 0.25, INVALID: 0.15, TIMEOUTS: 0.1})
"""Anything bad has half of the weight: split by kind it would be seen later."""
_OUTCOMES = MappingProxyType(
    {"": {RIGHT: 1.0}, losses.NUMBER: {RIGHT: 0.75, LOSS: 0.25}, losses.PROBABILITY: {RIGHT: 0.75, SCORE: 0.25}}
)
"""By what outcomes tell."""
_LEAST = math.log(2)
"""Whatever an attempt before has brought, the next one is not sent back for nothing of its own."""
_LABEL_SHARE = 0.2
_SLICE_SHARE = 0.1


class Line(msgspec.Struct, frozen=True):
    """One group of metrics with its share of alpha. Weights add up to 1."""

    group: str
    share: float
    weights: dict[str, float]
    threshold: float
    """log(1 / (alpha share)), less what an attempt before has brought."""


def lines(release: releases.Release) -> tuple[Line, ...]:
    """The ledger of a release: all of alpha to the immediate group unless outcomes are expected or slices declared. Of sticky
    units only the errors are evidence. The immediate group of an attempt goes on from that of the one before. It is
    one wealth: else whoever stops in time would never be sent back, and whoever tries often would be by chance.
    """
    policy, carried = release.policy, release.carried
    if release.sticky:
        return (_line(IMMEDIATE, 1.0, {ERRORS: 1.0}, policy, carried),)
    labels = _LABEL_SHARE if policy.label_age > 0 else 0.0
    slices = _SLICE_SHARE if policy.slices else 0.0
    found = [_line(IMMEDIATE, 1 - labels - slices, _MARKS, policy, carried)]
    if labels:
        found.append(_line(LABELS, labels, _OUTCOMES[policy.loss], policy))
    if slices:
        found.append(_line(SLICES, slices, {SLICES: 1.0}, policy))
    return tuple(found)


def line(release: releases.Release, group: str) -> Line:
    """A release's line of one group."""
    return next(one for one in lines(release) if one.group == group)


def group_log_e(line: Line, found: Mapping[str, tuple[float, float]]) -> float:
    """The log of the weighted average of the group's e-values, from the log e-values of each metric at the same moments.

    The average is taken at each moment and the larger one counts: averages of values as they are, never of maxima.
    """
    logs = [(math.log(weight), found.get(metric, _NOTHING)) for metric, weight in line.weights.items()]
    return max(_total([weight + values[moment] for weight, values in logs]) for moment in (0, 1))


def _total(logs: Sequence[float]) -> float:
    """As `logspace.total`, of a handful: the ledger is asked at every tick of every release."""
    top = max(logs)
    return top if math.isinf(top) else top + math.log(sum(math.exp(one - top) for one in logs))


def _line(group: str, share: float, weights: Mapping[str, float], policy: releases.Policy, carried: float = 0.0) -> Line:
    threshold = max(_LEAST, -math.log(policy.alpha * share) - carried)
    return Line(group, share, dict(weights), threshold)
