"""The control API over a real store and home: what it reads, what it hands to control, how it refuses."""

import contextlib
import sqlite3

import api_fixtures
import msgspec
import predlog_fixtures as given
import pytest

from tidegate.control.store import commands
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import decisions, errors, ids, instances, manifests, phases, releases, tables, verdicts
from tidegate.dataplane.predlog import catalogue
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import access, orders
from tidegate.interface.cli.views import history
from tidegate.observability.joining import quarantine

DIGEST = api_fixtures.DIGEST
AT = 1_772_380_800.0  # 2026-03-01 16:00:00 UTC
made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked


def release(phase=phases.Phase.RUNNING):
    version = releases.Version("delay", 2, "b" * 64, "n" * 64, "mlflow://delay/2", 20.0)
    stable = releases.Version("delay", 1, DIGEST, "m" * 64, "mlflow://delay/1", 10.0)
    stages = (releases.Stage("5%", 500), releases.Stage("50%", 5000))
    policy = releases.Policy()
    return releases.Release(
        "r1", "production", "delay", version, stable, "canary", stages, policy, b"salt", created_at=20.0, phase=phase
    )


def test_status_tells_endpoints_and_processes(place, store, asked):
    instances.Spec("recorder", "recorder", ("x",), "tok").write(place.instances)
    found = asked.get("/v1/status").json()
    assert [one["name"] for one in found["endpoints"]] == ["delay"]
    assert found["endpoints"][0]["stable"]["name"] == "v1"
    assert found["control"] is False
    assert found["processes"] == [found["processes"][0] | {"name": "recorder", "alive": False, "state": "starting", "well": True}]


def test_status_answers_from_the_table_when_the_store_is_gone(place, asked):
    route = tables.Route("delay", "production", tables.Deployed(3, DIGEST, "mlflow://delay/3"), weight=0)
    tablefile.write(place.table, lambda table: tables.Table(0, 0, {"delay": route}))
    found = asked.get("/v1/status").json()
    assert "not there" in found["store"]
    assert found["endpoints"][0]["stable"]["name"] == "v3"
    assert asked.get("/v1/endpoints/delay").json()["code"] == "store-unavailable"


def test_a_release_is_told_with_stage_waiting_and_verdict(store, asked):
    store.create(release())
    waiting = decisions.Waiting("requests", "needs about 4,100 more canary requests")
    store.put_waiting("r1", waiting)
    unbounded = verdicts.Evidence("errors", "immediate", 1.0, 1.5, 4.6, (3, 100), (0, 900))
    verdict = verdicts.Verdict(verdicts.Result.UNSURE, "too early", (unbounded,), verdicts.Harm(100, 3, 3))
    store.put_verdict("r1", verdict, {})
    found = asked.get("/v1/releases/r1").json()
    assert found["stage"].items() >= {"name": "5%", "index": 0, "of": 2, "weight": 500, "watch": "comparison"}.items()
    assert [one["name"] for one in found["stages"]] == ["5%", "50%"]
    assert found["waiting"]["sentence"] == waiting.sentence
    assert found["verdict"]["harm"]["rescued"] == 3
    assert found["verdict"]["evidence"][0]["interval"] == [0.0, None]
    assert asked.get("/v1/releases/r1/verdict").json()["sentence"] == "too early"
    assert asked.get("/v1/releases/unknown").json()["code"] == "release-unknown"


def test_a_verb_is_handed_to_control_and_its_answer_comes_back(place, store, asked):
    store.create(release())

    def answer(command):
        assert (command.kind, command.actor, command.reason) == ("pause", "ann", "lunch")
        store.finish(command.id, {"release": "r1", "phase": "paused", "reason": "lunch"})

    with api_fixtures.control(place, store, answer):
        done = asked.post("/v1/endpoints/delay/pause", json={"actor": "ann", "reason": "lunch"})
    assert done.json() == {"release": "r1", "phase": "paused", "reason": "lunch", "version": "v2", "digest": "b" * 64}


def test_what_control_refuses_comes_back_with_its_code(place, store, asked):
    with api_fixtures.control(
        place, store, lambda command: store.refuse(command.id, errors.TransitionRefused("it is not paused."))
    ):
        refused = asked.post("/v1/endpoints/delay/resume", json={})
    assert (refused.status_code, refused.json()["code"]) == (409, "transition-refused")
    assert refused.json()["error"] == "it is not paused."


def test_without_control_nothing_is_queued(store, asked, monkeypatch):
    monkeypatch.setattr(orders, "REVIVAL_SECONDS", 0.0)
    refused = asked.post("/v1/endpoints/delay/rollback", json={})
    assert (refused.status_code, refused.json()["code"]) == (503, "control-down")
    assert refused.headers["retry-after"]
    assert store.pending_commands("production") == []


