"""`tidegate demo`."""

import enum
import pathlib
from typing import Annotated

import typer

from tidegate.interface.cli import screen
from tidegate.interface.demo import options as asked
from tidegate.interface.demo import stories


class Story(enum.StrEnum):
    """The stories there are."""

    FLIGHTS = "flights"


def demo(
    story: Annotated[Story, typer.Argument(help="Which one.")] = Story.FLIGHTS,
    *,
    fast: Annotated[bool, typer.Option("--fast", help="At most a minute after training, instead of up to four.")] = False,
    json_file: Annotated[str, typer.Option("--json", help="Write the result to this file as JSON.", metavar="FILE")] = "",
    port: Annotated[int, typer.Option("--port", help="Where the gateway listens; 0: any free port.", min=0, max=65535)] = 8080,
    plain: Annotated[bool, typer.Option("--plain", help="Lines instead of a live screen.")] = False,
    keep_up: Annotated[bool, typer.Option("--keep-up", help="Leave Tidegate up at the end, to look around.")] = False,
    home: Annotated[str, typer.Option("--home", help="The demo's own directory.")] = "tidegate-demo",
) -> None:
    """336,776 real flights of 2013: a model is released, its successor promoted on evidence, and two broken ones are rolled
    back by themselves. Ends with 1 when it did not come out so.
    """
    folder, result = pathlib.Path(home), pathlib.Path(json_file) if json_file else None
    told = {Story.FLIGHTS: stories.flights}[story]
    options = asked.Options(folder=folder, fast=fast, port=port, json_file=result, plain=plain, keep_up=keep_up)
    raise typer.Exit(told(options, screen.out()))
