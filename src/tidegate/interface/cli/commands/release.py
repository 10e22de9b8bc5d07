"""`tidegate release`."""

from typing import Annotated, Any

import typer
from rich import status as spinner

from tidegate.core.spec import settings
from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.delivery.registry import ordering, reports
from tidegate.delivery.training import basis
from tidegate.interface.api import client
from tidegate.interface.cli import exits, following, joint, options, project, reaching, screen, starting


def release(
    *,
    model: Annotated[
        str, typer.Option("--model", help="Another model than tidegate.yaml names: mlflow://NAME/3, or a path.")
    ] = "",
    strategy: Annotated[
        str, typer.Option("--strategy", help="Another strategy than the file's, or several with commas: shadow,canary.")
    ] = "",
    no_wait: Annotated[bool, typer.Option("--no-wait", help="Return once the release has begun.")] = False,
    through_probation: Annotated[
        bool, typer.Option("--through-probation", help="Watch the probation, too, until the version before is let go.")
    ] = False,
    timeout: Annotated[float, typer.Option("--timeout", help="Watch this many seconds at most; 0: until it ends.", min=0)] = 0.0,
    reason: options.Reason = "",
    file: Annotated[
        list[str] | None,
        typer.Option(
            "--file",
            help="The tidegate.yaml; else the nearest here or above. Several of one `group`: released together, all or none.",
        ),
    ] = None,
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Make the model's bundle, release it, and watch until it has all traffic: 0 when it serves (its probation goes on), 3 when
    it failed, 5 when it was rolled back, 4 when it waits for a person. Ctrl-C ends the watching only.
    """
    files = file or [""]
    given = [project.load(one, model=model, strategy=strategy) for one in files]
    group = joint.name(given, model)
    place = options.place(home)
    with client.Client(place) as api:
        api.await_ready(starting.READY_SECONDS)
        for one in given:
            _vacant(api, one.settings.endpoint)
        digests = [_bundle(place, one) for one in given]
        if len(given) > 1:
            begun = joint.begin(api, group, given, digests, reason)
        else:
            asked = settings.plain(given[0].settings)
            begun = [api.release(given[0].settings.endpoint, asked, digest=digests[0], reason=reason, actor=reaching.actor())]
        if not as_json:
            for one, done in zip(given, begun, strict=True):
                screen.note(f"{one.settings.endpoint}: release of {done['version']} has begun; `tidegate status` shows it too")
        if no_wait:
            if as_json:
                screen.document(begun[0] if len(begun) == 1 else begun)
            return
        until = frozenset() if through_probation else frozenset({"probation"})
        _end(api, place, [one["release"] for one in begun], joint.Watching(timeout, until), as_json=as_json)


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
    if told := basis.said(place, digest):
        screen.note(f"{given.settings.endpoint}: {told}")
    return digest


def _end(api: client.Client, place: homes.Home, identifiers: list[str], watching: joint.Watching, *, as_json: bool) -> None:
    try:
        ended = joint.follow(api, identifiers, watching)
    except KeyboardInterrupt:
        screen.note("not watched any more; the release goes on (`tidegate status`)")
        raise typer.Exit(130) from None
    codes = [
        exits.of_phase(one["phase"]) if one["ended"] or one["phase"] in watching.until else exits.Exit.WAITING for one in ended
    ]
    if as_json:
        screen.document(ended[0] if len(ended) == 1 else ended)
    for one, code in zip(ended, codes, strict=True) if not as_json else ():
        screen.out().print(following.conclusion(one))
        _hint(api, one, code)
        if code is exits.Exit.OK and not one["stable"]:
            screen.line(starting.ready_line(place, api.endpoint(one["endpoint"])))
    raise typer.Exit(max(codes, key=joint.WORSE.index))


def _hint(api: client.Client, ended: dict[str, Any], code: exits.Exit) -> None:
    """What to type next."""
    name = ended["endpoint"]
    if ended["phase"] == "probation":
        back = "recreates the version before" if ended["gap_seconds"] else "goes back in one write"
        screen.note(f"in probation: `tidegate rollback {name}` {back}; --through-probation waits for its end")
    elif ended["phase"] == "awaiting_approval":
        screen.note(f"next: `tidegate approve {name}` or `tidegate reject {name}`, by one who may")
    elif code is exits.Exit.WAITING and ended["phase"] in following.PERSONS:
        screen.note(f"next: `tidegate status {name}`, then resume, promote, abort or rollback")
    elif code is exits.Exit.REFUSED and (broken := [one["name"] for one in api.checks(ended["id"]) if not one["passed"]]):
        if "contract" in broken:
            screen.note(
                "next: release it at an endpoint of its own (`endpoint` in tidegate.yaml), or make it answer as stable does"
            )
    elif code in {exits.Exit.REFUSED, exits.Exit.ROLLED_BACK}:
        screen.note(f"next: `tidegate logs {name}/{ended['candidate']['name']}` has the model's own words")
