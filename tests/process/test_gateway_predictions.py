"""A prediction is answered by whoever can, recorded as it was, and counted for the arm that was drawn."""

import json
import threading
import time

import pytest
from gateway_fixtures import deployed, until

from tidegate.core.vocabulary import ids, keeping, marks, tables
from tidegate.dataplane.predlog import segments

ALL = 10_000


def last(rig):
    return until(rig.records)[-1]


def counted(rig, arm, true):
    """Wait until the arm's counts are as they should be."""
    until(lambda: true(rig.counts()[arm]), what=rig.counts)
    found = rig.counts()[arm]
    assert found.opened == found.closed
    return found


def test_an_answer_is_recorded_before_it_leaves(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        for number in range(20):
            answer = client.predict({"n": number}, headers=[f"x-request-id: r{number}"])
            record = rig.records()[-1]
            assert ids.text(record.id) == answer.headers["tidegate-prediction-id"]
            assert (record.sequence, record.request_id, record.status) == (number, f"r{number}", 200)
            assert (record.output, json.loads(record.input)) == (answer.body, {"n": number})
        assert answer.headers["tidegate-version"] == "v1"
        assert client.request("POST", "/endpoints/flights/predict", {"x": 1}).status == 200
        assert last(rig).content == "records"


def test_bodies_are_left_out_of_the_log_where_inputs_are_none(rig):
    rig.route(deployed(1, rig.worker(1)), inputs="none")
    rig.start()
    with rig.client() as client:
        assert client.predict({"secret": 1}).status == 200
    assert (last(rig).input, last(rig).output, last(rig).answers) == (b"", b"", (0.5,))


@pytest.mark.parametrize(
    ("do", "mark"), [("error", marks.Mark.ERROR), ("invalid", marks.Mark.INVALID), ("reject", marks.Mark.REJECTED)]
)
def test_stable_answers_what_the_candidate_fails(rig, do, mark):
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default=do)), weight=ALL)
    rig.start()
    with rig.client() as client:
        answer = client.predict()
    assert (answer.status, answer.headers["tidegate-version"], answer.headers["tidegate-rescued"]) == (200, "v1", "true")
    record = last(rig)
    assert (record.version, record.arm, record.mark, record.rescued, record.answered_by) == (2, 1, mark, True, 1)
    found = counted(rig, 1, lambda counts: counts.closed == 1)
    assert (found.marks[mark], found.rescued, rig.counts()[0].opened) == (1, 1, 0)


def test_a_candidate_that_hangs_is_timed_out_in_time_for_stable_to_answer(rig):
    limits = tables.Limits(timeout_ms=2_000)
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default="hang")), weight=ALL, limits=limits)
    rig.start()
    with rig.client() as client:
        began = time.monotonic()
        answer = client.predict()
        assert (answer.status, answer.headers["tidegate-rescued"]) == (200, "true")
        assert 0.8 < time.monotonic() - began < 2.0
        assert last(rig).mark == marks.Mark.TIMEOUT


def test_without_a_rescue_budget_the_candidates_own_error_is_answered(rig):
    limits = tables.Limits(rescue_share=0.0)
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default="error")), weight=ALL, limits=limits)
    rig.start()
    with rig.client() as client:
        answers = [client.predict() for _ in range(160)]
    rescued = sum(answer.status == 200 for answer in answers)
    assert 100 <= rescued < 160
    assert {answer.status for answer in answers} == {200, 500}
    counted(rig, 1, lambda counts: counts.marks[marks.Mark.ERROR] == 160)


@pytest.mark.parametrize("fallback", ["", '{"late": false}'])
def test_what_stable_fails_is_the_fallback_or_an_error(rig, fallback):
    rig.route(deployed(1, rig.worker(1, default="error")), fallback=fallback)
    rig.start()
    with rig.client() as client:
        answer = client.predict()
        rejected = client.predict({"do": "reject"})
    if fallback:
        assert (answer.status, answer.headers["tidegate-fallback"], answer.json) == (200, "true", {"late": False})
        assert rig.records()[0].answered_by == -1
    else:
        assert (answer.status, rig.records()[0].answered_by) == (500, 1)
    assert rejected.status == 400, "the client's own fault is not covered up"


def test_when_stables_time_is_up_the_answer_is_504_and_the_id_is_told(rig):
    rig.route(deployed(1, rig.worker(1, default="hang")))
    rig.start()
    with rig.client() as client:
        answer = client.predict(headers=["tidegate-timeout-ms: 100"])
    assert (answer.status, answer.json["code"]) == (504, "deadline-passed")
    assert answer.json["prediction_id"] == answer.headers["tidegate-prediction-id"] == ids.text(last(rig).id)
    counted(rig, 0, lambda counts: counts.marks[marks.Mark.TIMEOUT] == 1)


