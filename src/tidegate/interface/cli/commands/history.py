"""`tidegate history`."""

import time
from typing import Annotated

import typer

from tidegate.interface.api import client, moments
from tidegate.interface.cli import options, reaching, screen
from tidegate.interface.cli.views import history as view


def history(
    endpoint: options.Endpoint = "",
    limit: Annotated[int, typer.Option("--limit", "-n", help="Releases, and events, at most.", min=1, max=1000)] = 20,
    events: Annotated[bool, typer.Option("--events", help="Every event, not only releases.")] = False,
    at: Annotated[str, typer.Option("--at", help='Which version served then, and why: a date and time, or "2h" ago.')] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What was released, by whom, how it ended and why; newest first. `--json` has releases and events."""
    place = options.place(home)
    named = reaching.only_endpoint(place, endpoint)
    with client.Client(place) as api:
        found = api.served(named, moments.parse(at, time.time(), None, "--at")) if at else api.history(named, limit)
    if as_json:
        screen.document(found)
        return
    terminal = screen.out()
    for line in view.served(found) if at else view.events(found) if events else view.releases(found):
        terminal.print(line)
