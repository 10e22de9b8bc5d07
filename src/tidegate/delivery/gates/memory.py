"""How much memory workers may still take: what the machine has left, or the control group that this process is in."""

import pathlib
from typing import NamedTuple

MEMORY = pathlib.Path("/proc/meminfo")
OWN = pathlib.Path("/proc/self/cgroup")
MOUNT = pathlib.Path("/sys/fs/cgroup")
_UNLIMITED = 1 << 60


class Free(NamedTuple):
    """What there is."""

    size: int
    """Bytes."""
    where: str
    """Whose bound it is, in words."""


def free(memory: pathlib.Path = MEMORY, own: pathlib.Path = OWN, mount: pathlib.Path = MOUNT) -> Free | None:
    """The tightest of what can be told; None where nothing can (no Linux)."""
    found = [one for one in (_machine(memory), *_groups(own, mount)) if one is not None]
    return min(found, default=None)


def _machine(memory: pathlib.Path) -> Free | None:
    for line in _lines(memory):
        if line.startswith("MemAvailable:"):
            return Free(int(line.split()[1]) << 10, "on this machine")
    return None


def _groups(own: pathlib.Path, mount: pathlib.Path) -> list[Free]:
    """Of every group that this process is in, up to the top: version 2, or the memory controller of version 1."""
    found = []
    for line in _lines(own):
        number, controllers, path = line.split(":", 2)
        if number == "0" and not controllers:
            base, files = mount, ("memory.max", "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base, files = mount / "memory", ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        group = base / path.lstrip("/")
        # Inside a container the path may be the host's: the group is then what is mounted at the top.
        places = [one for one in (group, *group.parents) if one == base or base in one.parents]
        found += [left for one in dict.fromkeys(places) if (left := _left(one, files)) is not None]
    return found


def _left(group: pathlib.Path, files: tuple[str, str, str]) -> Free | None:
    most, used = _number(group / files[0]), _number(group / files[1])
    if most is None or used is None or most >= _UNLIMITED:
        return None
    # What files have left in memory is given back when somebody needs it.
    cached = next((int(line.split()[1]) for line in _lines(group / "memory.stat") if line.split()[0] == files[2]), 0)
    return Free(max(0, most - used + cached), "in this control group")


def _number(path: pathlib.Path) -> int | None:
    said = next(iter(_lines(path)), "")
    return int(said) if said.isdigit() else None


def _lines(path: pathlib.Path) -> list[str]:
    try:
        return [line for line in path.read_text().splitlines() if line.strip()]
    except OSError:
        return []
