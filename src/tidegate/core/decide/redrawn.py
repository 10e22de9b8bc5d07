"""A release made from the counts of traffic that was, by the machine and the judge as they are: what `tidegate calibrate` walks.

Each request is thrown a coin of the stage's weight, whoever is drawn for the candidate goes through its fault, and the sums go to
`judge` and its verdict to `machine`, look by look. Checks, warm-up, replicas and routes take no time, smoke requests are
answered well, a request has its mark in the second it arrived, and nobody rescues: this measures the statistics and the
policy, not the processes. Holes that are elsewhere (a cold pool, a coin that is none) are found by a live A/A only.

Looks: every second for the first half minute of a stage or a fault, then every 5 s, and every 30th part of the stage's age where
that is more. Control looks oftener, and rolls back so much earlier.
"""

import copy
import itertools
import math

import msgspec
import numpy as np

from tidegate.core.decide import judge, machine, upkeep
from tidegate.core.stats import logspace, thinning
from tidegate.core.vocabulary import arms, decisions, marks, releases, sums, verdicts
from tidegate.core.vocabulary.decisions import Kind
from tidegate.core.vocabulary.phases import ENDED, Phase

CLOSE_SECONDS, LOOK_SECONDS, LOOK_SHARE = 30, 5, 30
LABEL_MARGIN = 2
"""Seconds after the label age until an outcome is in the sums."""
UNWALKED = frozenset({releases.Watch.COHORT, releases.Watch.PAIRS, releases.Watch.METRIC})
"""What a stage may be left on that counts of one version's traffic cannot tell."""
_OVER = ENDED | {Phase.PAUSED, Phase.HALTED}
"""A person's affair, or nobody's."""
_BEGINNING = (Kind.TICK, Kind.CHECKS_PASSED, Kind.WORKERS_READY)


class Reached(msgspec.Struct, frozen=True):
    """A stage that was entered."""

    stage: int
    """Its place; as many as there are stages: all traffic."""
    at: int
    """Unix seconds."""


def walked(release: releases.Release) -> releases.Release:
    """The release with those of its stages only that can be walked: from the first that is decided by a posted metric on nothing
    follows, cohorts and shadows are passed over.
    """
    stages: list[releases.Stage] = []
    for one in release.stages:
        if one.watch is releases.Watch.METRIC:
            return msgspec.structs.replace(release, stages=tuple(stages), probation=None, probation_seconds=0.0)
        if one.watch not in UNWALKED:
            stages.append(msgspec.structs.replace(one, cohort=False))
    return msgspec.structs.replace(release, stages=tuple(stages), cohort=None)


def compares(release: releases.Release) -> bool:
    """Whether anything in a walked release may send the candidate back: a comparison of two arms, or a stage's level."""
    if release.sticky is not None or release.alone or release.returns:
        return False
    after = release.probation
    return bool(release.stages) or (after is not None and after.watch is releases.Watch.COMPARISON)


