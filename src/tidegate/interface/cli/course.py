"""What `tidegate plan` shows of a release to come: a table of its stages, and sentences on what surrounds them."""

from collections.abc import Iterator
from typing import Any

from rich import table

from tidegate.core.decide import strategies
from tidegate.core.spec import explained, judging, units
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import arms, dependencies, errors, releases
from tidegate.interface.cli import words
from tidegate.observability.report import leaving

Json = dict[str, Any]
_UNCOMPARED = frozenset({releases.Watch.LEVEL, releases.Watch.PAIRS})
"""What a probation may watch without a comparison of two arms."""


def stages(settings: specification.Settings) -> table.Table:
    """A row for each stage and one for what follows: the traffic, the copies, the workers of both, what it is left on."""
    shown = table.Table(box=None, pad_edge=False, header_style="dim")
    columns = ("stage", "traffic", "copies", "workers", "left on")
    for name in columns:
        shown.add_column(name, overflow="fold")
    for one in settings.stages:
        shown.add_row(
            one.name,
            words.percent(one.weight) + (" and the cohort" if one.cohort else ""),
            words.percent(one.mirror) if one.mirror else "",
            workers(one, settings.replicas),
            leaving.words(one),
        )
    if settings.returns:
        shown.add_row(
            "stable again", words.percent(0), "", f"{settings.replicas} of stable", "it was a look: nothing is promoted"
        )
        return shown
    after = strategies.after(settings.stages, settings.probation, settings.replicas)
    weight = after.weight if after else arms.BUCKETS
    copies = words.percent(after.mirror) if after and after.mirror else ""
    lasts = words.lasting(settings.probation_seconds)
    labelled = f" or {settings.probation_outcomes:,} labelled predictions" if settings.probation_outcomes else ""
    name = f"probation, {after.name}" if after else "probation"
    told = "; it tells what it finds, and takes nothing back" if after and after.watch in _UNCOMPARED else ""
    shown.add_row(name, words.percent(weight), copies, _kept(settings, after), f"{lasts}{labelled}{told}")
    return shown


def plain(stage: releases.Stage, replicas: int) -> Json:
    """The same for programs."""
    return {"name": stage.name, "weight": stage.weight, "min_seconds": stage.min_seconds, "max_seconds": stage.max_seconds} | {
        "min_requests": stage.min_requests,
        "must_prove": stage.must_prove,
        "watch": stage.watch.value,
        "mirror": stage.mirror,
        "cohort": stage.cohort,
        "workers": workers(stage, replicas),
        "left_on": leaving.words(stage),
    }


def sentences(
    settings: specification.Settings,
    stable: Json | None,
    gap: str = "",
    author: str = "",
    in_force: specification.Settings | None = None,
) -> list[str]:
    """How long it takes at the least, the gap, the way back, the harm it may do, who has to agree, what sticks.

    `stable`: the version that serves, as `status` has it; None where there is none, or where Tidegate is not up. `gap`: for how
    long nobody might answer, in words; empty: nothing is known of that. `author`: who would ask for the release.
    `in_force`: what the endpoint goes by now; None where it has no version yet.
    """
    told = [*_time(settings), *_metric(settings), *_gap(settings, gap), _back(settings, stable)]
    return [*told, *_bounds(settings), *_agreeing(settings, in_force, author), *_units(settings)]


def workers(stage: releases.Stage, replicas: int) -> str:
    """How many of each version."""
    if stage.alone:
        return f"{replicas} of the candidate, none of stable"
    if stage.replicas is not None:
        return f"{stage.replicas.candidate} of the candidate, {stage.replicas.stable} of stable"
    return f"{replicas} of each"


def _kept(settings: specification.Settings, after: releases.Stage | None) -> str:
    if _alone(settings):
        return f"{settings.replicas} of the candidate"
    left = after.replicas.stable if after and after.replicas else settings.replicas
    if left == settings.replicas:
        return f"{left} of each"
    return f"{settings.replicas} of the candidate, {left} of the version before"


