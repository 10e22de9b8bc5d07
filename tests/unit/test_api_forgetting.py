"""Asking for records to be erased: by admin alone, one thing at a time, and no key or value where it would stay."""

import json

import pytest
from api_fixtures import asked, made, place, store  # noqa: F401 -- fixtures

from tidegate.control.loop import forgetting, transitions
from tidegate.control.store import endpoints, holders
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import assignment, erasures, keeping, tokens

PREDICTION = "0190b8a6-6f1c-7a30-9a4b-3d1c5e7f9a10"


def test_a_key_is_kept_as_its_hash_alone(asked, place, store):  # noqa: F811
    told = asked.post("/v1/endpoints/delay/forget", json={"key": "user-42", "reason": "her request", "actor": "ann"})
    assert (told.status_code, told.json()["state"]) == (202, "pending")
    [one] = erasures.asked(place.erasures)
    assert (one.kind, one.key_hash, one.actor, one.reason) == ("key", assignment.hashed(b"user-42"), "ann", "her request")
    assert not any(b"user-42" in path.read_bytes() for path in place.root.rglob("*") if path.is_file())
    assert oct((place.erasures / f"{one.id}.asked.json").stat().st_mode & 0o777) == "0o600"


def test_what_came_of_it_is_told_before_and_after_control_has_heard(asked, place, store):  # noqa: F811
    identifier = asked.post("/v1/endpoints/delay/forget", json={"id": PREDICTION}).json()["id"]
    path = f"/v1/endpoints/delay/forget/{identifier}"
    assert asked.get(path).json()["state"] == "pending"
    told = erasures.Told(identifier, "delay", erasures.ID, "one prediction", 1.0, 2.0, predictions=1, outcomes=3)
    erasures.write(place.erasures, erasures.TOLD, told)
    erasures.remove(place.erasures, erasures.ASKED, identifier)
    first = asked.get(path).json()
    assert (first["state"], first["predictions"], first["outcomes"]) == ("done", 1, 3)
    forgetting.Forgetting(transitions.Desk(store, "production", lambda: "r"), place).turn(9.0)
    assert erasures.told(place.erasures) == []
    assert asked.get(path).json() == first
    assert asked.get("/v1/endpoints/delay/forget/other").json()["code"] == "path-unknown"


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({}, "body-malformed"),
        ({"key": "a", "id": PREDICTION}, "body-malformed"),
        ({"key": "a", "value": "x"}, "body-malformed"),
        ({"value": "x"}, "body-malformed"),
        ({"id": "7"}, "prediction-unknown"),
        ({"whom": "a"}, "body-malformed"),
    ],
)
def test_it_names_exactly_one_thing(asked, place, store, body, code):  # noqa: F811
    assert asked.post("/v1/endpoints/delay/forget", json=body).json()["code"] == code
    assert erasures.asked(place.erasures) == []


def test_only_admin_may_and_only_of_an_endpoint_that_there_is(asked, place, store):  # noqa: F811
    store.admit(holders.Holder("production", tokens.Token("ops", tokens.digest(b"ops"), ("operate", "read")), "me", 1.0))
    assert asked.post("/v1/endpoints/delay/forget", token="ops", json={"key": "a"}).json()["code"] == "scope-missing"
    assert asked.post("/v1/endpoints/nowhere/forget", json={"key": "a"}).json()["code"] == "endpoint-unknown"


def test_a_veiled_column_has_no_values_to_look_for(asked, place, store):  # noqa: F811
    told = specification.Settings("delay", "mlflow://delay/1", log=keeping.Keeping(redact=("ssn",)))
    settings = json.loads(specification.encode(told))
    store.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=1), store.endpoint("production", "delay"))
    refused = asked.post("/v1/endpoints/delay/forget", json={"column": "ssn", "value": "1"}).json()
    assert (refused["code"], "no value of ssn" in refused["error"]) == ("body-malformed", True)
    assert asked.post("/v1/endpoints/delay/forget", json={"column": "age", "value": "1"}).status_code == 202


def test_several_are_asked_for_at_once_and_each_is_one_of_its_own(asked, place, store):  # noqa: F811
    whose = [{"key": "user-42"}, {"id": PREDICTION}, {"column": "email", "value": "ann@example.org"}]
    told = asked.post("/v1/endpoints/delay/erasures", json={"erasures": whose, "reason": "their requests"})
    assert told.status_code == 202
    identifiers = [one["id"] for one in told.json()["erasures"]]
    there = erasures.asked(place.erasures)
    assert [one.id for one in there] == identifiers
    assert [one.kind for one in there] == ["key", "id", "where"]
    assert {one.reason for one in there} == {"their requests"}
    assert len(list(place.erasures.iterdir())) == 1, "who hears of one hears of all"
    assert [asked.get(f"/v1/endpoints/delay/forget/{one}").json()["state"] for one in identifiers] == ["pending"] * 3


@pytest.mark.parametrize("whose", [[], [{}], [{"key": "a"}, {"key": "a", "id": PREDICTION}], [{"key": "a"}, {"value": "x"}]])
def test_where_one_of_several_names_nobody_none_is_asked_for(asked, place, store, whose):  # noqa: F811
    told = asked.post("/v1/endpoints/delay/erasures", json={"erasures": whose})
    assert told.json()["code"] == "body-malformed"
    assert erasures.asked(place.erasures) == []
