"""References, examples and signatures are read without running anything."""

import json
import sqlite3

import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.describing import examples, mlmodel, signatures
from tidegate.delivery.sources import children, database, locating, runs, sources

C = manifests.Column


@pytest.mark.parametrize(
    ("reference", "source"),
    [
        ("mlflow://flight-delay@candidate", sources.Registered("flight-delay", alias="candidate")),
        ("mlflow://flight-delay/3", sources.Registered("flight-delay", version="3")),
        ("models:/flight-delay/3", sources.Registered("flight-delay", version="3")),
        ("mlflow://two%20words/3", sources.Registered("two words", version="3")),
    ],
)
def test_a_reference_names_a_version_or_an_alias(reference, source):
    assert sources.parse(reference) == source


@pytest.mark.parametrize(
    "reference",
    ["mlflow://flight-delay", "mlflow://flight-delay/latest", "mlflow://", "s3://bucket/x", "no/such/path", "", "file://host/x"],
)
def test_a_reference_that_names_nothing_is_refused_with_the_forms_there_are(reference):
    with pytest.raises(errors.ModelSourceInvalid) as caught:
        sources.parse(reference)
    assert caught.value.cure


def test_a_path_is_resolved_to_where_it_is(tmp_path, monkeypatch):
    (tmp_path / "m.joblib").touch()
    monkeypatch.chdir(tmp_path)
    assert str(sources.parse("m.joblib")) == f"file://{tmp_path}/m.joblib"
    assert sources.parse(f"file://{tmp_path}/m.joblib") == sources.parse("m.joblib")


@pytest.fixture
def nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return tmp_path


def test_without_mlflow_the_cure_says_where_to_look(nowhere):
    with pytest.raises(errors.ModelSourceInvalid, match="no MLflow found"):
        locating.uri()


@pytest.mark.parametrize("given", ["./mlruns", "file:./mlruns", ""])
def test_an_old_file_store_is_refused_with_the_way_out(nowhere, monkeypatch, given):
    (nowhere / "mlruns").mkdir()
    if given:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", given)
    with pytest.raises(errors.ModelSourceInvalid) as caught:
        locating.uri()
    assert "mlflow migrate-filestore" in caught.value.cure


def test_the_database_beside_is_found_and_a_missing_one_is_not_made(nowhere, monkeypatch):
    (nowhere / "mlflow.db").touch()
    assert locating.uri() == f"sqlite:///{nowhere}/mlflow.db"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "sqlite:///other.db")
    with pytest.raises(errors.ModelSourceInvalid, match="no such file"):
        locating.uri()


def test_a_password_is_not_shown():
    assert locating.shown("postgresql://u:secret@db/x") == "postgresql://u:***@db/x"


def test_a_database_that_is_not_as_expected_is_left_to_mlflows_client(tmp_path):
    path = tmp_path / "mlflow.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE model_versions (name, other)")
    connection.close()
    assert database.find(path, sources.Registered("m", version="1")) is None
    assert database.available(path) is None


def test_a_csv_is_typed_by_column_and_what_is_missing_is_none(tmp_path):
    path = tmp_path / "rows.csv"
    path.write_text('a,n,flag,text\n1.5,1,true,x\n,2,false,"y,z"\n2,NA,TRUE,\n')
    rows = examples.read(path)
    assert rows[1] == {"a": None, "n": 2, "flag": False, "text": "y,z"}
    assert rows[2] == {"a": 2.0, "n": None, "flag": True, "text": None}
    assert signatures.seen(rows).inputs == (
        C("a", "double", required=False),
        C("n", "long", required=False),
        C("flag", "boolean"),
        C("text", "string", required=False),
    )


@pytest.mark.parametrize(
    "given",
    [[{"a": 1}, {"a": 2}], {"records": [{"a": 1}, {"a": 2}]}, {"columns": ["a"], "data": [[1], [2]]}],
    ids=["list", "records", "split"],
)
def test_json_rows_come_in_the_forms_people_have(tmp_path, given):
    path = tmp_path / "rows.json"
    path.write_text(json.dumps(given))
    assert examples.read(path) == [{"a": 1}, {"a": 2}]


def test_rows_of_numbers_are_one_tensor():
    assert signatures.seen([[1, 2], [3, 4]]) == manifests.Signature("tensor", (C("input", "FP64", shape=(-1, 2)),), ())


@pytest.mark.parametrize(("name", "text"), [("r.csv", ""), ("r.csv", "a\n"), ("r.json", "[]"), ("r.json", "{"), ("r.json", "3")])
def test_an_example_without_rows_is_refused(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(errors.ModelSourceInvalid):
        examples.read(path)


def _declared(inputs, outputs=None):
    return {"inputs": json.dumps(inputs), "outputs": json.dumps(outputs) if outputs else None}


def test_mlflows_columns_and_tensors_become_ours():
    columns = [{"type": "double", "name": "a"}, {"type": "string", "name": "c", "required": False}]
    assert signatures.declared(_declared(columns)).inputs == (C("a", "double"), C("c", "string", required=False))
    tensor = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 4]}}]
    declared = signatures.declared(_declared(tensor, tensor))
    assert declared.inputs == (C("input", "FP32", shape=(-1, 4)),)
    assert declared.outputs == (C("", "FP32", shape=(-1, 4)),)