def _time(settings: specification.Settings) -> Iterator[str]:
    if settings.stages and not _alone(settings):
        least = words.lasting(strategies.least(settings.stages, sticky=settings.sticky is not None))
        ends = "the look is over; stable answers everybody all the while" if settings.returns else "it has all traffic"
        yield f"{least} at the least until {ends}{'' if settings.returns else ', and only as evidence allows'}."


def _metric(settings: specification.Settings) -> Iterator[str]:
    policy = settings.policy
    if policy.metric:
        most = words.lasting(max(one.max_seconds for one in settings.stages if one.watch is releases.Watch.METRIC))
        better = "higher" if policy.higher_is_better else "lower"
        yield f"{policy.metric} decides, {better} is better; without a winner after {most} stable has all traffic again."
    if policy.guards:
        yield f"It wins only if proven besides: {'; '.join(one.text for one in policy.guards)}."


def gap(endpoint: Json, processes: list[Json]) -> str:
    """What is known of the time in which a recreate leaves nobody to answer: that of the last, else what workers take to load.

    `endpoint` and `processes`: as `status` has them.
    """
    if endpoint["release"] and endpoint["release"]["gap_seconds"]:
        return f"the last time {endpoint['release']['gap_seconds']:.1f} s"
    ours = [one["load_seconds"] for one in processes if one["kind"] == "worker" and one["endpoint"] == endpoint["name"]]
    return f"about {max(ours):.1f} s, which its workers took to come up" if any(ours) else ""


def _gap(settings: specification.Settings, known: str) -> Iterator[str]:
    if _alone(settings):
        most = words.lasting(settings.load_seconds)
        yield (
            "Nobody answers from when stable stops until the candidate has answered its warm-up: "
            f"{known or 'unknown until it is tried'}; {most} (`load_within`) at most, after which stable is started again."
        )


def _back(settings: specification.Settings, stable: Json | None) -> str:
    if settings.returns:
        return "There is nothing to roll back: no client gets an answer of the candidate."
    name = stable["name"] if stable else "the version before"
    if not settings.keep and not settings.probation_seconds and not _alone(settings):
        said = f"A rollback once it has all traffic would load {name} first (`keep: 0`)"
    elif _alone(settings):
        said = f"A rollback would be a recreate back to {name}, with a gap of its own"
    else:
        until = "" if settings.keep else " as long as probation lasts (`keep: 0`)"
        said = f"A rollback would be one write of the routing table, to {name}{until}"
    contracts = [one.name for one in settings.migrations if one.kind == dependencies.CONTRACT]
    return said + (f"; not after contract {', '.join(contracts)}: then there is no way back." if contracts else ".")


def _bounds(settings: specification.Settings) -> Iterator[str]:
    if settings.policy.harm_budget:
        yield f"It may fail {words.count(settings.policy.harm_budget, 'request')} more than stable would have, and pauses then."
    if settings.group:
        yield f"It is promoted with the others of {settings.group} or not at all."
    if settings.rehearse_seconds:
        yield f"A rollback is rehearsed every {units.duration_text(settings.rehearse_seconds)}."


def _agreeing(settings: specification.Settings, in_force: specification.Settings | None, author: str) -> Iterator[str]:
    try:
        asked = judging.stricter(in_force.approval if in_force else None, settings.approval)
    except errors.SpecInvalid as refused:
        yield f"It would be refused: {refused}"
        return
    if asked is None:
        return
    more = "" if asked == settings.approval else " (by the settings in force, until those of the file have been approved)"
    yield f"Before any traffic it has to be approved: {explained.approval(asked)}{more}."
    if not asked.possible(author):
        yield f"Asked for by {author} it would be refused: too few of them are left to approve it."


def _units(settings: specification.Settings) -> Iterator[str]:
    sticky = settings.sticky
    if sticky is not None:
        proof = "; no step asks for proof (`prove_last` is false with it)" if "canary" in settings.strategy else ""
        default = "" if any(key.startswith("release.sticky") for key in settings.given) else " (the default of ab)"
        yield f"Requests stick to their version by {sticky.by} {sticky.name}{default}{proof}."
    if settings.cohort is not None:
        yield f"First, and as long as it lasts, the candidate answers this cohort: {settings.cohort.said}."


def _alone(settings: specification.Settings) -> bool:
    return releases.alone(settings.stages)
