"""The course of a release as columns, left to right: who serves which share of the clients, what is sent besides, what is up.

It is the course of a release that goes well: what happens otherwise needs no picture, all traffic goes back to stable.
"""

import enum

import msgspec

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import amounts, arms, releases
from tidegate.observability.report import leaving

BEFORE, PROBATION, AFTER = "before", "probation", "after"
"""Keys of the columns that are no stages; a stage's key is its number."""


class Fleet(msgspec.Struct, frozen=True):
    """Workers of one version."""

    up: int = 0
    coming: int = 0
    """Those of `up` that come up in this column."""
    going: int = 0
    """Those that are stopped in it; not in `up`."""


class Extra(enum.StrEnum):
    """What is sent besides the clients' requests, unseen by them."""

    NONE = ""
    COPIES = "copies"
    """Copies to the version that does not serve the request."""
    OWN = "own requests"


class Column(msgspec.Struct, frozen=True):
    """One step of the course."""

    key: str
    title: str
    candidate: int
    """Buckets of arms.BUCKETS that the candidate serves."""
    stable_up: Fleet
    candidate_up: Fleet
    left_on: str
    extra: Extra = Extra.NONE
    extra_share: int = 0
    """Buckets of requests that are copied; of own requests: how many there are."""
    cohort: bool = False
    nobody: bool = False
    """Neither version answers."""


class Course(msgspec.Struct, frozen=True):
    """What a picture is made of."""

    stages: tuple[releases.Stage, ...]
    replicas: int = 1
    probation: releases.Stage | None = None
    probation_seconds: float = 0.0
    returns: bool = False


def of(release: releases.Release) -> Course:
    """The course that a release takes."""
    return Course(release.stages, release.replicas, release.probation, release.probation_seconds, release.returns)


def here(release: releases.Release) -> str:
    """The key of the column that a release is in; empty where it is in none any more."""
    phase = release.phase
    if phase is phase.WARMING and release.alone:
        return "0"
    if phase in (phase.QUEUED, phase.CHECKING, phase.AWAITING_APPROVAL, phase.WARMING):
        return BEFORE
    if phase in (phase.PROBATION, phase.SUCCEEDED):
        return PROBATION if phase is phase.PROBATION else AFTER
    if phase is phase.PROMOTING or (release.at_gate and phase is phase.RUNNING):
        return str(len(release.stages) - 1) if release.stages else BEFORE
    return str(release.stage) if phase in (phase.RUNNING, phase.PAUSED, phase.HALTED, phase.ROLLING_BACK) else ""


def columns(course: Course) -> tuple[Column, ...]:
    """Warm-up, the stages, and what follows the last."""
    stages = tuple(_stage(course, number) for number in range(len(course.stages)))
    return (_before(course), *stages, *_follows(course))


def _alone(course: Course) -> bool:
    return releases.alone(course.stages)


def _before(course: Course) -> Column:
    whole = course.replicas
    if _alone(course):
        return Column(BEFORE, "before", 0, Fleet(whole), Fleet(), "when the checks have passed")
    first = next((stage.replicas for stage in course.stages if stage.replicas), None)
    coming = first.candidate if first else whole
    stable = Fleet(first.meanwhile, going=whole - first.meanwhile) if first else Fleet(whole)
    return Column(BEFORE, "warm-up", 0, stable, Fleet(coming, coming=coming), "when the candidate has answered its warm-up")


def _stage(course: Course, number: int) -> Column:
    stage, whole = course.stages[number], course.replicas
    stable, candidate = Fleet(whole), Fleet(whole)
    if stage.replicas is not None:
        before = course.stages[number - 1].replicas if number else stage.replicas
        had = before.candidate if before else 0
        places = stage.replicas
        candidate = Fleet(places.candidate, coming=places.candidate - had)
        stable = Fleet(places.stable, going=places.meanwhile - places.stable)
    if stage.alone:
        stable, candidate = Fleet(0, going=whole), Fleet(whole, coming=whole)
    extra, share = Extra.NONE, 0
    if stage.mirror:
        extra, share = Extra.COPIES, stage.mirror
    elif stage.watch is releases.Watch.SMOKE:
        extra, share = Extra.OWN, stage.min_requests
    weight = 0 if stage.alone else stage.weight
    words = leaving.words(stage)
    return Column(str(number), stage.name, weight, stable, candidate, words, extra, share, stage.cohort, stage.alone)


def _follows(course: Course) -> tuple[Column, ...]:
    """The way back, or probation and what is left of stable after it: warm for the next way back, where there is room for it."""
    whole, alone = course.replicas, _alone(course)
    if course.returns:
        return (Column(AFTER, "ended", 0, Fleet(whole), Fleet(0, going=whole), "nothing has changed for clients"),)
    last = course.stages[-1].replicas if course.stages else None
    left = 0 if alone else last.stable if last else whole
    words = "the version before stays warm" if left else "until the next release"
    after = Column(AFTER, "succeeded", arms.BUCKETS, Fleet(left), Fleet(whole), words)
    if not course.probation_seconds:
        return (after,)
    probation = strategies.after(course.stages, course.probation, whole) or strategies.level()
    title = "reverse shadow" if probation.mirror else probation.name if probation.weight < arms.BUCKETS else "probation"
    extra = Extra.COPIES if probation.mirror else Extra.NONE
    span = amounts.span(course.probation_seconds)
    back = span if alone else f"{span}; going back is one write"
    return (
        Column(PROBATION, title, probation.weight, Fleet(left), Fleet(whole), back, extra, probation.mirror),
        after,
    )


def uses(found: tuple[Column, ...]) -> dict[str, bool]:
    """What of the legend a picture needs, by its word."""
    return {
        "copies": any(one.extra is Extra.COPIES for one in found),
        "own requests": any(one.extra is Extra.OWN for one in found),
        "cohort": any(one.cohort for one in found),
        "nobody answers": any(one.nobody for one in found),
    }
