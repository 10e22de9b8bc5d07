"""`tidegate down`."""

from typing import Annotated

import typer

from tidegate.control.loop.keeper import process
from tidegate.interface.cli import options, screen


def down(
    timeout: Annotated[float, typer.Option("--timeout", help="Seconds to wait for everything to finish.", min=1)] = 90.0,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Answer what is under way, then stop everything. `tidegate up` goes on where it was."""
    place = options.place(home)
    process.stop(place, timeout)
    if as_json:
        screen.document({"home": str(place.root), "stopped": True})
    else:
        screen.line("stopped; `tidegate up` goes on where it was")
