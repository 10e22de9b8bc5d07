"""Sums by gateway boot: a gateway counts in a memory-mapped file, control reads it. `kill -9` loses no count.

A row counts one arm of one route in one tick. Ticks older than ten minutes become rows of a minute: the minute's rows are
written first, then one store to `folded until` in the header makes them count and the ticks' rows not, and a minute later
the ticks' rows are free again, so a reader sees each request exactly once whenever it reads and whenever the writer dies.

On a full disk the gateway goes on: what cannot be counted in the file is counted in memory, and until it has been moved
the ticks concerned stay open for readers, so evidence waits instead of lying.

Called by the gateway (Writer) and by control (read, merge, closed_before). Not here: what the sums mean (`core.stats`).
"""

import array
import bisect
import collections
import mmap
import os
import pathlib
import weakref
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from tidegate.core.vocabulary import errors, marks, sums, tables
from tidegate.dataplane.wire import holding, sumrows

FOLD_AFTER = 600
"""Seconds for which ticks stay apart: longer than any request can be pending."""
_EDGES = [marks.latency_edge(bucket) for bucket in range(marks.LATENCY_BUCKETS - 1)]
_ERROR = sumrows.MARKS + marks.Mark.ERROR
_OK = int(marks.Mark.OK)


class Cell:
    """One arm of one route in one tick: where its requests are counted."""

    __slots__ = ("buffer", "counts", "lane", "pending", "saved", "tick")

    def __init__(self, lane: "Lane", tick: int, buffer: memoryview, saved: bool) -> None:
        self.lane, self.tick, self.pending = lane, tick, 0
        self.hold(buffer, saved=saved)

    def hold(self, buffer: memoryview, *, saved: bool) -> None:
        """Count in this row from now on."""
        self.buffer, self.saved = buffer, saved
        self.counts = buffer[sumrows.KEY.size :].cast("I")

    def closed(self, mark: int, model_us: int, bin: int, rescued: bool) -> None:  # noqa: A002 - the record's word
        """One request that was opened here has its mark; `model_us` 0 and `bin` -1 where the model did not answer.

        A time counts where the answer was good and the call was for this request alone: a larger batch takes longer, and an arm
        with more traffic has the larger batches. So `model_us` is 0 for a request of many in one call, too.
        """
        counts = self.counts
        if model_us > 0 and mark == _OK:
            counts[sumrows.LATENCY + bisect.bisect_left(_EDGES, model_us)] += 1
        if 0 <= bin < sums.BINS:
            counts[sumrows.BINS + bin] += 1
        if rescued:
            counts[sumrows.RESCUED] += 1
        counts[sumrows.MARKS + mark] += 1
        self.pending -= 1


class Lane:
    """One arm of one route as it stands in one table generation."""

    __slots__ = ("__weakref__", "_cell", "_writer", "key")

    def __init__(self, writer: "Writer", key: tuple[bytes, bytes, int, int, bool, int]) -> None:
        self._writer, self.key = writer, key
        self._cell: Cell | None = None

    def opened(self) -> Cell:
        """A request was drawn for this arm now; its mark is to be given to the cell, once."""
        cell = self._cell
        if cell is None or cell.tick != self._writer.tick:
            cell = self._cell = self._writer.cell(self)
        cell.counts[sumrows.OPENED] += 1
        cell.pending += 1
        return cell

    def folded(self, cell: Cell) -> None:
        """This cell's row is part of a minute's now: the lane's hold on it would keep both from going."""
        if self._cell is cell:
            self._cell = None


