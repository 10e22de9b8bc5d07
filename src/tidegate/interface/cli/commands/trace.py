"""`tidegate trace`."""

from typing import Annotated

import msgspec
import typer

from tidegate.control.loop import openlineage
from tidegate.control.loop import trace as tracing
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import options, screen
from tidegate.interface.cli.views import trace as view


def trace(
    prediction: Annotated[str, typer.Argument(help="The id in the response's tidegate-prediction-id header.", metavar="ID")],
    *,
    as_openlineage: Annotated[
        bool, typer.Option("--openlineage", help="As OpenLineage run events: the training's, then the prediction's.")
    ] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """From a prediction id to its request, arm and rho, version, bundle, training run and the data behind it, and to what the
    checks of its release found and who approved it.

    Reads the files, so it works with everything down.
    """
    place = options.place(home)
    walked = _walk(place, prediction)
    if as_openlineage:
        screen.document(openlineage.events(walked))
    elif as_json:
        screen.document(msgspec.to_builtins(walked))
    else:
        for line in view.lines(walked):
            screen.line(line)


def _walk(place: homes.Home, prediction: str) -> tracing.Trace:
    try:
        with stores.Store(location.url(place), create=False) as store:
            return tracing.trace(place, store, prediction)
    except errors.StoreUnavailable:
        return tracing.trace(place, None, prediction)
