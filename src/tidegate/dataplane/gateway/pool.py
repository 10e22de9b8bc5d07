"""One version's queue and its workers. What is queued when a worker is free goes to it as one batch, as `batching` finds best.

Sending happens at the end of the event loop's turn, so that all requests read in one turn travel together. Workers take
turns. When the last worker is lost, what waits fails at once: a client gets stable's answer, the fallback or a 503, never
a hang; while a worker is being connected to, requests wait for it.
"""

import asyncio
import collections
import itertools
import logging
import math
import time
from collections.abc import Sequence

from tidegate.core.vocabulary import errors, tables
from tidegate.dataplane.gateway import batching, guard, links, quarantine
from tidegate.dataplane.wire import counts

BATCH_BYTES = 16 << 20
logger = logging.getLogger(__name__)
_HOPEFUL = (links.State.READY, links.State.CONNECTING)


class Pool:
    """See the module. `recent` has the version's p99."""

    def __init__(self, deployed: tables.Deployed, incarnation: str, loop: asyncio.AbstractEventLoop) -> None:
        self.deployed = deployed
        self.recent = guard.Recent(time.monotonic())
        self.limits = tables.Limits()
        self.batching = batching.Batching()
        self.quarantine = quarantine.Quarantine()
        self.told: dict[int, bytes] = {}
        """What a worker has told of the model, by `frames.Content`."""
        self.served = counts.Row()
        """Where it is counted what was served."""
        self.counting: counts.Writer | None = None
        """Where it is counted by worker, too."""
        self.hopeful = False
        """Whether a worker is up, or may be in a moment, or is waited for (it sleeps, or the endpoint is in a gap)."""
        self._awaited = False
        self._incarnation, self._loop = incarnation, loop
        self._queue: collections.OrderedDict[links.Caller, None] = collections.OrderedDict()
        self._alone: collections.deque[links.Caller] = collections.deque()
        self._copies: collections.OrderedDict[links.Caller, None] = collections.OrderedDict()
        """What nobody waits for: sent when a worker has nothing else to do."""
        self._links: list[links.Link] = []
        self._woken = False
        self._blamed = False
        self._waiting: asyncio.TimerHandle | None = None

    def update(self, deployed: tables.Deployed, limits: tables.Limits, *, awaited: bool = False) -> None:
        """Follow the table: connect to workers that are new in it, let go of those that are not in it any more."""
        self.deployed, self.limits, self._awaited = deployed, limits, awaited
        known = {link.worker: link for link in self._links}
        for worker, link in known.items():
            link.leaving = worker not in deployed.workers
        self._links += (self._link(worker) for worker in deployed.workers if worker not in known)
        self.tidy()
        self.freed()

    def _link(self, worker: tables.Worker) -> links.Link:
        made = links.Link(worker, self, self._incarnation)
        if self.counting is not None:
            made.given, made.taken = (self.counting.of_worker(what, worker.instance) for what in (counts.GIVEN, counts.TAKEN))
        return made

    def tidy(self) -> None:
        """Close links that are not wanted any more and have nothing in flight."""
        for link in [link for link in self._links if link.leaving and not link.batches]:
            self._links.remove(link)
            link.close()

    def close(self) -> None:
        """End all links; what is in flight or waits is lost."""
        leaving, self._links = self._links, []
        self._assess()
        for link in leaving:
            link.close()
        self._give_up()
        self.served.stands(0, 0)

    def tell(self) -> None:
        """Say how many wait, and how many are with workers."""
        self.served.stands(len(self._queue) + len(self._alone), sum(link.in_flight for link in self._links))

    @property
    def connected(self) -> list[str]:
        """Instances that answer."""
        return [link.worker.instance for link in self._links if link.state is links.State.READY and not link.leaving]

    @property
    def busy(self) -> bool:
        """Whether anything waits or is in flight."""
        return bool(self._queue or self._alone or any(link.batches for link in self._links))

    @property
    def waiting(self) -> bool:
        """Whether anybody is queued."""
        return bool(self._queue)

    def silent(self, now: float) -> dict[str, float]:
        """Seconds for which workers have not answered what they were sent."""
        return {link.worker.instance: link.silent(now) for link in self._links if link.batches}

    def take(self, caller: links.Caller, now: float) -> type[errors.TidegateError] | None:
        """Queue a caller, or say why it cannot be queued."""
        if not self.hopeful:
            return errors.WorkerUnavailable
        if len(self._queue) >= self.limits.queue:
            return errors.QueueFull
        if self.quarantine.deaths and self.quarantine.holds(caller.body, now):
            return errors.InputQuarantined
        self._queue[caller] = None
        self.batching.came(now)
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self._dispatch)
        return None

    def take_copy(self, caller: links.Caller, now: float) -> bool:
        """Queue what no client waits for, behind whatever one does; False: there is no room for that."""
        if not self.hopeful or self._queue or self._alone or len(self._copies) >= self.limits.queue:
            return False
        if self.quarantine.deaths and self.quarantine.holds(caller.body, now):
            return False
        self._copies[caller] = None
        if not self._woken:
            self._woken = True
            self._loop.call_soon(self._dispatch)
        return True

    def forget(self, caller: links.Caller) -> None:
        """It does not wait or want its answer any more."""
        if caller.link is not None:
            caller.link.drop(caller)
        elif caller in self._queue:
            del self._queue[caller]
        elif caller in self._copies:
            del self._copies[caller]
        elif caller in self._alone:
            self._alone.remove(caller)

    def blame(self) -> bool:
        """Whether a failure for want of a worker is the first since one was up: those after it share its cause."""
        blamed, self._blamed = self._blamed, True
        return not blamed

    def freed(self) -> None:
        """A link may have credit: send what waits."""
        self._assess()
        if self._queue or self._alone or self._copies:
            self._dispatch()

    def answered(self, batch: links.Batch, seconds: float) -> None:
        """A link has got a batch's answers."""
        self.batching.answered(batch.requests, batch.rows, seconds, batch.size)
        self.batching.rest(len(self._queue), time.monotonic())
        self.served.batch(batch.requests, batch.rows, seconds)

    def survived(self, caller: links.Caller) -> None:
        """It was answered."""
        if self.quarantine.deaths:
            self.quarantine.survived(caller.body)

    def bereaved(self, callers: list[links.Caller]) -> None:
        """A link has changed, or was lost with these in flight: each is tried again alone where that can help, once."""
        callers.sort(key=lambda caller: (caller.is_copy, caller.arrived))
        now = time.monotonic()
        others = any(link.state is links.State.READY and not link.leaving for link in self._links)
        for body in {caller.body for caller in callers if caller.body}:
            self.quarantine.died(body, now)
        for caller in callers:
            if others and not caller.crashed and not caller.is_copy:
                caller.crashed = True
                self._alone.append(caller)
            else:
                caller.lost(first=self.blame())
        self._assess()
        if self.hopeful:
            self._dispatch()
        else:
            self._give_up()

    def _assess(self) -> None:
        """Look at the links again after one of them has changed."""
        states = {link.state for link in self._links if not link.leaving}
        self.hopeful = self._awaited or not states.isdisjoint(_HOPEFUL)
        if links.State.READY in states:
            self._blamed = False

    def _give_up(self) -> None:
        """Nothing that waits can be served."""
        waiting = [*self._alone, *self._queue, *self._copies]
        for queue in (self._alone, self._queue, self._copies):
            queue.clear()
        for caller in waiting:
            caller.lost(first=self.blame())

    def _dispatch(self) -> None:
        """Send what waits to the workers that are free: each gets one batch at most, and the next at another turn."""
        self._woken = False
        if self._waiting is not None:
            self._waiting.cancel()
            self._waiting = None
        now = time.monotonic()
        for link in self._free():
            if self._alone:
                if not link.batches:
                    link.send([self._alone.popleft()], now)
                continue
            queued = len(self._queue)
            if not queued:
                if link.batches or not self._copies:
                    return
                self._send(link, self._batch(self._copies, self.limits.batch, now), now)
                continue
            share = self.batching.share(queued + sum(one.in_flight for one in self._links), len(self._links))
            if link.batches:
                if not self.batching.overlaps or queued < share:
                    return
            elif queued < share and (seconds := self.batching.wait(queued, now)):
                self._waiting = self._loop.call_later(seconds, self._dispatch)
                return
            self._send(link, self._batch(self._queue, share, now), now)

    def _send(self, link: links.Link, batch: Sequence[links.Caller], now: float) -> None:
        link.send(batch, now)
        if len(self._links) > 1:
            self._links.remove(link)
            self._links.append(link)

    def _free(self) -> list[links.Link]:
        """The links in turn: idle ones, then those whose worker could have a second batch lying ready."""
        if len(self._links) == 1:
            link = self._links[0]
            return self._links[:] if link.idle or link.waits else []
        return [link for link in self._links if link.idle] + [link for link in self._links if link.waits]

    def _batch(self, queue: "collections.OrderedDict[links.Caller, None]", share: int, now: float) -> Sequence[links.Caller]:
        """The first in a queue, as many as fit together: by their share, the route's limits and the most urgent one's time."""
        pace = self.batching
        batch: list[links.Caller] = []
        size, rows = 0, 0.0
        urgent = room = math.inf
        for caller in itertools.islice(queue, min(share, self.limits.batch)):
            length = len(caller.body)
            size += length
            rows += pace.rows(length)
            if caller.until < urgent:
                urgent = caller.until
                room = pace.latency.room(urgent - now)
            if batch and (rows > room or size > BATCH_BYTES):
                break
            batch.append(caller)
        for caller in batch:
            del queue[caller]
        return batch
