"""The page kept current by push: one task looks while somebody is connected, every stream gets the parts that changed.

Nobody connected: nothing runs. Connected and nothing new: two system calls and one question to the database twice a second, and
the whole painted anew every five seconds, because rates and durations move without anything being written. A slow reader
is no burden: it has no queue, only what it was sent last.
"""

import asyncio
import concurrent.futures
import json
import logging
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple, TypeVar

from tidegate.core.vocabulary import errors, instances, tokens
from tidegate.interface.api import board, painting, shelf

STREAMS_MAX = 32
LOOK_SECONDS, REFRESH_SECONDS, HEARTBEAT_SECONDS = 0.5, 5.0, 15.0
SHARE = 10
"""Painting may take one part in so many of the time."""
log = logging.getLogger(__name__)
_T = TypeVar("_T")
Who = Callable[[], tokens.Token | None]


class Painted(NamedTuple):
    """What was seen, as HTML."""

    board: board.Board
    top: str
    """About the whole, for who may read all."""
    cards: painting.Parts

    def parts(self, holder: tokens.Token) -> painting.Parts:
        """What this holder sees."""
        if holder.may("read"):
            return {painting.TOP: self.top, **self.cards}
        seen = board.visible(self.board, holder)
        names = [painting.identity(one.endpoint.name) for one in seen.shown]
        return {painting.TOP: painting.top(seen)} | {name: self.cards[name] for name in names}


class Live:
    """All streams of one process, for one event loop."""

    def __init__(self, books: shelf.Shelf, paint: Callable[[], Painted] | None = None) -> None:
        self._books = books
        self._paint = paint or self.paint
        self._thread = concurrent.futures.ThreadPoolExecutor(max_workers=1, thread_name_prefix="page")
        self._latest: Painted | None = None
        self._turned = asyncio.Event()
        self._streams = 0
        self._task: asyncio.Task[None] | None = None
        self._ending = False

    def paint(self) -> Painted:
        """The page as things stand; in any thread."""
        seen = board.read(self._books)
        at = seen.status.at
        return Painted(
            seen, painting.top(seen), {painting.identity(one.endpoint.name): painting.card(one, at) for one in seen.shown}
        )

    def admit(self) -> None:
        """Raises QueueFull when there are as many streams as there may be."""
        if self._streams >= STREAMS_MAX or self._ending:
            raise errors.QueueFull(f"{STREAMS_MAX} pages are kept current already.", cure="Close some; this one reads without.")

    async def follow(self, who: Who, seen: str = "") -> AsyncIterator[bytes]:
        """Server-sent events until the reader goes, the token means nothing any more, or the process ends.

        `seen`: digest of the parts that the reader has.
        """
        self._streams += 1
        try:
            self._begin()
            yield b"retry: 2000\n\n"
            sent: dict[str, str] = {}
            while not self._ending:
                turned, latest = self._turned, self._latest
                holder = await self._ask(who)
                if holder is None:
                    yield b"event: over\ndata: not live: `tidegate page` lets this browser in again\n\n"
                    return
                if latest is not None:
                    parts = await self._run(lambda found=latest, whose=holder: found.parts(whose))  # type: ignore[misc]
                    digest = painting.digest(parts)
                    if digest != seen:
                        yield _event(_changes(sent, parts), digest)
                    sent, seen = parts, digest
                try:
                    await asyncio.wait_for(turned.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    yield b": still here\n\n"
        finally:
            self._streams -= 1

    def end(self) -> None:
        """Let every stream end: the process is about to."""
        self._ending = True
        self._turn()

    def close(self) -> None:
        """Give the thread back."""
        self.end()
        self._thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        """Look until nobody is connected."""
        mark: object = None
        painted = -REFRESH_SECONDS
        while self._streams and not self._ending:
            cost = 0.0
            try:
                fresh = await self._run(self._mark)
                began = time.monotonic()
                if fresh != mark or began - painted >= REFRESH_SECONDS:
                    latest = await self._run(self._paint)
                    cost, painted, mark = time.monotonic() - began, began, fresh
                    if self._latest is None or latest[1:] != self._latest[1:]:
                        self._latest = latest
                        self._turn()
            except Exception:
                # a page that stands still is better than one that ends; whoever looks reloads it and is told
                log.exception("the page cannot be painted")
            await asyncio.sleep(max(LOOK_SECONDS, SHARE * cost))
        self._latest = None

    def _mark(self) -> object:
        """Another value whenever something was decided, routed, or control came or went. In one thread only."""
        place = self._books.home
        try:
            store = self._books.store()
            changes: object = store.changes()
        except errors.StoreUnavailable as gone:
            changes = str(gone)
        try:
            table = place.table.stat().st_mtime_ns
        except OSError:
            table = 0
        controls = sorted(place.instances.glob("control*.lock"))
        return changes, table, tuple(instances.holder(place.instances, one.stem) for one in controls)

    async def _ask(self, who: Who) -> tokens.Token | None:
        return await asyncio.get_running_loop().run_in_executor(None, who)

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _turn(self) -> None:
        turned, self._turned = self._turned, asyncio.Event()
        turned.set()


def _changes(sent: painting.Parts, parts: painting.Parts) -> list[dict[str, str]]:
    """What a reader of `sent` has to do to have `parts`."""
    found = [{"id": name, "html": ""} for name in sent if name not in parts]
    before = ""
    for name, html in parts.items():
        if sent.get(name) != html:
            found.append({"id": name, "html": html, "after": before})
        before = name
    return found


def _event(changes: list[dict[str, str]], digest: str) -> bytes:
    return f"id: {digest}\nevent: parts\ndata: {json.dumps(changes)}\n\n".encode()