class Course:
    """One release on its way. `begin` is the Unix second at which the candidate's traffic begins."""

    def __init__(self, release: releases.Release, traffic: thinning.Seconds, chance: np.random.Generator, begin: int) -> None:
        """`release` is queued, and needs no approval, group or cohort."""
        self.release, self.now, self.begin = release, begin, begin
        self.fault, self.fault_at = thinning.SOUND, begin
        self.reached: list[Reached] = []
        self.requests = self.harmed = 0
        """The candidate's since its fault began."""
        self.verdict: verdicts.Verdict | None = None
        self.waiting: decisions.Waiting | None = None
        self._traffic, self._chance = traffic, chance
        self._generation = 0
        self._sums: list[sums.Sum] = []
        self._labels: list[sums.LabelSum] = []
        self._look_again_at = 0.0
        for kind in _BEGINNING:
            self._tell(decisions.Event(kind))
        self._settle()

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens by itself."""
        return self.release.phase in _OVER

    def fork(self) -> "Course":
        """The same release so far; what becomes of it is its own, and thrown with the same coins."""
        other = copy.copy(self)
        own = {"reached": list(self.reached), "_sums": list(self._sums), "_labels": list(self._labels)}
        vars(other).update(own, _chance=copy.deepcopy(self._chance))
        return other

    def spoil(self, fault: thinning.Fault) -> None:
        """From now on the candidate has this fault."""
        self.fault, self.fault_at, self.requests, self.harmed = fault, self.now, 0, 0

    def look(self, until: int) -> None:
        """Go on to the next look, or to `until` (Unix seconds) where that is before, and do what it says."""
        seconds = min(self._pace(), until - self.now)
        drawn = sum(self._serve(*piece) for piece in _minutes(self.now, self.now + seconds))
        self.now += seconds
        self.verdict = judge.judge(self.release, self.inputs, float(self.now))
        requests = self._stage_requests()
        self._tell(decisions.Event(Kind.JUDGED, verdict=self.verdict, rate=drawn / seconds, stage_requests=requests))
        self._settle()

    def _pace(self) -> int:
        release = self.release
        began = max(release.stage_since, release.phase_since, self.fault_at)
        age = self.now - began
        pace = 1 if age < CLOSE_SECONDS else max(LOOK_SECONDS, int(age / LOOK_SHARE))
        due = math.ceil(self._look_again_at - self.now)
        return min(pace, due) if due > 0 else pace

    def _serve(self, begin: int, end: int) -> int:
        """The traffic of some seconds of one minute, by the routes as they are; the candidate's requests."""
        stage = upkeep.stage(self.release)
        weight, evidence = (stage.weight, stage.evidence) if stage is not None else (arms.BUCKETS, False)
        whole = self._traffic.between(begin, end)
        mine = thinning.drawn(self._chance, whole, weight)
        others = whole - mine
        mine, harmed = thinning.spoilt(self._chance, mine, self.fault)
        candidate, stable = _counts(mine), _counts(others)
        self.requests += candidate.opened
        self.harmed += harmed
        if candidate.opened or stable.opened:
            row = sums.Sum(self._generation, weight, evidence, begin, end - begin, stable, candidate)
            self._add(row, _labels(row, mine, others))
        return candidate.opened

    def _add(self, row: sums.Sum, labels: sums.LabelSum) -> None:
        """To the sums of its minute and generation, as control adds them up."""
        before = self._sums[-1] if self._sums else None
        same = before is not None and (before.generation, _minute(before.tick)) == (row.generation, _minute(row.tick))
        if before is None or not same:
            self._sums.append(row)
            self._labels.append(labels)
            return
        span, told = row.tick + row.span - before.tick, self._labels[-1]
        stable, candidate = before.stable + row.stable, before.candidate + row.candidate
        self._sums[-1] = msgspec.structs.replace(before, span=span, stable=stable, candidate=candidate)
        counted = {name: getattr(told, name) + getattr(labels, name) for name in _LABELLED}
        self._labels[-1] = msgspec.structs.replace(told, span=span, **counted)

    @property
    def inputs(self) -> sums.Inputs:
        """What the judge is given now."""
        policy, stage = self.release.policy, upkeep.stage(self.release)
        smoke = None
        if stage is not None and stage.watch is releases.Watch.SMOKE:
            smoke = sums.Smoke(stage.min_requests, stage.min_requests)
        if not policy.label_age:
            return sums.Inputs(tuple(self._sums), self.now, smoke=smoke)
        closed = int(self.now - policy.label_age) - LABEL_MARGIN
        due = tuple(one for one in self._labels if one.tick + one.span <= closed)
        wrong = sum(one.candidate_wrong for one in due)
        return sums.Inputs(tuple(self._sums), self.now, sums.Labels(closed, due, wrong=wrong), smoke=smoke)

    def _stage_requests(self) -> int:
        """What the stage is left on, as control counts it."""
        if self.release.phase is Phase.PROBATION:
            since, age = self.release.phase_since, self.release.policy.label_age
            closed = self.now - age - LABEL_MARGIN
            return sum(one.candidate_labelled for one in self._labels if since <= one.tick and one.tick + one.span <= closed)
        stage = upkeep.stage(self.release)
        if stage is not None and stage.watch is releases.Watch.SMOKE:
            return stage.min_requests
        return sum(one.candidate.closed for one in self._sums if one.generation == self._generation)

    def _tell(self, event: decisions.Event) -> None:
        decision = machine.advance(self.release, event, float(self.now))
        self.release, self.waiting, self._look_again_at = decision.release, decision.waiting, decision.look_again_at

    def _settle(self) -> None:
        """What would be waited for is so at once: replicas are up, and every gateway obeys the routes."""
        while True:
            release = self.release
            if release.phase is Phase.RUNNING and not release.stage_ready:
                self._tell(decisions.Event(Kind.WORKERS_READY))
            elif release.phase in (Phase.PROMOTING, Phase.ROLLING_BACK) or (
                release.phase is Phase.RUNNING and not release.stage_since
            ):
                self._enter()
                self._tell(decisions.Event(Kind.ROUTES_SEEN))
            else:
                return

    def _enter(self) -> None:
        """A table of its own for the routes that are asked for now."""
        release = self.release
        self._generation += 1
        if release.phase is Phase.RUNNING:
            self.reached.append(Reached(release.stage, self.now))
        elif release.phase is Phase.PROMOTING:
            self.reached.append(Reached(len(release.stages), self.now))


_LABELLED = ("stable", "candidate", "stable_labelled", "candidate_labelled", "stable_wrong", "candidate_wrong")


def _minutes(begin: int, end: int) -> list[tuple[int, int]]:
    """The time cut at wall minutes, since sums are of one each."""
    cuts = [begin, *range(_minute(begin) + sums.EPOCH_SECONDS, end, sums.EPOCH_SECONDS), end]
    return list(itertools.pairwise(cuts))


def _minute(tick: int) -> int:
    return tick // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS


def _counts(row: logspace.Ints) -> sums.Counts:
    ended = tuple(row[thinning.MARKS].tolist())
    return sums.Counts(sum(ended), ended, tuple(row[thinning.LATENCY].tolist()), tuple(row[thinning.BINS].tolist()))


def _labels(row: sums.Sum, candidate: logspace.Ints, stable: logspace.Ints) -> sums.LabelSum:
    """The outcomes of the same requests: neutral marks are in no cohort, bad ones are wrong."""
    (arrived1, labelled1, wrong1), (arrived0, labelled0, wrong0) = _outcomes(candidate), _outcomes(stable)
    counted = (arrived0, arrived1, labelled0, labelled1, wrong0, wrong1)
    return sums.LabelSum(row.generation, row.weight, row.evidence, row.tick, *counted, row.span)


def _outcomes(counts: logspace.Ints) -> tuple[int, int, int]:
    """(in a cohort, labelled, wrong)"""
    arrived = int(counts[thinning.MARKS].sum() - counts[list(marks.NEUTRAL)].sum())
    wrong = int(counts[thinning.WRONG] + counts[thinning.FAILED])
    return arrived, int(counts[thinning.RIGHT]) + wrong, wrong
