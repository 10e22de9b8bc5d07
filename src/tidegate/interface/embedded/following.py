"""A new stable on the fly: the routing table is the truth, and it is looked at a few times a second."""

import logging
import threading
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home, tables
from tidegate.dataplane.wire import tablefile
from tidegate.interface.embedded import model

LOOK_SECONDS = 0.2
_log = logging.getLogger(__name__)


def stable(place: home.Home, endpoint: str) -> tables.Route:
    """The route of an endpoint. Raises EndpointUnknown listing those that are served, TableUnreadable."""
    routes = tablefile.read(place.table).routes
    if endpoint not in routes:
        known = ", ".join(sorted(routes)) or "none yet"
        raise errors.EndpointUnknown(f"there is no endpoint {endpoint!r}.", cure=f"There are: {known}.")
    return routes[endpoint]


def begin(place: home.Home, embedded: model.Embedded, endpoint: str, load: Callable[[tables.Route], model.Loaded]) -> None:
    """Bring each new stable of the endpoint into `embedded` until that is closed; the old one answers while the new one loads.

    One that does not load is told in the log and leaves the old one answering; it is tried again when the table changes.
    """

    def follow() -> None:
        seen = _stamp(place)
        while not embedded.closed.wait(LOOK_SECONDS):
            stamp = _stamp(place)
            if stamp == seen:
                continue
            seen = stamp
            try:
                route = stable(place, endpoint)
                embedded.replace(load(route))
            except errors.TidegateError as wrong:
                _log.warning("the new stable of %s is not taken: %s", endpoint, wrong, extra={"code": wrong.code})

    threading.Thread(target=follow, name=f"tidegate-follow-{endpoint}", daemon=True).start()


def _stamp(place: home.Home) -> tuple[int, int]:
    try:
        told = place.table.stat()
    except OSError:
        return (0, 0)
    return (told.st_mtime_ns, told.st_ino)
