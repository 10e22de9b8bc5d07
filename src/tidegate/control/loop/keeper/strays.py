"""What a worker has started and left behind. A process that ran people's code ends with everything it began.

Found by the mark in their environment, which children inherit, and by their process group. Processes that hide from both outlive
it: only a control group or another account would hold them.
"""

import contextlib
import os
import pathlib
import signal
import sys

MARK = "TIDEGATE_INSTANCE"
_PROC = pathlib.Path("/proc")
_ROUNDS = 5


def end(name: str, root: str, group: int) -> int:
    """Kill what the dead instance of this name and home has left, `group` being the pid it had; how many there were."""
    if sys.platform != "linux":
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        return 0
    count = 0
    for _ in range(_ROUNDS):  # one that is just being forked may be missed by a look
        pids = [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]
        found = sum(_ended(pid, mark(name, root), group) for pid in pids)
        count += found
        if not found:
            break
    return count


def mark(name: str, root: str) -> str:
    """What a process has in its environment when this instance, or anything below it, has started it."""
    return f"{root}:{name}"


def _ended(pid: int, wanted: str, group: int) -> bool:
    """Look at a process and end it by one and the same handle, so that no other of that number is hit."""
    try:
        handle = os.pidfd_open(pid)
    except OSError:
        return False
    try:
        ours = f"{MARK}={wanted}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0")
        if not (ours or _in_group(pid, group)) or pid == os.getpid():
            return False
        signal.pidfd_send_signal(handle, signal.SIGKILL)
    except (OSError, ValueError):
        return False
    finally:
        os.close(handle)
    return True


def _in_group(pid: int, group: int) -> bool:
    """Whether it lives, in the group of a leader that is dead: the number cannot have been given to another group then."""
    state, leader = _stat(pid)
    if leader != group or state == "Z":
        return False
    try:
        return _stat(group)[0] == "Z"
    except OSError:
        return True


def _stat(pid: int) -> tuple[str, int]:
    """(state, process group)."""
    state, _, group = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[:3]
    return state, int(group)
