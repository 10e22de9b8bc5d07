"""Predictions of this process in a home's prediction log: one incarnation a process, one record a call."""

import logging
import os
import secrets
import socket
import threading
from collections.abc import Callable

from tidegate.core.vocabulary import errors, home, records
from tidegate.dataplane.predlog import segments

CONTENT = "embedded"
_log = logging.getLogger(__name__)


class Journal:
    """Appends for any number of threads; a process that was forked off gets an incarnation of its own."""

    def __init__(self, place: home.Home) -> None:
        self._place, self._lock = place, threading.Lock()
        self._process = 0
        self._writer: segments.Writer | None = None
        self.lost = 0
        """Predictions that were answered and could not be recorded."""

    def append(self, record: Callable[[str, str, int], records.Prediction]) -> bool:
        """Record one: `record` is given host, incarnation and sequence. False, and counted, where the disk takes no more."""
        with self._lock:
            writer = self._opened()
            try:
                writer.append((record(writer.host, writer.incarnation, writer.sequence),))
            except errors.LogUnavailable as full:
                writer.lose()
                self.lost += 1
                if self.lost & (self.lost - 1) == 0:
                    _log.warning(
                        "predictions are answered but not recorded: %s", full, extra={"code": full.code, "lost": self.lost}
                    )
                return False
        return True

    def close(self) -> None:
        """Sync what was recorded, and let go."""
        with self._lock:
            if self._writer is not None and self._process == os.getpid():
                self._writer.close()
            self._writer = None

    def _opened(self) -> segments.Writer:
        if self._writer is None or self._process != os.getpid():
            self._place.segments.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._writer = segments.Writer(self._place.segments, socket.gethostname(), secrets.token_hex(16))
            self._process = os.getpid()
        return self._writer