def test_a_release_with_a_bad_model_is_refused_before_control_hears_of_it(place, store, asked):
    answered: list[commands.Command] = []
    with api_fixtures.control(place, store, answered.append):
        refused = asked.post("/v1/endpoints/delay/releases", json={"model": "/nowhere/model.joblib"})
        missing = asked.post("/v1/endpoints/delay/releases", json={"digest": "c" * 64})
    assert (refused.status_code, refused.json()["code"]) == (422, "model-source-invalid")
    assert missing.json()["code"] == "bundle-missing"
    assert answered == []


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"settings": {"stratgy": "full"}}, "stratgy"),
        ({"settings": {"endpoint": "other"}}, "other"),
        ({"settings": {"environment": "staging"}}, "staging"),
        ({"settings": {"replicas": "many"}}, "replicas"),
    ],
)
def test_settings_that_cannot_be_used_are_named(store, asked, body, says):
    refused = asked.post("/v1/endpoints/delay/releases", json=body)
    assert refused.json()["code"] == "spec-invalid"
    assert says in refused.json()["error"]


def test_bodies_paths_and_methods_that_are_not_known_are_named(store, asked):
    misspelt = asked.post("/v1/endpoints/delay/pause", json={"reson": "x"})
    assert misspelt.json()["code"] == "body-malformed"
    assert "reson" in misspelt.json()["error"]
    assert asked.post("/v1/endpoints/delay/pause", content=b"{").json()["code"] == "body-malformed"
    assert asked.post("/v1/endpoints/delay/explode", json={}).json()["code"] == "path-unknown"
    assert asked.get("/v1/nothing").json()["code"] == "path-unknown"
    assert asked.request("DELETE", "/v1/status").json()["code"] == "method-refused"
    assert asked.post("/v1/endpoints/nobody/pause", json={}).json() == {
        "error": "there is no endpoint 'nobody'.",
        "code": "endpoint-unknown",
        "cure": "There are: delay.",
    }
    assert asked.post("/v1/adopt", content=b" " * (access.BODY_MAX + 1)).json()["code"] == "body-too-large"


def test_an_unexpected_fault_tells_clients_nothing_of_itself(store, asked, monkeypatch):
    def burst(*_):
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(stores.Store, "endpoint", burst)
    failed = asked.get("/v1/endpoints/delay")
    assert (failed.status_code, failed.json()["code"]) == (500, "internal")
    assert "secret" not in failed.text


def test_history_and_events_are_told_in_order(store, asked):
    store.create(release(), decisions.Event(decisions.Kind.TICK, actor="ann", reason="new data"))
    found = asked.get("/v1/endpoints/delay/history").json()
    assert [one["id"] for one in found["releases"]] == ["r1"]
    assert found["events"][0]["actor"] == "ann"
    last = found["events"][-1]["sequence"]
    assert asked.get(f"/v1/events?after={last}").json() == []


def test_who_served_at_a_past_time_is_told_with_who_wanted_it(store, asked):
    began = msgspec.structs.replace(release(), created_at=AT)
    store.create(began, decisions.Event(decisions.Kind.TICK, actor="ann", reason="new data"))
    ended = msgspec.structs.replace(began, phase=phases.Phase.ROLLED_BACK)
    store.commit(decisions.Decision(ended, (), "it fails", None), decisions.Event(decisions.Kind.TICK), 0, AT + 20)

    def served(at):
        return asked.get(f"/v1/endpoints/delay/served?at={at}").json()

    during, after = served("2026-03-01T16:00:10"), served(str(AT + 30))
    assert [(one["name"], one["share"]) for one in during["servers"]] == [("v1", 0.95), ("v2", 0.05)]
    assert (during["since"], during["until"], during["release"], during["stage"]) == (AT, AT + 20, "r1", "5%")
    assert during["servers"][1]["brought"].items() >= {"actor": "ann", "said": "new data", "strategy": "canary"}.items()
    assert [(one["name"], one["share"]) for one in after["servers"]] == [("v1", 1.0)]
    assert (after["why"]["reason"], after["until"], after["release"]) == ("it fails", 0.0, "")
    told = [line.plain for line in history.served(during)]
    assert any("v2" in line and "5 %" in line for line in told)
    assert any("by ann: new data (canary)" in line for line in told)
    assert "its first event is later" in served(str(AT - 5))["error"]
    assert "in the future" in served("2999-01-01")["error"]
    assert served("last tuesday")["code"] == "moment-invalid"


def test_an_event_log_that_was_changed_is_found_out(place, store, asked):
    store.create(release(), decisions.Event(decisions.Kind.TICK, actor="ann", reason="new data"))
    number, sealed = store.head()
    whole = asked.get(f"/v1/audit?witness={number}:{sealed[:16]}").json()
    assert (whole["events"], whole["hash"]) == (number, sealed)
    assert asked.get(f"/v1/audit?witness={number}:{'0' * 16}").json()["code"] == "chain-broken"
    assert asked.get("/v1/audit?witness=last").json()["code"] == "body-malformed"
    with contextlib.closing(sqlite3.connect(place.store)) as raw, raw:
        raw.execute("UPDATE events SET body = replace(body, 'ann', 'eve')")
    broken = asked.get("/v1/audit").json()
    assert (broken["code"], "was changed" in broken["error"]) == ("chain-broken", True)


