"""The store, opened when first needed and again after it was away. The API must live, and say so, while it is."""

import threading
import time

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home

AGAIN_SECONDS = 1.0
"""A server that could not be reached is not tried again sooner: each try may take seconds, and everybody asks."""


class Shelf:
    """Hands out the store. `environment`: the one this Tidegate runs."""

    def __init__(self, place: home.Home, environment: str) -> None:
        self.home, self.environment = place, environment
        self._store: stores.Store | None = None
        self._file: tuple[int, int] = (0, 0)
        self._gone: tuple[float, errors.StoreUnavailable] | None = None
        self._lock = threading.Lock()

    def store(self) -> stores.Store:
        """The store as it is now. Raises StoreUnavailable when it is not there or cannot be opened."""
        if location.is_server(self.home):
            with self._lock:
                return self._of_server()
        try:
            found = self.home.store.stat()
        except OSError as gone:
            cure = "Predictions go on; releases wait until it is back."
            raise errors.StoreUnavailable("the store is not there.", where=str(self.home.store), cure=cure) from gone
        with self._lock:
            if self._store is None or self._file != (found.st_dev, found.st_ino):
                self._drop()
                self._store = stores.Store(location.url(self.home), create=False)
                self._file = (found.st_dev, found.st_ino)
            return self._store

    def close(self) -> None:
        """Give its connections back."""
        with self._lock:
            self._drop()

    def _of_server(self) -> stores.Store:
        """Opened once: its connections mend themselves."""
        if self._store is not None:
            return self._store
        if self._gone is not None and time.monotonic() < self._gone[0]:
            raise self._gone[1]
        try:
            self._store = stores.Store(location.url(self.home), create=False)
        except errors.StoreUnavailable as gone:
            self._gone = (time.monotonic() + AGAIN_SECONDS, gone)
            raise
        return self._store

    def _drop(self) -> None:
        if self._store is not None:
            self._store.close()
            self._store = None
