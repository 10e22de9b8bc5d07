"""A whole system whose endpoint is probed from outside: over TLS, with a token, and told when it has no right answer."""

import json
import os
import pathlib
import signal

import httpx
import pytest

from tests.process import living, tls_fixtures
from tidegate.core.vocabulary import arms
from tidegate.dataplane.predlog import reader
from tidegate.interface.api import addresses, look
from tidegate.observability.metrics import probes, totals

SETTINGS = """
access: token
limits: {timeout: 1s, rate: 1}
monitors: {uptime: {every: 1s}}
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, models: pathlib.Path):
    folder = tmp_path_factory.mktemp("uptime")
    chain, key = tls_fixtures.issue(folder)
    found = living.Living(folder, models, SETTINGS)
    found.up("--tls-cert", str(chain), "--tls-key", str(key))
    try:
        yield found
    finally:
        found.down()


def probed(system: living.Living) -> list[probes.Probe]:
    return probes.listed(system.home, living.ENDPOINT, 0.0, 1e12)


def alarmed(system: living.Living) -> list[dict]:
    with system.api as asked:
        return [one for one in asked.status()["alarms"] if one["kind"] == "down"]


def test_a_probe_goes_in_by_the_public_door_and_is_counted_nowhere(system: living.Living):
    seen = living.wait(lambda: len(found := probed(system)) >= 3 and found, what="three probes")
    assert {(one.right, one.status, one.version) for one in seen} == {(True, 200, "v1")}, seen
    found = living.wait(lambda: reader.find(system.home, bytes.fromhex(seen[-1].prediction.replace("-", ""))))
    assert (found.prediction.role, found.prediction.evidence) == (arms.Role.SMOKE, False)
    served = totals.served(system.home).versions[living.ENDPOINT, 1]
    assert not any(served[16:96])  # no mark, no time
    assert look.rates(system.home, seen[-1].at + 1).get(living.ENDPOINT, (0.0, 0.0)) == (0.0, 0.0)


def test_a_clients_own_header_means_nothing(system: living.Living):
    made = json.loads(system.run("token", "create", "shop", "--scope", "predict", "--json"))["token"]
    url, trust = addresses.predict(system.home, living.ENDPOINT), addresses.trust(system.home)
    headers = {"authorization": f"Bearer {made}", "tidegate-probe": "1"}

    def answered() -> httpx.Response | None:
        given = httpx.post(url, json=dict.fromkeys(living.COLUMNS, 3.0), headers=headers, verify=trust, trust_env=False)
        return given if given.status_code == 200 else None

    answer = living.wait(answered, what="the token to reach the gateway")
    identifier = bytes.fromhex(answer.headers["tidegate-prediction-id"].replace("-", ""))
    assert living.wait(lambda: reader.find(system.home, identifier)).prediction.role == arms.Role.LIVE


def test_an_endpoint_that_hangs_is_down_until_it_answers_again(system: living.Living):
    worker = system.pid(system.instance("worker"))
    os.kill(worker, signal.SIGSTOP)
    try:
        raised = living.wait(lambda: alarmed(system), what="the alarm")[0]
    finally:
        os.kill(worker, signal.SIGCONT)
    assert raised["severity"] == "critical"
    assert "deadline-passed" in raised["words"]
    living.wait(lambda: not alarmed(system), what="the alarm to be over")
    told = json.loads(system.run("uptime", living.ENDPOINT, "--since", "1h", "--json"))
    assert 0 < told["available"] < 1
    assert told["outages"][0]["probes"] >= 2
    assert "available" in system.run("uptime", "--since", "1h")
    with system.api as asked:
        assert 'tidegate_probe_up{endpoint="iris"} 1.0' in asked._http.get("/metrics").text
