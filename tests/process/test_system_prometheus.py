"""A real Prometheus scrapes a whole system, loads the rules that are shipped, and answers what the dashboard asks."""

import json
import os
import pathlib
import signal
import subprocess
import urllib.request

import pytest
import yaml

from tests import prometheus
from tests.process import living
from tidegate.observability.metrics import dashboard, drifted, families, rules

SUMMARY = drifted.Summary(
    "v1",
    (
        drifted.Look("drift", "training", 1_700_000_000, 4, 1, (drifted.Measure("petal_width", "ks", 0.3, 0.25),)),
        drifted.Look("quality", "season", 1_700_000_000, 4, 2, (), (drifted.Shares("petal_width", 0.5, 0.1, 0.0),)),
    ),
    0.05,
)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory, models: pathlib.Path):
    prometheus.program("prometheus")
    settings = "limits: {timeout: 500ms}\nmonitors: {uptime: {every: 1s}}"
    with living.alive(tmp_path_factory.mktemp("scraped"), models, settings) as found:
        yield found


@pytest.fixture(scope="module")
def files(system: living.Living) -> pathlib.Path:
    """What `tidegate monitoring` writes, with a token, and shorter times: a test does not wait for minutes."""
    folder = system.folder / "monitoring"
    system.run("monitoring", str(folder))
    made = json.loads(system.run("token", "create", "prometheus", "--scope", "read", "--json"))["token"]
    (folder / "tidegate.token").write_text(made)
    path = folder / "prometheus.yml"
    told = yaml.safe_load(path.read_text())
    path.write_text(yaml.safe_dump(told | {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}))
    return folder


@pytest.fixture(scope="module")
def server(files: pathlib.Path):
    shipped = files / "tidegate-rules.yml"
    told = yaml.safe_load(shipped.read_text())
    for one in told["groups"][0]["rules"]:
        one["for"] = "0s"
    shipped.write_text(yaml.safe_dump(told))
    with prometheus.running(files / "prometheus.yml") as made:
        yield made


def test_the_shipped_rules_are_rules(system: living.Living, tmp_path: pathlib.Path):
    system.run("monitoring", str(tmp_path))
    for argv in (["check", "rules", "tidegate-rules.yml"], ["check", "config", "prometheus.yml"]):
        if argv[1] == "config":
            (tmp_path / "tidegate.token").write_text("x")
        done = subprocess.run([prometheus.program("promtool"), *argv], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules.RULES)} rules found" in done.stdout


def test_the_page_is_as_promtool_wants_it(system: living.Living):
    asked = urllib.request.Request(
        f"{system.api.address}/metrics", headers={"authorization": f"Bearer {system.home.token.read_text().strip()}"}
    )
    with urllib.request.urlopen(asked, timeout=10) as answered:
        page = answered.read()
    done = subprocess.run([prometheus.program("promtool"), "check", "metrics"], input=page, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_is_scraped_and_the_dashboards_questions_are_answered(system: living.Living, server: prometheus.Server):
    drifted.write(system.home, {living.ENDPOINT: SUMMARY})  # windows take hours: this is what the monitor leaves behind one
    with living.Traffic(system.address, rate=100) as traffic:
        served = 'tidegate_requests_total{endpoint="iris",mark="ok"} > 100'
        living.wait(lambda: server.query(served), what="requests to be scraped")
        living.wait(lambda: traffic.answered > 400)
        asked = [query for _, row in dashboard.ROWS for panel in row for query, _ in panel.queries]
        ready = 'rate(tidegate_request_seconds_count{endpoint="iris"}[10s]) > 50'
        living.wait(lambda: server.query(ready), what="a rate")
        told = {query: server.query(query.replace("$__rate_interval", "10s").replace("$endpoint", ".*")) for query in asked}
    silent = {query for query, found in told.items() if not found}
    # What has not happened has no series: nothing was refused, no alarm is open, there is no sink.
    assert all(any(word in query for word in ("refused", "open_alarms", "sink")) for query in silent), silent
    p95 = next(float(found[0]["value"][1]) for query, found in told.items() if "0.95" in query)
    assert 0.0001 < p95 < 0.5
    targets = server.ask("targets")["activeTargets"]
    assert [one["health"] for one in targets] == ["up"], targets
    kept = set(server.ask("label/__name__/values"))
    assert len(kept & {one.name for one in families.FAMILIES}) > 30
    shown = system.run("metrics", "--since", "5m")
    assert "gateway-0" in shown
    assert "v1" in shown
    assert json.loads(system.run("metrics", "--since", "5m", "--json"))["versions"][0]["marks"]["ok"] > 100


def test_drift_fires_with_how_many_columns_have_moved(system: living.Living, server: prometheus.Server):
    drifted.write(system.home, {living.ENDPOINT: SUMMARY})
    firing = living.wait(lambda: {"TidegateDrift", "TidegateInputFaults"} <= set(server.firing()), what="alerts")
    assert firing
    assert (
        server.firing()["TidegateDrift"] | {"endpoint": living.ENDPOINT, "reference": "training"}
        == server.firing()["TidegateDrift"]
    )
    [low] = server.query('tidegate_drift_effect_low{endpoint="iris",version="v1",column="petal_width",reference="training"}')
    assert (low["metric"]["effect"], float(low["value"][1])) == ("ks", 0.25)


def test_a_failing_endpoint_fires(system: living.Living, server: prometheus.Server):
    worker = system.pid(system.instance("worker"))
    os.kill(worker, signal.SIGSTOP)
    try:
        with living.Traffic(system.address, rate=50):
            firing = living.wait(
                lambda: {"TidegateEndpointFailing", "TidegateEndpointDown"} <= set(server.firing()), what="alerts"
            )
    finally:
        os.kill(worker, signal.SIGCONT)
    assert firing
    assert server.firing()["TidegateEndpointFailing"]["endpoint"] == living.ENDPOINT


def test_counts_go_on_when_a_gateway_is_killed(system: living.Living, server: prometheus.Server):
    total = 'sum(tidegate_requests_total{endpoint="iris"})'
    before = float(server.query(total)[0]["value"][1])
    system.await_successor("gateway-0", system.kill("gateway-0"))
    with living.Traffic(system.address, rate=100) as traffic:
        living.wait(lambda: traffic.answered > 50)
    living.wait(lambda: float(server.query(total)[0]["value"][1]) > before, what="more requests than before")
    assert server.query(f"resets({total}[1m:1s])")[0]["value"][1] == "0"