def test_a_worker_that_hung_once_gets_work_again(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        assert client.predict({"do": "hang"}, headers=["tidegate-timeout-ms: 50"]).status == 504
        assert client.predict().status == 200


def test_a_request_for_one_version_is_no_evidence(rig):
    stable, candidate, kept = (deployed(number, rig.worker(number)) for number in (2, 3, 1))
    rig.route(stable, candidate, weight=ALL, kept=(kept,))
    rig.start()
    with rig.client() as client:
        answer = client.predict(version="2")
        assert (answer.status, answer.headers["tidegate-version"]) == (200, "v2")
        assert (last(rig).role, last(rig).evidence, last(rig).weight) == (2, False, 0)
        assert client.predict(version="v3").json["code"] == "pin-refused"
        rig.route(stable, candidate, weight=ALL, kept=(kept,), pin="allow")
        assert client.predict(version="3").headers["tidegate-version"] == "v3"
        assert client.predict(version="v1").json["version"] == "v1"
        failed = client.predict({"do": "error"}, version="3")
        assert (failed.status, "tidegate-rescued" in failed.headers) == (500, False)
    assert [counts.opened for counts in rig.counts()] == [0, 0]


def test_a_full_queue_sheds_with_429_and_retry_after(rig):
    rig.route(deployed(1, rig.worker(1)), limits=tables.Limits(queue=2, batch=1))
    rig.start()
    clients = [rig.client() for _ in range(6)]
    for client in clients:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 14\r\n\r\n" + b'{"do": "slow"}')
        time.sleep(0.02)
    answers = [client.read() for client in clients]
    shed = [answer for answer in answers if answer.status == 429]
    assert len(shed) == 3
    assert {(answer.headers["retry-after"], answer.json["code"]) for answer in shed} == {("1", "queue-full")}
    assert [answer.status for answer in answers].count(200) == 3
    counted(rig, 0, lambda counts: counts.marks[marks.Mark.SHED] == 3)
    for client in clients:
        client.close()


def test_the_candidates_full_queue_is_shed_to_stable(rig):
    limits = tables.Limits(queue=1, batch=1)
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2)), weight=ALL, limits=limits)
    rig.start()
    clients = [rig.client() for _ in range(5)]
    body = json.dumps({"do": {"v2": "slow"}}).encode()
    for client in clients:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        time.sleep(0.02)
    assert {client.read().status for client in clients} == {200}
    found = counted(rig, 1, lambda counts: counts.closed == 5)
    assert (found.marks[marks.Mark.SHED], found.rescued) == (3, 3)
    for client in clients:
        client.close()


def test_a_client_that_goes_away_cancels_what_it_asked_for(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    client = rig.client()
    client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 14\r\n\r\n" + b'{"do": "slow"}')
    until(lambda: rig.counts()[0].opened == 1)
    client.close()
    counted(rig, 0, lambda counts: counts.marks[marks.Mark.CANCELLED] == 1)
    assert (last(rig).status, last(rig).mark, last(rig).answered_by) == (499, marks.Mark.CANCELLED, 0)
    with rig.client() as other:
        assert other.predict().status == 200


def test_what_queues_while_the_worker_is_busy_travels_as_one_batch(rig):
    rig.route(deployed(1, rig.worker(1)), limits=tables.Limits(batch=8))
    rig.start()
    with rig.client() as first:
        threading.Thread(target=first.predict, args=(b'{"do": "slow"}',)).start()
        until(lambda: rig.counts()[0].opened == 1)
        clients = [rig.client() for _ in range(12)]
        for client in clients:
            client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}")
        answers = [client.read().json for client in clients]
        assert [answer["calls"] for answer in answers] == [8] * 8 + [4] * 4
        for client in clients:
            client.close()


def test_nobody_gets_anothers_answer(rig):
    rig.route(deployed(1, rig.worker(1)), deployed(2, rig.worker(2)), weight=5_000)
    rig.start()
    wrong = []

    def ask(size):
        with rig.client() as client:
            for _ in range(40):
                answer = client.predict(b'{"x": "' + b"y" * size + b'"}')
                if answer.json["got"] != size + 9 or answer.json["version"] != answer.headers["tidegate-version"]:
                    wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(size,)) for size in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    stable, candidate = (counted(rig, arm, lambda counts: counts.closed) for arm in (0, 1))
    assert stable.opened + candidate.opened == 480
    arms = [record.arm for record in rig.records()]
    assert (arms.count(0), arms.count(1)) == (stable.opened, candidate.opened)


def test_a_token_is_asked_for_where_the_route_names_some(rig):
    known = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # sha256 of "test"
    rig.route(deployed(1, rig.worker(1)), tokens=(known,))
    rig.start()
    with rig.client() as client:
        assert client.predict().json["code"] == "token-missing"
        assert client.predict(headers=["authorization: Bearer test"]).status == 200


def test_bodies_are_logged_of_a_sample_and_of_the_same_one_by_every_gateway(rig):
    rig.route(deployed(1, rig.worker(1)), log=keeping.Keeping(share=0.5))
    rig.start()
    with rig.client() as client:
        for number in range(60):
            assert client.predict({"n": number}).status == 200
    until(lambda: len(rig.records()) == 60, what="the records")
    found = {one.id: (bool(one.input), bool(one.output)) for one in rig.records()}
    assert found == {one: (keeping.chance(one) < 0.5,) * 2 for one in found}
    assert {(True, True), (False, False)} == set(found.values())


def test_a_segment_is_ended_when_somebody_asks(rig):
    rig.route(deployed(1, rig.worker(1)))
    rig.start()
    with rig.client() as client:
        client.predict({"n": 1})
        [path] = rig.home.segments.glob("*.seg")
        assert segments.in_use(path)
        (rig.home.segments / segments.TURN).touch()
        until(lambda: not segments.in_use(path), what="the segment to be ended")
        client.predict({"n": 2})
    until(lambda: len(list(rig.home.segments.glob("*.seg"))) == 2, what="the next one")
