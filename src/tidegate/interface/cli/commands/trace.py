"""`tidegate trace`."""

from typing import Annotated

import msgspec
import typer

from tidegate.control.loop import trace as tracing
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import options, screen


def trace(
    prediction: Annotated[str, typer.Argument(help="The id in the response's tidegate-prediction-id header.", metavar="ID")],
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """From a prediction id to its request, version, release, bundle, training run and the data behind it.

    Reads the files, so it works with everything down.
    """
    place = options.place(home)
    walked = _walk(place, prediction)
    if as_json:
        screen.document(msgspec.to_builtins(walked))
        return
    for line in tracing.lines(walked):
        screen.line(line)


def _walk(place: homes.Home, prediction: str) -> tracing.Trace:
    try:
        with stores.Store(location.url(place), create=False) as store:
            return tracing.trace(place, store, prediction)
    except errors.StoreUnavailable:
        return tracing.trace(place, None, prediction)
