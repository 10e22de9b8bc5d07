"""`tidegate promote | pause | resume | abort | retry | approve | reject | hold | unhold | adopt`: one word to control."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from tidegate.core.vocabulary import home as homes
from tidegate.interface.api import client
from tidegate.interface.cli import options, reaching, screen


def _verb(name: str, words: str) -> Callable[..., None]:
    """A command that has nothing of its own to say to control but its name."""

    def verb(
        endpoint: options.Endpoint = "", reason: options.Reason = "", as_json: options.Json = False, home: options.Home = ""
    ) -> None:
        _tell(name, endpoint, reason, as_json, home)

    verb.__name__, verb.__doc__ = name, words
    return verb


promote = _verb(
    "promote",
    "Give the candidate all traffic now, without waiting for evidence. The release is recorded as promoted without it.",
)
pause = _verb("pause", "Stop the release where it is: the weights stay, evidence goes on, a failure still rolls back.")
resume = _verb("resume", "Let a paused release go on from the step it was paused in.")
abort = _verb("abort", "End a release: all traffic goes back to stable. The model is not held, so it may be released again.")
retry = _verb(
    "retry",
    "Release the model of the last release once more, after it failed, was aborted or its hold was cleared.\n\n"
    "Each attempt has to prove more than the one before, and goes on from the evidence against it, so that trying again "
    "and again proves nothing by itself.",
)
approve = _verb(
    "approve", "Say yes to the very model that waits for approval; with the last yes that is needed the release goes on."
)
reject = _verb("reject", "Say no: the release ends before any traffic.")


def hold(
    endpoint: options.Endpoint = "",
    version: Annotated[
        str, typer.Option("--version", help="The version whose model is held, such as v3; else the last one.")
    ] = "",
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Refuse a model from now on, until `tidegate unhold`. What it serves now it goes on serving."""
    _tell("hold", endpoint, reason, as_json, home, to=options.ordinal(version))


def unhold(
    endpoint: options.Endpoint = "",
    digest: Annotated[str, typer.Option("--digest", help="Only the hold on this model digest, or its beginning.")] = "",
    reason: options.Reason = "",
    as_json: options.Json = False,
    home: options.Home = "",
) -> None:
    """Allow a model again that was rolled back. `tidegate status` shows what is held."""
    _tell("unhold", endpoint, reason, as_json, home, digest=digest)


def adopt(reason: options.Reason = "", as_json: options.Json = False, home: options.Home = "") -> None:
    """Take the routing table as the truth, after the store was restored from a backup and is behind it."""
    with client.Client(options.place(home)) as api:
        done = api.adopt(reason=reason, actor=reaching.actor())
    _say(done, "the routing table is the truth now", as_json)


def _tell(verb: str, endpoint: str, reason: str, as_json: bool, home: str, **more: object) -> None:
    place: homes.Home = options.place(home)
    with client.Client(place) as api:
        named = reaching.only_endpoint(place, endpoint)
        done = api.verb(named, verb, reason=reason, actor=reaching.actor(), **more)
    _say(done, f"{named}: {verb} done", as_json)


def _say(done: dict[str, Any], otherwise: str, as_json: bool) -> None:
    if as_json:
        screen.document(done)
        return
    said = f"{done['version']} is {done['phase'].replace('_', ' ')}" if done["phase"] else otherwise
    screen.line(f"{said}. {done['reason']}".rstrip(" ."))
