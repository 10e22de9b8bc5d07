"""`tidegate metrics`."""

import time
from typing import Annotated

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.interface.api import measures
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import metrics as view


def metrics(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--since", help="From then on, 8 days back at most: 1h, 2026-03-01T14:30.")] = "1h",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How an endpoint is served: by version how many requests, how they ended, how long clients waited, how large batches were,
    how many bytes came and went; what waits now; what its processes use, and what is left of the disk.

    In whole minutes, as the monitor counts them. Reads files; everything may be down. For Prometheus the API has `/metrics`.
    """
    place = options.place(home)
    with stores.Store(location.url(place), create=False) as store:
        name = logged.row(store, endpoint).name
    found = measures.service(place, name, *logged.span(since, until, time.time(), ("--since", "--to")))
    if as_json:
        screen.document(found.model_dump())
        return
    for part in view.whole(found):
        screen.out().print(part)
