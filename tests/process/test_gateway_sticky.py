"""The same unit, the same arm: on every gateway, after restarts, over HTTP and gRPC. A cohort goes first and is counted apart."""

import pathlib
import re

import grpc_fixtures
from gateway_fixtures import Client, Rig, deployed, until

from tidegate.core.vocabulary import arms, assignment, marks
from tidegate.dataplane.wire import keyevents, sums

HALF, ALL = 5_000, 10_000
BY_HEADER, BY_COOKIE, BY_FIELD = (
    assignment.Sticky(by, name) for by, name in (("header", "x-user"), ("cookie", "tide"), ("field", "user"))
)
USERS = [f"user-{number}" for number in range(40)]


def both(rig, do="ok"):
    return deployed(1, rig.worker(1)), deployed(2, rig.worker(2, default=do))


def by_user(client, users=USERS):
    """Which version each user gets."""
    return {user: client.predict(headers=[f"x-user: {user}"]).headers["tidegate-version"] for user in users}


def test_a_user_stays_on_an_arm_through_restarts_ramps_and_gateways(rig):
    one, two = both(rig)
    rig.route(one, two, weight=HALF, sticky=BY_HEADER)
    rig.start()
    with rig.client() as client:
        found = by_user(client)
        assert set(found.values()) == {"v1", "v2"}
        assert by_user(client) == found
    assert rig.stop() == 0
    rig.start()
    with rig.client() as client:
        assert by_user(client) == found
        rig.route(one, two, weight=8_000, sticky=BY_HEADER)
        ramped = by_user(client)
        assert {user for user, version in found.items() if version == "v2"} < {
            user for user, version in ramped.items() if version == "v2"
        }
    hashes = {record.key_hash for record in rig.records()}
    assert hashes == {assignment.digest(user.encode()) for user in USERS}


def test_two_gateways_draw_a_user_alike(rig):
    other = Rig()
    try:
        one, two = both(rig)
        for each in (rig, other):
            each.route(one, two, weight=HALF, sticky=BY_HEADER)
            each.start()
        with rig.client() as here, other.client() as there:
            assert by_user(here) == by_user(there)
    finally:
        other.close()


def test_requests_without_a_key_are_units_of_their_own(rig):
    rig.route(*both(rig), weight=HALF, sticky=BY_HEADER)
    rig.start()
    with rig.client() as client:
        found = {client.predict().headers["tidegate-version"] for _ in range(60)}
    assert found == {"v1", "v2"}
    assert {record.key_hash for record in rig.records()} == {b""}


def test_a_cookie_is_issued_once_and_its_holder_stays(rig):
    rig.route(*both(rig), weight=HALF, sticky=BY_COOKIE)
    rig.start()
    issued = {}
    with rig.client() as client:
        for _ in range(30):
            answer = client.predict()
            name, _, value = answer.headers["set-cookie"].partition(";")[0].partition("=")
            assert name == "tide"
            assert re.search("Path=/; Max-Age=[0-9]+; HttpOnly; SameSite=Lax", answer.headers["set-cookie"])
            issued[value] = answer.headers["tidegate-version"]
        assert len(issued) == 30
        assert set(issued.values()) == {"v1", "v2"}
        for value, version in issued.items():
            for _ in range(2):  # the second time its head is known
                answer = client.predict(headers=[f"cookie: theirs=1; tide={value}"])
                assert answer.headers["tidegate-version"] == version
                assert "set-cookie" not in answer.headers
        failed = client.predict({"do": "reject"})
        assert failed.status == 400
        assert "set-cookie" in failed.headers, "an answer that is an error brings it, too"
    first = rig.records()[0]
    assert first.key_hash == assignment.digest(next(iter(issued)).encode())


