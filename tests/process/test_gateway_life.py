"""A gateway comes, is killed, drains and hands over without losing what it acknowledged."""

import contextlib
import os
import resource
import signal
import socket
import subprocess
import sys
import time

import pytest
from gateway_fixtures import Client, Load, deployed, until

from tidegate.core.vocabulary import ids, marks, records

OUTCOME = '{"outcomes": [{"id": "%s", "label": 1}]}'


def test_it_starts_in_well_under_a_second():
    began = time.monotonic()
    names = "tidegate.dataplane.gateway.process, uvloop, sys"
    told = subprocess.run(
        [sys.executable, "-c", f"import {names}; print(sorted(sys.modules))"], capture_output=True, text=True, check=True
    )
    assert time.monotonic() - began < 5.0, "even on a busy machine"
    for heavy in ("numpy", "pandas", "pyarrow", "sqlalchemy", "pydantic", "fastapi", "duckdb"):
        assert f"'{heavy}'" not in told.stdout


def test_kill_9_loses_no_record_and_no_count_of_what_was_answered(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with Load(rig) as load:
        load.more(200)
        first = rig.state["incarnation"]
        rig.gateway.kill()
        rig.gateway.wait()
        rig.start()
        load.more(200)
    logged = {ids.text(record.id) for record in rig.records()}
    assert {answer.headers["tidegate-prediction-id"] for answer in load.answers} <= logged
    assert 0 < len(load.failures) <= 6 * 50, "only what was in flight, and connections in between"
    until(lambda: rig.counts({first})[0].pending == 0)
    counts, _ = rig.counts({first})
    assert counts.ok >= len(load.answers)
    assert counts.ok + counts.marks[marks.Mark.ERROR] + counts.marks[marks.Mark.CANCELLED] == counts.opened


def test_every_boot_numbers_its_records_densely(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with Load(rig) as load:
        load.more(200)
    with rig.client() as client:
        client.request("POST", "/outcomes", (OUTCOME % load.answers[0].headers["tidegate-prediction-id"]).encode())
    found = [record.sequence for record in rig.records()]
    assert found == list(range(len(load.answers) + 1))


def test_sigterm_answers_what_is_under_way_and_ends_with_0(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as busy, rig.client() as quiet:
        assert quiet.predict().status == 200
        busy.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 14\r\n\r\n" + b'{"do": "slow"}')
        until(lambda: rig.counts()[0].opened == 2)
        rig.gateway.send_signal(signal.SIGTERM)
        until(lambda: rig.state["state"] == "draining")
        late = quiet.predict()
        assert (late.status, late.headers["connection"], quiet.read()) == (200, "close", None)
        assert (busy.read().json, busy.read()) == ({"slow": True}, None)
    assert rig.gateway.wait(12) == 0
    assert rig.state["state"] == "done"
    assert len(rig.records()) == 3


def test_clients_that_come_while_it_is_restarted_wait_in_the_socket(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    assert rig.stop() == 0
    with rig.client() as early:
        early.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        rig.start()
        assert early.read().status == 200


def test_a_second_process_of_the_same_name_ends_at_once(rig):
    rig.start()
    environment = {**os.environ, "TIDEGATE_FDS": f"http={rig.listener.fileno()}"}
    argv = [sys.executable, "-m", "tidegate.dataplane.gateway", str(rig.root), "gateway-0"]
    second = subprocess.run(
        argv, env=environment, pass_fds=(rig.listener.fileno(),), capture_output=True, text=True, check=False, timeout=20
    )
    assert second.returncode == 1
    assert "gateway-0 already" in second.stderr
    with rig.client() as client:
        assert client.request("GET", "/v2").status == 200


def test_a_successor_keeper_gets_the_listening_socket_with_its_name(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with socket.socket(socket.AF_UNIX) as asking:
        asking.connect(str(rig.home.run / "gateway-0.fds"))
        names, descriptors, _, _ = socket.recv_fds(asking, 1024, 4)
    assert names == b"http=0"
    with socket.socket(fileno=descriptors[0]) as handed:
        assert handed.getsockname()[1] == rig.port
        rig.gateway.kill()
        rig.gateway.wait()
        rig.listener.close()
        client = Client(rig.port)
        accepted, _ = handed.accept()
        accepted.close()
        client.close()


def test_outcomes_are_acknowledged_once_they_are_kept_and_refused_whole(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        shown = client.predict().headers["tidegate-prediction-id"]
        answer = client.request("POST", "/outcomes", (OUTCOME % shown).encode(), ["x-request-id: o1"])
        assert (answer.status, answer.json) == (200, {"accepted": 1})
        [outcome] = [record for record in rig.records() if isinstance(record, records.Outcome)]
        assert (ids.text(outcome.id), outcome.row, outcome.label, outcome.request_id) == (shown, 0, 1.0, "o1")
        two = b'{"outcomes": [{"id": "%b", "label": 1}, {"id": "nonsense", "label": 1}]}' % shown.encode()
        refused = client.request("POST", "/outcomes", two)
        assert (refused.status, refused.json["code"]) == (400, "outcome-invalid")
        assert "outcomes[1]" in refused.json["error"]
        assert len(rig.records()) == 2
        assert client.request("GET", "/outcomes").status == 405


@contextlib.contextmanager
def little_disk(rig, bytes_each):
    """No file of the gateway may grow beyond this from now on, as on a disk that is full."""
    _, hard = resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE, (bytes_each, hard))
    try:
        yield
    finally:
        resource.prlimit(rig.gateway.pid, resource.RLIMIT_FSIZE, (hard, hard))


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="only Linux limits another process")
@pytest.mark.parametrize("durability", ["interval", "ack"])
def test_on_a_full_disk_records_are_dropped_and_counted_or_requests_refused(rig, durability):
    rig.route(deployed(1, rig.worker(1)), durability=durability)
    rig.start()
    with rig.client() as client:
        shown = [client.predict().headers["tidegate-prediction-id"] for _ in range(5)]
        size = sum(len(path.read_bytes().rstrip(b"\0")) for path in rig.home.segments.iterdir())  # less zeros written ahead
        with little_disk(rig, size + 20):
            full = [client.predict() for _ in range(4)]
            outcome = client.request("POST", "/outcomes", (OUTCOME % shown[0]).encode())
            assert (outcome.status, outcome.json["code"]) == (503, "log-unavailable")
        after = client.predict()
        assert after.status == 200
    found = rig.records()
    assert [ids.text(record.id) for record in found] == [*shown, after.headers["tidegate-prediction-id"]]
    if durability == "interval":
        assert {answer.status for answer in full} == {200}
        until(lambda: rig.state["dropped"] == 4)
        assert found[-1].sequence == 9, "the gap is seen"
    else:
        assert {(answer.status, answer.json["code"]) for answer in full} == {(503, "log-unavailable")}
        assert (rig.state["dropped"], found[-1].sequence) == (0, 5)
    until(lambda: rig.counts()[0].closed == 10)
