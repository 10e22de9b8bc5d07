"""Rows used this UTC day, by token and endpoint, over all gateways: each writes its own file and reads the others'.

A gateway's file is HOME/quotas/NAME.json, by the instance's name, so a successor goes on from its predecessor's counts, and
a gateway of another name sees them too. It is written, and the others' are read, twice a second and at the end. So a killed
gateway forgets at most the last half second's rows, and with several gateways a day's limit can be overrun by what all of them
let in within half a second. A file that cannot be read counts as empty; one that cannot be written is tried again.
"""

import contextlib
import logging
import pathlib

import msgspec

from tidegate.core.vocabulary import placing
from tidegate.dataplane.gateway import quota

logger = logging.getLogger(__name__)


class Day(msgspec.Struct):
    """One gateway's file."""

    day: int
    """Days since 1970, UTC."""
    rows: dict[str, int]
    """By "endpoint token"; names hold no spaces."""


_decode = msgspec.json.Decoder(Day).decode


class Tallies:
    """See the module."""

    def __init__(self, folder: pathlib.Path, name: str, unix: float) -> None:
        self._folder, self._path = folder, folder / f"{name}.json"
        self._day = int(unix // quota.DAY)
        found = _read(self._path)
        self._own = _by_key(found.rows) if found and found.day == self._day else {}
        self._others: dict[quota.Key, int] = {}
        self._changed = False
        self._read_others()

    def used(self, key: quota.Key) -> int:
        """Rows of this day, as far as is known here."""
        return self._own.get(key, 0) + self._others.get(key, 0)

    def use(self, key: quota.Key, rows: int) -> None:
        """Count more."""
        self._own[key] = self._own.get(key, 0) + rows
        self._changed = True

    def settle(self, unix: float) -> None:
        """Write what has changed, read what others wrote; at midnight begin anew."""
        day = int(unix // quota.DAY)
        if day != self._day:
            self._day, self._own, self._others, self._changed = day, {}, {}, True
        if self._changed:
            self._write()
        self._read_others()

    def _write(self) -> None:
        told = Day(self._day, {" ".join(key): rows for key, rows in self._own.items()})
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            placing.put(self._path, msgspec.json.encode(told))
            self._changed = False
        except OSError as failed:
            logger.warning("the day's counts cannot be written", extra={"detail": str(failed)})

    def _read_others(self) -> None:
        others: dict[quota.Key, int] = {}
        with contextlib.suppress(OSError):
            for path in self._folder.glob("*.json"):
                found = _read(path) if path != self._path else None
                if found is not None and found.day == self._day:
                    for key, rows in _by_key(found.rows).items():
                        others[key] = others.get(key, 0) + rows
        self._others = others


def _read(path: pathlib.Path) -> Day | None:
    try:
        return _decode(path.read_bytes())
    except (OSError, ValueError):
        return None


def _by_key(rows: dict[str, int]) -> dict[quota.Key, int]:
    found: dict[quota.Key, int] = {}
    for key, number in rows.items():
        endpoint, _, token = key.partition(" ")
        found[endpoint, token] = number
    return found