def test_heads_that_were_read_before_a_header_mattered_are_read_again(rig):
    one, two = both(rig)
    rig.route(one, two, weight=HALF)
    rig.start()
    with rig.client() as client:
        for _ in range(2):
            by_user(client)
        rig.route(one, two, weight=HALF, sticky=BY_HEADER)
        found = by_user(client)
        for _ in range(3):
            assert by_user(client) == found
        rig.route(one, two, weight=HALF)
        rig.route(one, two, weight=HALF, sticky=BY_COOKIE)
        client.predict(headers=["cookie: tide=mine"])
    kept = [record.key_hash for record in rig.records()]
    assert kept[-1] == assignment.digest(b"mine")
    assert kept.count(b"") == 2 * len(USERS)


def test_a_field_of_the_first_row_is_the_key(rig):
    rig.route(*both(rig), weight=HALF, sticky=BY_FIELD)
    rig.start()
    tensor = {"name": "user", "shape": [1], "datatype": "BYTES"}
    with rig.client() as client:
        for user in USERS[:20]:
            records = client.request("POST", "/endpoints/flights/predict", {"records": [{"user": user}, {"user": "other"}]})
            infer = client.predict({"inputs": [{**tensor, "data": [user]}]})
            assert records.headers["tidegate-version"] == infer.headers["tidegate-version"]
    assert {record.key_hash for record in rig.records()} == {assignment.digest(user.encode()) for user in USERS[:20]}


def test_metadata_is_what_headers_are(rig):
    one, two = both(rig)
    rig.route(one, two, weight=HALF)
    rig.start()
    front = grpc_fixtures.Front(rig)
    try:
        with rig.client() as client, front.client() as calls:
            calls.infer(grpc_fixtures.message(), metadata=[("x-user", "early")])
            rig.route(one, two, weight=HALF, sticky=BY_HEADER)
            for user, version in by_user(client).items():
                _, trailing = calls.infer(grpc_fixtures.message(), metadata=[("x-user", user), ("content-encoding", "gzip")])
                assert trailing["tidegate-version"] == version
            rig.route(one, two, weight=HALF, sticky=BY_COOKIE)
            _, trailing = calls.infer(grpc_fixtures.message(), metadata=[("cookie", "tide=u7")])
            web = client.predict(headers=["cookie: tide=u7"])
            assert trailing["tidegate-version"] == web.headers["tidegate-version"]
            calls.infer(grpc_fixtures.message())
    finally:
        front.close()
    kept = [record.key_hash for record in rig.records()]
    assert kept[-3:] == [assignment.digest(b"u7"), assignment.digest(b"u7"), b""], "no cookie is issued where none can be taken"


def lanes(rig):
    """Requests opened by (weight, evidence, arm)."""
    found = {}
    for boot in rig.boots():
        for row in boot.rows:
            key = (row.weight, row.evidence, row.arm)
            found[key] = found.get(key, 0) + row.values[0]
    return found


def test_a_cohort_goes_first_and_is_never_mixed_with_what_was_drawn(rig):
    one, two = both(rig)
    beta = assignment.Cohort(header="x-beta", values=("yes",), keys=(assignment.hashed(b"ann"),))
    first = rig.route(one, two, weight=0, sticky=BY_HEADER, cohort=beta)
    rig.start()
    with rig.client() as client:

        def ask(*headers):
            return client.predict(headers=headers).headers["tidegate-version"]

        assert [ask("x-beta: yes"), ask("x-user: ann"), ask("x-beta: no"), ask("x-user: bob"), ask()] == [
            "v2",
            "v2",
            "v1",
            "v1",
            "v1",
        ]
        rig.route(one, two, weight=HALF, sticky=BY_HEADER, cohort=beta)
        assert {ask("x-beta: yes", f"x-user: {user}") for user in USERS} == {"v2"}
        found = by_user(client)
    assert lanes(rig) == {
        (0, False, 0): 3,
        (ALL, False, 1): 2 + len(USERS),
        (HALF, True, 0): list(found.values()).count("v1"),
        (HALF, True, 1): list(found.values()).count("v2"),
    }
    members = [record for record in rig.records() if (record.weight, record.evidence, record.arm) == (ALL, False, 1)]
    assert len(members) == 2 + len(USERS)
    assert members[0].generation == first.generation
    assert {record.role for record in members} == {arms.Role.LIVE}


