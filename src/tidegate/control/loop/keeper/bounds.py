"""What a worker may use, held to: memory by looking at what is resident, CPU by cores and priority, files by the system's limit.

Where control groups can be used (`cgroups`) the kernel holds it to memory and CPU as well.
"""

import contextlib
import math
import os
import pathlib
import resource
import subprocess
import sys
import zlib

from tidegate.core.vocabulary import instances

SECONDS = 1.0
"""Between two looks at memory."""
GRACE = 5.0
"""How long a worker over its memory may take to finish what it has."""
_BELOW_ONE_NICE = 5
_PAGE = resource.getpagesize()
_PROC = pathlib.Path("/proc")


def wrapped(argv: list[str], wanted: instances.Resources) -> list[str]:
    """The program with its limit on open files, where that cannot be set from outside."""
    if wanted.files and sys.platform != "linux":
        return ["/bin/sh", "-c", 'ulimit -n "$0" && exec "$@"', str(wanted.files), *argv]
    return argv


def hold(name: str, pid: int, wanted: instances.Resources) -> None:
    """Bound a process that has just begun: its open files, the cores it runs on, its priority. What is refused is left out."""
    if sys.platform != "linux":
        return
    if wanted.files:
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (wanted.files, wanted.files))
    if wanted.cpu:
        with contextlib.suppress(OSError):
            os.sched_setaffinity(pid, cores(name, wanted.cpu, sorted(os.sched_getaffinity(0))))
        if wanted.cpu < 1:
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, pid, _BELOW_ONE_NICE)


def begin_gently(pid: int) -> None:
    """Have a process that has just begun interrupt nobody while it comes up; it ends that itself when it is ready (Linux)."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            os.sched_setscheduler(pid, os.SCHED_BATCH, os.sched_param(0))


def cores(name: str, wanted: float, there: list[int]) -> set[int]:
    """As many of these cores as are wanted, rounded up; which ones depends on the name, so that not all crowd on the first."""
    first = zlib.crc32(name.encode()) % len(there)
    return {there[(first + step) % len(there)] for step in range(min(len(there), math.ceil(wanted)))}


def excess(pid: int, wanted: instances.Resources) -> str:
    """In words, what a process holds over its bound on memory; empty while it is within."""
    held = resident(pid) if wanted.memory else 0
    if held <= wanted.memory:
        return ""
    return f"it held {held >> 20} MiB, and its bound is {wanted.memory >> 20} MiB (resources.memory)"


def resident(pid: int) -> int:
    """Bytes of memory that a process and its children hold; pages that they share count for each. 0 when it is gone."""
    if sys.platform != "linux":
        said = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout.strip()
        return int(said) << 10 if said.isdigit() else 0
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        with contextlib.suppress(OSError, ValueError, IndexError):
            total += int((_PROC / str(one) / "statm").read_text().split()[1]) * _PAGE
            for thread in (_PROC / str(one) / "task").iterdir():
                waiting += [int(child) for child in (thread / "children").read_text().split()]
    return total
