"""Bringing Tidegate up: what has to be there before, and the first release after."""

import contextlib
import os
import secrets
from collections.abc import Callable
from typing import Any

from tidegate.core.spec import settings
from tidegate.core.vocabulary import errors, home
from tidegate.delivery.sources import asking
from tidegate.interface.api import client
from tidegate.interface.cli import curl, following, project, reaching

READY_SECONDS = 90.0
"""How long the API and control may take to come up, on a machine that is busy with something else."""
SERVES = frozenset({"probation", "succeeded"})
Say = Callable[[str], None]


def prepare(place: home.Home) -> None:
    """The home with its token, readable by this account only. Raises ProcessError, DiskFull."""
    try:
        place.prepare()
        with contextlib.suppress(FileExistsError):
            file = os.open(place.token, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with os.fdopen(file, "w") as token:
                token.write(secrets.token_urlsafe(32) + "\n")
    except OSError as failed:
        raise errors.ProcessError(f"it cannot be used: {failed.strerror or failed}.", where=str(place.root)) from failed


def first_release(api: client.Client, given: project.Project, say: Say) -> dict[str, Any]:
    """Release the project's model where its endpoint has none yet; the endpoint as it then is.

    `say` hears what happens. Raises what the release is refused with, or ModelError when it fails.
    """
    name = given.settings.endpoint
    before: dict[str, Any] | None = next((one for one in api.status()["endpoints"] if one["name"] == name), None)
    release = before["release"] if before else None
    if before and before["stable"]:
        return before
    if given.settings.follow and (release is None or release["ended"]) and not _is_there(given):
        api.follow(name, settings.plain(given.settings), actor=reaching.actor())
        say(f"{name}: {given.settings.model} is not there yet; it is released as soon as it is.")
        waiting: dict[str, Any] = api.endpoint(name)
        return waiting
    if release is None or release["ended"]:
        say(f"{name}: first release, of {given.settings.model}. There is no stable yet, so its strategy is skipped.")
        written = settings.plain(given.settings)
        done = api.release(
            name, written, model=given.settings.model, reason="first release, by `tidegate up`", actor=reaching.actor()
        )
        release = {"id": done["release"]}
    ended = following.follow(api, release["id"], until=SERVES)
    if ended["phase"] not in SERVES:
        raise errors.ModelLoadFailed(
            f"{name} {ended['candidate']['name']}: {ended['reason'] or ended['phase']}.",
            cure=f"`tidegate logs {name}/{ended['candidate']['name']}` has its own words; mend it, then `tidegate release`.",
        )
    served: dict[str, Any] = api.endpoint(name)
    return served


def _is_there(given: project.Project) -> bool:
    """Whether the model reference means anything yet."""
    try:
        asking.resolve(given.settings.model)
    except (errors.ModelUnknown, errors.ModelSourceInvalid):
        return False
    return True


def ready_line(place: home.Home, endpoint: dict[str, Any]) -> str:
    """What to paste once an endpoint answers."""
    stable = endpoint["stable"]
    if not stable:
        return f"{endpoint['name']} serves nothing yet"
    pasted = curl.of(place, endpoint["name"], stable["digest"])
    head = f"{endpoint['name']} is served by {stable['name']} at {endpoint['url']}"
    return f"{head}\n\n  {pasted}\n" if pasted else head


def environment(given: project.Project | None) -> str:
    """The environment this home runs: the project's."""
    return given.settings.environment if given else home.environment()
