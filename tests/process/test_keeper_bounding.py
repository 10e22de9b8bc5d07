"""What a worker may use and leave behind, with real processes under a real keeper."""

import json
import os
import pathlib
import resource
import signal
import sys

import pytest
from keeper_fixtures import CLAIM, IDLE, Keeper, place, put, ready, until

from tidegate.core.vocabulary import home, instances

__all__ = ["place"]

TELLS = (
    CLAIM
    + """
import json, resource
files = resource.getrlimit(resource.RLIMIT_NOFILE)
cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
claim.say("ready", files=files, cores=cores, environment=dict(os.environ))
while True: signal.pause()"""
)
HUNGRY = (
    CLAIM
    + """
signal.signal(signal.SIGTERM, signal.SIG_DFL)
held = bytearray(os.urandom(1 << 20) * 200) if not (place.root / "fed").exists() else b""
(place.root / "fed").touch()
claim.say("ready")
while True: signal.pause()"""
)
PARENT = (
    CLAIM
    + """
import subprocess
plain = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(45)"])
apart = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(45)"], start_new_session=True)
nameless = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(45)"], env={})
claim.say("ready", children=[plain.pid, apart.pid, nameless.pid])
while True: signal.pause()"""
)
linux = pytest.mark.skipif(sys.platform != "linux", reason="bounds from outside are Linux's")


def said(place: home.Home, name: str) -> dict:
    return instances.read_state(place.instances, name)


@linux
def test_a_worker_gets_its_bounds_and_no_secret_of_the_keepers(place, monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "hunter2")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2")
    Keeper(place).up()
    put(place, "w-1", TELLS, resources=instances.Resources(cpu=0.5, files=128))
    until(lambda: "environment" in said(place, "w-1"))
    told = said(place, "w-1")
    assert (told["files"], told["cores"]) == ([128, 128], 1)
    assert "hunter2" not in json.dumps(told)
    assert told["environment"]["TIDEGATE_INSTANCE"] == f"{place.root}:w-1"
    assert "PATH" in told["environment"]
    put(place, "w-2", TELLS)
    until(lambda: "files" in said(place, "w-2"))
    assert said(place, "w-2")["files"] == list(resource.getrlimit(resource.RLIMIT_NOFILE))


def test_a_worker_over_its_memory_is_ended_and_started_again_and_the_reason_is_kept(place):
    Keeper(place).up()
    put(place, "w-1", HUNGRY, resources=instances.Resources(memory=100 << 20))
    put(place, "w-2", IDLE, resources=instances.Resources(memory=100 << 20))
    first = until(lambda: ready(place, "w-1"))
    until(lambda: ready(place, "w-1", first))
    known = instances.read_restarts(place.instances, "w-1")
    assert known["restarts"] == 1
    assert "its bound is 100 MiB (resources.memory)" in known["why"]
    assert "its bound is 100 MiB" in (place.logs / "keeper.log").read_text()
    assert not instances.read_restarts(place.instances, "w-2")


@linux
@pytest.mark.parametrize("how", ["kill", "crash", "remove"])
def test_what_a_worker_has_started_ends_with_it(place, how):
    Keeper(place).up()
    put(place, "w-1", PARENT)
    pid = until(lambda: ready(place, "w-1"))
    children = until(lambda: said(place, "w-1").get("children"))
    assert all(alive(child) for child in children)
    if how == "remove":
        (place.instances / "w-1.json").unlink()
    else:
        os.kill(int(pid), signal.SIGKILL if how == "kill" else signal.SIGABRT)
    until(lambda: not any(alive(child) for child in children))


@linux
def test_a_successor_ends_what_an_adopted_worker_has_left(place):
    keeper = Keeper(place)
    keeper.up()
    put(place, "w-1", PARENT)
    pid = until(lambda: ready(place, "w-1"))
    children = until(lambda: said(place, "w-1").get("children"))
    keeper.kill()
    Keeper(place).up()
    os.kill(int(pid), signal.SIGKILL)
    until(lambda: ready(place, "w-1", int(pid)))
    assert not any(alive(child) for child in children)


@linux
def test_memory_is_watched_of_the_whole_family(place):
    child = "import os, time; held = os.urandom(1) * (200 << 20); time.sleep(45)"
    held = f"import subprocess\nif not (place.root / 'fed').exists(): subprocess.Popen([sys.executable, '-c', {child!r}])\n"
    Keeper(place).up()
    put(
        place,
        "w-1",
        f"{CLAIM}{held}(place.root / 'fed').touch()\nwhile True: signal.pause()",
        resources=instances.Resources(100 << 20),
    )
    first = until(lambda: ready(place, "w-1"))
    until(lambda: ready(place, "w-1", int(first)))
    assert "its bound is 100 MiB" in instances.read_restarts(place.instances, "w-1")["why"]


def alive(pid: int) -> bool:
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
