"""`tidegate rollback`: through control where it lives, else by writing the routing table."""

import pathlib
from collections.abc import Callable, Iterator
from typing import Annotated, Any, NamedTuple

import typer

from tidegate.core.vocabulary import errors
from tidegate.core.vocabulary import home as homes
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import client, revisions
from tidegate.interface.cli import exits, following, options, override, project, reaching, screen

_SEEN_SECONDS = 60.0


def rollback(
    endpoint: options.Endpoint = "",
    to: Annotated[
        str, typer.Option("--to", help="The version to go back to, such as v3; else stable, or the one before it.")
    ] = "",
    to_ref: Annotated[
        str, typer.Option("--to-ref", help="The version built from this git tag, branch or SHA (its beginning will do).")
    ] = "",
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Give all traffic back, and hold the model it is taken from.

    During a release traffic goes back to stable, otherwise to the version that is kept warm. With control, the API or the
    store gone, the routing table is written here and the gateways confirm it.
    """
    place = options.place(home)
    if to and to_ref:
        raise errors.VersionUnknown("--to and --to-ref both say where to go.", cure="Give one of them.")
    wanted = Aim(options.ordinal(to), to_ref)
    try:
        done = _through_control(place, endpoint, wanted, reason)
    except (errors.ProcessError, errors.StateError, errors.EndpointUnknown) as down:
        # Unknown to the store and known to the table is an endpoint whose store is gone.
        done = _by_hand(place, endpoint, wanted, reason, down)
    if as_json:
        screen.document(done)
    else:
        screen.line(done["said"])
    if not done["confirmed"]:
        raise typer.Exit(exits.Exit.WAITING)


class Aim(NamedTuple):
    """Where to, as it was asked for; neither: to the last good version."""

    to: int | None
    ref: str

    def among(self, place: homes.Home, built: Callable[[], list[revisions.Built]]) -> int | None:
        """The ordinal, of these versions where a revision is named. Raises RevisionUnknown."""
        return revisions.find(self.ref, built(), _project(place)) if self.ref else self.to


def _project(place: homes.Home) -> pathlib.Path:
    """A folder in the project's repository: that of the nearest tidegate.yaml, else the home's."""
    file = project.find()
    return file.parent if file is not None else place.root.parent


def _through_control(place: homes.Home, endpoint: str, aim: Aim, reason: str) -> dict[str, Any]:
    with client.Client(place) as api:
        named = reaching.only_endpoint(place, endpoint)
        to = aim.among(place, lambda: [_built(one) for one in api.versions(named)])
        done = api.verb(named, "rollback", reason=reason, actor=reaching.actor(), to=to)
        release = following.follow(api, done["release"], timeout=_SEEN_SECONDS, until=frozenset({"probation"}))
        settings = api.settings(release["id"])
    serving = release["stable"] if release["phase"] in {"rolled_back", "rolling_back"} else release["candidate"]
    name = serving["name"] if serving else "nothing"
    confirmed = bool(release["ended"]) or release["phase"] == "probation"
    took = f" after {release['rollback_seconds']:.2f} s" if release["rollback_seconds"] else ""
    said = (
        f"{named}: all traffic is on {name}{took}"
        if confirmed
        else f"{named}: still going back to {name}; `tidegate status` shows it"
    )
    told = {"endpoint": named, "by": "control", "version": name, "confirmed": confirmed, "release": release["id"]}
    return told | {"settings": settings, "said": "\n".join([said, *_settings(settings)])}


def _settings(changed: list[dict[str, Any]]) -> Iterator[str]:
    """Which settings come with the version that traffic is on now."""
    if changed:
        told = "; ".join(f"{one['key']}: {one['now']} (was {one['before']})" for one in changed)
        yield f"Settings that come with it: {told}."


def _built(told: dict[str, Any]) -> revisions.Built:
    return revisions.Built(told["ordinal"], told["digest"], told["revision"], told["released"], told["held"], told["here"])


def _by_hand(place: homes.Home, endpoint: str, aim: Aim, reason: str, down: errors.TidegateError) -> dict[str, Any]:
    routes = tablefile.read(place.table).routes
    named = endpoint or _only(list(routes))
    if named not in routes:
        raise down
    to = aim.among(place, lambda: revisions.of_route(place, routes[named]))
    written = override.roll_back(place, named, to, actor=reaching.actor(), reason=reason)
    said = (
        f"{named}: all traffic is on {written.now}, taken from {written.before}; written to the routing table "
        f"(generation {written.generation}) since control cannot be asked ({down.code})."
    )
    if written.silent:
        said += f" Not confirmed by {', '.join(written.silent)}: `tidegate logs {written.silent[0]}` says why."
    elif not written.confirmed:
        said += " No gateway is up: it counts from the next `tidegate up`."
    else:
        said += f" Confirmed by {', '.join(written.confirmed)}. Control will record it when it is back."
    said += " Settings stay as they are until then."
    return {
        "endpoint": named,
        "by": "hand",
        "version": written.now,
        "confirmed": bool(written.confirmed) and not written.silent,
        "generation": written.generation,
        "said": said,
    }


def _only(names: list[str]) -> str:
    if len(names) <= 1:
        return "".join(names)
    raise errors.EndpointUnknown("there are several endpoints.", cure=f"Name one of them: {', '.join(sorted(names))}.")
