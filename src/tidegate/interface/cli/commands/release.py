"""`tidegate release`."""

from typing import Annotated, Any

import typer
from rich import status as spinner

from tidegate.core.spec import settings
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.delivery.registry import ordering, reports
from tidegate.interface.api import client
from tidegate.interface.cli import exits, following, options, project, reaching, screen, starting


def release(
    *,
    model: Annotated[
        str, typer.Option("--model", help="Another model than tidegate.yaml names: mlflow://NAME/3, or a path.")
    ] = "",
    strategy: Annotated[str, typer.Option("--strategy", help="canary, or full: 100 % as soon as it has warmed up.")] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once the release has begun.")] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Watch this many seconds at most; 0: until it ends.", min=0)] = 0.0,
    reason: options.Reason = "",
    file: Annotated[str, typer.Option("--file", help="The tidegate.yaml; else the nearest here or above.")] = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Make the model's bundle, release it, and watch until it ends: 0 when it serves, 3 when it failed, 5 when it was
    rolled back, 4 when it waits for a person. Ctrl-C ends the watching only.
    """
    given = project.load(file, model=model, strategy=strategy)
    place = options.place(home)
    endpoint = given.settings.endpoint
    with client.Client(place) as api:
        api.await_ready(starting.READY_SECONDS)
        _vacant(api, endpoint)
        digest = _bundle(place, given)
        done = api.release(endpoint, settings.plain(given.settings), digest=digest, reason=reason, actor=reaching.actor())
        if not as_json:
            screen.note(f"{endpoint}: release of {done['version']} has begun; `tidegate status` shows it too")
        if no_wait:
            _say(done, as_json)
            return
        _end(api, place, done["release"], timeout, as_json=as_json)


def _vacant(api: client.Client, endpoint: str) -> None:
    """Making a bundle takes a while: a release that could not begin is refused before. Raises ReleaseInProgress."""
    seen = next((one for one in api.status()["endpoints"] if one["name"] == endpoint), None)
    under_way = seen["release"] if seen else None
    if under_way and not under_way["ended"] and under_way["phase"] != "probation":
        phase = under_way["phase"].replace("_", " ")
        raise errors.ReleaseInProgress(
            f"{endpoint} has a release of {under_way['candidate']['name']} under way ({phase}).",
            cure=f"Wait for it, or end it with `tidegate abort {endpoint}`.",
        )


def _bundle(place: homes.Home, given: project.Project) -> str:
    """The bundle is made here, where MLFLOW_TRACKING_URI and paths are those of whoever asks."""
    with spinner.Status(f"making the bundle of {given.settings.model}", console=screen.err()):
        digest = ordering.make(given.settings, place)
    if said := reports.said(place, digest):
        screen.note(f"{given.settings.endpoint}: {said}")
    return digest


def _end(api: client.Client, place: homes.Home, identifier: str, timeout: float, *, as_json: bool) -> None:
    try:
        ended = following.follow(api, identifier, timeout=timeout)
    except KeyboardInterrupt:
        screen.note("not watched any more; the release goes on (`tidegate status`)")
        raise typer.Exit(130) from None
    code = exits.of_phase(ended["phase"]) if ended["ended"] else exits.Exit.WAITING
    if as_json:
        screen.document(ended)
    else:
        screen.out().print(following.conclusion(ended))
        _hint(ended, code)
        if code is exits.Exit.OK and not ended["stable"]:
            screen.line(starting.ready_line(place, api.endpoint(ended["endpoint"])))
    raise typer.Exit(code)


def _hint(ended: dict[str, Any], code: exits.Exit) -> None:
    """What to type next."""
    name = ended["endpoint"]
    if code is exits.Exit.WAITING and ended["phase"] in following.PERSONS:
        screen.note(f"next: `tidegate status {name}`, then resume, promote, abort or rollback")
    elif code in {exits.Exit.REFUSED, exits.Exit.ROLLED_BACK}:
        screen.note(f"next: `tidegate logs {name}/{ended['candidate']['name']}` has the model's own words")


def _say(done: dict[str, Any], as_json: bool) -> None:
    if as_json:
        screen.document(done)
