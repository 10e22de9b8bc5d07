"""`tidegate backup`."""

import pathlib
import time
from typing import Annotated

import typer

from tidegate.control.loop import archives
from tidegate.core.vocabulary import amounts
from tidegate.interface.cli import options, screen, words


def backup(
    file: Annotated[pathlib.Path, typer.Argument(help="The file to write, such as tidegate.tar.gz.")],
    *,
    log: Annotated[bool, typer.Option("--log", help="The prediction log, too.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Write everything that was decided (releases, events, tokens, the routing table), and all models, into one file.

    Everything may go on meanwhile. The file holds the control API's token and is readable by this account only.
    """
    place = options.place(home)
    made = archives.write(place, file, log=log, now=time.time())
    if as_json:
        screen.document({"file": str(file), "bytes": file.stat().st_size, "files": len(made.members), "log": made.log})
    else:
        held = "with the prediction log" if made.log else "without the prediction log (--log)"
        screen.line(f"{file}: {words.count(len(made.members), 'file')}, {amounts.size(file.stat().st_size)}, {held}")
