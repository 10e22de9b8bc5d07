"""`tidegate restore`."""

import pathlib
import time
from typing import Annotated

import typer

from tidegate.control.loop import archives
from tidegate.interface.api import moments
from tidegate.interface.cli import options, screen


def restore(
    file: Annotated[pathlib.Path, typer.Argument(help="What `tidegate backup` has written.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Though the home is not empty: what is there is moved aside.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Begin again from a backup, in an empty home; then `tidegate up` serves what was served then.

    The file is read and verified first: one that is damaged changes nothing. Refused while Tidegate is up here.
    """
    place = options.place(home)
    held, aside = archives.restore(file, place, force=force, now=time.time())
    if as_json:
        screen.document({"home": str(place.root), "made_at": held.made_at, "files": len(held.members), "aside": aside})
        return
    screen.line(f"{place.root} is restored to {moments.local(held.made_at)}; `tidegate up` serves it")
    if aside:
        screen.line(f"what was there before is in {aside}")
