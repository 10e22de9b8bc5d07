"""`tidegate status`."""

import time
from typing import Annotated, Any

import typer
from rich import console, live

from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import options, reaching, screen
from tidegate.interface.cli.views import status as view

_EVERY_SECONDS = 0.5


def status(
    endpoint: Annotated[str, typer.Argument(help="Only this endpoint.", show_default=False)] = "",
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Keep showing it until Ctrl-C.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Everything on one screen: who serves what, where a release is and what it waits for, what is not well.

    Where the control API does not answer, what the files say is shown instead.
    """
    place = options.place(home)
    if watch and not as_json:
        _watch(place, endpoint)
        return
    seen = _only(reaching.status(place), endpoint)
    if as_json:
        screen.document(seen)
        return
    terminal = screen.out()
    for line in view.lines(seen):
        for part in view.hanging(line, terminal):
            terminal.print(part)


def _watch(place: homes.Home, endpoint: str) -> None:
    terminal = screen.out()
    with live.Live(console=terminal, auto_refresh=False) as shown:
        try:
            while True:
                lines = view.lines(_only(reaching.status(place), endpoint))
                parts = (part for line in lines for part in view.hanging(line, terminal))
                shown.update(console.Group(*parts), refresh=True)
                time.sleep(_EVERY_SECONDS)
        except KeyboardInterrupt:
            return


def _only(seen: dict[str, Any], endpoint: str) -> dict[str, Any]:
    if not endpoint:
        return seen
    found = [one for one in seen["endpoints"] if one["name"] == endpoint]
    if not found:
        raise errors.EndpointUnknown(f"there is no endpoint {endpoint!r}.", cure="`tidegate status` lists them.")
    return {**seen, "endpoints": found}
