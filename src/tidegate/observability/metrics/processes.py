"""What each process of a home uses: CPU, memory, descriptors, threads, disk; of a worker, what gateways sent it and got from it.

Of the process that holds the instance's lock; a child of its own is not counted with it. Some numbers are not told of another
account's processes, or not on every system: they are left at -1, which is shown nowhere.
"""

import contextlib
from typing import NamedTuple

import psutil

from tidegate.core.vocabulary import home, instances
from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import totals

KEEPER = "keeper"


class Process(NamedTuple):
    """One instance as it is now. -1: not told."""

    name: str
    kind: str
    endpoint: str = ""
    version: str = ""
    pid: int = 0
    """0: it is not alive."""
    began: float = 0.0
    """Unix seconds."""
    cpu_seconds: float = -1.0
    resident: int = -1
    """Bytes."""
    descriptors: int = -1
    most_descriptors: int = -1
    threads: int = -1
    read: int = -1
    """Bytes, from disks."""
    written: int = -1
    received: int = -1
    """Bytes, from gateways, by all workers of this name since the home was made."""
    sent: int = -1


def listed(place: home.Home, served: totals.Served) -> list[Process]:
    """The keeper, and every instance that has a specification, by name. `served`: what gateways have counted."""
    given, taken = served.of(counts.GIVEN), served.of(counts.TAKEN)
    found = [_measured(Process(KEEPER, KEEPER), instances.holder(place.instances, KEEPER))]
    for path in sorted(place.instances.glob("*.json")):
        spec = instances.read(path)
        if spec is not None:
            ordinal = spec.labels.get("ordinal", "")
            told = Process(spec.name, spec.kind, spec.labels.get("endpoint", ""), f"v{ordinal}" if ordinal else "")
            whose = counts.worker(spec.name)
            told = told._replace(received=given.get(whose, -1), sent=taken.get(whose, -1))
            found.append(_measured(told, instances.holder(place.instances, spec.name)))
    return found


def _measured(told: Process, pid: int) -> Process:
    if not pid:
        return told
    try:
        process = psutil.Process(pid)
        with process.oneshot():
            used = process.cpu_times()
            told = told._replace(
                pid=pid,
                began=process.create_time(),
                cpu_seconds=used.user + used.system,
                resident=process.memory_info().rss,
                threads=process.num_threads(),
            )
        with contextlib.suppress(psutil.AccessDenied):
            told = told._replace(descriptors=process.num_fds())
        with contextlib.suppress(psutil.AccessDenied, AttributeError):  # not on macOS
            told = told._replace(most_descriptors=process.rlimit(psutil.RLIMIT_NOFILE)[0])
        with contextlib.suppress(psutil.AccessDenied, AttributeError):
            moved = process.io_counters()
            told = told._replace(read=moved.read_bytes, written=moved.write_bytes)
    except psutil.NoSuchProcess:
        return told._replace(pid=0)
    except psutil.AccessDenied:
        return told._replace(pid=pid)
    return told
