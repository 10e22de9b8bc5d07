"""Control: the loop with the SQLite store and this machine as target."""

from tidegate.control.loop import loop
from tidegate.control.store import database
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import home
from tidegate.dataplane.targets import local


def run(place: home.Home, name: str, environment: str) -> int:
    """Decide until SIGTERM; returns the exit code. Raises StoreUnavailable when the store cannot be opened."""
    with stores.Store(database.sqlite_url(place.store)) as store:
        loop.run(place, name, store, local.Local(place), environment)
    return 0
