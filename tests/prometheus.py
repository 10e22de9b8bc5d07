"""A real Prometheus for tests: Debian's binaries, on loopback, in a directory of its own."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest


def program(name: str) -> str:
    """Where `prometheus` or `promtool` is; without it the test is skipped, but fails where CI is set."""
    found = shutil.which(name)
    if found is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(f"there is no {name}; `.ci/run` installs Debian's")
    return str(found)


class Server:
    """One that runs."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, path: str, **query: str) -> Any:
        """What its API says."""
        url = f"{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answered:
            said = json.loads(answered.read())
        assert said["status"] == "success", said
        return said["data"]

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an expression now."""
        return list(self.ask("query", query=expression)["result"])

    def firing(self) -> dict[str, dict[str, str]]:
        """Labels of the alerts that fire, by name."""
        return {one["labels"]["alertname"]: one["labels"] for one in self.ask("alerts")["alerts"] if one["state"] == "firing"}


@contextlib.contextmanager
def running(configuration: pathlib.Path) -> Iterator[Server]:
    """By this configuration, with its data beside it."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    folder = configuration.parent
    argv = [program("prometheus"), f"--config.file={configuration}", f"--storage.tsdb.path={folder / 'data'}"]
    argv += [f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"]
    with (folder / "prometheus.log").open("w") as log:
        child = subprocess.Popen(argv, cwd=folder, stdout=log, stderr=log)
    try:
        server, until = Server(f"http://127.0.0.1:{port}"), time.monotonic() + 30
        while True:
            try:
                server.ask("status/buildinfo")
                break
            except OSError:
                assert time.monotonic() < until, (folder / "prometheus.log").read_text()
                time.sleep(0.05)
        yield server
    finally:
        child.terminate()
        child.wait(30)
