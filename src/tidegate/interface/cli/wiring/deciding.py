"""Control: the loop with the SQLite store and this machine as target."""

import logging
import time

from tidegate.control.loop import loop
from tidegate.control.store import database
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.targets import local
from tidegate.dataplane.wire import tablefile

LOOK_SECONDS = 0.5
log = logging.getLogger(__name__)


def run(place: home.Home, name: str, environment: str) -> int:
    """Decide until SIGTERM; returns the exit code. Raises StoreUnavailable when the store cannot be opened."""
    _await_store(place)
    with stores.Store(database.sqlite_url(place.store)) as store:
        loop.run(place, name, store, local.Local(place), environment)
    return 0


def _await_store(place: home.Home) -> None:
    """A table without its store means that the store was moved away: an empty one in its place would only hide that.

    Until it is back there is no control; predictions go on, and `tidegate rollback` writes the table.
    """
    said = False
    while not place.store.exists() and _routed(place):
        if not said:
            gone = errors.StoreUnavailable(
                "the store is not there.", where=str(place.store), cure="Put it back; control waits for it."
            )
            log.error(str(gone), extra={"code": gone.code})
            said = True
        time.sleep(LOOK_SECONDS)


def _routed(place: home.Home) -> bool:
    try:
        return tablefile.read(place.table).generation > 0
    except errors.StateError:
        return True
