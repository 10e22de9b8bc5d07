"""After a promotion the candidate owns the endpoint and each arm may rescue the other; in a gap requests wait for who comes."""

import threading
import time

import pytest
from gateway_fixtures import Load, deployed, until

from tidegate.core.vocabulary import marks, tables

ALL = 10_000


@pytest.mark.parametrize(("weight", "arm", "by"), [(0, 0, 2), (ALL, 1, 1)])
@pytest.mark.parametrize("do", ["error", "invalid", "hang"])
def test_each_arm_rescues_the_other_and_the_mark_stays(rig, weight, arm, by, do):
    failing = {0: (do, "ok"), 1: ("ok", do)}[arm]
    stable, candidate = (deployed(number, rig.worker(number, default=failing[number - 1])) for number in (1, 2))
    rig.route(stable, candidate, weight=weight, candidate_owns=True, limits=tables.Limits(timeout_ms=600))
    rig.start()
    with rig.client() as client:
        answer = client.predict()
    assert (answer.status, answer.headers["tidegate-version"], answer.headers["tidegate-rescued"]) == (200, f"v{by}", "true")
    record = until(rig.records)[-1]
    wanted = {"error": marks.Mark.ERROR, "invalid": marks.Mark.INVALID, "hang": marks.Mark.TIMEOUT}[do]
    assert (record.arm, record.mark, record.rescued, record.answered_by) == (arm, wanted, True, by)
    until(lambda: rig.counts()[arm].marks[wanted] == 1, what="the mark")
    assert (rig.counts()[arm].rescued, rig.counts()[1 - arm].opened) == (1, 0)


def test_without_owning_it_the_candidate_rescues_nobody(rig):
    rig.route(deployed(1, rig.worker(1, default="error")), deployed(2, rig.worker(2)), weight=0)
    rig.start()
    with rig.client() as client:
        assert client.predict().status == 500


def test_rescues_of_stable_are_bounded_as_well(rig):
    stable, candidate = deployed(1, rig.worker(1, default="error")), deployed(2, rig.worker(2))
    rig.route(stable, candidate, weight=0, candidate_owns=True, limits=tables.Limits(rescue_share=0.0))
    rig.start()
    with rig.client() as client:
        answers = [client.predict().status for _ in range(160)]
    assert 100 <= answers.count(200) < 160


def test_a_dead_arm_costs_no_request_in_either_direction(rig):
    stable, candidate = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(stable, candidate, weight=5_000, candidate_owns=True, limits=tables.Limits(rescue_share=5.0))
    rig.start()
    for version in (1, 2):
        with Load(rig) as load:
            rig.kill(f"flights-v{version}-0")
            load.more(150)
        assert load.failures == []
        name = f"flights-v{version}-0"
        until(lambda name=name: name not in rig.state["workers"])
        rig.worker(version)
        until(lambda name=name: name in rig.state["workers"])


def test_what_names_no_version_is_asked_of_the_owner(rig):
    stable, candidate = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(stable, candidate, weight=9_900)
    rig.start()
    with rig.client() as client:
        assert client.request("GET", "/v2/models/flights").json["versions"] == ["v1"]
        rig.route(stable, candidate, weight=9_900, candidate_owns=True)
        for path in ("/v2/models/flights", "/v2/models/flights/config"):
            assert client.request("GET", path).json["versions"] == ["v2"]
        assert client.request("GET", "/v2/models/flights/versions/v1").json["versions"] == ["v1"]
        assert client.predict(version="v2").headers["tidegate-version"] == "v2"
        assert client.predict(version="v1").json["code"] == "pin-refused"
        rig.kill("flights-v1-0")
        until(lambda: rig.state["workers"] == ["flights-v2-0"])
        assert client.request("GET", "/v2/health/ready").status == 200
        assert client.request("GET", "/v2/models/flights/ready").status == 200
        rig.kill("flights-v2-0")
        until(lambda: rig.state["workers"] == [])
        assert client.request("GET", "/v2/models/flights/ready").status == 503


def test_in_a_gap_requests_wait_for_the_worker_that_comes(rig):
    old = deployed(1, rig.worker(1))
    rig.route(old)
    rig.start()
    place = rig.worker(2)
    rig.kill("flights-v2-0")  # its address is known before it listens
    rig.route(deployed(2, place), gap=True, limits=tables.Limits(timeout_ms=8_000))
    answers = []

    def ask():
        with rig.client() as client:
            answers.append(client.predict())

    with rig.client() as client:
        assert client.request("GET", "/v2/health/ready").status == 503
        assert client.request("GET", "/v2/models/flights/ready").status == 503
        threads = [threading.Thread(target=ask) for _ in range(8)]
        for thread in threads:
            thread.start()
        until(lambda: rig.boots()[0].rows and sum(row.values[0] for row in rig.boots()[0].rows) == 8, what="eight to wait")
        assert answers == []
        rig.worker(2)
        for thread in threads:
            thread.join()
        assert [(answer.status, answer.headers["tidegate-version"]) for answer in answers] == [(200, "v2")] * 8
        assert client.request("GET", "/v2/health/ready").status == 200


@pytest.mark.parametrize("fallback", ["", '{"late": false}'])
def test_in_a_gap_a_request_waits_no_longer_than_its_own_time(rig, fallback):
    rig.route(tables.Deployed(2, "2" * 64, "m"), gap=True, fallback=fallback)
    rig.start()
    with rig.client() as client:
        began = time.monotonic()
        answer = client.predict(headers=["tidegate-timeout-ms: 300"])
        assert time.monotonic() - began >= 0.3
        if fallback:
            assert (answer.status, answer.headers["tidegate-fallback"]) == (200, "true")
        else:
            assert (answer.status, answer.json["code"], answer.headers["retry-after"]) == (504, "deadline-passed", "1")
        assert rig.state["wanted"] == [], "nobody is to be woken"


def test_without_a_gap_a_request_without_a_worker_is_refused_at_once(rig):
    rig.route(tables.Deployed(2, "2" * 64, "m"))
    rig.start()
    with rig.client() as client:
        assert client.predict().json["code"] == "worker-unavailable"
