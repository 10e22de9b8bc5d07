"""How far a gateway boot has counted where it could keep no more: a page beside its segments, reserved while there is room.

A record that is lost shows as a gap in front of the next one. Of the last ones of a boot no later number tells; this page does,
on a disk that is full and after `kill -9`: its block is there beforehand, and it is written through memory.

    segments/<incarnation>.end    4,096 bytes, little-endian: 8 bytes magic | u64 next sequence, 0: nothing was lost
                                  | 64 bytes host | u64 sequence of the first that is lost behind the last record
                                  its boot holds a lock on it for life

Standard library only. Called by `predlog.segments` (Page) and by whoever follows or gathers segments (read).
"""

import fcntl
import mmap
import os
import pathlib
import struct
from typing import NamedTuple

from tidegate.dataplane.wire import holding

ENDING = ".end"
MAGIC = b"TGEND\r\n\x01"
SIZE = 4_096
MOST = 1 << 48
"""Numbers that one boot gives, at the most: no counter of the log gets out of its range by a page that is damaged."""
_HEAD = struct.Struct("<8sQ64sQ")
_NUMBER = struct.Struct("<Q")
_NEXT_AT, _FIRST_AT = 8, 80


class Page:
    """One boot's. A disk that has no room for it leaves it out, until the next try."""

    def __init__(self, folder: pathlib.Path, host: str, incarnation: str) -> None:
        """Nothing is made yet."""
        self._path, self._host = folder / f"{incarnation}{ENDING}", host
        self._file = -1
        self._page: mmap.mmap | None = None
        self._first = self._next = 0
        """The numbers that were lost last, without a record between them; both 0 where none were."""

    def reserve(self) -> None:
        """Have it, if there is room."""
        if self._page is not None:
            return
        scratch = self._path.with_name(f".{self._path.name}")
        file = -1
        try:
            file = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
            fcntl.flock(file, fcntl.LOCK_EX)
            holding.reserve(file, 0, SIZE)
            page = mmap.mmap(file, SIZE)
            page[: _HEAD.size] = _HEAD.pack(MAGIC, 0, self._host.encode()[:64], 0)
            scratch.rename(self._path)
        except OSError:
            if file >= 0:
                os.close(file)
                scratch.unlink(missing_ok=True)
            return
        self._file, self._page = file, page

    def lose(self, first: int, count: int) -> None:
        """So many numbers from this one on are lost; everything below is kept, or was lost before."""
        self.reserve()
        if first != self._next:
            self._first = first
        self._next = first + count
        if self._page is not None:
            _NUMBER.pack_into(self._page, _FIRST_AT, self._first)
            _NUMBER.pack_into(self._page, _NEXT_AT, self._next)

    def close(self) -> None:
        """Let go of it; where nothing was lost there is nothing to tell."""
        if self._page is None:
            return
        if not self._next:
            self._path.unlink(missing_ok=True)
        self._page.close()
        os.close(self._file)
        self._file, self._page = -1, None


class End(NamedTuple):
    """How a boot ended."""

    incarnation: str
    host: str
    first: int
    """The first number that is lost behind the last record."""
    sequence: int
    """Every number below it was given; 0: no more than the segments say."""


def read(path: pathlib.Path) -> End | None:
    """Of a boot that is over; None while it lives. One that is damaged says nothing. Raises OSError."""
    if holding.in_use(path):
        return None
    return told(path.stem, path.read_bytes())


def told(incarnation: str, raw: bytes) -> End:
    """What a boot's page says."""
    if len(raw) < SIZE or raw[:8] != MAGIC:
        return End(incarnation, "", 0, 0)
    _, sequence, host, first = _HEAD.unpack_from(raw)
    if sequence > MOST:
        return End(incarnation, "", 0, 0)
    return End(incarnation, host.rstrip(b"\0").decode("utf-8", "replace"), first, sequence)
