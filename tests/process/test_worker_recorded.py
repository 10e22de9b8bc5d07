"""Real workers that warm up on what their endpoint has been asked lately, one at a time."""

import fcntl
import json
import os
import pathlib
import signal
import sys

import pytest
import worker_fixtures as fixtures
from keeper_fixtures import until

from tidegate.core.vocabulary import home, instances
from tidegate.dataplane.wire import frames, samples


@pytest.fixture
def place(tmp_path):
    made = home.Home(tmp_path / "home")
    made.prepare()
    yield made
    for path in made.run.iterdir():
        path.unlink()
    made.run.rmdir()


def record(place: home.Home, *first: float) -> None:
    """What the recorder keeps of requests for these rows."""
    bodies = [json.dumps({"records": [[number, index]]}).encode() for index, number in enumerate(first)]
    samples.write(place.warm, "odd", [samples.Sample(int(frames.Content.RECORDS), body) for body in bodies])


def test_a_new_version_that_raises_on_what_stable_answered_never_becomes_ready(place):
    record(place, 666, 666, 666, 666, 1)
    worker = fixtures.Worker(place, fixtures.bundle(place))
    try:
        said = worker.until("failed")
        assert said["code"] == "warmup-failed"
        assert "failed on 4 of 5 requests" in said["message"]
        assert "no such carrier: 666" in said["message"]
        assert worker.process.wait(10) == 3
    finally:
        worker.close()


def test_one_that_has_served_is_up_again_whatever_was_recorded(place):
    digest = fixtures.bundle(place)
    worker = fixtures.Worker(place, digest)
    worker.until("ready")
    os.kill(worker.process.pid, signal.SIGKILL)
    worker.process.wait()
    record(place, *[666] * 8)
    again = fixtures.Worker(place, digest)
    try:
        until(lambda: again.state().get("pid") == again.process.pid and again.state()["state"] == "ready")
        assert '"failed": 8' in again.words()
    finally:
        again.close()
        worker.log.close()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_of_two_new_workers_of_one_endpoint_the_second_waits_its_turn(place):
    digest = fixtures.bundle(place)
    turn = os.open(place.run / "odd.loading", os.O_RDWR | os.O_CREAT)
    fcntl.flock(turn, fcntl.LOCK_EX)
    worker = fixtures.Worker(place, digest)
    try:
        worker.until("loading")
        until(lambda: _waits(worker.process.pid))
        assert instances.read_state(place.instances, "w-1")["state"] == "loading"
        os.close(turn)
        worker.until("ready", seconds=8)
    finally:
        worker.close()


def _waits(pid: int) -> bool:
    """Whether it has the endpoint's lock file open."""
    return any(one.readlink().name == "odd.loading" for one in pathlib.Path(f"/proc/{pid}/fd").iterdir())
