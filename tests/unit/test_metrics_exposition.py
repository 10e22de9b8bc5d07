"""/metrics: what is told, in which format, to whom, and that the list, the page and the documentation agree."""

import pathlib

import api_fixtures
import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from tidegate.core.vocabulary import home, instances, marks, tables
from tidegate.dataplane.wire import counts, tablefile
from tidegate.interface.api import troubles
from tidegate.observability.metrics import exposition, families, probes, totals

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked
ROUTE = tables.Route("delay", "production", tables.Deployed(1, api_fixtures.DIGEST, "mlflow://delay/1"))


def parsed(text):
    return {family.name: family for family in parser.text_string_to_metric_families(text)}


def value(text, name, **labels):
    found = [
        sample.value
        for family in parsed(text).values()
        for sample in family.samples
        if sample.name == name and all(sample.labels.get(key) == wanted for key, wanted in labels.items())
    ]
    assert len(found) == 1, (name, labels, found)
    return found[0]


@pytest.fixture
def served(place, store):
    tablefile.write(place.table, lambda _: tables.Table(0, 0, {"delay": ROUTE}))
    writer = counts.Writer(place.counts, "a" * 32)
    row = writer.row("delay", 1)
    for _ in range(99):
        row.ended(int(marks.Mark.OK), True, 2_000)
    row.ended(int(marks.Mark.TIMEOUT), False, 2_000_000)
    row.batch(5, 50, 0.1)
    row.moved(3_000, 400)
    instances.Spec("delay-v1-0", "worker", (), "t" * 32, labels={"endpoint": "delay", "ordinal": "1"}).write(place.instances)
    writer.of_worker(counts.GIVEN, "delay-v1-0").slots[0] += 3_300
    writer.of_worker(counts.TAKEN, "delay-v1-0").slots[0] += 500
    writer.row("delay", 7).ended(int(marks.Mark.OK), True, 10)  # a version that no route lists any more
    writer.note("refused", {"queue-full": 3})
    probes.note(place, [probes.Probe("delay", 1e12, "v1", True, 0.004, 200)], 1e12)
    return writer


def test_what_was_served_is_told(served, asked):
    text = asked.get("/metrics").text
    assert value(text, "tidegate_requests_total", endpoint="delay", version="v1", mark="ok") == 99
    assert value(text, "tidegate_requests_total", endpoint="delay", version="v1", mark="timeout") == 1
    assert value(text, "tidegate_request_seconds_count", endpoint="delay") == 99
    assert value(text, "tidegate_request_seconds_sum", endpoint="delay") == pytest.approx(0.198)
    assert value(text, "tidegate_request_seconds_bucket", endpoint="delay", le="+Inf") == 99
    assert value(text, "tidegate_batch_requests_sum", endpoint="delay") == 5
    assert value(text, "tidegate_request_bytes_total", endpoint="delay", version="v1") == 3_000
    assert value(text, "tidegate_answer_bytes_total", endpoint="delay", version="v1") == 400
    assert value(text, "tidegate_process_received_bytes_total", process="delay-v1-0") == 3_300
    assert value(text, "tidegate_process_sent_bytes_total", process="delay-v1-0") == 500
    assert value(text, "tidegate_refused_requests_total", code="queue-full") == 3
    assert value(text, "tidegate_probe_up", endpoint="delay") == 1
    assert value(text, "tidegate_store_up") == 1
    assert value(text, "tidegate_control_up") == 0
    assert value(text, "tidegate_disk_size_bytes") > 0


def test_buckets_are_cumulative_and_edges_rise(served, asked):
    family = parsed(asked.get("/metrics").text)["tidegate_request_seconds"]
    buckets = [(float(one.labels["le"]), one.value) for one in family.samples if one.name.endswith("_bucket")]
    assert buckets == sorted(buckets)
    assert [count for edge, count in buckets if edge < 0.001] == [0] * sum(edge < 0.001 for edge, _ in buckets)


