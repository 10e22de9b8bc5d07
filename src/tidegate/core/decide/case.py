"""The case before the judge: one release's sums as comparisons, one for each metric, and which rows belong to its stage."""

import abc
import dataclasses
import functools
import math
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from tidegate.core.decide import ledger, upkeep
from tidegate.core.stats import comparison, intervals, larger, logspace, tally
from tidegate.core.vocabulary import amounts, arms, losses, marks, releases, sums
from tidegate.core.vocabulary.phases import Phase

SHOWN = 0.9
"""Stable's quantile beyond which a size is called bad where people read of it."""
MARKS: Mapping[str, tuple[marks.Mark, ...]] = MappingProxyType(
    {ledger.ERRORS: marks.BAD, ledger.TIMEOUTS: (marks.Mark.TIMEOUT,), ledger.INVALID: (marks.Mark.INVALID,)}
)
"""What is bad, in each metric that is known at once."""
_RARE = 1e-5
"""Guess of stable's share of requests that time out or break the contract."""


Seen = tuple[tuple[int, int], tuple[int, int]]


@dataclasses.dataclass(frozen=True)
class Metric(abc.ABC):
    """What is compared: its name, whose part of alpha it may use up, and where its counts are."""

    name: str
    group: str
    counts: comparison.Comparison | larger.Larger

    @abc.abstractmethod
    def seen(self, rows: tally.Mask | None = None) -> Seen:
        """((bad, counted) of the candidate, (bad, counted) of stable) over the rows, or over all evidence."""

    @property
    @abc.abstractmethod
    def interval(self) -> intervals.Interval:
        """The ratio candidate / stable of the bad shares."""


@dataclasses.dataclass(frozen=True)
class Share(Metric):
    """A mark that is bad or ok, or bad to a degree; and by how much its share may be larger."""

    counts: comparison.Comparison
    margin: comparison.Margin | None = None
    """None: it may roll back, and nothing has to be proven of it."""

    def seen(self, rows: tally.Mask | None = None) -> Seen:
        """As said."""
        found = self.counts.seen if rows is None else self.counts.rows.seen(rows)
        bad1, bad0, ok1, ok0 = (int(count) for count in found)
        return (bad1, bad1 + ok1), (bad0, bad0 + ok0)

    @property
    def interval(self) -> intervals.Interval:
        """As said."""
        return self.counts.interval


@dataclasses.dataclass(frozen=True)
class Sizes(Metric):
    """A mark that has a size: a time, a loss. What is bad of it, for people: beyond stable's `SHOWN` quantile."""

    counts: larger.Larger
    edge: Callable[[int], float]
    """The upper edge of a bucket, in the unit that people read."""
    unit: str = ""
    """Of the edge."""
    margins: tuple[releases.TimeMargin, ...] = ()

    def seen(self, rows: tally.Mask | None = None) -> Seen:
        """As said, of requests beyond stable's quantile."""
        candidate, stable = self.counts.beyond(SHOWN, rows).tolist()
        return (candidate[0], candidate[1]), (stable[0], stable[1])

    def proof(self, margin: releases.TimeMargin) -> str:
        """What the proof of a margin is called."""
        return f"{self.name}.p{100 * margin.quantile:g}.no_worse"

    def longer(self, margin: releases.TimeMargin) -> str:
        """By how much a size may be larger, in the whole buckets that it is told by."""
        return f"{amounts.figure(100 * (self.counts.ratio ** self.counts.steps(margin.longer) - 1), 2)} %"

    def at(self, share: float) -> str:
        """Above what a size is beyond this quantile of stable's, with its unit; empty where that is not known."""
        bucket = self.counts.threshold(share)
        if bucket < 0:
            return ""
        bucket = max(bucket, self.counts.least)
        if bucket >= self.counts.none:
            return "failed"
        edge = self.edge(bucket)
        return (
            f"{amounts.figure(edge)}{self.unit}"
            if math.isfinite(edge)
            else f"over {amounts.figure(self.edge(bucket - 1))}{self.unit}"
        )

    @property
    def interval(self) -> intervals.Interval:
        """As said, of the shares beyond stable's quantile."""
        return self.counts.interval(SHOWN)


