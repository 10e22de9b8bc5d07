"""Records before answers: what one turn of the event loop has answered is appended with one write, then the answers leave.

Under `durability: interval` a thread syncs every 50 ms, and a record that cannot be appended is dropped, counted, and its
number skipped, so that the gap is seen; the client is answered. Under `ack` the answer waits for the sync, and becomes a
503 where the record cannot be kept. What clients post (outcomes) is never acknowledged unless it was kept.
"""

import asyncio
import logging
import queue
import threading
from typing import Protocol

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import segments

SYNC_SECONDS = 0.05
logger = logging.getLogger(__name__)


class Entry(Protocol):
    """Something to be kept before it is acknowledged."""

    must_keep: bool = False
    """Whether it is refused rather than answered when it cannot be kept."""
    must_sync: bool = False
    """Whether it is answered only when it is on the disk itself."""

    def records(self, sequence: int) -> list[segments.Record]:
        """Its records, numbered from `sequence` on."""

    def settled(self, *, kept: bool) -> None:
        """Answer the client now."""


class Journal:
    """For the event loop's thread; the sync thread is its own."""

    def __init__(self, loop: asyncio.AbstractEventLoop, writer: segments.Writer) -> None:
        self.dropped = 0
        """Records that were answered but not kept."""
        self._loop, self._writer = loop, writer
        self._turn: list[Entry] = []
        self._turned_at, self._asked = 0.0, writer.asked
        self._failing = ""
        self._unsynced: queue.SimpleQueue[Entry] = queue.SimpleQueue()
        self._written = self._ended = False
        self._hurry = threading.Event()
        self._thread = threading.Thread(target=self._sync_on, name="sync", daemon=True)
        self._thread.start()

    @property
    def short(self) -> bool:
        """Whether nothing would be kept, since the disk is almost full: what must be kept need not be begun."""
        return self._writer.short

    @property
    def trouble(self) -> str:
        """Why records cannot be kept just now; empty while they can."""
        if self.short:
            return segments.SHORT
        if self._failing == segments.SHORT:
            self._mended()
        return self._failing

    def settle(self, entry: Entry) -> None:
        """Keep its records at the end of this turn, then have it answer."""
        turn = self._turn
        turn.append(entry)
        if len(turn) == 1:
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """End the turn."""
        turn, self._turn = self._turn, []
        if not turn:
            return
        writer = self._writer
        sequence = writer.sequence
        records: list[segments.Record] = []
        begins = []
        for entry in turn:
            begins.append(sequence)
            made = entry.records(sequence)
            sequence += len(made)
            records += made
        begins.append(sequence)
        try:
            writer.append(records)
            self._mended()
        except errors.LogUnavailable as failed:
            self._complain(failed)
        kept = writer.sequence
        if kept < sequence:
            self._lose(turn, begins, kept)  # before anybody is answered, as records are kept before that
        for number, entry in enumerate(turn, 1):
            whole = begins[number] <= kept
            if whole and entry.must_sync:
                self._unsynced.put(entry)
            else:
                _settle(entry, kept=whole)
        self._written = True
        if not self._unsynced.empty():
            self._hurry.set()

    def _lose(self, turn: list[Entry], begins: list[int], kept: int) -> None:
        """Count the records that are answered all the same, and skip their numbers."""
        for number, entry in enumerate(turn):
            if begins[number + 1] > kept and not entry.must_keep:
                lost = begins[number + 1] - max(kept, begins[number])
                self.dropped += lost
                self._writer.lose(lost)

    def turn(self, now: float, seconds: float) -> None:
        """End the segment in use where it is as old as this, or somebody asks for it. `now`: of a clock that nobody sets."""
        asked = self._writer.asked
        if now - self._turned_at >= seconds or asked != self._asked:
            self._turned_at, self._asked = now, asked
            self._writer.end()
            self._written = True

    def close(self) -> None:
        """Keep what is still to be kept, sync and end."""
        self.flush()
        self._ended = True
        self._hurry.set()
        self._thread.join()
        try:
            self._writer.close()
        except errors.LogUnavailable as failed:
            self._complain(failed)

    def _sync_on(self) -> None:
        """The thread: sync what was written, at once where answers wait for it, else every 50 ms."""
        while not self._ended:
            self._hurry.wait(SYNC_SECONDS)
            self._hurry.clear()
            if not self._written:
                continue
            self._written = False
            waiting = [self._unsynced.get() for _ in range(self._unsynced.qsize())]
            failed = None
            try:
                if waiting:
                    self._writer.reserve()
                self._writer.sync()
            except errors.LogUnavailable as error:
                failed = error
            if waiting or failed is not None:
                self._loop.call_soon_threadsafe(self._synced, waiting, failed)

    def _synced(self, waiting: list[Entry], failed: errors.LogUnavailable | None) -> None:
        if failed is not None:
            self._complain(failed)
        for entry in waiting:
            _settle(entry, kept=failed is None)

    def _complain(self, failed: errors.LogUnavailable) -> None:
        """Once, until the log can be written again."""
        if not self._failing:
            self._failing = failed.message
            logger.error("the prediction log cannot be kept", extra={"detail": str(failed), "dropped": self.dropped})

    def _mended(self) -> None:
        if self._failing:
            self._failing = ""
            logger.warning("the prediction log can be kept again", extra={"dropped": self.dropped})


def _settle(entry: Entry, *, kept: bool) -> None:
    """A fault in answering one must not keep the others from their answers."""
    try:
        entry.settled(kept=kept)
    except Exception:
        logger.exception("an answer could not be given")
