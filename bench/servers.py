"""The two servers that are compared, each as its users would run it: real processes on free ports.

Tidegate runs without a keeper here: one gateway, and one worker a version. `kept` has a keeper run them.
"""

import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence

import msgspec

from bench import models
from tidegate.core.vocabulary import home, instances, releases, tables
from tidegate.dataplane.targets import local
from tidegate.dataplane.wire import tablefile

ROOT = pathlib.Path(__file__).parent.parent
ENDPOINT = "bench"
PATH = f"/v2/models/{ENDPOINT}/infer"
GATEWAY = "tidegate.dataplane.gateway"
SECONDS = 60.0
"""How long a server may take to come up."""
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Tidegate:
    """One home's gateway and its workers by version. `route` writes the table."""

    def __init__(self, place: home.Home) -> None:
        self.place = place
        self.deployed: dict[int, tables.Deployed] = {}
        self.workers: dict[int, int] = {}
        """Process ids, by version."""
        self.gateway = self.port = 0
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Where one-row requests are posted."""
        return f"http://127.0.0.1:{self.port}{PATH}"

    def start_worker(self, digest: str) -> None:
        """The next version's."""
        version = releases.Version(ENDPOINT, len(self.deployed) + 1, digest, digest, "bench")
        local.Local(self.place).ensure(version, 1)
        specs = (instances.read(path) for path in self.place.instances.glob("w-*.json"))
        spec = next(spec for spec in specs if spec is not None and spec.labels["ordinal"] == str(version.ordinal))
        process = self._start(spec, -1)
        self.workers[version.ordinal] = process.pid
        worker = tables.Worker(spec.name, spec.labels["address"], spec.token)
        self.deployed[version.ordinal] = tables.Deployed(version.ordinal, digest, "bench", (worker,))

    def start_gateway(self, listener: socket.socket, module: str, *words: str) -> None:
        """One that runs `python -m MODULE HOME NAME WORDS`; returns once it serves."""
        name = "gateway-0"
        argv = ("{python}", "-m", module, str(self.place.root), name, *words)
        spec = instances.Spec(name, "gateway", argv, token="bench")
        spec.write(self.place.instances)
        self.gateway = self._start(spec, listener.fileno()).pid
        self.port = listener.getsockname()[1]

    def route(self, stable: int = 1, **changes: object) -> tables.Table:
        """Give the endpoint to this version; the others are kept. `changes`: further fields of the route."""
        kept = tuple(self.deployed[ordinal] for ordinal in sorted(self.deployed) if ordinal != stable)

        def change(now: tables.Table) -> tables.Table:
            before = now.routes.get(ENDPOINT) or tables.Route(ENDPOINT, "production", self.deployed[stable])
            after = msgspec.structs.replace(before, stable=self.deployed[stable], kept=kept, **changes)
            return msgspec.structs.replace(now, routes={ENDPOINT: after})

        return tablefile.write(self.place.table, change)

    def obeyed(self, table: tables.Table) -> None:
        """Wait until the gateway goes by this table."""
        wait(lambda: instances.read_state(self.place.instances, "gateway-0").get("generation", 0) >= table.generation)

    def stop(self) -> None:
        """The gateway first."""
        end(*reversed(self._processes))

    def _start(self, spec: instances.Spec, listening: int) -> "subprocess.Popen[bytes]":
        fds = (listening,) if listening >= 0 else ()
        environment = {**os.environ, **_THREADS, **spec.env, "TIDEGATE_FDS": "".join(f"http={number}" for number in fds)}
        argv = [sys.executable if word == "{python}" else word for word in spec.argv]
        log = self.place.logs / f"{spec.name}.log"
        with log.open("ab") as told:
            process = subprocess.Popen(argv, env=environment, pass_fds=fds, stdout=told, stderr=told, cwd=ROOT)
        self._processes.append(process)
        wait(lambda: instances.read_state(self.place.instances, spec.name).get("state") == "ready", process, log)
        return process


@contextlib.contextmanager
def home_in(folder: pathlib.Path, name: str = "home") -> Iterator[home.Home]:
    """A home of its own; what lies outside the folder goes at the end."""
    place = home.Home(folder / name)
    place.prepare()
    try:
        yield place
    finally:
        shutil.rmtree(place.run, ignore_errors=True)


@contextlib.contextmanager
def folder() -> Iterator[pathlib.Path]:
    """A folder for one run."""
    with tempfile.TemporaryDirectory(prefix="bench", ignore_cleanup_errors=True) as made:
        yield pathlib.Path(made)


@contextlib.contextmanager
def tidegate(
    place: home.Home, digests: Sequence[str], *, program: tuple[str, ...] = (GATEWAY,), **route: object
) -> Iterator[Tidegate]:
    """A gateway, with every prediction logged, and one worker for each bundle: versions 1, 2, ...; version 1 is stable.

    `program`: the gateway's module, and words for it. `route`: fields of the route.
    """
    served = Tidegate(place)
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as listener:
        try:
            for digest in digests:
                served.start_worker(digest)
            served.route(**route)
            served.start_gateway(listener, *program)
            yield served
        finally:
            served.stop()


@contextlib.contextmanager
def fastapi(case: models.Case, log: pathlib.Path) -> Iterator[tuple[str, int]]:
    """FastAPI on uvicorn, one process: the URL to post to, and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "uvicorn", "bench.fastapi_service:app", "--no-access-log", "--port", str(port)]
    environment = {**os.environ, **_THREADS, "BENCH_MODEL": str(case.path), "BENCH_PATH": PATH}
    with log.open("w") as told:
        process = subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=told, stderr=told)
        try:
            wait(lambda: _opens(port), process, log)
            yield f"http://127.0.0.1:{port}{PATH}", process.pid
        finally:
            end(process)


def wait(
    true: Callable[[], object],
    process: "subprocess.Popen[bytes] | None" = None,
    log: pathlib.Path | None = None,
    seconds: float = SECONDS,
) -> None:
    """Return once it is true. Raises SystemExit, with the log's end, when the process has ended or the time is up."""
    until = time.monotonic() + seconds
    while not true():
        if (process is not None and process.poll() is not None) or time.monotonic() > until:
            raise SystemExit(f"waited in vain:\n{log.read_text()[-3_000:] if log else true}")
        time.sleep(0.01)


def end(*processes: "subprocess.Popen[bytes]") -> None:
    """SIGTERM to all, SIGKILL to those that do not heed it."""
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _opens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5):
        return True
    return False
