"""Control: the loop with the home's store and this machine as target."""

import logging
import time

from tidegate.control.loop import loop
from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.targets import local
from tidegate.dataplane.wire import tablefile

LOOK_SECONDS = 0.5
log = logging.getLogger(__name__)


def run(place: home.Home, name: str, environment: str) -> int:
    """Decide until SIGTERM; returns the exit code. Raises StoreUnavailable when the store's file cannot be opened."""
    with _await_store(place) as store:
        loop.run(place, name, store, local.Local(place), environment)
    return 0


def _await_store(place: home.Home) -> stores.Store:
    """The store, once it is there.

    A table without its store means that the store was moved away, or that the server has an empty one in its place: a new one
    would only hide that. Until it is back there is no control; predictions go on, and `tidegate rollback` writes the table.
    """
    said = ""
    while True:
        try:
            if location.is_server(place):
                return stores.Store(location.url(place), create=not _routed(place))
            if place.store.exists() or not _routed(place):
                return stores.Store(location.url(place))
            raise errors.StoreUnavailable(
                "the store is not there.", where=str(place.store), cure="Put it back; control waits for it."
            )
        except errors.StoreUnavailable as gone:
            if place.store.exists() and not location.is_server(place):
                raise
            if str(gone) != said:
                log.log(logging.ERROR, str(gone), extra={"code": gone.code})
                said = str(gone)
        time.sleep(LOOK_SECONDS)


def _routed(place: home.Home) -> bool:
    try:
        return tablefile.read(place.table).generation > 0
    except errors.StateError:
        return True
