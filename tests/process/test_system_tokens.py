"""A whole system whose endpoint asks for tokens: the command line has the home's own, programs have what was made for them."""

import json
import pathlib

import httpx
import pytest

from tests.process import living
from tidegate.core.vocabulary import errors
from tidegate.interface.api import addresses
from tidegate.interface.api import client as api

ROW = dict.fromkeys(living.COLUMNS, 3.0)
GUARDED = """
access: token
limits: {timeout: 5s}
guard: {rules: [finite], check: "checks.py:short", action: reject}
fallback_rules: [{when: ["sepal_length > 100"], value: "giant"}]
"""
CHECK = "def short(inputs, outputs):\n    return all(length < 50 for length in inputs['sepal_length'])\n"


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, models: pathlib.Path):
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "checks.py").write_text(CHECK)
    with living.alive(folder, models, GUARDED) as found:
        yield found


def predict(system: living.Living, token: str = "", **row: float) -> httpx.Response:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.post(addresses.predict(system.home, living.ENDPOINT), json=ROW | row, headers=headers, trust_env=False)


def answered(system: living.Living, token: str, status: int) -> bool:
    return predict(system, token).status_code == status


def test_who_has_no_token_gets_nothing_and_the_home_has_its_own(system: living.Living):
    assert predict(system).json()["code"] == "token-missing"
    assert predict(system, system.home.token.read_text().strip()).status_code == 200
    sent = json.loads(system.run("send", "--rate", "50", "--for", "1s", "--json"))
    assert (sent["failed"], sent["answered"] > 0) == (0, True)


def test_a_token_is_good_from_when_it_is_made_to_when_it_is_revoked(system: living.Living):
    made = json.loads(system.run("token", "create", "shop", "--scope", "predict", "--daily", "1000", "--json"))
    living.wait(lambda: answered(system, made["token"], 200), what="the token to reach the gateway")
    identifier = predict(system, made["token"]).headers["tidegate-prediction-id"]
    assert "shop" in system.run("token", "list")
    assert made["token"] not in system.run("token", "list", "--json")
    outcome = {"outcomes": [{"id": identifier, "label": 1}]}
    address = addresses.read(system.home)["http"]
    assert httpx.post(f"{address}/outcomes", json=outcome, trust_env=False).status_code == 401
    assert "1 outcome accepted" in system.run("feedback", identifier, "1")
    system.run("token", "revoke", "shop", "--reason", "leaked")
    living.wait(lambda: answered(system, made["token"], 401), what="the gateway to forget the token")
    with api.Client(system.home) as asked:
        told = [(one["kind"], one["facts"]["name"]) for one in asked.events() if one["kind"].startswith("token_")]
        assert told == [("token_created", "shop"), ("token_revoked", "shop")]


def test_the_files_own_check_is_in_the_bundle_and_is_held_to(system: living.Living):
    home = system.home.token.read_text().strip()
    refused = predict(system, home, sepal_length=60.0)
    assert (refused.status_code, refused.json()["code"]) == (500, "output-refused")


def test_a_rule_about_an_output_that_the_model_does_not_have_is_refused(system: living.Living):
    settings = {"terms": {"rules": [{"text": "q >= 0", "kind": "range", "output": "q", "low": 0.0}]}}
    with api.Client(system.home) as asked, pytest.raises(errors.RuleInvalid, match="does not have"):
        asked.release(living.ENDPOINT, settings, model=system.model("v2"))
