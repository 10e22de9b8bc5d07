"""`tidegate performance`."""

import time
from typing import Annotated, Literal

import msgspec
import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import performance as view
from tidegate.observability.outcomes import performance as standings


def performance(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--since", help="Predictions from then on: 30d, or a date.")] = "30d",
    until: Annotated[str, typer.Option("--until", help="Until then; labels that came later do not count either.")] = "now",
    by: Annotated[
        Literal["day", "week"] | None,
        typer.Option("--by", help="A line for each day or week of predictions too.", show_default=False),
    ] = None,
    segment: Annotated[
        str,
        typer.Option(
            "--segment", help="A line for each value of this input column too; of a number with many values, for each fifth."
        ),
    ] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How good each version's predictions were, by the outcomes heard: by when they were made, with the share that is labelled.

    The headline is of predictions old enough for 99 % of their labels to be there. What is younger is provisional: weighted for
    the labels that have not come. Reads the log; everything may be down.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
    begins, ends = logged.span(since, until, now, ("--since", "--until"))
    asked = standings.Asked(row.name, begins, ends, by or "", segment)
    report = standings.read(place, specification.of(row.settings).outcomes, asked)
    if not report.standings:
        raise errors.NothingCompared(
            f"no prediction of {row.name} in that time is in the log.",
            cure="Look further back: --since. Is there none at all, `tidegate send` makes traffic.",
        )
    if as_json:
        screen.document(msgspec.to_builtins(report))
    else:
        for part in view.whole(report):
            screen.out().print(part)
