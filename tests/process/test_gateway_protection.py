"""What protects a model and its clients, on a real gateway: tokens, limits, rules about answers, fallbacks."""

import json
import time

import pytest
from gateway_fixtures import Rig, deployed, until

from tidegate.core.vocabulary import handling, marks, tables, tokens

ALL = 10_000
TERMS = handling.Terms(round=2, rules=(handling.Rule("0 <= p <= 1", "range", "p", 0.0, 1.0),))
SCOPES = {"shop": ("predict",), "labels": ("feedback",), "ops": ("predict", "operate"), "reader": ("read",)}
HOLDERS = tuple(tokens.Token(name, tokens.digest(name.encode()), scopes) for name, scopes in SCOPES.items())
PREDICTORS = tuple(one.sha256 for one in HOLDERS if one.may("predict", "flights"))
OUTCOME = {"outcomes": [{"id": "019c0000-0000-7000-8000-000000000000", "label": 1}]}


@pytest.fixture(scope="module")
def rig():
    """One gateway for all: v1 and v2 answer as the request says, v3 always does."""
    rig = Rig()
    rig.versions = [deployed(number, rig.worker(number)) for number in (1, 2, 3)]
    rig.route(rig.versions[0])
    rig.start()
    try:
        yield rig
    finally:
        rig.close()


def bearer(name):
    return [f"authorization: Bearer {name}"]


def guarded(rig, action, **more):
    stable, candidate, kept = rig.versions
    rig.route(stable, candidate, weight=ALL, kept=(kept,), guard=action, terms=TERMS, **more)


def ask(rig, do, **body):
    """One request; its answer and its record."""
    with rig.client() as client:
        answer = client.predict({"do": do, **body})
    identifier = answer.headers["tidegate-prediction-id"].replace("-", "")
    return answer, until(lambda: [one for one in rig.records() if one.id.hex() == identifier])[0]


def test_terms_travel_to_the_worker(rig):
    guarded(rig, "rescue")
    assert ask(rig, "ok")[0].json["round"] == 2
    rig.route(rig.versions[0])
    assert ask(rig, "ok")[0].json["round"] == -1


def test_stable_answers_for_a_candidate_that_breaks_a_rule(rig):
    guarded(rig, "rescue")
    answer, record = ask(rig, {"v2": "breach"})
    assert (answer.status, answer.headers["tidegate-version"], answer.headers["tidegate-rescued"]) == (200, "v1", "true")
    assert (record.mark, record.rescued, record.answered_by, record.version) == (marks.Mark.INVALID, True, 1, 2)
    assert record.error == "output-refused: 0 <= p <= 1"


def test_what_stable_breaks_too_is_not_given_out(rig):
    guarded(rig, "rescue")
    answer, record = ask(rig, "breach")
    assert (answer.status, answer.json["code"]) == (500, "output-refused")
    assert (record.mark, record.status, record.answered_by) == (marks.Mark.INVALID, 500, 0)
    guarded(rig, "rescue", fallback='{"p": null}')
    answer, record = ask(rig, "breach")
    assert (answer.json, answer.headers["tidegate-fallback"], record.answered_by) == ({"p": None}, "true", -1)


def test_reject_gives_an_error_whatever_there_is_to_fall_back_on(rig):
    guarded(rig, "reject", fallback="0")
    answer, record = ask(rig, {"v2": "breach"})
    assert (answer.status, answer.json["code"], record.mark) == (500, "output-refused", marks.Mark.INVALID)
    assert answer.json["prediction_id"]


def test_flag_gives_the_answer_and_says_which_rule_it_breaks(rig):
    guarded(rig, "flag")
    answer, record = ask(rig, {"v2": "breach"})
    assert (answer.status, answer.headers["tidegate-version"], answer.headers["tidegate-flagged"]) == (200, "v2", "0 <= p <= 1")
    assert answer.json["did"] == "breach"
    assert (record.mark, record.answered_by, record.error) == (marks.Mark.OK, 2, "flag: 0 <= p <= 1")


def test_fallback_takes_the_first_that_applies_to_the_input(rig):
    far = tables.Fallback('"far"', (tables.Condition("distance", ">", 1_000.0),))
    guarded(rig, "fallback", fallbacks=(far,), fallback='"any"')
    answer, record = ask(rig, {"v2": "breach"}, distance=2_000)
    assert (answer.json, answer.headers["tidegate-fallback"], record.answered_by) == ("far", "rule", -1)
    answer, _ = ask(rig, {"v2": "breach"}, distance=5)
    assert (answer.json, answer.headers["tidegate-fallback"]) == ("any", "true")


@pytest.mark.parametrize("version", ["previous", "v3"])
def test_another_version_answers_where_neither_candidate_nor_stable_can(rig, version):
    guarded(rig, "rescue", fallback_version=version, fallback='"any"')
    for do in ("error", "breach"):
        answer, record = ask(rig, {"v1": do, "v2": do})
        assert (answer.status, answer.headers["tidegate-version"]) == (200, "v3")
        assert (answer.headers["tidegate-fallback"], "tidegate-rescued" in answer.headers) == ("version", False)
        assert (record.version, record.answered_by, record.rescued, record.role) == (2, 3, False, 0)
    answer, _ = ask(rig, "error")
    assert answer.json == "any"
    answer, _ = ask(rig, {"v1": "reject", "v2": "reject"})
    assert answer.status == 400, "a client's own mistake is nobody's to cover"


