"""`tidegate lineage`."""

from typing import Annotated

import msgspec
import typer

from tidegate.control.loop import lineage as walking
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import logged, options, screen
from tidegate.interface.cli.views import lineage as view


def lineage(
    of: Annotated[str, typer.Argument(help="What its versions came from; one of them.", metavar="[ENDPOINT[/vN]]")] = "",
    *,
    data: Annotated[str, typer.Option("--data", help="The sha256 of a data snapshot, or how it begins: what came of it.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """What was made from a data snapshot: every version of every endpoint, whether it serves now, and how many predictions it has
    served from when to when; then, in words, what happens to them if the data is deleted. Without `--data`, the way up: what the
    versions of an endpoint came from.

    Reads the files, so it works with everything down.
    """
    if data and of:
        raise errors.BodyMalformed("an endpoint and --data both say what to look for.", cure="Give one of them.")
    place = options.place(home)
    with stores.Store(location.url(place), create=False) as store:
        if data:
            found = walking.of(place, store, homes.environment(), data)
            shown, lines = msgspec.to_builtins(found), view.downwards(found)
        else:
            endpoint, _, version = of.partition("/")
            origins = walking.origins(place, store, logged.row(store, endpoint), options.ordinal(version))
            shown, lines = msgspec.to_builtins(origins), view.upwards(origins)
    if as_json:
        screen.document(shown)
        return
    for line in lines:
        screen.line(line)
