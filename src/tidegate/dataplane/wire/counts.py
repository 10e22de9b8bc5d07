"""What a gateway boot has served, by version: requests by mark, times, batches, queues. For people, not for verdicts.

Unlike sums these know no ticks and no arms: one row a version, which only grows, in a memory-mapped file, so `kill -9` loses
nothing and a look costs the reader and not the gateway. A boot holds a lock on its file for life: a file that nobody holds is
a dead boot's, and says all it will ever say.

    header  65,536 bytes: magic | u32 row bytes | u32 slots a row | 32 characters incarnation
    row     1,024 bytes: 64 bytes name | u64 ordinal | 56 bytes 0 | 112 u64 slots, in the machine's own byte order

A row with the ordinal 0 is a count of the gateway as a whole: its name begins with `!`, and slot 0 holds it.

Called by the gateway (Writer) and by whoever shows it (read). Not here: adding boots up (`observability.metrics`).
"""

import bisect
import fcntl
import hashlib
import mmap
import os
import pathlib
import struct
from collections.abc import Mapping
from typing import NamedTuple

from tidegate.core.vocabulary import errors, marks
from tidegate.dataplane.wire import holding

MAGIC = b"TGCNTS\n\x01"
ENDING = ".counts"
HEADER = struct.Struct("=8sII32s")
KEY = struct.Struct("=64sQ56x")
PAGE = 65_536
SLOTS = 112
ROW_BYTES = KEY.size + 8 * SLOTS
QUEUED, IN_FLIGHT = 0, 1
"""How it is now; all others only grow."""
RESCUED, FALLBACKS = 2, 3
TOTAL_US = 4
"""Microseconds of the answered requests, together."""
ROWS, BATCHES, BATCHED, BUSY_US = 5, 6, 7, 8
"""Of batches that workers have answered: rows, batches, requests in them, and how long they took."""
ASKED_BYTES, ANSWERED_BYTES = 9, 10
"""Of bodies that clients sent and got, uncompressed."""
GIVEN, TAKEN = "given", "taken"
"""Words of what the gateway as a whole counts by worker: bytes that were sent to it, and that came from it."""
MARKS = 16
LATENCY = MARKS + marks.SLOTS
"""Answered requests by how long the client waited, in the buckets of `marks`."""
SIZES = LATENCY + marks.LATENCY_BUCKETS
SIZE_BUCKETS = 16
"""Batches by their requests: up to 1, 2, 4, 8, ..."""
_EDGES = [marks.latency_edge(bucket) for bucket in range(marks.LATENCY_BUCKETS - 1)]


class Row:
    """One version's counts."""

    __slots__ = ("slots",)

    def __init__(self, slots: memoryview | None = None) -> None:
        """`slots`: where the file has them; None: in memory only."""
        self.slots = slots if slots is not None else memoryview(bytearray(8 * SLOTS)).cast("Q")

    def ended(self, mark: int, answered: bool, total_us: int) -> None:
        """One live request of the version drawn has ended; `answered`: with what was asked for, after `total_us`."""
        slots = self.slots
        slots[MARKS + mark] += 1
        if answered:
            slots[LATENCY + bisect.bisect_left(_EDGES, total_us)] += 1
            slots[TOTAL_US] += total_us

    def moved(self, asked: int, answered: int) -> None:
        """So many bytes came from the client, and went to it."""
        slots = self.slots
        slots[ASKED_BYTES] += asked
        slots[ANSWERED_BYTES] += answered

    def batch(self, requests: int, rows: int, seconds: float) -> None:
        """A worker has answered a batch."""
        slots = self.slots
        slots[BATCHES] += 1
        slots[BATCHED] += requests
        slots[ROWS] += rows
        slots[BUSY_US] += int(seconds * 1e6)
        slots[SIZES + min((requests - 1).bit_length(), SIZE_BUCKETS - 1)] += 1

    def stands(self, queued: int, in_flight: int) -> None:
        """How many wait for a worker, and how many are with one."""
        self.slots[QUEUED], self.slots[IN_FLIGHT] = queued, in_flight


