"""Signals as something a loop can wait for."""

import contextlib
import ctypes
import os
import select
import signal
import sys
import types

from tidegate.control.loop.keeper import renewal

_SET_CHILD_SUBREAPER = 36
_STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
RENEW = signal.SIGUSR2


class Signals:
    """While entered: `stops` counts the requests to end, `renew` says that the installed code is to take over, and `wait`
    returns early when any signal or child's end arrives.

    For the main thread only; what was installed before is put back on leaving.
    """

    def __init__(self) -> None:
        self.stops = 0
        self.renew = False

    def __enter__(self) -> "Signals":
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._poll = select.poll()
        self._poll.register(self._read, select.POLLIN)
        self._before = {number: signal.signal(number, self._stop) for number in _STOPS}
        self._before[signal.SIGCHLD] = signal.signal(signal.SIGCHLD, _noted)
        self._before[RENEW] = signal.signal(RENEW, self._renew)
        self._wakeup = signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        renewal.release_signals()
        return self

    def __exit__(self, *_: object) -> None:
        signal.set_wakeup_fd(self._wakeup)
        for number, handler in self._before.items():
            signal.signal(number, handler)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float) -> None:
        """Until a signal, or this long."""
        self._poll.poll(seconds * 1000)
        with contextlib.suppress(BlockingIOError):
            os.read(self._read, 4096)

    def _stop(self, _: int, __: types.FrameType | None) -> None:
        self.stops += 1

    def _renew(self, _: int, __: types.FrameType | None) -> None:
        self.renew = True


def _noted(_: int, __: types.FrameType | None) -> None:
    """Nothing to do: the descriptor woke the loop. Without any handler the descriptor would not be written to."""


def become_subreaper() -> None:
    """Have orphans below us become our children, not init's (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reaped() -> list[tuple[int, int]]:
    """(pid, exit code) of every child that has ended; the code is negative for a signal."""
    found = []
    with contextlib.suppress(ChildProcessError):
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            found.append((ended[0], os.waitstatus_to_exitcode(ended[1])))
    return found
