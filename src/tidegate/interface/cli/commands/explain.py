"""`tidegate explain`."""

from typing import Annotated

import msgspec
import typer

from tidegate.control.batch import afterwards, explaining, reasons
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, explanations
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import options, screen
from tidegate.interface.cli.views import explanation as view


def explain(
    prediction: Annotated[
        str, typer.Argument(help="The id in the response's tidegate-prediction-id header; ID/3 is a row.", metavar="[ID]")
    ] = "",
    *,
    most: Annotated[int, typer.Option("--reasons", help="Reasons told in words.", min=1, max=50)] = reasons.MOST,
    adverse: Annotated[
        bool, typer.Option("--adverse", help="In words only: why the answer is lower, or higher, than in typical cases.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Compute it now, also where it was explained afterwards.")] = False,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Why a prediction came out as it did: it is computed once more from its logged input and its bundle, held against what was
    logged, and taken apart by column of the input. The contributions add up to the answer.

    The model runs in a process of its own; everything else may be down. What was explained afterwards (`explain` in
    tidegate.yaml) is told at once. Without ID: how far that is. Ends with 3 where the answer is not the logged one any more.
    """
    place = options.place(home)
    if not prediction:
        _progress(place, as_json)
        return
    one = _explained(place, prediction, again)
    words = reasons.said(one, most, adverse=adverse)
    if as_json:
        screen.document(msgspec.to_builtins(one) | {"reasons": words})
    elif adverse:
        screen.line(words)
    else:
        for part in view.whole(one, words):
            screen.out().print(part)
    if one.agreement == explanations.DIFFERS:
        screen.note(view.differs(one))
        raise typer.Exit(3)


def _explained(place: homes.Home, prediction: str, again: bool) -> explanations.Explanation:
    try:
        with stores.Store(location.url(place), create=False) as store:
            return explaining.explain(place, store, prediction, again=again)
    except errors.StoreUnavailable:
        return explaining.explain(place, None, prediction, again=again)


def _progress(place: homes.Home, as_json: bool) -> None:
    found = afterwards.read(place)
    if as_json:
        screen.document(msgspec.to_builtins(found))
        return
    for line in view.progress(found) or ["No endpoint has its predictions explained afterwards (`explain` in tidegate.yaml)."]:
        screen.line(line)
