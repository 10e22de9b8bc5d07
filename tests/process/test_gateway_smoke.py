"""Requests of our own to a version that no client is sent to: answered, recorded as smoke, counted nowhere."""

import json
import time

import pytest
from gateway_fixtures import deployed, until

from tidegate.core.vocabulary import arms, errors, tables
from tidegate.dataplane.gateway import smoke
from tidegate.dataplane.wire import frames, samples

RECORDS, INFER, CSV = (int(one) for one in (frames.Content.RECORDS, frames.Content.INFER, frames.Content.CSV))


def asked(rig, bodies, version="v2", seconds=10.0, **changes):
    whom = smoke.target(rig.home, rig.spec, "flights", version)._replace(**changes)
    return smoke.ask(whom, bodies, seconds)


def sample(body, content=RECORDS):
    return samples.Sample(content, json.dumps(body).encode())


@pytest.fixture
def green(rig):
    """v1 serves, v2 is asked by ourselves; nobody may pin, and clients need tokens."""
    limits = tables.Limits(rate=5.0, timeout_ms=1_000)
    stable, candidate = deployed(1, rig.worker(1)), deployed(2, rig.worker(2))
    rig.route(stable, candidate, tokens=("0" * 64,), limits=limits, fallback='{"late": false}')
    return rig.start()


def test_a_version_answers_before_any_client_is_sent_to_it(green):
    found = asked(green, [sample({"n": number}) for number in range(30)])
    assert [(answer.status, answer.failure) for answer in found] == [(200, "")] * 30
    assert [json.loads(answer.body)["version"] for answer in found] == ["v2"] * 30
    kept = until(lambda: len(green.records()) == 30 and green.records())
    assert {(record.role, record.version, record.evidence, record.weight) for record in kept} == {(arms.Role.SMOKE, 2, False, 0)}
    assert {json.loads(record.input)["n"] for record in kept} == set(range(30))
    assert [counts.opened for counts in green.counts()] == [0, 0]


def test_every_form_that_is_kept_for_warming_up_can_be_asked(green):
    head = b'{"inputs": []}'
    bodies = [sample({}, INFER), samples.Sample(INFER, head + bytes(8), len(head)), samples.Sample(CSV, b"a\n1\n"), sample({})]
    found = [json.loads(answer.body) for answer in asked(green, bodies)]
    assert [(answer["content"], answer["json"]) for answer in found] == [
        (INFER, -1),
        (INFER, len(head)),
        (CSV, -1),
        (RECORDS, -1),
    ]


def test_what_fails_is_told_as_it_is_and_nobody_answers_instead(green):
    bodies = [sample({"do": do}) for do in ("ok", "error", "reject", "hang")]
    found = asked(green, bodies)
    assert [answer.status for answer in found] == [200, 500, 400, 504]
    assert found[3].failure == "deadline-passed (504): The model did not answer within the time limit."
    assert all(answer.failure for answer in found[1:])


def test_who_does_not_answer_in_time_is_not_waited_for(green):
    began = time.monotonic()
    found = asked(green, [sample({"do": "ok"}), sample({"do": "slow"})], seconds=0.2)
    assert time.monotonic() - began < 5
    assert (found[0].status, found[1], found[1].failure) == (200, smoke.Answer(0), "no answer within the time")


def test_a_version_has_to_be_named_and_known(green):
    assert asked(green, [sample({})], version="v9")[0].failure.startswith("version-unknown (404)")
    assert asked(green, [sample({})], version="")[0].status == 404
    assert asked(green, [sample({})], endpoint="ships")[0].failure.startswith("endpoint-unknown (404)")


def test_who_has_no_token_is_refused_and_a_gateway_that_is_not_there_is_said(green, tmp_path):
    with pytest.raises(errors.CapacityError):
        asked(green, [sample({})], token="wrong")
    with pytest.raises(errors.CapacityError):
        asked(green, [sample({})], path=tmp_path / "no.sock")


def test_a_client_cannot_ask_for_it(green):
    with green.client() as client:
        answer = client.predict(version="v2", headers=["tidegate-role: smoke", "role: 3"])
    assert answer.status == 401
