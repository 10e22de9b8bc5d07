"""`tidegate verdict`."""

from typing import Annotated

import msgspec
import typer

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.decide import record
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.interface.cli import options, reaching, screen
from tidegate.interface.cli.views import verdict as view


def verdict(
    of: Annotated[str, typer.Argument(help="A release, or an endpoint: its newest.", metavar="[RELEASE|ENDPOINT]")] = "",
    generation: Annotated[
        int | None, typer.Option("--generation", help="As it stood at this step of the release, from 0; else the newest.", min=0)
    ] = None,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """How the evidence of a release stands: every number, the rule it is held to, and whether it comes out again.

    `--json` has all that the verdict was computed from. Reads the store, so it works with everything down.
    """
    place = options.place(home)
    release = _release(place, of)
    with stores.Store(location.url(place), create=False) as store:
        judged = store.judged(release, generation)
    if judged is None:
        raise errors.ReleaseUnknown(
            f"no verdict of {release!r} is kept.", cure="`tidegate history` lists releases; one that compared nothing has none."
        )
    looked = record.read(judged.inputs) if judged.inputs else None
    if looked is not None and not record.same(record.again(looked), judged.verdict):
        raise errors.StateError(
            f"the verdict of {release} at generation {judged.generation} does not come out of what it was computed from.",
            cure="`tidegate audit verify` says whether the store was changed by hand.",
        )
    if as_json:
        told = msgspec.to_builtins(judged.verdict)
        shown = {"release": release, "generation": judged.generation, "at": judged.at, "verdict": told, "from": judged.inputs}
        screen.document(shown)
        return
    terminal = screen.out()
    for part in view.whole(judged.verdict, looked):
        terminal.print(part)


def _release(place: homes.Home, of: str) -> str:
    """The id of the release meant. Raises EndpointUnknown, ReleaseUnknown for an endpoint that has had none."""
    there = {one["name"]: one for one in reaching.endpoints(place)}
    named = of or (next(iter(there)) if len(there) == 1 else reaching.only_endpoint(place, ""))
    endpoint = there.get(named)
    if endpoint is None:
        return named
    if not endpoint["release"]:
        raise errors.ReleaseUnknown(f"{named} has had no release.", cure="Release a model first.")
    return str(endpoint["release"]["id"])
