"""The keeper replaces itself by the code that is installed now: by exec, so that its pid, its children, its lock and the
listening sockets stay what they are. SIGUSR2 asks for it.

Descriptors are handed on by their numbers in the environment. Signals are held back until the successor can take them.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import typing

HANDED = "TIDEGATE_KEEPER"
_HELD_BACK = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR2)
_TRIAL_SECONDS = 60.0
_KEEPER, _COMMAND = "tidegate.control.loop.keeper.process", "tidegate.interface.cli.commands.up"


class Handed(typing.NamedTuple):
    """What the keeper before, which was this very process, has handed on."""

    claim: int
    """The descriptor that holds the keeper's lock: closing it would drop the lock."""
    sockets: dict[str, socket.socket]


def under_way() -> bool:
    """Whether this process is a keeper that has just replaced itself."""
    return bool(os.environ.get(HANDED))


def taken() -> Handed | None:
    """What was handed on; None at an ordinary start. Once: nothing of it is left for children."""
    given = os.environ.pop(HANDED, "")
    if not given:
        return None
    told = json.loads(given)
    for number in (told["claim"], *told["sockets"].values()):
        os.set_inheritable(number, False)
    return Handed(told["claim"], {name: socket.socket(fileno=number) for name, number in told["sockets"].items()})


def release_signals() -> None:
    """Let those through that were held back: whoever calls this can take them now."""
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _HELD_BACK)


def renew(claim: int, sockets: dict[str, socket.socket]) -> str:
    """Become the code that is installed now. Returns only when that code does not start: why, in words."""
    argv = [sys.executable, *sys.orig_argv[1:]]
    wrong = _tried()
    if wrong:
        return wrong
    numbers = {name: listening.fileno() for name, listening in sockets.items()}
    for number in (claim, *numbers.values()):
        os.set_inheritable(number, True)
    signal.pthread_sigmask(signal.SIG_BLOCK, _HELD_BACK)
    os.environ[HANDED] = json.dumps({"claim": claim, "sockets": numbers})
    try:
        os.execv(sys.executable, argv)  # noqa: S606 -- ourselves, as we were started
    except OSError as failed:
        os.environ.pop(HANDED)
        release_signals()
        return f"{sys.executable} cannot be started: {failed.strerror}"


def _tried() -> str:
    """Why the installed code cannot be imported; empty when it can."""
    modules = [_KEEPER, *([_COMMAND] if _COMMAND in sys.modules else [])]
    try:
        trial = subprocess.run(
            [sys.executable, "-c", f"import {', '.join(modules)}"], capture_output=True, timeout=_TRIAL_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        return f"the installed code does not start: {failed}"
    said = trial.stderr.decode(errors="replace").strip().splitlines()
    return f"the installed code does not start: {said[-1] if said else trial.returncode}" if trial.returncode else ""
