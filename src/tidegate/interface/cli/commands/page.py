"""`tidegate page`."""

import webbrowser
from typing import Annotated

import typer

from tidegate.interface.api import client
from tidegate.interface.cli import options, screen


def page(
    show: Annotated[bool, typer.Option("--open", help="Open it in this machine's browser.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Print an address that shows the release page in a browser: good once, for a minute; the browser is let in for 12 hours.

    It reads only: what every endpoint serves, where its release is and what it waits for, kept current by itself.
    """
    with client.Client(options.place(home)) as api:
        address = api.page()
    if as_json:
        screen.document({"address": address})
    else:
        screen.line(address)
    if show and not webbrowser.open(address):
        screen.note("No browser could be opened here; the address works in any browser that reaches this machine's loopback.")
