"""`tidegate drift`."""

import time
from typing import Annotated

import msgspec
import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import catalogue
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import drift as view
from tidegate.observability.monitors import drifting, profiling

_WEEKS = 28 * 86_400


def drift(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--from", help="The time looked at: from then on.")] = "24h",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    against: Annotated[
        str, typer.Option("--against", help="The time it is held against: from then until --from; else the four weeks before.")
    ] = "",
    version: Annotated[int, typer.Option("--version", help="Requests of this version only; 0: of all.", min=0)] = 0,
    before: Annotated[
        int, typer.Option("--against-version", help="The same of the time it is held against; 0: of all.", min=0)
    ] = 0,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What has drifted: inputs and predictions of one time held against those of another, column by column.

    In whole hours, as the recorder counts them. A column has moved where a lower bound on the effect says so: few rows raise no
    alarm, and many only one that means something. Two versions of one time are compared with `--version`, `--against-version`
    and `--against` the same as `--from`. Reads the log; everything may be down.

    Exit code 3 where some column is an alarm.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
    window = _hours(*logged.span(since, until, now), version)
    if against and against == since:
        reference = drifting.Stretch(window.since, window.until, before)
    else:
        begins = logged.span(against, since, now)[0] if against else window.since - _WEEKS
        reference = drifting.Stretch(_hour(begins), window.since, before)
    with catalogue.Catalogue(place.log, readonly=True) as books:
        there = profiling.known(books.connection)
        report = drifting.report(books.connection, row.name, window, reference) if there else None
    if report is None or not any(report.rows):
        raise errors.NothingCompared(
            f"nothing of {row.name} is profiled in that time.",
            cure=f"The first {profiling.TEACH:,} values of a column say how they are told apart; then each hour is counted.",
        )
    if as_json:
        screen.document(msgspec.to_builtins(report) | {"level": report.level})
    else:
        for part in view.whole(report):
            screen.out().print(part)
    if report.level == "alarm":
        raise typer.Exit(3)


def _hours(since: float, until: float, version: int) -> drifting.Stretch:
    """The whole hours that begin in this time; the one that is under way is among them."""
    return drifting.Stretch(_hour(since), max(_hour(since) + profiling.HOUR, _hour(until) + profiling.HOUR), version)


def _hour(at: float) -> int:
    return int(at) // profiling.HOUR * profiling.HOUR
