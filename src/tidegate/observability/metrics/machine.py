"""What the machine has: room on the home's disk, bytes over the network, GPUs.

Network bytes are the whole machine's, by interface: no system tells them of a process without special rights. What a worker
is sent and sends its gateways count (`wire.counts`).
"""

from typing import NamedTuple

import psutil

from tidegate.core.vocabulary import home


class Network(NamedTuple):
    """One interface, since the machine was started."""

    name: str
    received: int
    """Bytes."""
    sent: int


class Gpu(NamedTuple):
    """One GPU."""

    name: str
    used: float
    """0 to 1."""
    memory: int
    """Bytes in use."""


def disk(place: home.Home) -> tuple[int, int]:
    """Bytes of the home's file system, (all, free for this account). Raises OSError."""
    found = psutil.disk_usage(str(place.root))
    return found.total, found.free


def networks() -> list[Network]:
    """Every interface that has carried something."""
    found = psutil.net_io_counters(pernic=True)
    return [
        Network(name, one.bytes_recv, one.bytes_sent) for name, one in sorted(found.items()) if one.bytes_recv or one.bytes_sent
    ]


def gpus() -> list[Gpu]:
    """NVIDIA's, where its library for Python (`nvidia-ml-py`) is installed; none elsewhere, and none where it fails."""
    try:
        import pynvml  # noqa: PLC0415 - no dependency of ours: it is used where it is there

        pynvml.nvmlInit()
        found = []
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            used, memory = pynvml.nvmlDeviceGetUtilizationRates(handle), pynvml.nvmlDeviceGetMemoryInfo(handle)
            found.append(Gpu(str(number), used.gpu / 100, memory.used))
    except Exception:  # a driver's library raises what it likes
        return []
    return found