@pytest.mark.parametrize(
    "given",
    [
        {},
        _declared([{"type": "double"}, {"type": "double"}]),
        _declared([{"type": "array", "items": {"type": "string"}, "name": "a"}]),
        _declared([{"type": "binary", "name": "a"}]),
        _declared([{"type": "tensor", "tensor-spec": {"dtype": "complex128", "shape": [-1]}}]),
        {"inputs": "not json"},
    ],
    ids=["none", "unnamed", "array", "binary", "complex", "damaged"],
)
def test_a_signature_that_no_request_could_keep_is_missing(given):
    with pytest.raises(errors.SignatureMissing):
        signatures.declared(given)


MODEL = """
artifact_path: /srv/somebody/mlruns/1/models/m-1/artifacts
flavors:
  python_function: {loader_module: mlflow.sklearn, predict_fn: predict_proba, python_version: 3.11.7}
  sklearn: {pickled_model: model.skops, serialization_format: skops, code: null, skops_trusted_types: [numpy.dtype]}
model_id: m-1
signature: {inputs: '[{"type": "double", "name": "a"}]', outputs: null}
saved_input_example_info: {artifact_path: input_example.json, pandas_orient: split, type: dataframe}
utc_time_created: '2026-01-01 00:00:00'
"""


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "MLmodel").write_text(MODEL)
    (tmp_path / "model.skops").write_bytes(b"skops")
    (tmp_path / "input_example.json").write_text('{"columns": ["a"], "data": [[1.5], [null]]}')
    (tmp_path / "requirements.txt").write_text("mlflow==3.17.2\n# comment\n\nscikit-learn==1.9.1\nmlflow-skinny[extras]>=3\n")
    return tmp_path


def test_a_model_directory_is_read_without_loading_it(directory):
    draft = mlmodel.read(directory)
    assert (draft.loader, draft.entry, draft.files) == ("sklearn", "model.skops", ("model.skops",))
    assert draft.options == {"format": "skops", "method": "predict_proba", "types": '["numpy.dtype"]'}
    assert draft.rows == [{"a": 1.5}, {"a": None}]
    assert (draft.lock, draft.python, draft.needs_trust) == (("scikit-learn==1.9.1",), "3.11.7", "")


def test_what_names_the_makers_machine_and_clock_stays_out(directory):
    kept = mlmodel.normalised(directory).decode()
    assert "somebody" not in kept
    assert "2026" not in kept
    assert "mlflow.sklearn" in kept


@pytest.mark.parametrize(
    ("before", "after"),
    [("serialization_format: skops", "serialization_format: cloudpickle"), ("code: null", "code: code")],
    ids=["pickle", "code"],
)
def test_what_runs_code_when_loaded_needs_trust(directory, before, after):
    (directory / "MLmodel").write_text(MODEL.replace(before, after))
    assert mlmodel.read(directory).needs_trust


@pytest.mark.parametrize("text", ["flavors: {keras: {}}", "{", "- 1", "flavors: {python_function: {loader_module: x}}"])
def test_a_directory_that_cannot_be_served_is_refused(directory, text):
    (directory / "MLmodel").write_text(text)
    with pytest.raises((errors.LoaderMissing, errors.ModelSourceInvalid, errors.SignatureMissing)):
        mlmodel.read(directory)


def test_a_sha256_of_the_data_is_taken_from_wherever_the_run_noted_it():
    inputs = (runs.Input("jan", '{"uri": "jan.csv", "user": "x"}', {"mlflow.data.context": "training"}),)
    noted = runs.Run({"training_data_sha256": "ab"}, {"mlflow.source.git.commit": "c0ffee", "test_data_sha256": "cd"}, {}, inputs)
    found = runs.provenance("mlflow://m/1", "r", "models:/m-7", noted)
    assert found.data == (manifests.Dataset("test data", "test", "cd"), manifests.Dataset("jan", "training", "ab", "jan.csv"))
    assert (found.code_revision, found.model_id) == ("c0ffee", "m-7")


@pytest.mark.parametrize(
    ("source", "kept"),
    [
        ('{"uri": "s3://AKIA:hush%2Fhush@bucket/train.parquet"}', "s3://bucket/train.parquet"),
        ('{"url": "https://x.org/a.csv?version=3&X-Amz-Signature=hush&sig=hush"}', "https://x.org/a.csv?version=3"),
        ('{"uri": "s3://bucket/a.csv?region=eu-west-1&secret_key=hush"}', "s3://bucket/a.csv?region=eu-west-1"),
        ("abfss://account:hush@fs/a.parquet", "abfss://fs/a.parquet"),
        ("https://AKIA:hush@[bad/x", "https://"),
        ("abfss://container@account/a.parquet", "abfss://container@account/a.parquet"),
        ("/data/odd ?key=1.csv", "/data/odd ?key=1.csv"),
    ],
)
def test_no_secret_of_an_address_comes_into_a_bundle(source, kept):
    inputs = (runs.Input("jan", source, {"mlflow.data.context": "training"}),)
    [found] = runs.provenance("m", "r", "", runs.Run({}, {}, {}, inputs)).data
    assert found.source == kept


def test_a_metric_that_is_no_number_stays_out():
    assert runs.provenance("m", "r", "", runs.Run({}, {}, {"auc": 0.9, "loss": float("nan")})).metrics == {"auc": 0.9}


def test_an_error_crosses_processes_by_its_code():
    made = children.error(children.Failure("model-unknown", "MLflow has no model x.", "It has y."))
    assert type(made) is errors.ModelUnknown
    assert str(made) == "MLflow has no model x. It has y."
    assert type(children.error(children.Failure("newer-code", "?"))) is errors.TidegateError


def test_the_process_that_runs_a_model_gets_no_credentials(tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    bare = children.bare_environment(tmp_path)
    assert "secret" not in bare.values()
    assert bare["HOME"] == str(tmp_path)
    assert "secret" in children.open_environment().values()
