r"""Key events: the first bad request of each sticky key in one gateway boot, in a file beside that boot's sums.

    file    8 bytes magic "TGKEYS\n\x01"
    event   u32 payload bytes | u32 crc32(payload) | payload: msgpack array, `sums.KeyEvent`              little-endian

The file is made by the first event. Each is one write at its end, so `kill -9` loses none that was told; what a reader
finds at the end and cannot read is not written yet, and is read at a later look. The same key may be told by another
gateway, or by the next boot: who reads them takes one a key (`Firsts`).

Called by the gateway (Writer) and by control (the rest). Not here: what they prove.
"""

import os
import pathlib
import struct
import zlib
from collections.abc import Collection, Iterable

import msgspec

from tidegate.core.vocabulary import errors, sums

MAGIC = b"TGKEYS\n\x01"
ENDING = ".keys"
MOST = 32_768
"""Keys of one release that are remembered, and told, in one boot: far more than any verdict needs. Which are left out does
not depend on any arm, only on how many came before."""
RELEASES = 16
"""Releases whose keys are remembered; of one that comes back, keys may be told again."""
_EVENT = struct.Struct("<II")
_PAYLOAD_MAX = 65_536
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(sums.KeyEvent).decode


class Writer:
    """The events of one gateway boot. For one thread; never raises: what cannot be written is counted."""

    def __init__(self, folder: pathlib.Path, incarnation: str) -> None:
        """The folder is the sums'."""
        self.path = folder / (incarnation + ENDING)
        self.lost = 0
        """Events that the disk did not take. Their keys are told when they fail again."""
        self._file = -1
        self._size = 0
        self._torn = False
        """Whether the file ends with a part of an event, which would hide all that follows it."""
        self._told: dict[str, set[bytes]] = {}

    def tell(self, event: sums.KeyEvent) -> None:
        """Write it, unless its key has been told in this release."""
        told = self._told.get(event.release)
        if told is None:
            while len(self._told) >= RELEASES:
                del self._told[next(iter(self._told))]
            told = self._told[event.release] = set()
        if event.key in told or len(told) >= MOST:
            return
        payload = _encode(event)
        if self._append(_EVENT.pack(len(payload), zlib.crc32(payload)) + payload):
            told.add(event.key)
        else:
            self.lost += 1

    def close(self) -> None:
        """End the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, data: bytes) -> bool:
        try:
            if self._file < 0:
                self._begin()
            if self._torn:
                os.ftruncate(self._file, self._size)
                self._torn = False
            self._torn = os.write(self._file, data) < len(data)
        except OSError:
            return False
        if not self._torn:
            self._size += len(data)
        return not self._torn

    def _begin(self) -> None:
        """Make the file with its head, whole, under its own name. Raises OSError."""
        scratch = self.path.with_name(f".{self.path.name}")
        file = os.open(scratch, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600)
        try:
            if os.write(file, MAGIC) < len(MAGIC):
                raise OSError("the disk is full")
            scratch.replace(self.path)
        except OSError:
            os.close(file)
            scratch.unlink(missing_ok=True)
            raise
        self._file, self._size = file, len(MAGIC)


def read(path: pathlib.Path, offset: int = 0) -> tuple[list[sums.KeyEvent], int]:
    """(the whole events of a file from this offset on, the offset to go on from); 0 is the file's beginning.

    Raises StoreUnavailable when the file is not one of key events, OSError when it cannot be read.
    """
    with path.open("rb") as file:
        file.seek(offset)
        raw = file.read()
    at = 0
    if not offset:
        if len(raw) < len(MAGIC):
            return [], 0
        if not raw.startswith(MAGIC):
            raise errors.StoreUnavailable("This file is not one of key events.", where=str(path))
        at = len(MAGIC)
    found = []
    while at + _EVENT.size <= len(raw):
        size, crc = _EVENT.unpack_from(raw, at)
        payload = raw[at + _EVENT.size : at + _EVENT.size + size]
        if size > _PAYLOAD_MAX or len(payload) < size or zlib.crc32(payload) != crc:
            break
        try:
            found.append(_decode(payload))
        except msgspec.DecodeError:
            break
        at += _EVENT.size + size
    return found, offset + at


class Reader:
    """Follows all boots' files in a folder."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._offsets: dict[pathlib.Path, int] = {}

    def look(self) -> list[sums.KeyEvent]:
        """What was told since the last look, all of it at the first. Files that cannot be read are left for the next.

        Read `closed_before` of the sums first: of the ticks below it, no event is missed then.
        """
        found: list[sums.KeyEvent] = []
        paths = sorted(self._folder.glob(f"[!.]*{ENDING}"))
        for path in paths:
            offset = self._offsets.get(path, 0)
            try:
                if path.stat().st_size > offset:
                    more, self._offsets[path] = read(path, offset)
                    found += more
            except (OSError, errors.StoreUnavailable):
                continue
        self._offsets = {path: self._offsets[path] for path in paths if path in self._offsets}
        return found


class Firsts:
    """One event a key of each release: the earliest in the order of arrival, in whatever order they are read."""

    def __init__(self, events: Iterable[sums.KeyEvent] = ()) -> None:
        self._found: dict[str, dict[bytes, sums.KeyEvent]] = {}
        self.take(events)

    def take(self, events: Iterable[sums.KeyEvent]) -> None:
        """Take these into account, too."""
        for event in events:
            first = self._found.setdefault(event.release, {})
            before = first.get(event.key)
            if before is None or _order(event) < _order(before):
                first[event.key] = event

    def of(self, release: str) -> tuple[sums.KeyEvent, ...]:
        """Those of a release."""
        return tuple(self._found.get(release, {}).values())

    def forget(self, under_way: Collection[str], most: int) -> None:
        """Forget the oldest releases that are not under way, beyond so many."""
        over = [name for name in self._found if name not in under_way]
        for name in over[: max(0, len(over) - most)]:
            del self._found[name]


def _order(event: sums.KeyEvent) -> tuple[int, int, int, int]:
    return (event.tick, event.generation, event.arm, event.mark)


def sweep(folder: pathlib.Path, living: Collection[str]) -> None:
    """Delete the files of boots that are dead and whose sums are gone. Raises OSError."""
    for path in folder.glob(f"[!.]*{ENDING}"):
        if path.stem not in living and not path.with_suffix(".sums").exists():
            path.unlink(missing_ok=True)