class Writer:
    """The sums of one gateway boot. For one thread. `tick` is the current one: Unix seconds that never go backwards."""

    def __init__(self, path: pathlib.Path, incarnation: str, now: float) -> None:
        """The file appears whole, or, on a full disk, at a later beat."""
        self.path, self.incarnation = path, incarnation
        self.tick = int(now)
        self._file = -1
        self._header: memoryview | None = None
        # Every change of a route makes lanes: one that no route and no unfolded row needs any more is let go.
        self._lanes: weakref.WeakValueDictionary[tuple[bytes, bytes, int, int, bool, int], Lane] = weakref.WeakValueDictionary()
        self._free: list[memoryview] = []
        self._size = sumrows.HEADER_BYTES
        self._open: collections.deque[Cell] = collections.deque()
        self._settled: collections.deque[Cell] = collections.deque()
        self._unsaved: list[Cell] = []
        self._folded_until = 0
        self._folding: Iterator[None] | None = None
        self._spent: list[memoryview] = []
        self._grow()
        self.beat(now)

    def lane(self, route: tables.Route, arm: int) -> Lane:
        """Where this arm of this route is counted. Raises TableUnreadable for a name too long for a row."""
        endpoint, release = route.endpoint.encode(), route.release.encode()
        if max(len(endpoint), len(release)) > sumrows.NAME_MAX:
            raise errors.TableUnreadable(f"The route of {route.endpoint[:70]} has a name of over {sumrows.NAME_MAX} bytes.")
        key = (endpoint, release, route.generation, route.weight, route.evidence, arm)
        found = self._lanes.get(key)
        if found is None:
            found = self._lanes[key] = Lane(self, key)
        return found

    def cell(self, lane: Lane) -> Cell:
        """A new row for the current tick."""
        buffer = self._row(lane, self.tick, sums.TICK_SECONDS)
        cell = Cell(lane, self.tick, buffer or memoryview(bytearray(sumrows.ROW_BYTES)), saved=buffer is not None)
        if not cell.saved:
            self._unsaved.append(cell)
        self._open.append(cell)
        return cell

    def beat(self, now: float) -> None:
        """Advance the tick, tell readers up to where every request has its mark, fold a little. Many times a second."""
        self.tick = max(self.tick, int(now))
        if self._unsaved:
            self._save()
        waiting = self._open
        while waiting and waiting[0].tick < self.tick and not waiting[0].pending and waiting[0].saved:
            self._settled.append(waiting.popleft())
        closed_before = min(waiting[0].tick, self.tick) if waiting else self.tick
        self._fold(min(self.tick - FOLD_AFTER, closed_before))
        if self._header is not None:
            words = self._header
            words[sumrows.AT] = self.tick
            words[sumrows.CLOSED_BEFORE] = closed_before

    @property
    def pending(self) -> int:
        """Requests opened that have no mark yet."""
        return sum(cell.pending for cell in self._open)

    def _fold(self, limit: int) -> None:
        """One step of turning the oldest minute's rows into one for each lane, when the minute ends by `limit`."""
        if self._folding is None:
            if not self._settled:
                return
            begin = self._settled[0].tick // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS
            if begin + sums.EPOCH_SECONDS > limit:
                return
            self._folding = self._minute(begin)
        if next(self._folding, self) is self:
            self._folding = None

    def _minute(self, begin: int) -> Iterator[None]:
        lanes: dict[Lane, list[Cell]] = {}
        while self._settled and self._settled[0].tick < begin + sums.EPOCH_SECONDS:
            cell = self._settled.popleft()
            cell.lane.folded(cell)
            lanes.setdefault(cell.lane, []).append(cell)
        spent, self._spent = self._spent, []
        for old in spent:
            old[0] = 0
        self._free += spent
        for lane, cells in lanes.items():
            yield
            while (buffer := self._row(lane, begin, sums.EPOCH_SECONDS)) is None:
                yield  # the disk is full: the ticks stay as they are until it is not
            totals = map(sum, zip(*(cell.counts for cell in cells), strict=True))
            buffer[sumrows.KEY.size :] = array.array("I", totals).tobytes()
            self._spent += (cell.buffer for cell in cells)
        if self._header is not None:
            self._folded_until = begin + sums.EPOCH_SECONDS
            self._header[sumrows.FOLDED_UNTIL] = self._folded_until

    def _save(self) -> None:
        """Move what was counted in memory into the file, as far as it takes it."""
        while self._unsaved:
            cell = self._unsaved[-1]
            buffer = self._row(cell.lane, cell.tick, sums.TICK_SECONDS)
            if buffer is None:
                return
            buffer[sumrows.KEY.size :] = cell.buffer[sumrows.KEY.size :]
            cell.hold(buffer, saved=True)
            self._unsaved.pop()

    def _row(self, lane: Lane, tick: int, span: int) -> memoryview | None:
        """A row of the file with this key and no counts, or None when the file cannot grow."""
        if not self._free and not self._grow():
            return None
        endpoint, release, generation, weight, evidence, arm = lane.key
        key = sumrows.KEY.pack(0, arm, evidence, 0, span, tick, generation, weight, 0, endpoint, release)
        buffer = self._free.pop()
        buffer[:] = key.ljust(sumrows.ROW_BYTES, b"\0")
        buffer[0] = 1
        return buffer

    def _grow(self) -> bool:
        """Make room for more rows; False when the disk has none. Blocks are reserved: a mapped hole would kill us later."""
        try:
            if self._file < 0:
                self._begin()
            holding.reserve(self._file, self._size, sumrows.CHUNK_BYTES)
            mapped = mmap.mmap(self._file, sumrows.CHUNK_BYTES, offset=self._size)
        except OSError:
            return False
        self._size += sumrows.CHUNK_BYTES
        chunk = memoryview(mapped)
        begins = range(sumrows.CHUNK_BYTES - sumrows.ROW_BYTES, -1, -sumrows.ROW_BYTES)
        self._free += (chunk[begin : begin + sumrows.ROW_BYTES] for begin in begins)
        return True

    def _begin(self) -> None:
        """Create the file with its header, whole, under its own name."""
        scratch = self.path.with_name(f".{self.path.name}")
        file = os.open(scratch, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            holding.reserve(file, 0, sumrows.HEADER_BYTES)
            mapped = mmap.mmap(file, sumrows.HEADER_BYTES)
            sizes = (sumrows.ROW_BYTES, sumrows.COUNTERS)
            sumrows.HEADER.pack_into(mapped, 0, sumrows.MAGIC, *sizes, self.incarnation.encode())
            scratch.replace(self.path)
        except OSError:
            os.close(file)
            raise
        self._file = file
        self._header = memoryview(mapped)[sumrows.WORDS :].cast("Q")


class Boot(NamedTuple):
    """The sums of one gateway boot as they were read."""

    incarnation: str
    oldest_pending: int
    """Every request that arrived in a tick below this has its mark."""
    at_tick: int
    """The boot's tick at its last beat."""
    folded_until: int
    rows: list[sumrows.Row]


def read(path: pathlib.Path, releases: Collection[str] | None = None) -> Boot:
    """The sums in a file; of these releases only, where they are given ("" is traffic outside any release).

    Raises StoreUnavailable when the file is not one of sums, OSError when it cannot be read.
    """
    raw = path.read_bytes()
    if len(raw) < sumrows.HEADER_BYTES:
        raise errors.StoreUnavailable("This file of sums is not whole.", where=str(path))
    magic, row_bytes, counters, incarnation = sumrows.HEADER.unpack_from(raw)
    if (magic, row_bytes, counters) != (sumrows.MAGIC, sumrows.ROW_BYTES, sumrows.COUNTERS):
        raise errors.StoreUnavailable("This file is not one of sums, or another machine's.", where=str(path))
    words = memoryview(raw)[sumrows.WORDS : sumrows.WORDS + 24].cast("Q")
    wanted = None if releases is None else frozenset(release.encode() for release in releases)
    return Boot(
        incarnation.rstrip(b"\0").decode(),
        words[sumrows.CLOSED_BEFORE],
        words[sumrows.AT],
        words[sumrows.FOLDED_UNTIL],
        sumrows.rows(raw, wanted),
    )


def read_all(folder: pathlib.Path, releases: Collection[str] | None = None) -> list[Boot]:
    """Every boot's sums in a folder, oldest file first."""
    return [read(path, releases) for path in sorted(folder.glob("[!.]*.sums"), key=lambda path: path.stat().st_mtime_ns)]


def closed_before(boots: Iterable[Boot], dead: Collection[str]) -> int:
    """The first tick that may still have a request without its mark. What a dead boot left pending counts as ended."""
    boots = list(boots)
    living = [boot.oldest_pending for boot in boots if boot.incarnation not in dead]
    if living:
        return min(living)
    return max((boot.at_tick + 1 for boot in boots), default=0)


def merge(boots: Iterable[Boot], dead: Collection[str]) -> dict[str, tuple[sums.Sum, ...]]:
    """All boots' sums by release, in the order of generations and ticks. Reading and merging again changes nothing.

    What a dead boot left pending becomes the mark ERROR of the arm drawn. Where one boot has folded its ticks into minutes,
    the others' ticks of that time are merged into minutes too. Traffic outside any release is left out.
    """
    boots = list(boots)
    folded = min(max((boot.folded_until for boot in boots), default=0), closed_before(boots, dead))
    totals: dict[tuple[str, int, int, int, bool, int], tuple[list[int], list[int]]] = {}
    for boot in boots:
        for row in boot.rows:
            if not row.release:
                continue
            span, tick = row.span, row.tick
            if span == sums.TICK_SECONDS and tick // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS + sums.EPOCH_SECONDS <= folded:
                span, tick = sums.EPOCH_SECONDS, tick // sums.EPOCH_SECONDS * sums.EPOCH_SECONDS
            key = (row.release, row.generation, tick, row.weight, row.evidence, span)
            arms = totals.setdefault(key, ([0] * sumrows.COUNTERS, [0] * sumrows.COUNTERS))
            arm = arms[row.arm]
            arm[:] = map(int.__add__, arm, row.values)
            if boot.incarnation in dead:
                arm[_ERROR] += row.pending
    merged: dict[str, list[sums.Sum]] = {}
    for (release, generation, tick, weight, evidence, span), (stable, candidate) in sorted(totals.items()):
        both = (sumrows.counts(stable), sumrows.counts(candidate))
        merged.setdefault(release, []).append(sums.Sum(generation, weight, evidence, tick, span, *both))
    return {release: tuple(found) for release, found in merged.items()}


def opened(boots: Iterable[Boot], since: int) -> dict[str, tuple[int, int]]:
    """Requests drawn for (stable, candidate) by endpoint since a tick, releases or not: for showing rates."""
    found: dict[str, list[int]] = {}
    for boot in boots:
        for row in boot.rows:
            if row.tick >= since:
                found.setdefault(row.endpoint, [0, 0])[row.arm] += row.values[sumrows.OPENED]
    return {endpoint: (stable, candidate) for endpoint, (stable, candidate) in found.items()}


def last_opened(path: pathlib.Path) -> dict[str, int]:
    """The last tick in which a request was drawn, by endpoint; empty for a file that is gone or is not one of sums."""
    try:
        raw = path.read_bytes()
    except OSError:
        return {}
    return sumrows.newest(raw) if raw.startswith(sumrows.MAGIC) else {}
