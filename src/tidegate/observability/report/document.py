"""A report as one HTML file: escaped text, nothing from outside, no script; it prints, and follows light and dark."""

import datetime as dt
import functools
import math
from collections.abc import Callable
from typing import Any

import jinja2

from tidegate.core.decide import strategies
from tidegate.core.vocabulary import amounts, incidents, marks, phases, urls
from tidegate.dataplane.predlog import traffic
from tidegate.observability.metrics import quantiles
from tidegate.observability.report import account, charts, colours, following, markup

SHOWN = 4
"""Columns that moved whose distributions are drawn."""
LISTED = 12
"""Columns that moved that are listed."""
PALETTE = {
    "light": ("#0b8296", "#7a8b9c", "#6a3fc4", "#d98a00", "#3c7a3c", "#b9c6d2"),
    "dark": ("#2bb0c2", "#8293a5", "#b39bf5", "#f0ad3a", "#7cc07c", "#48586a"),
}
"""Versions, newest first."""
_BAD = {
    marks.Mark.ERROR: "by an error",
    marks.Mark.TIMEOUT: "too late",
    marks.Mark.INVALID: "with an invalid answer",
    marks.Mark.REJECTED: "whose input was rejected",
    marks.Mark.SHED: "refused, since the queue was full",
    marks.Mark.COLLATERAL: "failed with others in their batch",
}


def draw(told: account.Account, made_at: float) -> str:
    """The whole document. `made_at`: Unix seconds, for its foot."""
    return (
        _environment()
        .get_template("report.html")
        .render(
            told=told,
            made_at=made_at,
            light=colours.LIGHT,
            dark=colours.DARK,
            palette=PALETTE,
            steps=following.steps(told),
            versions=traffic.total(told.cells),
            whole=traffic.summed(list(told.cells)) if told.cells else None,
            ways=_ways(told),
            traffic=_traffic(told),
            errors=_errors(told),
            times=_times(told),
            strip=_strip(told),
            measured=list(dict.fromkeys(name for one in told.performance for name, _ in one.metrics)),
            moved=[one for one in told.drift.columns if one.level][:LISTED] if told.drift else [],
            twins=[(one, charts.twin(one.labels, one.shares, _twin(one))) for one in _drawn(told)],
        )
    )


def _slots(told: account.Account) -> int:
    return max(1, math.ceil((told.until - told.since) / told.width - 1e-9))


def _axis(told: account.Account) -> charts.Axis:
    return charts.Axis(told.since, told.since + _slots(told) * told.width)


def _by_slot(told: account.Account) -> list[list[traffic.Cell]]:
    found: list[list[traffic.Cell]] = [[] for _ in range(_slots(told))]
    for one in told.cells:
        slot = round((one.at - told.since) / told.width)
        if 0 <= slot < len(found):
            found[slot].append(one)
    return found


def _traffic(told: account.Account) -> str:
    if not told.cells:
        return ""
    slots, series = _by_slot(told), []
    for place, version in enumerate(one.version for one in traffic.total(told.cells)):
        values = tuple(float(sum(one.requests for one in slot if one.version == version)) for slot in slots)
        series.append(charts.Series(f"v{version}", charts.colour(place), values))
    said = ", ".join(f"{one.name} {sum(one.values):,.0f}" for one in series)
    return charts.stack(_axis(told), told.width, series, f"Requests by version over time. In all: {said}.")


def _errors(told: account.Account) -> str:
    slots = [[sum(one.requests for one in slot), sum(one.bad for one in slot)] for slot in _by_slot(told)]
    if not any(bad for _, bad in slots):
        return ""
    shares = tuple(bad / requests if requests else math.nan for requests, bad in slots)
    worst = max(range(len(shares)), key=lambda slot: shares[slot] if math.isfinite(shares[slot]) else -1.0)
    when = _moment(told.since + worst * told.width)
    words = f"Share of requests not served well over time; {amounts.percent(shares[worst])} at the most, {when}."
    return charts.lines(_axis(told), told.width, [charts.Series("not served well", "bad", shares)], words, "%")


def _times(told: account.Account) -> str:
    if not told.cells:
        return ""
    found: dict[str, list[float]] = {"p50": [], "p95": [], "p99": []}
    for slot in _by_slot(told):
        buckets = traffic.summed(slot).buckets if slot else ()
        for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
            found[name].append(quantiles.quantile(buckets, share))
    series = [charts.Series(name, style, tuple(found[name])) for name, style in (("p99", "t2"), ("p95", "t1"), ("p50", "t0"))]
    whole = traffic.summed(list(told.cells)).buckets
    said = ", ".join(
        f"{name} {_lasting(quantiles.quantile(whole, share))}" for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99))
    )
    return charts.lines(_axis(told), told.width, series, f"How long clients waited over time. Over all of it: {said}.", "s")


def _strip(told: account.Account) -> str:
    spans = []
    for one in told.released:
        release = one.release
        until = release.phase_since if release.phase in phases.ENDED else told.until
        style = {"succeeded": "good", "rolled_back": "bad", "failed": "bad", "halted": "bad"}.get(str(release.phase), "plain")
        words = f"release of {release.candidate.name}: {(release.outcome or release.phase).replace('_', ' ')}"
        spans.append(charts.Span("releases", release.created_at, until, style, words))
    for incident in sorted(told.alarms, key=lambda one: one.opened_at):
        style = "bad" if incident.told == "critical" else "care"
        kind = str(incident.alarm.kind).replace("_", " ")
        spans.append(charts.Span(kind, incident.opened_at, incident.ended_at or told.until, style, incident.alarm.words))
    if not spans:
        return ""
    said = f"{len(told.released)} releases and {len(told.alarms)} alarms over time; the tables below list them."
    return charts.strip(_axis(told), spans, said)


def _drawn(told: account.Account) -> list[account.Moved]:
    return [one for one in told.drift.columns if one.level and one.labels][:SHOWN] if told.drift else []


def _twin(one: account.Moved) -> str:
    return f"Distribution of {one.name}: now {one.now or 'as drawn'}; before {one.was or 'as drawn'}."


def _ways(told: account.Account) -> list[tuple[str, int]]:
    """How requests ended that were not served well."""
    if not told.cells:
        return []
    by_mark = traffic.summed(list(told.cells)).marks
    return [(words, by_mark[mark]) for mark, words in _BAD.items() if by_mark[mark]]


def _lasting(seconds: float) -> str:
    return amounts.latency(seconds) if math.isfinite(seconds) else "-"


def _moment(at: float) -> str:
    return dt.datetime.fromtimestamp(at, dt.UTC).strftime("%Y-%m-%d %H:%M")


def _quantile(one: traffic.Cell, share: float) -> str:
    return _lasting(quantiles.quantile(one.buckets, share))


def _mean(one: traffic.Cell) -> str:
    answered = sum(one.buckets)
    return _lasting(one.seconds / answered if answered else math.nan)


@functools.cache
def _environment() -> jinja2.Environment:
    filters: dict[str, Callable[..., Any]] = {
        "moment": _moment,
        "span": amounts.span,
        "percent": amounts.percent,
        "lasting": _lasting,
        "quantile": _quantile,
        "mean": _mean,
        "weight": strategies.name,
        "spaced": lambda word: str(word).replace("_", " "),
        "colour": charts.colour,
        "named": lambda one: one.name.removeprefix(incidents.PREFIX).rstrip(":"),
        "model": urls.model,
        "whole": lambda number: f"{number:,.0f}",
    }
    return markup.environment("tidegate.observability.report", filters)
