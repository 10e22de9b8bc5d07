"""What a process uses: memory, processor time, open files. As Linux tells it."""

import os
import pathlib
import time

_PAGE = os.sysconf("SC_PAGE_SIZE")
_CLOCK = 2  # CPUCLOCK_SCHED, of a whole process


def rss_mib(pid: int) -> float:
    """Resident memory in MiB, pages shared with others included."""
    return int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / (1 << 20)


def cpu_seconds(pid: int) -> float:
    """Processor time used so far by all its threads, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | _CLOCK)


def files(pid: int) -> int:
    """Open descriptors."""
    return len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208 - names only