def test_counts_never_fall_when_a_gateway_dies_and_is_folded(served, place, asked):
    served.close()
    assert totals.fold(place) == 1
    text = asked.get("/metrics").text
    assert value(text, "tidegate_requests_total", endpoint="delay", mark="ok") == 99
    assert value(text, "tidegate_process_received_bytes_total", process="delay-v1-0") == 3_300


def test_of_workers_that_came_and_went_those_met_last_stay_in_the_totals(place, monkeypatch):
    monkeypatch.setattr(totals, "WORKERS", 2)
    for number in (0, 1, 2, 0, 3, 4, 5):
        writer = counts.Writer(place.counts, f"{len(totals.served(place).of('boot')):x}" * 32)
        writer.note("boot", {f"{len(totals.served(place).of('boot'))}": 1})
        writer.of_worker(counts.GIVEN, f"delay-v{number}-0").slots[0] += number + 1
        writer.note("log", {"dropped": 1})
        writer.close()
        totals.fold(place)
    left = totals.served(place)
    assert left.of(counts.GIVEN) == {
        counts.worker(f"delay-v{number}-0"): told for number, told in ((0, 2), (3, 4), (4, 5), (5, 6))
    }
    assert left.of("log") == {"dropped": 7}


def test_openmetrics_where_it_is_asked_for(served, asked):
    headers = {"accept": "application/openmetrics-text;version=1.0.0", "authorization": "Bearer secret"}
    answered = asked.request("GET", "/metrics", headers=headers)
    assert answered.headers["content-type"].startswith("application/openmetrics-text")
    names = {family.name for family in openmetrics.text_string_to_metric_families(answered.text)}
    assert "tidegate_requests" in names
    assert asked.get("/metrics").headers["content-type"].startswith("text/plain")


def test_a_watch_that_cannot_look_is_told_of(served, place, asked):
    watches = {"uptime": {"trouble": "ValueError: no"}, "logs": {}}
    instances.write_json(place.instances / "monitor.state", {"watches": watches})
    text = asked.get("/metrics").text
    assert value(text, "tidegate_watch_up", watch="uptime") == 0
    assert value(text, "tidegate_watch_up", watch="logs") == 1
    status = asked.get("/v1/status").json()
    assert "the watch uptime cannot look: ValueError: no; `tidegate logs monitor`" in list(troubles.lines(status))


def test_sinks_are_told_of(served, place, asked):
    sink = {"endpoint": "delay", "to": "file:///x", "delivered": 7, "waiting": 2, "behind_seconds": 1.5, "given_up": 0}
    instances.write_json(place.instances / "shipper.state", {"sinks": [sink]})
    text = asked.get("/metrics").text
    assert value(text, "tidegate_sink_delivered_records_total", endpoint="delay", sink="file:///x") == 7
    assert value(text, "tidegate_sink_behind_seconds", endpoint="delay") == 1.5


def test_a_scraper_needs_the_scope_read(served, asked):
    assert asked.request("GET", "/metrics", token="").status_code == 401
    assert asked.request("GET", "/metrics", token="nobody").status_code == 401


def test_every_metric_of_the_list_is_on_the_page_and_none_beside(served, asked):
    text = asked.get("/metrics").text
    told = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert told == {one.name for one in families.FAMILIES}
    listed = {one.name: one for one in families.FAMILIES}
    for family in parsed(text).values():
        known = listed.get(family.name) or listed[f"{family.name}_total"]
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(known.labels), sample


def test_names_are_as_prometheus_wants_them():
    for one in families.FAMILIES:
        assert one.name.startswith("tidegate_")
        assert one.name.endswith("_total") == (one.kind == families.COUNTER), one.name
        assert len(one.labels) <= 5


def test_the_page_in_the_documentation_is_the_list():
    text = (pathlib.Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    assert families.table() in text


def test_an_empty_home_has_metrics(tmp_path):
    empty = home.Home(tmp_path)
    status = {"endpoints": (), "alarms": (), "recorder": {}, "gateways": (), "control": False, "control_state": ""}
    body, _ = exposition.page(empty, status | {"store": "gone", "generation": 0}, tables.EMPTY)
    assert value(body.decode(), "tidegate_store_up") == 0
