"""`tidegate logs`."""

import json
import sys
import time
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.predlog import reader
from tidegate.interface.api import moments
from tidegate.interface.cli import logbook, options, screen, sightings, words

_LOOK_SECONDS = 0.2


def logs(
    whose: Annotated[
        str, typer.Argument(help="A process (control, gateway-0, ...), an endpoint, or ENDPOINT/VERSION.", show_default=False)
    ] = "",
    *,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on as lines are written, until Ctrl-C.")] = False,
    lines: Annotated[int, typer.Option("--lines", "-n", help="Lines to begin with.", min=0, max=100_000)] = 50,
    prediction: Annotated[
        str,
        typer.Option("--prediction", help="Only what is about this prediction, of all processes and from the log.", metavar="ID"),
    ] = "",
    request: Annotated[
        str, typer.Option("--request", help="Likewise, by the x-request-id that the client sent.", metavar="ID")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="The lines as they were written: a JSON object each.")] = False,
    home: options.Home = "",
) -> None:
    """What the processes say, merged by time. For an endpoint or a version also why its latest predictions failed, in the
    model's own words. With `--prediction` or `--request`: that one request, across processes.
    """
    place = options.place(home)
    if prediction or request:
        for fields in sightings.lines(place, sightings.predictions(place, prediction, request)):
            _print(fields, as_json)
        return
    files = logbook.files(place, whose)
    found, offsets = logbook.merged(files, lines)
    for fields in found:
        _print(fields, as_json)
    if not as_json:
        _failures(place, whose)
    if not follow:
        return
    try:
        while True:
            time.sleep(_LOOK_SECONDS)
            for path in logbook.files(place, whose):
                fresh, offsets[path] = logbook.more(path, offsets.get(path, 0))
                for line in fresh:
                    _print(logbook.parse(line, path.stem), as_json)
            sys.stdout.flush()
    except KeyboardInterrupt:
        return


def _failures(place: homes.Home, whose: str) -> None:
    """Why predictions failed, as they were logged; nothing for a process that answers none."""
    endpoint, _, version = whose.partition("/")
    if not endpoint or (place.logs / f"{endpoint}.log").exists():
        return
    ordinal = int(version.removeprefix("v")) if version.removeprefix("v").isdecimal() else 0
    for one in reader.failures(place, endpoint, ordinal):
        what = words.count(one.requests, "failed copy" if one.copies else "failed prediction").replace("copys", "copies")
        head = f"{moments.local(one.last_ns / 1e9)}  v{one.version}  {what}"
        screen.line(f"{head}, the last {one.example}:")
        screen.line(f"    {one.error}")


def _print(fields: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.line(json.dumps(fields, ensure_ascii=False))
        return
    for line in logbook.shown(fields):
        screen.line(line)
