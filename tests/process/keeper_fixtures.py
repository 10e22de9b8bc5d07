"""A keeper with stand-in programs under it: small, but real processes that take their claim and answer signals."""

import contextlib
import json
import os
import pathlib
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from tidegate.core.vocabulary import home, instances

CLAIM = """
import os, pathlib, signal, sys, time
from tidegate.core.vocabulary import home, instances
place, name = home.Home(pathlib.Path(sys.argv[1])), sys.argv[2]
signal.signal(signal.SIGTERM, lambda *_: ended())
def ended():
    with open(place.root / "ended", "a") as file: file.write(name + chr(10))
    os._exit(0)
claim = instances.Claim(place.instances, name, spec.token if (spec := instances.read(place.instances / f"{name}.json")) else "")
claim.say("ready")
"""
IDLE = CLAIM + "while True: signal.pause()"
STUBBORN = CLAIM + "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nclaim.say('deaf')\nwhile True: signal.pause()"
UNLOADABLE = CLAIM + "claim.say('failed', code='model-load-failed', message='no')\nsys.exit(3)"
ONCE = CLAIM + "open(place.root / 'runs', 'a').write('x')\nclaim.say('done')"
GATEWAY = (
    CLAIM
    + """
import socket
from tidegate.dataplane.gateway import handover
held = {key: int(value) for key, value in (item.split("=") for item in os.environ["TIDEGATE_FDS"].split(","))}
listening = socket.socket(fileno=held["http"])
handover.Handover(place.run / f"{name}.fds", held)
while True:
    client, _ = listening.accept()
    client.sendall(str(os.getpid()).encode())
    client.close()
"""
)


def until(true: Callable[[], object], seconds: float = 30.0) -> object:
    """Wait for a condition, with a bound."""
    deadline = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.02)
    return found


def put(place: home.Home, name: str, script: str = IDLE, **fields: object) -> instances.Spec:
    """Write a specification that runs `script`."""
    argv = ("{python}", "-c", script, str(place.root), name)
    given = {"kind": "worker", "token": secrets.token_hex(8), **fields}
    spec = instances.Spec(name=name, argv=argv, **given)  # type: ignore[arg-type]
    spec.write(place.instances)
    return spec


def ready(place: home.Home, name: str, but: int = 0) -> int:
    """The pid of a living instance that says it is ready; 0 while there is none, or only `but`."""
    pid = instances.holder(place.instances, name)
    said = instances.read_state(place.instances, name)
    return pid if pid and pid != but and said.get("state") == "ready" and said.get("pid") == pid else 0


STARTED: list[subprocess.Popen[bytes]] = []


class Keeper:
    """A keeper in a process of its own."""

    def __init__(self, place: home.Home, http: str = "127.0.0.1:0", *more: str) -> None:
        self.place = place
        argv = [sys.executable, "-m", "tidegate.control.loop.keeper", str(place.root), "--http", http, "--api", "127.0.0.1:0"]
        place.addresses.unlink(missing_ok=True)
        with (place.root / "keeper.stderr").open("w") as errors:
            self.child = subprocess.Popen([*argv, *more], stdout=errors, stderr=errors, start_new_session=True)
        STARTED.append(self.child)

    def up(self) -> dict[str, str]:
        """Wait until it listens; the addresses."""
        until(lambda: self.place.addresses.exists() or self.child.poll() is not None)
        assert self.child.poll() is None, self.ended()
        return dict(json.loads(self.place.addresses.read_text()))

    def port(self) -> int:
        """The port that clients of predictions use."""
        return int(self.up()["http"].rpartition(":")[2])

    def kill(self) -> None:
        """kill -9, of the keeper alone."""
        self.child.kill()
        self.child.wait()

    def ended(self) -> str:
        """What it said when it ended."""
        self.child.wait(60)
        return (self.place.root / "keeper.stderr").read_text()


@pytest.fixture
def place(tmp_path: pathlib.Path) -> Iterator[home.Home]:
    """A home, cleared of every process afterwards."""
    place = home.Home(tmp_path / "home")
    place.prepare()
    yield place
    for name in ["keeper", *(path.stem for path in place.instances.glob("*.lock"))]:
        if pid := instances.holder(place.instances, name):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            until(lambda name=name: not instances.holder(place.instances, name))  # type: ignore[misc]
    while STARTED:
        STARTED.pop().wait(30)
    for path in place.run.iterdir():
        path.unlink()
    place.run.rmdir()
