"""Tokens with scopes over a real store: who may ask what, in whose name, and how tokens are made and revoked."""

import api_fixtures
import msgspec

from tidegate.control.loop import holders as deciding
from tidegate.control.loop import transitions
from tidegate.control.store import holders
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import errors, tokens

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked


def admit(store, name, *scopes, endpoints=()):
    token = tokens.Token(name, tokens.digest(name.encode()), scopes, endpoints)
    store.admit(holders.Holder("production", token, "ana", 1.0))


def carry_out(store):
    """Token commands as control carries them out; others are done at once."""
    desk = transitions.Desk(store, "production", lambda: "r1")

    def answer(command):
        try:
            if command.kind.startswith("token_"):
                deciding.answer(desk, command, 2.0)
            store.finish(command.id, {"reason": command.actor})
        except errors.TidegateError as refused:
            store.refuse(command.id, refused)

    return answer


PATHS = (
    ("read", "GET", "/v1/status"),
    ("read", "GET", "/v1/endpoints/delay"),
    ("operate", "POST", "/v1/endpoints/delay/pause"),
    ("approve", "POST", "/v1/endpoints/delay/unhold"),
    ("admin", "POST", "/v1/adopt"),
    ("admin", "GET", "/v1/tokens"),
)


def test_a_path_needs_its_scope_and_admin_has_them_all(place, store, asked):
    for name in tokens.SCOPES:
        admit(store, name, name)
    with api_fixtures.control(place, store, carry_out(store)):
        for scope, method, path in PATHS:
            body = {"json": {}} if method == "POST" else {}
            answers = {name: asked.request(method, path, token=name, **body) for name in tokens.SCOPES}
            assert {name for name, answer in answers.items() if answer.status_code == 200} == {scope, "admin"}, path
            refused = answers["predict"].json()
            assert (refused["code"], answers["predict"].status_code) == ("scope-missing", 403)
            assert scope in refused["error"]
            assert asked.request(method, path, token="nobody's", **body).json()["code"] == "token-missing"


def test_a_token_for_one_endpoint_gets_no_further(store, asked):
    admit(store, "delay-reader", "read", endpoints=("delay",))
    assert asked.request("GET", "/v1/endpoints/delay", token="delay-reader").status_code == 200
    assert asked.request("GET", "/v1/events?endpoint=delay", token="delay-reader").status_code == 200
    for path in ("/v1/endpoints/other", "/v1/events", "/v1/status"):
        refused = asked.request("GET", path, token="delay-reader").json()
        assert (refused["code"], "good for delay only" in refused["error"]) == ("scope-missing", True)


def test_the_actor_is_the_token_and_only_with_the_homes_own_who_they_say(place, store, asked):
    admit(store, "ci", "operate")
    with api_fixtures.control(place, store, carry_out(store)):
        said = [asked.post("/v1/endpoints/delay/pause", token=one, json={"actor": "ben"}).json() for one in ("ci", "secret")]
    assert [one["reason"] for one in said] == ["ci", "ben"]


def test_a_token_is_made_shown_once_listed_and_revoked(place, store, asked):
    with api_fixtures.control(place, store, carry_out(store)):
        body = {"name": "shop", "scopes": ["read"], "endpoints": ["delay"], "rate": 5, "daily": 100, "actor": "ana"}
        made = asked.post("/v1/tokens", json=body).json()
        assert asked.request("GET", "/v1/endpoints/delay", token=made["token"]).status_code == 200
        (listed,) = asked.get("/v1/tokens").json()
        assert listed == {key: value for key, value in made.items() if key != "token"} | {"at": listed["at"]}
        assert asked.post("/v1/tokens", json=body).json()["code"] == "token-taken"
        assert asked.post("/v1/tokens/shop/revoke", json={"reason": "leaked"}).status_code == 200
        assert asked.post("/v1/tokens/shop/revoke", json={}).json()["code"] == "token-unknown"
        assert asked.post("/v1/tokens/home/revoke", json={}).json()["code"] == "token-unknown"
    assert asked.request("GET", "/v1/endpoints/delay", token=made["token"]).json()["code"] == "token-missing"
    assert made["token"].encode() not in place.store.read_bytes()
    assert [event.kind for event in store.last_events("production", limit=2)] == ["token_created", "token_revoked"]


REFUSED = (
    ({"scopes": ["predicts"]}, "scope-missing"),
    ({"scopes": []}, "scope-missing"),
    ({"name": "Shop 1"}, "spec-invalid"),
    ({"name": "system"}, "spec-invalid"),
    ({"endpoints": ["nowhere"]}, "endpoint-unknown"),
    ({"rate": -1}, "body-malformed"),
    ({"daily": 1.5}, "body-malformed"),
)


def test_a_token_that_cannot_be_is_refused_before_control_hears_of_it(store, asked):
    for change, code in REFUSED:
        refused = asked.post("/v1/tokens", json={"name": "shop", "scopes": ["predict"]} | change)
        assert refused.json()["code"] == code, change
    assert store.pending_commands("production") == []


def test_gateways_are_told_of_the_tokens_that_are_good_for_something_there(place, store):
    desk = transitions.Desk(store, "production", lambda: "r1")
    assert deciding.listed(desk, place) == ()
    place.token.write_text("secret\n")
    for name, scopes, endpoints in (
        ("a", ("predict",), ()),
        ("b", ("feedback",), ()),
        ("c", ("read",), ()),
        ("d", ("predict",), ("x",)),
    ):
        admit(store, name, *scopes, endpoints=endpoints)
    known = deciding.listed(desk, place)
    assert [one.name for one in known] == ["home", "a", "b", "d"]
    assert known[0].sha256 == tokens.digest(b"secret")
    open_to_all = specification.Settings("delay", "m")
    guarded = msgspec.structs.replace(open_to_all, access="token")
    assert deciding.predictors(open_to_all, known) == ()
    assert set(deciding.predictors(guarded, known)) == {known[0].sha256, tokens.digest(b"a")}
    assert deciding.predictors(guarded, ()) == (tokens.NOBODY,), "nobody, not everybody"
