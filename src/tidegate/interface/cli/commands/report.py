"""`tidegate report`."""

import pathlib
import time
from typing import Annotated

import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.interface.api import accounts
from tidegate.interface.cli import logged, options, screen, words
from tidegate.observability.report import document


def report(
    endpoint: options.Endpoint = "",
    *,
    since: Annotated[str, typer.Option("--since", help="From then on: 7d, 2026-03-01.")] = "7d",
    until: Annotated[str, typer.Option("--to", help="Until then.")] = "now",
    out: Annotated[str, typer.Option("--out", help="The file; else ENDPOINT-report.html here.")] = "",
    home: options.Home = "",
) -> None:
    """Write what became of an endpoint into one HTML file that stands on its own: traffic by version, errors and times, releases
    with their harm, alarms with what was done, drift, data quality, availability, the log, and what to look at next.

    It asks nothing of anybody, holds no script, and prints. Reads files; everything may be down, and what cannot be read is
    said in it.
    """
    place, now = options.place(home), time.time()
    with stores.Store(location.url(place), create=False) as store:
        row = logged.row(store, endpoint)
        told = accounts.gather(place, store, row, *logged.span(since, until, now, ("--since", "--to")))
    path = pathlib.Path(out or f"{row.name}-report.html")
    try:
        path.write_text(document.draw(told, now))
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError) as failed:
        cure = "Name a file in a folder that is there."
        raise errors.SpecInvalid(
            f"the report cannot be written: {failed.strerror}.", where=f"--out {path}", cure=cure
        ) from failed
    except OSError as failed:
        raise errors.DiskFull(f"the report cannot be written: {failed.strerror}.", where=str(path)) from failed
    counted = words.count(len(told.released), "release"), words.count(len(told.alarms), "alarm")
    screen.line(f"{path}: {row.name}, {counted[0]}, {counted[1]}")
