"""The two servers that are compared, each as its users would run it: real processes on free ports."""

import contextlib
import os
import pathlib
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from urllib import request

from tidegate.core.vocabulary import home, instances, releases, tables
from tidegate.dataplane.targets import local
from tidegate.dataplane.wire import tablefile

ROOT = pathlib.Path(__file__).parent.parent
PATH = "/v2/models/logreg/infer"
_THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@contextlib.contextmanager
def tidegate(place: home.Home, digest: str) -> Iterator[str]:
    """A gateway, with every prediction logged, and one worker; the URL to post to."""
    version = releases.Version("logreg", 1, digest, digest, "bench")
    local.Local(place).ensure(version, 1)
    spec = next(spec for path in place.instances.glob("w-*.json") if (spec := instances.read(path)) is not None)
    worker = tables.Worker(spec.name, spec.labels["address"], spec.token)
    route = tables.Route("logreg", "production", tables.Deployed(1, digest, "bench", (worker,)))
    tablefile.write(place.table, lambda now: tables.Table(now.generation, now.parent, {"logreg": route}))
    instances.Spec("gateway-0", "gateway", (), token="bench").write(place.instances)
    listener = socket.create_server(("127.0.0.1", 0), backlog=1_024)
    with (place.logs / "bench.log").open("w") as log, listener:
        argv = [sys.executable, "-m", "tidegate.dataplane.{}", str(place.root), "{}"]
        number = listener.fileno()
        started = []
        for module, name in (("worker", spec.name), ("gateway", "gateway-0")):
            environment = {**os.environ, **_THREADS, "TIDEGATE_FDS": f"http={number}"}
            filled = [*argv[:2], argv[2].format(module), argv[3], name]
            started.append(subprocess.Popen(filled, env=environment, pass_fds=(number,), stderr=log, stdout=log))
            _wait(lambda name=name: instances.read_state(place.instances, name).get("state") == "ready", started[-1], log.name)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}{PATH}"
        finally:
            _end(*reversed(started))


@contextlib.contextmanager
def fastapi(model: pathlib.Path, log: pathlib.Path) -> Iterator[str]:
    """FastAPI on uvicorn, one process; the URL to post to."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    argv = [sys.executable, "-m", "uvicorn", "bench.fastapi_service:app", "--no-access-log", "--port", str(port)]
    environment = {**os.environ, **_THREADS, "BENCH_MODEL": str(model)}
    with log.open("w") as told:
        process = subprocess.Popen(argv, env=environment, cwd=ROOT, stdout=told, stderr=told)
        try:
            _wait(lambda: _opens(f"http://127.0.0.1:{port}/openapi.json"), process, str(log))
            yield f"http://127.0.0.1:{port}{PATH}"
        finally:
            _end(process)


def _opens(url: str) -> bool:
    with contextlib.suppress(OSError), request.urlopen(url, timeout=5) as answer:
        return bool(answer.status == 200)
    return False


def _wait(true: Callable[[], bool], process: "subprocess.Popen[bytes]", log: str, seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        if process.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"a server did not start:\n{pathlib.Path(log).read_text()[-3_000:]}")
        time.sleep(0.02)


def _end(*processes: "subprocess.Popen[bytes]") -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