def test_the_description_is_whole_and_without_scripts(asked):
    paths = asked.get("/openapi.json").json()["paths"]
    page = asked.get("/docs").text
    assert all(path in page for path in paths)
    assert "<script" not in page


def test_status_answers_from_the_table_before_where_the_table_is_damaged(place, store, asked):
    tablefile.write(place.table, lambda current: msgspec.structs.replace(current, written_by="one"))
    tablefile.write(place.table, lambda current: msgspec.structs.replace(current, written_by="two"))
    place.table.write_text('{"garb')
    found = asked.get("/v1/status").json()
    assert (found["generation"], [one["name"] for one in found["endpoints"]]) == (1, ["delay"])
    assert "table.json.last" in found["table"]
    tablefile.last(place.table).unlink()
    assert asked.get("/v1/status").json()["generation"] == 0


def test_a_trace_over_http_is_the_command_lines_and_comes_as_openlineage_too(place, store, asked):
    for folder in (place.segments, place.log):
        folder.mkdir(exist_ok=True)
    one = given.prediction(0, endpoint="delay")
    given.writer(place).append([one])
    identifier = ids.text(one.id)
    assert asked.get(f"/v1/trace/{identifier}").json()["prediction"]["id"] == identifier
    assert asked.get(f"/v1/trace/{identifier}/openlineage").json()[-1]["run"]["runId"] == identifier
    assert asked.get("/v1/trace/nothing").json()["code"] == "prediction-unknown"


def test_lineage_over_http_says_what_came_of_data_or_that_nothing_did(place, store, asked):
    data = manifests.Dataset("january", "training", "5" * 64)
    signature = manifests.Signature("columns", (), ())
    manifest = manifests.Manifest("delay", "sklearn", "m", signature, (), provenance=manifests.Provenance("m", data=(data,)))
    (place.bundles / manifest.digest).mkdir()
    (place.bundles / manifest.digest / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    store.add_version("production", "delay", manifest.digest, "n" * 64, "mlflow://delay/2", 20.0)
    found = asked.get("/v1/lineage?data=555555").json()
    assert [(one["version"], one["state"]) for one in found["versions"]] == [("v2", "never served")]
    assert found["said"]
    assert [one["version"] for one in asked.get("/v1/endpoints/delay/lineage").json()] == ["v2", "v1"]
    assert asked.get("/v1/lineage?data=999999").json()["code"] == "data-unknown"


def test_an_explanation_over_http_says_why_there_is_none(place, store, asked):
    for folder in (place.segments, place.log):
        folder.mkdir(exist_ok=True)
    given.writer(place).append([one := given.prediction(0, endpoint="delay", input=b"")])
    refused = asked.get(f"/v1/explain/{ids.text(one.id)}")
    assert (refused.status_code, refused.json()["code"]) == (409, "not-explainable")
    assert "not in the log" in refused.json()["error"]
    assert asked.get("/v1/explain/nothing").json()["code"] == "prediction-unknown"
    assert asked.get(f"/v1/explain/{ids.text(given.identifier(7))}").json()["code"] == "prediction-unknown"
    assert asked.get(f"/v1/explain/{ids.text(one.id)}?row=-1").status_code == 400


def test_a_recipe_of_what_can_be_no_version_is_refused_like_any_wrong_path(store, asked):
    for ordinal in ("99999999999999999999", "0", "-1", "x"):
        answer = asked.get(f"/v1/endpoints/flight-delay/versions/{ordinal}/recipe")
        assert (answer.status_code, answer.json()["code"]) == (400, "body-malformed")


def test_performance_and_what_was_put_aside_are_read(place, store, asked):
    place.prepare()
    one = given.outcome(0, given.prediction(1), 1.0, 5.0)
    assert asked.get("/v1/endpoints/delay/performance?since=2023-11-01&by=week").json()["standings"] == []
    assert asked.get("/v1/endpoints/nobody/performance").json()["code"] == "endpoint-unknown"
    assert asked.get("/v1/endpoints/delay/performance?by=year").status_code == 400
    assert asked.get("/v1/endpoints/delay/performance?since=now&until=1d").json()["code"] == "spec-invalid"
    with catalogue.Catalogue(place.log) as books:
        books.begin()
        quarantine.Quarantine(books.connection).put([quarantine.Rejected("type", "delay", 1.0, one)])
        books.commit()
    found = asked.get("/v1/endpoints/delay/outcomes/rejected").json()
    assert (found["counted"], [one["reason"] for one in found["newest"]], found["rows"]) == ({"type": 1}, ["type"], [])
