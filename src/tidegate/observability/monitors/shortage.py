"""Is something running out: room in a queue, memory, descriptors, the disk? Trends, so that a person hears before it is."""

import statistics
from collections.abc import Sequence
from typing import NamedTuple

from tidegate.core.vocabulary import amounts
from tidegate.observability.metrics import minutes, processes

_size = amounts.size
QUEUE_LOOKS = 20
QUEUE_FEWEST = 50
QUEUE_SHARE = 0.05
"""Of the room in the queue: below it a queue that grows is a burst."""
MEMORY_MINUTES = 60
MEMORY_SHARE, MEMORY_BYTES = 0.2, 50 << 20
DESCRIPTORS_SHARE = 0.8
DISK_MINUTES = 30
DISK_HOURS, DISK_CRITICAL_HOURS = 24.0, 4.0
DISK_SHARE, DISK_BYTES = 0.02, 512 << 20
"""Less than both of these free is nearly full, whatever the trend."""


class Shortage(NamedTuple):
    """One thing that runs out."""

    words: str
    moved: tuple[str, ...]
    critical: bool = False


def queue(waiting: Sequence[int], room: int) -> Shortage | None:
    """Of the latest looks at how many wait: each of the later half saw more than any of the earlier, and it is not little."""
    if len(waiting) < QUEUE_LOOKS:
        return None
    early, late = waiting[-QUEUE_LOOKS : -QUEUE_LOOKS // 2], waiting[-QUEUE_LOOKS // 2 :]
    if min(late) <= max(early) or waiting[-1] < max(QUEUE_FEWEST, QUEUE_SHARE * room):
        return None
    words = f"the queue grows: {waiting[-1]:,} requests wait, of {room:,} that may; more workers, or fewer requests, are needed"
    return Shortage(words, (f"waiting: {statistics.median(early):,.0f} -> {waiting[-1]:,}",), waiting[-1] > room / 2)


def memory(used: Sequence[minutes.Sample], most: int) -> Shortage | None:
    """Of one process's samples, a minute apart: it has risen all the time, by a fifth and 50 MB, and goes on.

    `most`: bytes that it may have.
    """
    used = [one for one in used if one.began == used[-1].began]
    if len(used) < MEMORY_MINUTES:
        return None
    third = len(used) // 3
    parts = [[one.resident for one in part] for part in (used[:third], used[third : 2 * third], used[2 * third :])]
    first, middle, last = (statistics.median(part) for part in parts)
    grown = last - first
    steady = max(parts[0]) < min(parts[2]) and last - middle > 0.3 * (middle - first)
    if not steady or grown < max(MEMORY_SHARE * first, MEMORY_BYTES):
        return None
    hourly = grown / (2 / 3 * (used[-1].at - used[0].at)) * 3_600
    left = (most - used[-1].resident) / hourly
    words = f"memory rises by {_size(hourly)} an hour and is at {_size(used[-1].resident)}, of {_size(most)} in {_hours(left)}"
    return Shortage(words, (f"resident: {_size(first)} -> {_size(last)}",), left < 1)


def descriptors(one: processes.Process) -> Shortage | None:
    """Of a process as it is now."""
    if one.most_descriptors <= 0 or one.descriptors < DESCRIPTORS_SHARE * one.most_descriptors:
        return None
    words = f"{one.descriptors:,} of {one.most_descriptors:,} file descriptors are in use; beyond them no connection is taken"
    return Shortage(words, (f"descriptors: {one.descriptors:,} of {one.most_descriptors:,}",), critical=True)


def disk(had: Sequence[minutes.Machine]) -> Shortage | None:
    """Of the machine's minutes: nearly full, or full within a day at the rate of the last hour."""
    if not had:
        return None
    now = had[-1]
    free = f"free: {_size(now.free)} of {_size(now.size)}"
    if now.free < min(DISK_SHARE * now.size, DISK_BYTES):
        return Shortage(f"the disk is nearly full: {_size(now.free)} are left", (free,), critical=True)
    lately = [one for one in had if one.at >= now.at - 3_600]
    if now.at - lately[0].at < DISK_MINUTES * 60:
        return None
    hourly = (lately[0].free - now.free) / (now.at - lately[0].at) * 3_600
    if hourly <= 0 or now.free / hourly > DISK_HOURS:
        return None
    left = now.free / hourly
    words = f"the disk is full in about {_hours(left)}: {_size(hourly)} an hour are written, {_size(now.free)} are left"
    return Shortage(words, (free, f"written: {_size(hourly)} an hour"), left < DISK_CRITICAL_HOURS)


def _hours(hours: float) -> str:
    return f"{hours:.0f} hours" if hours >= 1.5 else f"{max(0.0, hours * 60):.0f} minutes"