def test_what_the_candidate_fails_of_a_cohort_stable_answers(rig):
    one, two = both(rig, "error")
    rig.route(one, two, weight=0, cohort=assignment.Cohort(header="x-beta"))
    rig.start()
    with rig.client() as client:
        answer = client.predict(headers=["x-beta: 1"])
    assert (answer.status, answer.headers["tidegate-version"], answer.headers["tidegate-rescued"]) == (200, "v1", "true")
    assert rig.records()[-1].mark == marks.Mark.ERROR


def test_the_first_bad_request_of_each_key_is_told_and_outlives_the_gateway(rig):
    one, two = both(rig, "error")
    table = rig.route(one, two, weight=HALF, sticky=BY_HEADER)
    rig.start()
    reader = keyevents.Reader(rig.home.sums)
    with rig.client() as client:
        found = by_user_drawn(rig, client)
        by_user_drawn(rig, client)
        boots = rig.boots()
        events = reader.look()
        failed = {assignment.digest(user.encode()) for user, arm in found.items() if arm}
        assert {event.key for event in events} == failed
        assert len(events) == len(failed), "once a key"
        assert {(event.release, event.generation, event.weight, event.evidence, event.arm, event.mark) for event in events} == {
            ("r1", table.routes["flights"].generation, HALF, True, 1, marks.Mark.ERROR)
        }
        client.predict({"do": "reject"})
    [own] = reader.look()
    assert own.key == assignment.digest(rig.records()[-1].id), "a request without a key is a unit, too"
    assert sums.closed_before(boots, ()) <= own.tick + 1
    rig.gateway.kill()
    rig.gateway.wait()
    assert len(keyevents.Reader(rig.home.sums).look()) == len(failed) + 1
    rig.start()
    with rig.client() as client:
        by_user_drawn(rig, client)
    again = keyevents.Reader(rig.home.sums).look()
    assert len(again) == 2 * len(failed) + 1, "each boot tells its own"
    assert len(keyevents.Firsts(again).of(again[0].release)) == len(failed) + 1


def by_user_drawn(rig, client):
    """The arm of each user, rescued or not."""
    before = len(rig.records())
    for user in USERS:
        assert client.predict(headers=[f"x-user: {user}"]).status == 200
    return {user: record.arm for user, record in zip(USERS, rig.records()[before:], strict=True)}


def test_outside_evidence_no_key_is_told(rig):
    one, two = both(rig, "error")
    rig.route(one, two, weight=0, sticky=BY_HEADER, cohort=assignment.Cohort(share=ALL))
    rig.start()
    with rig.client() as client:
        by_user_drawn(rig, client)
        rig.route(one, two, weight=HALF)
        client.predict({"do": "reject"})
    assert list(pathlib.Path(rig.home.sums).glob("*.keys")) == []


def test_a_browser_of_another_origin_may_send_the_header(rig):
    rig.route(deployed(1, rig.worker(1)), sticky=BY_HEADER, origins=("https://shop.example",))
    rig.start()
    asking = ["origin: https://shop.example", "access-control-request-method: POST"]
    with Client(rig.port) as client:
        answer = client.request("OPTIONS", "/v2/models/flights/infer", headers=asking)
    assert "x-user" in answer.headers["access-control-allow-headers"].split(", ")


def test_a_head_that_came_in_parts_over_a_change_of_the_table_gets_no_second_cookie(rig):
    one, two = both(rig)
    rig.route(one, two, weight=HALF)
    rig.start()
    with rig.client() as client:
        client.send(b"POST /v2/models/flights/infer HTTP/1.1\r\ncookie: tide=mine\r\n")
        until(lambda: rig.state["connections"] == 1, what="the head's first part")
        with rig.client() as other:
            other.predict()
        rig.route(one, two, weight=HALF, sticky=BY_COOKIE)
        client.send(b"content-length: 2\r\n\r\n{}")
        answer = client.read()
        assert answer.status == 200
        assert "set-cookie" not in answer.headers
        assert "set-cookie" not in client.predict(headers=["cookie: tide=mine"]).headers
