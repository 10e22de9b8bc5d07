"""A process as the keeper knows it: its specification on disk, and what it says of itself. Standard library only.

The keeper starts what has a specification and stops what has none any more. An instance is alive exactly while it holds
the POSIX lock on its lock file; its identity is the random token in its specification, never a pid.
"""

import dataclasses
import fcntl
import functools
import json
import os
import pathlib
import signal
import struct
import sys
import threading
import typing

from tidegate.core.vocabulary import placing


@dataclasses.dataclass(frozen=True)
class Resources:
    """What a process may use; 0: no limit of ours."""

    memory: int = 0
    """Bytes resident, its children's included."""
    cpu: float = 0.0
    """Cores."""
    files: int = 0
    """Open file descriptors."""


UNLIMITED = Resources()


@dataclasses.dataclass(frozen=True)
class Spec:
    """What to run. Written whole by rename, never edited."""

    name: str
    kind: str
    """gateway, grpc, control, api, recorder, monitor, worker or job."""
    argv: tuple[str, ...]
    """The program and its arguments; `{python}` stands for the interpreter the keeper runs under."""
    token: str
    env: dict[str, str] = dataclasses.field(default_factory=dict)
    restart: str = "always"
    """always or never."""
    nice: int = 0
    passes: tuple[str, ...] = ()
    """Names of listening sockets to inherit (http, grpc, api); their numbers arrive in TIDEGATE_FDS as name=fd,name=fd."""
    labels: dict[str, str] = dataclasses.field(default_factory=dict)
    """For whoever wrote it: endpoint, ordinal, digest, release, ..."""
    resources: Resources = UNLIMITED

    def write(self, folder: pathlib.Path) -> None:
        """Put it in place atomically."""
        write_json(folder / f"{self.name}.json", dataclasses.asdict(self))


LEFT = ".left"
"""The ending of a specification that was taken away from a process that has not finished yet."""


def read(path: pathlib.Path) -> Spec | None:
    """The specification in a file, or None when the file is gone or is not one."""
    try:
        given = json.loads(path.read_text())
        lists = {"argv": tuple(given["argv"]), "passes": tuple(given["passes"])}
        return Spec(**{**given, **lists, "resources": Resources(**given.get("resources", {}))})
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_json(path: pathlib.Path, value: object) -> None:
    """Replace a JSON file atomically; readers see the old or the new, never a part."""
    placing.put(path, json.dumps(value).encode())


def read_state(folder: pathlib.Path, name: str) -> dict[str, typing.Any]:
    """What the instance last said of itself ({"token", "state", "at", ...}); empty when it has said nothing."""
    return _mapping(folder / f"{name}.state")


def read_restarts(folder: pathlib.Path, name: str) -> dict[str, typing.Any]:
    """What the keeper knows of its ends ({"token", "restarts", "exit", "down", "why"}); empty while it has had none."""
    return _mapping(folder / f"{name}.restarts")


def ask_end(folder: pathlib.Path, spec: Spec, why: str) -> None:
    """Have the keeper end this instance at once, as a crash of its own, and start it again. Raises OSError."""
    write_json(folder / f"{spec.name}.kill", {"token": spec.token, "why": why})


def asked_end(folder: pathlib.Path, spec: Spec) -> str:
    """Why this instance is to be ended; empty while nobody has asked, or what was asked for is of another token."""
    asked = _mapping(folder / f"{spec.name}.kill")
    return str(asked.get("why") or "no reason given") if asked.get("token") == spec.token else ""


def _mapping(path: pathlib.Path) -> dict[str, typing.Any]:
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


class Claim:
    """An instance's hold on its name. The file stays open for life: closing any descriptor of it would drop the lock."""

    def __init__(self, folder: pathlib.Path, name: str, token: str, held: int = -1) -> None:
        """Take the lock. `held`: the descriptor of one that this process has taken before it was replaced by exec.

        Raises BlockingIOError when another process of that name is alive.
        """
        self.folder, self.name, self.token = folder, name, token
        fresh = held < 0
        self._file = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600) if fresh else held
        fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _claimed[_real(folder, name)] = os.getpid()

    @property
    def descriptor(self) -> int:
        """Of the lock file: open for as long as the name is held."""
        return self._file

    def release(self) -> None:
        """Give the name back, for a process that goes on living."""
        _claimed.pop(_real(self.folder, self.name), None)
        os.close(self._file)

    def say(self, state: str, **facts: object) -> None:
        """Tell who watches: starting, loading, ready, draining, failed, done."""
        said = {"token": self.token, "pid": os.getpid(), "state": state, **facts}
        write_json(self.folder / f"{self.name}.state", said)


def claim(folder: pathlib.Path, name: str) -> Claim:
    """Take a name, with the token of its specification if it has one. Raises BlockingIOError as `Claim` does."""
    spec = read(folder / f"{name}.json")
    return Claim(folder, name, spec.token if spec else "")


def ending() -> threading.Event:
    """What is set when this process is told to end, by SIGTERM or SIGINT. Called once, by its main thread."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


def holder(folder: pathlib.Path, name: str) -> int:
    """The pid of the process that holds this instance's lock, for signals only; 0 when it is not alive."""
    if _claimed.get(_real(folder, name)) == os.getpid():
        return os.getpid()  # asking the file would drop our own lock
    layout = "hhqqi" if sys.platform == "linux" else "qqihh"
    ask = (fcntl.F_WRLCK, 0, 0, 0, 0) if sys.platform == "linux" else (0, 0, 0, fcntl.F_WRLCK, 0)
    try:
        file = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        told = struct.unpack(layout, fcntl.fcntl(file, fcntl.F_GETLK, struct.pack(layout, *ask)))
    finally:
        os.close(file)
    kind, pid = (told[0], told[4]) if sys.platform == "linux" else (told[3], told[2])
    return 0 if kind == fcntl.F_UNLCK else int(pid)


_claimed: dict[str, int] = {}
"""Lock files that this very process holds, with its pid: a child that was forked holds none of them."""


@functools.lru_cache(maxsize=4096)
def _real(folder: pathlib.Path, name: str) -> str:
    return os.path.realpath(folder / f"{name}.lock")