class Writer:
    """The counts of one gateway boot. For one thread. A full disk, or one without the folder, leaves them in memory until a beat
    finds room.
    """

    def __init__(self, folder: pathlib.Path | None, incarnation: str) -> None:
        """`folder` None: in memory only."""
        self._folder, self._incarnation = folder, incarnation
        self._rows: dict[tuple[str, int], Row] = {}
        self._unsaved: dict[tuple[str, int], Row] = {}
        self._free: list[memoryview] = []
        self._file, self._size = -1, 0

    def row(self, name: str, ordinal: int) -> Row:
        """Where this version of an endpoint is counted: the same for as long as the boot lives."""
        key = (name, ordinal)
        found = self._rows.get(key)
        if found is None:
            found = self._rows[key] = self._unsaved[key] = Row()
            self.save()
        return found

    def of_worker(self, what: str, instance: str) -> Row:
        """Where bytes are counted (slot 0) that a worker was given, or that were taken from it."""
        return self.row(f"!{what}:{worker(instance)}", 0)

    def note(self, what: str, values: Mapping[str, int]) -> None:
        """Counts of the gateway as a whole, each as it stands: of `what`, by a word of few letters."""
        for word, value in values.items():
            self.row(f"!{what}:{word}"[:64], 0).slots[0] = value

    def save(self) -> None:
        """Move what is in memory into the file, as far as it takes it."""
        while self._unsaved and (self._free or self._grow()):
            key, row = self._unsaved.popitem()
            buffer = self._free.pop()
            slots = buffer[KEY.size :].cast("Q")
            slots[:] = row.slots
            row.slots = slots
            buffer[: KEY.size] = KEY.pack(key[0].encode(), key[1])

    def close(self) -> None:
        """Count in the file no more: whoever adds boots up may take it for a dead one's."""
        self._folder, file, self._file = None, self._file, -1
        if file >= 0:
            fcntl.flock(file, fcntl.LOCK_UN)
            os.close(file)

    def _grow(self) -> bool:
        if self._folder is None:
            return False
        try:
            if self._file < 0:
                self._begin(self._folder)
            holding.reserve(self._file, self._size, PAGE)
            mapped = mmap.mmap(self._file, PAGE, offset=self._size)
        except OSError:
            return False
        self._size += PAGE
        chunk = memoryview(mapped)
        self._free += (chunk[begin : begin + ROW_BYTES] for begin in range(PAGE - ROW_BYTES, -1, -ROW_BYTES))
        return True

    def _begin(self, folder: pathlib.Path) -> None:
        """Create the file, locked, under its own name."""
        folder.mkdir(mode=0o700, exist_ok=True)
        path = folder / f"{self._incarnation}{ENDING}"
        scratch = path.with_name(f".{path.name}")
        file = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            holding.reserve(file, 0, PAGE)
            os.pwrite(file, HEADER.pack(MAGIC, ROW_BYTES, SLOTS, self._incarnation.encode()), 0)
            scratch.rename(path)
        except OSError:
            os.close(file)
            raise
        self._file, self._size = file, PAGE


def worker(instance: str) -> str:
    """How a worker is named in counts: an instance's name may be longer than there is room."""
    return hashlib.blake2b(instance.encode(), digest_size=12).hexdigest()


class Boot(NamedTuple):
    """The counts of one boot as they were read."""

    incarnation: str
    versions: dict[tuple[str, int], tuple[int, ...]]
    """All slots by endpoint and ordinal."""
    noted: dict[str, int]
    """Of the gateway as a whole: `what:word`."""


def read(path: pathlib.Path) -> Boot:
    """Raises StoreUnavailable when the file is none of counts, OSError when it cannot be read."""
    raw = path.read_bytes()
    if len(raw) < PAGE:
        raise errors.StoreUnavailable("This file of counts is not whole.", where=str(path))
    magic, row_bytes, slots, incarnation = HEADER.unpack_from(raw)
    if (magic, row_bytes, slots) != (MAGIC, ROW_BYTES, SLOTS):
        raise errors.StoreUnavailable("This file is not one of counts, or another machine's.", where=str(path))
    versions: dict[tuple[str, int], tuple[int, ...]] = {}
    noted: dict[str, int] = {}
    for at in range(PAGE, len(raw) - ROW_BYTES + 1, ROW_BYTES):
        if not raw[at]:
            continue
        name, ordinal = KEY.unpack_from(raw, at)
        values = struct.unpack_from(f"={SLOTS}Q", raw, at + KEY.size)
        shown = name.rstrip(b"\0").decode("utf-8", "replace")
        if ordinal:
            versions[shown, ordinal] = values
        else:
            noted[shown.removeprefix("!")] = values[0]
    return Boot(incarnation.rstrip(b"\0").decode(), versions, noted)
