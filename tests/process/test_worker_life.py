"""How a worker begins and ends: what it refuses to start with, and what it still answers while it drains."""

import json
import subprocess
import sys
import time

import pytest
import worker_fixtures as fixtures

from tidegate.core.vocabulary import home, manifests, marks
from tidegate.dataplane.wire import frames

INFER, RECORDS = frames.Content.INFER, frames.Content.RECORDS


@pytest.fixture
def place(tmp_path):
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def started(place):
    running = []

    def start(digest, name="w-1", **env):
        running.append(fixtures.Worker(place, digest, name, **env))
        return running[-1]

    yield start
    for worker in running:
        worker.close()


def _refused(worker):
    said = worker.until("failed")
    assert worker.process.wait(20) == 3
    return said


def test_a_changed_file_is_named_and_nothing_is_loaded(place, started):
    digest = fixtures.bundle(place)
    (place.bundles / digest / "code" / "odd_model.py").write_text("print('loaded')")
    said = _refused(worker := started(digest))
    assert said["code"] == "digest-mismatch"
    assert "code/odd_model.py" in said["message"]
    assert "loaded" not in worker.words()


def test_a_file_that_the_manifest_does_not_name_is_refused(place, started):
    digest = fixtures.bundle(place)
    (place.bundles / digest / "code" / "numpy.py").write_text("")
    said = _refused(started(digest))
    assert (said["code"], "code/numpy.py" in said["message"]) == ("digest-mismatch", True)


def test_a_bundle_that_is_not_there_is_said_to_be_missing(started):
    assert _refused(started("0" * 64))["code"] == "bundle-missing"


def test_a_pickle_that_nobody_trusts_is_not_opened(place, started):
    said = _refused(started(fixtures.bundle(place, trust="")))
    assert said["code"] == "trust-required"


def test_a_model_that_cannot_load_says_why(place, started):
    said = _refused(started(fixtures.bundle(place, code="import no_such_package\n")))
    assert said["code"] == "model-load-failed"
    assert "no_such_package" in said["message"]


@pytest.mark.parametrize("row", [[666, 1], [777, 1], [555, 1]], ids=["raises", "not-finite", "wrong-count"])
def test_a_model_that_does_not_answer_its_example_never_listens(place, started, row):
    worker = started(fixtures.bundle(place, example={"records": [[1, 2], row]}))
    assert _refused(worker)["code"] == "warmup-failed"
    assert not (place.root / "w-1.sock").exists()


def test_two_workers_cannot_have_one_name(place, started):
    digest = fixtures.bundle(place)
    worker = started(digest)
    worker.until("ready")
    second = started(digest)
    assert second.process.wait(20) == 4
    assert worker.state()["state"] == "ready"


def test_a_socket_left_by_a_killed_worker_is_no_obstacle(place, started):
    digest = fixtures.bundle(place)
    first = started(digest)
    first.until("ready")
    first.close()
    (place.instances / "w-1.state").unlink()
    second = started(digest)
    second.until("ready")
    assert second.gateway().welcome().digest == digest


def test_sigterm_drains_what_has_come_is_answered_and_the_exit_is_clean(place, started):
    worker = started(fixtures.bundle(place))
    worker.until("ready")
    gateway = worker.gateway()
    gateway.welcome()
    gateway.send((1, fixtures.infer([333, 0]), INFER))
    gateway.send((2, fixtures.infer([1, 0]), INFER))
    worker.terminate()
    frames_seen = []
    while (frame := gateway.frame()) is not None:
        frames_seen.append((frame[0], frame[1]))
        if frame[0] == frames.Kind.DRAIN:
            gateway.send((3, fixtures.infer([2, 0]), INFER))  # crossed the DRAIN on its way
            gateway.sock.sendall(frames.pack(frames.Kind.DRAIN, 0, None))
    assert sorted(frames_seen) == [(frames.Kind.REPLY, 1), (frames.Kind.REPLY, 2), (frames.Kind.REPLY, 3), (frames.Kind.DRAIN, 0)]
    assert worker.process.wait(10) == 0
    assert worker.state()["state"] == "done"


def test_a_gateway_that_does_not_confirm_a_drain_is_waited_for_but_not_for_ever(place, started):
    worker = started(fixtures.bundle(place))
    worker.until("ready")
    gateway = worker.gateway()
    gateway.welcome()
    worker.terminate()
    assert gateway.frame()[0] == frames.Kind.DRAIN
    assert gateway.frame() is None
    assert worker.process.wait(10) == 0


def test_an_idle_worker_drains_at_once(place, started):
    worker = started(fixtures.bundle(place))
    worker.until("ready")
    began = time.monotonic()
    worker.terminate()
    assert worker.process.wait(10) == 0
    assert time.monotonic() - began < 5


def test_ctrl_c_is_left_to_the_keeper(place, started):
    worker = started(fixtures.bundle(place))
    worker.until("ready")
    worker.process.send_signal(2)
    gateway = worker.gateway()
    gateway.welcome()
    gateway.send((1, fixtures.infer([1, 2]), INFER))
    assert gateway.replies(1)[1][0].mark == marks.Mark.OK


def test_without_a_specification_there_is_nothing_to_run(place):
    argv = [sys.executable, "-m", "tidegate.dataplane.worker", str(place.root), "nobody"]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "no specification" in json.loads(ended.stderr)["event"]


ROW = {"a": 1.5, "b": 2, "note": "x"}


def test_a_model_of_columns_takes_records_and_tensors_and_names_what_is_missing(place, started):
    digest = fixtures.bundle(place, fixtures.COLUMNS, {"records": [ROW]}, profile=manifests.Profile())
    worker = started(digest, TIDEGATE_LOAD_NICE="5")
    worker.until("ready")
    gateway = worker.gateway()
    gateway.welcome()
    tensors = [
        {"name": "a", "shape": [2], "datatype": "FP64", "data": [1, 2.5]},
        {"name": "b", "shape": [2, 1], "datatype": "INT32", "data": [[1], [2]]},
    ]
    gateway.send(
        (1, {"records": [ROW, {"a": None, "b": 1}]}, RECORDS),
        (2, {"inputs": tensors}, INFER),
        (3, {"inputs": tensors[:1]}, INFER),
        (4, [{"a": 1, "note": "x"}], RECORDS),
        (5, ROW, RECORDS),
    )
    replies = gateway.replies(5)
    assert replies[2][0].answers == (2.0, 4.5)
    assert replies[5][1]["predictions"] == [3.5]
    assert "missing required column `b`" in replies[3][1]["error"]
    assert "row 0: missing required column `b`" in replies[4][1]["error"]
    assert replies[1][0].mark == marks.Mark.INVALID  # a + b is NaN where a is missing
    assert json.dumps(replies[1][1]).find("NaN") < 0
    assert replies[2][0].bin == -1
