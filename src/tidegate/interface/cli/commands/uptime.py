"""`tidegate uptime`."""

import time
from typing import Annotated

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.interface.api import measures
from tidegate.interface.cli import exits, logged, options, screen
from tidegate.interface.cli.views import uptime as view
from tidegate.observability.metrics import availability, probes


def uptime(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--since", help="From then on: 7d, 2026-03-01.")] = "7d",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How available an endpoint was, as the probe from outside has seen it: share of right answers, outages, times.

    Reads the log of probes; everything may be down. `monitors.uptime.every` says how often an endpoint is probed.

    Exit code 3 while an outage goes on.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        name = logged.row(store, endpoint).name
    begins, ends = logged.span(since, until, now, ("--since", "--to"))
    found = availability.report(name, probes.listed(place, name, begins, ends), begins, ends)
    if as_json:
        screen.document(measures.uptime(found).model_dump())
    else:
        for line in view.lines(found, now):
            screen.out().print(line)
    if found.outages and not found.outages[-1].until:
        raise typer.Exit(exits.Exit.REFUSED)
