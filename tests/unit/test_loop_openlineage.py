"""What is written as OpenLineage is what OpenLineage's own client reads, and the two runs are linked."""

import pathlib
import pkgutil
import types
import typing

import attr
import msgspec
import predlog_fixtures as given
import pytest
from test_loop_trace import bundled, checked

from tidegate.control.loop import openlineage, trace
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import ids, manifests, releases
from tidegate.dataplane.predlog import sights

FACETS = {
    "executionParameters": "execution_parameters_run:ExecutionParametersRunFacet",
    "jobDependencies": "job_dependencies_run:JobDependenciesRunFacet",
    "jobType": "job_type_job:JobTypeJobFacet",
    "sourceCodeLocation": "source_code_location_job:SourceCodeLocationJobFacet",
    "version": "dataset_version_dataset:DatasetVersionDatasetFacet",
    "dataSource": "datasource_dataset:DatasourceDatasetFacet",
}


def client(place: str) -> typing.Any:
    """A class of OpenLineage's client, which takes long to import."""
    return pkgutil.resolve_name(f"openlineage.client.{place}")


def read(kind: typing.Any, told: dict[str, typing.Any]) -> typing.Any:
    """The client's own class of a JSON object: it has every field that the class requires, and none that it does not know."""
    hints = typing.get_type_hints(kind)
    known = {one.name: one for one in attr.fields(kind)}
    kept = {}
    for name, value in told.items():
        assert name in known, (kind, name)
        if known[name].init:
            kept[known[name].alias] = _value(hints[name], name, value)
    return kind(**kept)


def _value(hint: typing.Any, name: str, value: typing.Any) -> typing.Any:
    if name == "facets":
        return {
            key: read(client(f"generated.{FACETS[key]}"), one) if key in FACETS else custom(key, one)
            for key, one in value.items()
        }
    options = [hint] if not isinstance(hint, types.UnionType) else [one for one in typing.get_args(hint) if one is not type(None)]
    if isinstance(value, list) and attr.has(inner := typing.get_args(options[0])[0]):
        return [read(inner, one) for one in value]
    if isinstance(value, dict) and attr.has(options[0]):
        return read(options[0], value)
    event = client("generated.base:EventType")
    return event(value) if options[0] is event else value


def ends(walked: trace.Trace) -> list[dict[str, typing.Any]]:
    """Without the starts, which say no more."""
    return [one for one in openlineage.events(walked) if one["eventType"] != "START"]


def custom(key: str, told: dict[str, typing.Any]) -> dict[str, typing.Any]:
    """What the specification asks of a facet of one's own: a prefix, a producer and a schema."""
    assert key.startswith("tidegate_")
    assert told["_producer"].startswith("urn:")
    assert told["_schemaURL"].startswith("urn:")
    return told


@pytest.fixture
def walked(tmp_path: pathlib.Path) -> trace.Trace:
    made = given.place(tmp_path)
    one = given.prediction(0, digest=bundled(made))
    given.writer(made).append([one])
    with store.Store(database.sqlite_url(made.store)) as known:
        known.put_endpoint(endpoints.Endpoint("production", "flight-delay", {}, None, ()))
        version = releases.Version("flight-delay", 1, one.digest, "m" * 64, "mlflow://flight-delay/4")
        known.create(
            releases.Release("r1", "production", "flight-delay", version, None, "canary", (), releases.Policy(), b"salt", 1.0)
        )
        checked(made, "r1")
        return trace.trace(made, known, ids.text(one.id))


def test_the_client_of_openlineage_reads_every_event_and_says_the_same(walked: trace.Trace) -> None:
    told = openlineage.events(walked)
    assert [(one["job"]["name"], one["eventType"]) for one in told] == [
        ("flight-delay.training", "START"),
        ("flight-delay.training", "COMPLETE"),
        ("flight-delay", "START"),
        ("flight-delay", "COMPLETE"),
    ]
    for event in msgspec.json.decode(msgspec.json.encode(told)):
        known = read(client("generated.base:RunEvent"), event)
        assert known.schemaURL == event["schemaURL"]
        again = client("serde:Serde").to_dict(known)
        assert again["run"]["runId"] == event["run"]["runId"]
        assert again["job"]["facets"]["jobType"] == {**event["job"]["facets"]["jobType"]}
        for facet in again["job"]["facets"].values():
            assert facet["_schemaURL"].startswith("https://openlineage.io/spec/facets/")


def test_the_prediction_depends_on_the_training_run_and_takes_its_model(walked: trace.Trace) -> None:
    trained, predicted = ends(walked)
    upstream = predicted["run"]["facets"]["jobDependencies"]["upstream"][0]
    assert upstream["run"]["runId"] == trained["run"]["runId"] == openlineage.run_id("run4")
    assert predicted["run"]["runId"] == walked.prediction.id
    assert trained["outputs"] == predicted["inputs"]
    assert trained["outputs"][0]["facets"]["version"]["datasetVersion"] == walked.bundle.digest
    assert [one["facets"]["version"]["datasetVersion"] for one in trained["inputs"]] == ["5" * 64]
    assert predicted["run"]["facets"]["tidegate_release"]["checks"][0]["name"] == "bundle"
    assert predicted["run"]["facets"]["tidegate_prediction"]["rho"] == 0.05


def test_no_value_of_an_input_is_in_it(walked: trace.Trace) -> None:
    assert walked.prediction.input
    assert walked.prediction.input not in msgspec.json.encode(openlineage.events(walked)).decode()
    assert ends(walked)[1]["run"]["facets"]["tidegate_prediction"]["input"] == sights.LOGGED


def test_an_id_of_mlflow_is_its_own_uuid_and_any_other_becomes_one(walked: trace.Trace) -> None:
    assert openlineage.run_id("0123456789abcdef0123456789abcdef") == "01234567-89ab-cdef-0123-456789abcdef"
    assert openlineage.run_id("run4") == openlineage.run_id("run4") != openlineage.run_id("run5")


def test_without_a_bundle_there_is_the_prediction_alone(walked: trace.Trace) -> None:
    bare = msgspec.structs.replace(walked, bundle=trace.Bundle(walked.bundle.digest), run=None, data=(), brought=None)
    (event,) = ends(bare)
    assert "jobDependencies" not in event["run"]["facets"]
    read(client("generated.base:RunEvent"), event)


def test_a_snapshot_without_a_sha256_is_named_and_has_no_version(walked: trace.Trace) -> None:
    loose = msgspec.structs.replace(walked, data=(manifests.Dataset("january", "training"),))
    (snapshot,) = ends(loose)[0]["inputs"]
    assert (snapshot["name"], "version" in snapshot["facets"]) == ("january", False)
