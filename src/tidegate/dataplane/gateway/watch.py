"""The routing table on disk, looked at 50 times a second. One that cannot be read changes nothing: the last good one stays."""

import logging
import pathlib
import time

from tidegate.core.vocabulary import errors, tables
from tidegate.dataplane.gateway import endpoints
from tidegate.dataplane.wire import tablefile

logger = logging.getLogger(__name__)


class Watch:
    """Follows one table file."""

    def __init__(self, path: pathlib.Path, obeying: endpoints.Endpoints) -> None:
        self._path, self._endpoints = path, obeying
        self._seen: tuple[int, int, int] | None = None

    def look(self) -> bool:
        """Adopt the table if the file has changed; whether another table is in force now."""
        try:
            status = self._path.stat()
        except OSError:
            return False  # not written yet, or gone: neither is a reason to stop serving
        seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        if seen == self._seen:
            return False
        self._seen = seen
        try:
            table = tablefile.read(self._path)
            if table is tables.EMPTY:
                return False  # removed since it was looked at
            self._endpoints.adopt(table, time.monotonic())
        except (errors.StateError, OSError) as unreadable:
            detail = {"detail": str(unreadable), "generation": self._endpoints.generation}
            logger.error("the routing table cannot be read; the last good one stays in force", extra=detail)  # noqa: TRY400
            return False
        logger.info("table adopted", extra={"generation": self._endpoints.generation})
        return True
