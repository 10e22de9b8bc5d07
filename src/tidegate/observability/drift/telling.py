"""How an endpoint stands, in numbers: of each way of looking the window that came last, of the columns that matter.

Those are the ten that have moved furthest (how much a column matters to the model times how far it has moved at least), and all
that have moved too far, up to fifty. Called by `lookout`.
"""

from collections.abc import Sequence

from tidegate.core.stats import drift, effects
from tidegate.core.vocabulary import alarms, tables
from tidegate.observability.drift import drifting, moving, shelving
from tidegate.observability.metrics import drifted
from tidegate.observability.profiling import oddness

FIRST, MOST = 10, 50


def summary(route: tables.Route, tracks: Sequence[moving.Track], shelf: shelving.Shelf) -> drifted.Summary:
    """By every track that has looked at a window."""
    looked = [track for track in tracks if track.latest[1]]
    odd = -1.0
    for track in looked:
        if track.plan.kind == alarms.Kind.QUALITY:
            odd = _odd(shelf, track.latest)
    return drifted.Summary(route.owner.name, tuple(_look(track, shelf) for track in looked), odd)


def _look(track: moving.Track, shelf: shelving.Shelf) -> drifted.Look:
    begin, until = track.latest
    limits = drift.limits(track.plan.limit)
    weights: dict[str, float] = {}
    moved: set[str] = set()
    found: list[drifted.Measure] = []
    runs = track.series.runs(begin)
    for (column, name), last in track.series.latest(begin):
        found.append(drifted.Measure(column, name, last.size, max(0.0, last.low)))
        weight = shelf.importances.get(column, 1.0) * max(0.0, last.low) / limits[name][1]
        weights[column] = max(weight, weights.get(column, 0.0))
        moved |= {column} if (column, name) in runs else set()
    ranked = sorted(weights, key=lambda one: (-weights[one], one))
    told = set([one for at, one in enumerate(ranked) if at < FIRST or one in moved][:MOST])
    shares = _shares(track, shelf, told) if track.plan.kind == alarms.Kind.QUALITY else ()
    return drifted.Look(
        track.plan.kind,
        track.subject or drifting.SEASON,
        until,
        len(weights),
        len(moved),
        tuple(sorted((one for one in found if one.column in told), key=lambda one: (one.column, one.effect))),
        shares,
    )


def _shares(track: moving.Track, shelf: shelving.Shelf, names: set[str]) -> tuple[drifted.Shares, ...]:
    seen, known = track.both(shelf)
    _, came = effects.new(shelf.layout, (known, seen))
    found = []
    for name in sorted(names):
        at, one = shelf.layout.place[name], shelf.layout.column(seen, name)
        found.append(drifted.Shares(name, *(count / max(1, one.seen) for count in (one.nulls, int(came[at]), one.broken))))
    return tuple(found)


def _odd(shelf: shelving.Shelf, window: tuple[int, int]) -> float:
    there = oddness.NAME in shelf.frames
    return oddness.share(shelf.layout.column(shelf.window(*window), oddness.NAME) if there else None)
