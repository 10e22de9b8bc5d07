"""The control API where it answers, the files where it does not."""

import importlib
import os
import pwd
from typing import Any

from tidegate.core.vocabulary import errors, home, instances
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import client

SILENT = (errors.ApiUnreachable, errors.NotRunning)


def status(place: home.Home) -> dict[str, Any]:
    """`standing.Status` as JSON. Raises NotRunning where nothing of this home is up."""
    try:
        with client.Client(place) as api:
            return api.status()
    except SILENT:
        if not anything_alive(place):
            raise errors.NotRunning(where=str(place.root)) from None
    return _by_files(place)


def _by_files(place: home.Home) -> dict[str, Any]:
    # The store and all that reads it are needed only now: they would double the time of every status.
    found: dict[str, Any] = importlib.import_module("tidegate.interface.cli.offline").status(place)
    return found


def anything_alive(place: home.Home) -> bool:
    """Whether any process of this home holds its lock."""
    return any(instances.holder(place.instances, path.stem) for path in place.instances.glob("*.lock"))


def endpoints(place: home.Home) -> list[dict[str, Any]]:
    """All endpoints, as `status` has them; with nothing up, as the files have them."""
    try:
        found = status(place)
    except errors.NotRunning:
        found = _by_files(place)
    return list(found["endpoints"])


def only_endpoint(place: home.Home, given: str) -> str:
    """The endpoint named, or the only one there is. Raises EndpointUnknown."""
    if given:
        return given
    names = [one["name"] for one in status(place)["endpoints"]]
    if len(names) == 1:
        return str(names[0])
    if not names:
        raise errors.EndpointUnknown("there is no endpoint yet.", cure="`tidegate release` makes the first one.")
    raise errors.EndpointUnknown("there are several endpoints.", cure=f"Name one of them: {', '.join(names)}.")


def bearer(place: home.Home, endpoint: str = "") -> str:
    """The token to show to a gateway; empty where the endpoint asks for none (without a name: where none does)."""
    try:
        routes = tablefile.read(place.table).routes
    except (errors.StateError, OSError):
        return ""
    asking = [route for name, route in routes.items() if route.tokens and endpoint in ("", name)]
    return client.own_token(place) if asking else ""


def actor() -> str:
    """Whose account this is, for the event log: what a shell can set says nothing."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name[:64]
    except KeyError:
        return "operator"
