"""A whole system whose requests are traced: by a client's context, through gateway, worker and model, to a collector."""

import json
import time
import urllib.error
import urllib.request

import pytest

from tests.process import collector_fixtures, living

MODEL = """
import time

from tidegate.dataplane.models import tracing


class Model:
    def predict(self, batch):
        with tracing.span("look up features", table="flowers"):
            joined = tracing.headers()
            time.sleep(0.005)
            with tracing.span("cache"):
                pass
        if any(length < 0 for length in batch["sepal_length"]):
            raise ValueError("no such flower: 4711")
        return [len(joined.get("traceparent", "")) + len(joined.get("tracestate", ""))] * len(batch["sepal_length"])
"""
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture(scope="module")
def collector():
    with collector_fixtures.Collector() as made:
        yield made


@pytest.fixture(scope="module")
def system(tmp_path_factory, models, collector):
    folder = tmp_path_factory.mktemp("traces")
    (folder / "model.py").write_text(MODEL)
    found = living.Living(folder, models)
    example = f"example: {models / 'example.csv'}\ntrust: pickle"
    traces = "monitors: {traces: {follow: true}}\nfallback: {none: true}"
    (folder / "tidegate.yaml").write_text(f"endpoint: iris\nmodel: {folder / 'model.py'}:Model\n{example}\n{traces}\n")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.address)
        patched.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test")
        found.up()
    try:
        yield found
    finally:
        found.down()


def ask(system: living.Living, length: float = 3.0, **headers: str) -> tuple[int, dict[str, str], dict]:
    body = json.dumps(dict.fromkeys(living.COLUMNS, 3.0) | {"sepal_length": length}).encode()
    told = {"content-type": "application/json"} | {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        with urllib.request.urlopen(
            urllib.request.Request(f"{system.address}/endpoints/iris/predict", body, told), timeout=10
        ) as answered:
            return answered.status, {name.lower(): value for name, value in answered.headers.items()}, json.loads(answered.read())
    except urllib.error.HTTPError as failed:
        return failed.code, {name.lower(): value for name, value in failed.headers.items()}, json.loads(failed.read())


def traced(collector: collector_fixtures.Collector, trace: str, count: int) -> dict:
    return living.wait(lambda: len(found := collector.of(trace)) >= count and found, what="the trace to be exported")


def test_a_clients_trace_goes_through_gateway_worker_and_model(system, collector):
    before = time.time_ns()
    parent = f"00-{TRACE}-{PARENT}-01"
    status, headers, answer = ask(system, traceparent=parent, tracestate="vendor=abc", x_request_id="order-7")
    after = time.time_ns()
    assert status == 200
    assert answer["predictions"] == [len(parent) + len("vendor=abc")]
    spans = traced(collector, TRACE, 5)
    gateway, worker, model, look, cache = (
        spans[name] for name in ("predict iris", "worker", "model", "look up features", "cache")
    )
    assert gateway.parent_span_id.hex() == PARENT
    assert [one.parent_span_id for one in (worker, model, look, cache)] == [one.span_id for one in (gateway, worker, model, look)]
    assert gateway.kind == 2  # SERVER
    assert gateway.trace_state == "vendor=abc"
    assert len({one.span_id for one in spans.values()}) == 5
    for outer, inner in ((gateway, worker), (worker, model), (model, look), (look, cache)):
        slack = 2_000_000  # two clocks: of monotonic time and of the day
        assert outer.start_time_unix_nano - slack <= inner.start_time_unix_nano <= inner.end_time_unix_nano
        assert inner.end_time_unix_nano <= outer.end_time_unix_nano + slack
    assert before - 2_000_000 <= gateway.start_time_unix_nano <= gateway.end_time_unix_nano <= after + 2_000_000
    assert look.end_time_unix_nano - look.start_time_unix_nano >= 5_000_000
    said = collector_fixtures.attributes(gateway)
    assert said["tidegate.prediction_id"] == headers["tidegate-prediction-id"]
    assert (said["tidegate.request_id"], said["tidegate.version"], said["tidegate.mark"]) == ("order-7", "v1", "ok")
    assert said["http.response.status_code"] == 200
    assert collector_fixtures.attributes(look) == {"table": "flowers"}
    assert collector.resources[-1]["service.name"] == "tidegate"
    assert collector.resources[-1]["deployment.environment"] == "test"


def test_what_the_client_does_not_sample_is_not_traced(system, collector):
    other, marker = "a" * 32, "b" * 32
    assert ask(system, traceparent=f"00-{other}-{PARENT}-00")[2]["predictions"] == [0]
    assert ask(system, traceparent="nonsense")[2]["predictions"] == [0]
    assert ask(system)[2]["predictions"] == [0]
    ask(system, traceparent=f"00-{marker}-{PARENT}-01")
    traced(collector, marker, 5)
    assert not collector.of(other)
    assert {one.trace_id.hex() for one in collector.spans} <= {TRACE, marker}


def test_a_failure_is_marked_by_its_code_and_holds_no_input(system, collector):
    trace = "c" * 32
    ask(system, length=-1.0, traceparent=f"00-{trace}-{PARENT}-01")
    spans = traced(collector, trace, 5)
    assert spans["predict iris"].status.code == 2
    assert spans["predict iris"].status.message == "predict-failed"
    assert spans["model"].status.message == "ValueError"
    assert not any(b"4711" in one.SerializeToString() for one in spans.values())


def test_a_collector_that_refuses_gets_them_again(system, collector):
    trace = "d" * 32
    collector.refuses = 1
    ask(system, traceparent=f"00-{trace}-{PARENT}-01")
    traced(collector, trace, 5)
    assert not collector.refuses


def test_lines_of_one_request_are_found_across_processes(system):
    _, headers, _ = ask(system, length=-1.0, x_request_id="order-9")
    shown = system.run("logs", "--request", "order-9", "--json")
    lines = [json.loads(line) for line in shown.splitlines()]
    assert lines[0]["event"] == "prediction"
    assert lines[0]["prediction_id"] == headers["tidegate-prediction-id"]
    first = system.run("logs", "--json", "-n", "1000")
    named = next(json.loads(line) for line in first.splitlines() if "the model failed a request" in line)
    found = system.run("logs", "--prediction", named["prediction_id"])
    assert "the model failed a request" in found
    assert "mark=error" in found


def test_nothing_waits_once_it_is_exported(system):
    living.wait(lambda: not list(system.home.spans.glob("*")), what="the files to be gone")
    assert system.home.spans.is_dir()
