"""`tidegate drift`."""

import time
from typing import Annotated

import msgspec
import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.dataplane.predlog import catalogue
from tidegate.interface.api import drifted
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import drift as view
from tidegate.observability.drift import classifying, drifting, references


def drift(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--from", help="The time looked at: from then on.")] = "24h",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    against: Annotated[
        str,
        typer.Option(
            "--against",
            help="`season`: the same time of the weeks before. `training`: the data that came with the model. `stable`: its "
            "answers in the same time. Or a time: FROM..TO, or FROM alone, until --from.",
        ),
    ] = drifting.SEASON,
    version: Annotated[
        int,
        typer.Option("--version", help="Requests of this version only, and of others made of the same bundle; 0: of all.", min=0),
    ] = 0,
    before: Annotated[int, typer.Option("--against-version", help="Likewise, of the time FROM..TO.", min=0)] = 0,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Also how well a model tells inputs of both times apart, and by which columns."),
    ] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What has drifted: inputs and predictions of one time held against those of another, column by column.

    In whole hours, as the recorder counts them. A column has moved where a lower bound on the effect says so: few rows raise no
    alarm, and many only one that means something. Where no earlier week is known, the season is the 28 days before; where
    nothing is, the data that came with the model. Reads the log; everything may be down.

    Exit code 3 where some column is an alarm.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
    asked = drifted.asked((since, until), against, now, version)
    if before and asked.against == drifting.TIME:
        reference = msgspec.structs.replace(asked.reference, version=before, alone=True)
        asked = msgspec.structs.replace(asked, window=msgspec.structs.replace(asked.window, alone=True), reference=reference)
    with catalogue.Catalogue(place.log, readonly=True) as books:
        report = references.report(place, books.connection, row.name, asked)
    apart = classifying.explain(place, report) if explain else None
    if as_json:
        screen.document(drifted.told(report) | ({"apart": msgspec.to_builtins(apart)} if explain else {}))
    else:
        for part in (*view.whole(report), *view.apart(report, apart, explain=explain)):
            screen.out().print(part)
    if report.level == "alarm":
        raise typer.Exit(3)
