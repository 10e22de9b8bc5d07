"""All timers of requests in one: a wheel of slots of five milliseconds, turned only while something is in it.

A timer of the event loop per request would cost more than the rest of the request; most never go off.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol

SLOT = 0.005


class Item(Protocol):
    """What can be put in the wheel: it says that its time has come."""

    slot: "set[Item] | None" = None

    def expired(self) -> None:
        """The time given has passed."""


class Wheel:
    """Items by the slot their time falls in. `clock` is monotonic seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: Callable[[], float]) -> None:
        self._loop, self._clock = loop, clock
        self._slots: dict[int, set[Item]] = {}
        self._turned = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, item: Item, when: float) -> None:
        """Have `item` expire at `when`, up to a slot late, never early. An item is in one slot at a time."""
        at = int(when / SLOT) + 1
        slots = self._slots
        if self._timer is None:
            self._turned = int(self._clock() / SLOT)
            self._timer = self._loop.call_later(SLOT, self.turn)
        at = max(at, self._turned + 1)
        slot = slots.get(at)
        if slot is None:
            slot = slots[at] = set()
        slot.add(item)
        item.slot = slot

    def remove(self, item: Item) -> None:
        """Take it out, if it is in."""
        if item.slot is not None:
            item.slot.discard(item)
            item.slot = None

    def turn(self) -> None:
        """Expire what is due."""
        due = int(self._clock() / SLOT)
        while self._turned < due:
            self._turned += 1
            for item in list(self._slots.pop(self._turned, ())):
                if item.slot is not None:  # one that expired before it may have taken this one out
                    item.slot = None
                    item.expired()
        self._timer = self._loop.call_later(SLOT, self.turn) if self._slots else None