@dataclasses.dataclass(frozen=True)
class Case:
    """What the judge looks at. `labels` is None where no outcomes are expected."""

    release: releases.Release
    given: sums.Inputs
    counted: tally.Counters
    traffic: comparison.Comparison
    """Every request drawn, by its mark."""
    errors: Share
    """What the immediate evidence is: the same, or the first bad request of each sticky key."""
    times: Sizes | None
    """How long requests took; None where units are sticky."""
    kinds: tuple[Share, ...]
    """Their kinds of failure; none where units are sticky."""
    labels: Share | None
    loss: Metric | None
    """Of probabilities Brier's score, of numbers the distance. None where outcomes do not say how far off a prediction was."""
    wrong: int
    """Candidate predictions known to be wrong by now, late outcomes included."""
    now: float

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Every metric: the first in time first."""
        found = (self.errors, self.times, *self.kinds, self.labels, self.loss)
        return tuple(one for one in found if one is not None)

    @property
    def guards(self) -> tuple[Share, ...]:
        """The shares that have a margin."""
        found = (self.errors, self.labels, self.loss)
        return tuple(one for one in found if isinstance(one, Share) and one.margin is not None)

    def log_e(self, line: ledger.Line) -> float:
        """Of a group of the ledger, as it stands; a metric that is not in this case has seen nothing."""
        return ledger.group_log_e(line, {one.name: one.counts.worse for one in self.metrics})

    @property
    def stage(self) -> releases.Stage | None:
        """The stage the release is in; after 100 % the probation's."""
        return upkeep.stage(self.release)

    @property
    def keyed(self) -> bool:
        """Whether the unit is a sticky key: counts of requests are then no evidence."""
        return self.release.sticky is not None

    @property
    def rho(self) -> float:
        """The weight the stage asks for; 0 where it is not compared."""
        return self.stage.weight / arms.BUCKETS if self.stage and self.stage.evidence and self.release.stable else 0.0

    @functools.cached_property
    def stage_segments(self) -> logspace.Ints:
        """Keys of the current stage: the trailing run of generations that have the stage's weight, by traffic seen.

        Empty until the first request at the stage's weight arrives, so the evidence of one stage never lets the next one pass.
        """
        weight, rows = self.stage.weight if self.stage else 0, self.traffic.rows
        drawn = rows.evidence | (rows.weight < arms.BUCKETS) | (weight == arms.BUCKETS)  # a cohort's are counted beside them
        keys = np.unique(rows.segment[drawn])
        other = np.flatnonzero(keys % (arms.BUCKETS + 1) != weight)
        found: logspace.Ints = keys[other[-1] + 1 :] if other.size else keys
        return found

    def in_stage(self, metric: Metric) -> tally.Mask:
        """Rows of the metric that belong to the current stage, evidence or not.

        Two stages in a row of one weight cannot be told apart by it; then the time at which the stage began does.
        """
        rows = metric.counts.rows
        found: tally.Mask = np.isin(rows.segment, self.stage_segments)
        return found & (rows.end > self.release.stage_since) if _repeats(self.release) else found


def apart_since(release: releases.Release) -> float:
    """From when on counts have to be told apart by their time, in Unix seconds; infinite where that never matters."""
    current = upkeep.stage(release)
    if _repeats(release) or (current is not None and current.watch is releases.Watch.LEVEL):
        return began(release)
    return math.inf


def began(release: releases.Release) -> float:
    """When what the release is in began: its stage, or after 100 % its probation."""
    return release.phase_since if release.phase is Phase.PROBATION else release.stage_since


def _repeats(release: releases.Release) -> bool:
    """Whether the current stage has the weight of the one before, so that only time tells them apart."""
    stages, at = release.stages, release.stage
    return 0 < at < len(stages) and stages[at - 1].weight == stages[at].weight


def make(release: releases.Release, given: sums.Inputs, now: float) -> Case:
    """The case, from what the judge is given. Label sums that are not yet complete are left out."""
    policy, until = release.policy, given.closed_before
    counted = tally.Counters(given.sums)
    traffic = comparison.Comparison(counted.marked(), until, policy.baseline_errors)
    labels = given.labels or sums.Labels(0, ())
    if release.sticky is not None:
        closed = [one for one in given.keys if one.tick < until]
        keyed = comparison.Comparison(tally.of_keys(closed), until, policy.baseline_errors)
        alone = Share(ledger.ERRORS, ledger.IMMEDIATE, keyed, comparison.Margin(policy.error_margin, policy.error_ratio))
        return Case(release, given, counted, traffic, alone, None, (), None, None, labels.wrong, now)
    margin = comparison.Margin(policy.error_margin, policy.error_ratio)
    errors = Share(ledger.ERRORS, ledger.IMMEDIATE, traffic, margin)
    times, kinds = (
        _latency(counted, until, policy),
        tuple(_kind(counted, until, name) for name in (ledger.TIMEOUTS, ledger.INVALID)),
    )
    right = loss = None
    if policy.label_age > 0:
        due = [each for each in labels.sums if each.tick + each.span <= labels.closed_before]
        outcomes = comparison.Comparison(tally.of_labels(due), labels.closed_before, policy.baseline_wrong, common=True)
        allowed = comparison.Margin(policy.label_margin, policy.label_ratio)
        right = Share(ledger.RIGHT, ledger.LABELS, outcomes, allowed)
        loss = _loss(due, labels.closed_before, policy) if policy.loss else None
    return Case(release, given, counted, traffic, errors, times, kinds, right, loss, labels.wrong, now)


def _kind(counted: tally.Counters, until: int, name: str) -> Share:
    return Share(name, ledger.IMMEDIATE, comparison.Comparison(counted.marked(MARKS[name]), until, _RARE))


def _latency(counted: tally.Counters, until: int, policy: releases.Policy) -> Sizes:
    floor = marks.latency_bucket(policy.time_floor * 1e6)
    times = larger.Larger(counted.times(), until, marks.LATENCY_RATIO, floor)
    return Sizes(ledger.LATENCY, ledger.IMMEDIATE, times, _milliseconds, " ms", policy.time_margins)


def _loss(due: list[sums.LabelSum], until: int, policy: releases.Policy) -> Metric:
    """A probability is the better the less it is off on average, squared, whatever the quantiles say: a model that dares more is
    further off in most of its answers. Of numbers, which know no bound, what is nearer than stable's median is near enough.
    """
    if policy.loss == losses.PROBABILITY:
        scores = comparison.Comparison(tally.of_scores(due), until, policy.baseline_wrong, common=True)
        return Share(ledger.SCORE, ledger.LABELS, scores, comparison.Margin(policy.score_margin, policy.score_ratio))
    found = tally.of_losses(due, larger.FEWEST)
    compared = larger.Larger(found.rows, until, 2 ** (1 / losses.BUCKETS_PER_DOUBLING), found.middle, most_rho=1.0)
    return Sizes(ledger.LOSS, ledger.LABELS, compared, lambda bucket: losses.edge(found.first + bucket) if bucket else 0.0)


def _milliseconds(bucket: int) -> float:
    return marks.latency_edge(bucket) / 1e3
