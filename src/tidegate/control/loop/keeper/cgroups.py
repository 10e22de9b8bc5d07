"""Control groups (Linux, version 2), where this process may make its own: the kernel then holds a worker to its memory and CPU.

They are ours to use when the keeper's own group is writable, has both controllers, and holds nobody but the keeper and what it
has started: a systemd service or scope with `Delegate=yes`, for instance. Otherwise nothing is touched.
"""

import contextlib
import math
import os
import pathlib

from tidegate.core.vocabulary import instances

MOUNT = pathlib.Path("/sys/fs/cgroup")
OWN = pathlib.Path("/proc/self/cgroup")
_KEEPER = "tidegate-keeper"
_WORKER = "tidegate-"
_PERIOD = 100_000
"""Microseconds over which CPU is shared out."""
_ABOVE = 1.1
"""The kernel's bound on memory over ours: the keeper's watcher ends a worker in order first, this catches one that is faster."""


def why_not(mount: pathlib.Path = MOUNT, own: pathlib.Path = OWN) -> str:
    """Why control groups cannot be used here; empty when they can. Changes nothing."""
    base = _base(mount, own)
    if base is None:
        return "there is no version 2 hierarchy"
    missing = {"cpu", "memory"} - set(_read(base / "cgroup.controllers").split())
    if missing:
        return f"the group has no {' and no '.join(sorted(missing))} controller"
    if not all(os.access(base / file, os.W_OK) for file in ("", "cgroup.procs", "cgroup.subtree_control")):
        return "the group is not delegated to this account"
    return ""


class Groups:
    """The groups of one keeper. Nothing here raises: a group that cannot be had leaves the other bounds in place."""

    def __init__(self, mount: pathlib.Path = MOUNT, own: pathlib.Path = OWN) -> None:
        self._base = self._prepared(mount, own)

    def bind(self, name: str, pid: int, wanted: instances.Resources) -> bool:
        """Put a process into a group of its own with these bounds, or change its bounds; whether that worked."""
        if self._base is None or not (wanted.memory or wanted.cpu):
            return False
        group = self._base / f"{_WORKER}{name}"
        try:
            group.mkdir(exist_ok=True)
            (group / "memory.max").write_text(str(math.ceil(wanted.memory * _ABOVE)) if wanted.memory else "max")
            (group / "cpu.max").write_text(f"{max(1_000, round(wanted.cpu * _PERIOD)) if wanted.cpu else 'max'} {_PERIOD}")
            (group / "cgroup.procs").write_text(str(pid))
        except OSError:
            return False
        return True

    def killed_for_memory(self, name: str) -> bool:
        """Whether the kernel has killed something in this group because of its bound on memory. Asked before `clear`."""
        if self._base is None:
            return False
        events = _read(self._base / f"{_WORKER}{name}" / "memory.events").splitlines()
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in events)

    def clear(self, name: str) -> None:
        """End what is left in a group, and remove it."""
        if self._base is not None:
            group = self._base / f"{_WORKER}{name}"
            with contextlib.suppress(OSError):
                (group / "cgroup.kill").write_text("1")
            with contextlib.suppress(OSError):
                group.rmdir()

    @staticmethod
    def _prepared(mount: pathlib.Path, own: pathlib.Path) -> pathlib.Path | None:
        """The group whose children are ours, controllers on and the keeper in a leaf, as the kernel demands; None: not here."""
        if why_not(mount, own):
            return None
        base = _base(mount, own)
        if base is None or set(_read(base / "cgroup.procs").split()) - {str(os.getpid())}:
            return None  # others live here, whom it is not for us to move
        try:
            leaf = base / _KEEPER
            leaf.mkdir(exist_ok=True)
            (leaf / "cgroup.procs").write_text(str(os.getpid()))
            (base / "cgroup.subtree_control").write_text("+cpu +memory")
        except OSError:
            return None
        return base


def _base(mount: pathlib.Path, own: pathlib.Path) -> pathlib.Path | None:
    for line in _read(own).splitlines():
        if line.startswith("0::"):
            path = mount / line.removeprefix("0::").strip().lstrip("/")
            base = path.parent if path.name == _KEEPER else path
            return base if (base / "cgroup.controllers").exists() else None
    return None


def _read(path: pathlib.Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
