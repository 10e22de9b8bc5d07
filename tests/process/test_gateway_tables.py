"""Tables change and workers die under load, and no client notices what it need not."""

import os
import signal
import time

import pytest
from gateway_fixtures import Load, Rig, deployed, until

from tidegate.core.vocabulary import marks, tables


def settled(rig, dead=()):
    """Both arms' counts once nothing is pending."""
    until(lambda: all(counts.pending == 0 for counts in rig.counts(dead)))
    return rig.counts(dead)


def test_no_request_fails_while_the_table_changes(rig):
    one, two = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(one)
    rig.start()
    with Load(rig) as load:
        for _ in range(4):
            for weight in (100, 2_500, 5_000, 10_000):
                rig.route(one, two, weight=weight)
                load.more(30)
            rig.route(two, kept=(one,))
            load.more(30)
            rig.route(one)
            load.more(30)
    assert load.failures == []
    stable, candidate = settled(rig)
    assert stable.opened + candidate.opened == len(load.answers) == len(rig.records())
    until(lambda: rig.state["workers"] == ["flights-v1-0"], what="the worker no route needs to be let go")


def test_what_is_in_flight_ends_under_the_route_it_was_drawn_with(rig):
    one, two = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    before = rig.route(one, two, weight=10_000)
    rig.start()
    with rig.client() as client:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 14\r\n\r\n" + b'{"do": "slow"}')
        until(lambda: rig.counts()[1].opened == 1)
        after = rig.route(one)
        assert client.read().headers["tidegate-version"] == "v2"
        assert client.predict().headers["tidegate-version"] == "v1"
    assert [record.generation for record in rig.records()] == [before.generation, after.generation]


def test_a_table_that_cannot_be_read_changes_nothing(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    good = rig.home.table.read_bytes()
    with Load(rig, clients=2) as load:
        for broken in (b"", b"{", b'{"generation": "x"}', b'{"generation":9,"parent":8,"routes":{},"protocol":99}'):
            rig.home.table.with_name("new").write_bytes(broken)
            rig.home.table.with_name("new").replace(rig.home.table)
            seen = rig.log().count("cannot be read")
            until(lambda seen=seen: rig.log().count("cannot be read") >= max(seen, 1))
        rig.home.table.unlink()
        load.more()
        rig.home.table.write_bytes(good)
        load.more()
    assert load.failures == []


def test_a_gateway_without_a_table_serves_and_is_not_ready(rig):
    rig.start()
    with rig.client() as client:
        ready = client.request("GET", "/v2/health/ready")
        assert (ready.status, ready.json) == (503, {"live": True, "ready": False})
        assert client.request("GET", "/v2/health/live").status == 200
        assert client.request("GET", "/v2/models").json == {"models": []}
        assert client.predict().status == 404
        rig.route(deployed(1, rig.worker(1)))
        until(lambda: client.request("GET", "/v2/health/ready").status == 200)


def test_a_killed_worker_costs_no_request_while_its_version_has_another(rig):
    workers = [rig.worker(1, ordinal=number) for number in range(2)]
    rig.route(deployed(1, *workers))
    rig.start()
    with Load(rig) as load:
        for number in range(2):
            name = f"flights-v1-{number}"
            rig.kill(name)
            load.more(60)
            until(lambda name=name: name not in rig.state["workers"])
            rig.worker(1, ordinal=number)
            until(lambda name=name: name in rig.state["workers"])
    assert load.failures == []
    stable, _ = settled(rig)
    assert stable.harmed == 0


def test_a_request_that_kills_workers_kills_two_at_most_and_no_other_request(rig):
    workers = [rig.worker(1, ordinal=number) for number in range(3)]
    rig.route(deployed(1, *workers))
    rig.start()
    with Load(rig) as load, rig.client() as poison:
        answer = poison.predict({"do": "die"})
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        load.more()
    assert load.failures == []
    assert sum(process.poll() is not None for process in rig.workers.values()) == 2
    stable, _ = settled(rig)
    assert (stable.marks[marks.Mark.ERROR], stable.harmed) == (1, 1)


def test_a_candidate_that_dies_is_rescued_and_its_death_is_one_event(rig):
    one, two = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(one, two, weight=5_000)
    rig.start()
    with Load(rig) as load:
        rig.kill("flights-v2-0")
        load.more(200)
    assert load.failures == []
    _, candidate = settled(rig)
    assert candidate.marks[marks.Mark.ERROR] == 1
    assert candidate.marks[marks.Mark.COLLATERAL] > 10
    assert candidate.rescued == candidate.harmed


@pytest.mark.parametrize("fallback", ["", '{"late": false}'])
def test_without_any_worker_clients_get_the_fallback_or_503_at_once_and_are_served_again_later(rig, fallback):
    rig.route(deployed(1, rig.worker(1)), fallback=fallback)
    rig.start()
    with rig.client() as client:
        assert client.predict().status == 200
        rig.kill("flights-v1-0")
        until(lambda: rig.state["workers"] == [])
        began = time.monotonic()
        answer = client.predict()
        assert time.monotonic() - began < 1.5, "a worker would be waited for until the deadline, after 2 s"
        if fallback:
            assert (answer.status, answer.headers["tidegate-fallback"]) == (200, "true")
        else:
            assert (answer.status, answer.headers["retry-after"], answer.json["code"]) == (503, "1", "worker-unavailable")
            assert client.request("GET", "/v2/health/ready").status == 503
        rig.worker(1)
        until(lambda: client.predict().headers.get("tidegate-version") == "v1")


def test_a_worker_with_another_token_or_digest_is_not_talked_to(rig):
    right = rig.worker(1)
    wrong = tables.Worker(right.instance, right.address, "guessed")
    rig.route(tables.Deployed(1, "f" * 64, "m", (right,)), kept=(deployed(2, wrong),))
    rig.start()
    until(lambda: "another worker listens" in rig.log() and "refuses this gateway" in rig.log())
    assert rig.state["workers"] == []


def test_a_worker_that_stands_still_is_reported_and_works_again_when_it_moves():
    rig = Rig({"limits.silent_seconds": "0.3"})
    try:
        rig.route(deployed(1, rig.worker(1)), limits=tables.Limits(timeout_ms=200))
        rig.start()
        with rig.client() as client:
            os.kill(rig.workers["flights-v1-0"].pid, signal.SIGSTOP)
            assert [client.predict().status for _ in range(3)] == [504] * 3
            until(lambda: rig.state["silent"].get("flights-v1-0", 0) > 0.3)
            os.kill(rig.workers["flights-v1-0"].pid, signal.SIGCONT)
            until(lambda: client.predict().status == 200)
            until(lambda: rig.state["silent"] == {})
    finally:
        rig.close()
