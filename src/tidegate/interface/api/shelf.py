"""The store, opened when first needed and again after it was away. The API must live, and say so, while it is."""

import threading

from tidegate.control.store import database
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home


class Shelf:
    """Hands out the store. `environment`: the one this Tidegate runs."""

    def __init__(self, place: home.Home, environment: str) -> None:
        self.home, self.environment = place, environment
        self._store: stores.Store | None = None
        self._file: tuple[int, int] = (0, 0)
        self._lock = threading.Lock()

    def store(self) -> stores.Store:
        """The store as it lies on the disk now. Raises StoreUnavailable when it is not there or cannot be opened."""
        try:
            found = self.home.store.stat()
        except OSError as gone:
            cure = "Predictions go on; releases wait until it is back."
            raise errors.StoreUnavailable("the store is not there.", where=str(self.home.store), cure=cure) from gone
        with self._lock:
            if self._store is None or self._file != (found.st_dev, found.st_ino):
                self._drop()
                self._store = stores.Store(database.sqlite_url(self.home.store), create=False)
                self._file = (found.st_dev, found.st_ino)
            return self._store

    def close(self) -> None:
        """Give its connections back."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