def test_a_version_that_hangs_leaves_time_for_its_stand_in(rig):
    guarded(rig, "rescue", fallback_version="v3", limits=tables.Limits(timeout_ms=600))
    answer, record = ask(rig, {"v1": "error", "v2": "hang"})
    assert (answer.headers["tidegate-version"], record.mark) == ("v3", marks.Mark.TIMEOUT)


def test_who_asks_for_one_version_gets_what_it_says(rig):
    guarded(rig, "rescue", fallback_version="v3", fallback="0", pin="allow")
    with rig.client() as client:
        assert client.predict({"do": "breach"}, version="2").json["code"] == "output-refused"
    guarded(rig, "flag", pin="allow")
    with rig.client() as client:
        assert client.predict({"do": "breach"}, version="2").headers["tidegate-flagged"] == "0 <= p <= 1"


def test_predicting_needs_the_scope_where_the_endpoint_asks_for_tokens(rig):
    rig.route(rig.versions[0], tokens=PREDICTORS, holders=HOLDERS)
    with rig.client() as client:
        missing = client.predict()
        assert (missing.status, missing.json["code"], missing.headers["www-authenticate"]) == (401, "token-missing", "Bearer")
        assert client.predict(headers=bearer("nobody")).status == 401
        refused = client.predict(headers=bearer("reader"))
        assert (refused.status, refused.json["code"]) == (403, "scope-missing")
        assert client.predict(headers=bearer("shop")).status == 200
        rig.route(rig.versions[0], tokens=(tokens.NOBODY,), holders=HOLDERS)
        assert client.predict(headers=bearer("shop")).status == 403, "no token at all means nobody"
    assert rig.state["shed"]["token-missing"] >= 2


def test_outcomes_need_feedback_or_the_token_that_predicts(rig):
    rig.route(rig.versions[0], holders=HOLDERS)
    with rig.client() as client:
        assert client.request("POST", "/outcomes", OUTCOME).status == 200, "where no endpoint asks for tokens"
        rig.route(rig.versions[0], tokens=PREDICTORS, holders=HOLDERS)
        assert client.request("POST", "/outcomes", OUTCOME).json["code"] == "token-missing"
        answers = {name: client.request("POST", "/outcomes", OUTCOME, bearer(name)).status for name in SCOPES}
    assert answers == {"shop": 200, "labels": 200, "ops": 200, "reader": 403}


def test_values_for_keys_need_feedback_since_a_key_can_be_guessed(rig):
    entry = {"endpoint": "flights", "key": "ann", "metric": "revenue", "value": 1}
    rig.route(rig.versions[0], tokens=PREDICTORS, holders=HOLDERS)
    with rig.client() as client:
        answers = {name: client.request("POST", "/outcomes", {"outcomes": [entry]}, bearer(name)).status for name in SCOPES}
        elsewhere = client.request("POST", "/outcomes", {"outcomes": [entry | {"endpoint": "trains"}]}, bearer("labels"))
    assert answers == {"shop": 403, "labels": 200, "ops": 403, "reader": 403}
    assert (elsewhere.status, elsewhere.json["code"]) == (400, "outcome-invalid")


def test_who_may_operate_may_ask_for_any_version(rig):
    rig.route(*rig.versions[:2], weight=1, tokens=PREDICTORS, holders=HOLDERS)
    with rig.client() as client:
        assert client.predict(version="v2", headers=bearer("shop")).json["code"] == "pin-refused"
        assert client.predict(version="v2", headers=bearer("ops")).headers["tidegate-version"] == "v2"


def test_a_rate_is_held_and_the_wait_is_true(rig):
    rig.route(rig.versions[0], limits=tables.Limits(rate=4.0), gateways=2)
    with rig.client() as client:
        answers = [client.predict({"rows": 5}) for _ in range(4)]
        assert [answer.status for answer in answers] == [200, 429, 429, 429], "two gateways: two a second, and the rows are owed"
        refused = answers[-1]
        assert (refused.json["code"], refused.headers["retry-after"]) == ("rate-exceeded", "2")
        time.sleep(int(refused.headers["retry-after"]))
        assert client.predict().status == 200
    until(lambda: rig.state["shed"].get("rate-exceeded", 0) >= 3)


def test_a_days_count_outlives_the_gateway(rig):
    slow = tokens.Token("slow", tokens.digest(b"slow"), ("predict",), daily=5)
    rig.route(rig.versions[0], tokens=(slow.sha256,), holders=(slow,))
    with rig.client() as client:
        assert client.predict({"rows": 4}, headers=bearer("slow")).status == 200
    counted = rig.home.quotas / "gateway-0.json"
    until(lambda: counted.exists() and json.loads(counted.read_text())["rows"].get(" slow") == 4)
    rig.gateway.kill()
    rig.gateway.wait()
    rig.start()
    with rig.client() as client:
        assert client.predict(headers=bearer("slow")).status == 200
        refused = client.predict(headers=bearer("slow"))
        assert (refused.status, refused.json["code"]) == (429, "rate-exceeded")
        assert 0 < int(refused.headers["retry-after"]) <= 86_400
