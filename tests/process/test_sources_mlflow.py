"""A real local MLflow: logged once by a process of its own, then read by ours."""

import contextlib
import hashlib
import json
import os
import pathlib
import shutil
import sqlite3
import subprocess
import sys

import msgspec
import pytest

from tidegate.core.vocabulary import errors, home, manifests, profiles
from tidegate.dataplane.models import bundles
from tidegate.delivery.registry import making
from tidegate.delivery.sources import asking
from tidegate.delivery.training import basis, training

LOG = """
import logging, warnings
warnings.simplefilter("ignore")
import mlflow, numpy as np, pandas as pd
from mlflow.models import infer_signature
from sklearn.compose import make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

logging.disable(logging.WARNING)
mlflow.set_experiment("flights")
chance = np.random.default_rng(7)
X = pd.DataFrame({"delay": chance.normal(size=200), "carrier": chance.choice(["AA", "UA"], 200)})
X["hour"] = chance.integers(0, 24, 200)
X.loc[3, "carrier"] = None
y = (X["delay"] > 0).astype(int)
encode = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["carrier"]), remainder="passthrough")
model = make_pipeline(encode, LogisticRegression()).fit(X, y)
given = dict(name="model", pip_requirements=["scikit-learn"], registered_model_name="flights")
with mlflow.start_run(tags={"mlflow.source.git.commit": "c0ffee"}) as run:
    mlflow.log_param("C", 1.0)
    mlflow.log_metric("auc", 0.91)
    mlflow.log_input(mlflow.data.from_pandas(X, source="jan.csv", name="january"), context="training")
    mlflow.set_tag("training_data_sha256", "ab" * 32)
    declared = infer_signature(X, model.predict_proba(X))
    mlflow.sklearn.log_model(model, signature=declared, input_example=X[:5], pyfunc_predict_fn="predict_proba", **given)
    mlflow.sklearn.log_model(model, **given)
    mlflow.sklearn.log_model(model, signature=declared, serialization_format="cloudpickle", **given)
mlflow.MlflowClient().set_registered_model_alias("flights", "candidate", 1)
print(run.info.run_id)
"""
ENV = {"MLFLOW_DISABLE_TELEMETRY": "true", "GIT_PYTHON_REFRESH": "quiet", "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false"}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """A folder with mlflow.db, and the run's id. The three versions: as it should be; without a signature; a cloudpickle."""
    folder = tmp_path_factory.mktemp("mlflow")
    # What is imported here is imported again by the processes below: compiled once, even where nothing may be written beside it.
    patched = pytest.MonkeyPatch()
    patched.setenv("PYTHONPYCACHEPREFIX", str(folder / "compiled"))
    patched.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    env = {**os.environ, **ENV, "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db"}
    logged = subprocess.run(
        [sys.executable, "-c", LOG], cwd=folder, env=env, capture_output=True, text=True, timeout=110, check=False
    )
    assert logged.returncode == 0, logged.stderr[-2_000:]
    yield folder, logged.stdout.strip().splitlines()[-1]
    patched.undo()


@pytest.fixture
def here(registry, monkeypatch):
    monkeypatch.chdir(registry[0])
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)


@pytest.fixture
def place(tmp_path):
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.mark.timeout(240)
def test_a_registered_version_becomes_a_bundle_with_its_whole_provenance(here, registry, place):
    digest, manifest = making.make("mlflow://flights@candidate", place)
    assert manifest == bundles.read(place.bundles, digest).manifest
    assert manifest.provenance.source == "mlflow://flights/1"
    assert manifest.provenance.run_id == registry[1]
    assert manifest.provenance.model_id.startswith("m-")
    assert manifest.provenance.code_revision == "c0ffee"
    assert (manifest.provenance.parameters, manifest.provenance.metrics) == ({"C": "1.0"}, {"auc": 0.91})
    assert manifest.provenance.data == (manifests.Dataset("january", "training", "ab" * 32, "jan.csv"),)
    assert [column.name for column in manifest.signature.inputs] == ["delay", "carrier", "hour"]
    assert not manifest.signature.inputs[1].required
    assert manifest.signature.outputs == (manifests.Column("probability", "double"),)
    assert manifest.options == {"format": "skops", "method": "predict_proba", "positive": "1"}
    assert (manifest.lock, manifest.loader, manifest.trust) == (("scikit-learn", "skops", "pandas>=2.2,<3"), "sklearn", "")
    example = json.loads((place.bundles / digest / manifest.example).read_bytes())
    assert len(example["records"]) == 5
    assert example["records"][3]["carrier"] is None
    assert str(registry[0]) not in (place.bundles / digest / bundles.MANIFEST).read_text()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("rows", [2_000, 0])
def test_the_data_that_a_run_names_is_its_baseline_profile_where_it_can_be_read(
    here, registry, place, tmp_path, monkeypatch, rows
):
    """Under an address of this machine, where the run of the fixture has a path that is not whole."""
    data, books = tmp_path / "january.csv", tmp_path / "mlflow.db"
    if rows:
        data.write_text(
            "id,delay,carrier,hour\n" + "".join(f"{at},{at % 9 - 4.5},{'UA' if at % 3 else ''},{at % 24}\n" for at in range(rows))
        )
    shutil.copy(registry[0] / "mlflow.db", books)
    with contextlib.closing(sqlite3.connect(books)) as database, database:
        database.execute("UPDATE datasets SET dataset_source = ?", (json.dumps({"uri": str(data)}),))
        database.execute("DELETE FROM tags WHERE key = 'training_data_sha256'")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{books}")
    digest, manifest = making.make("mlflow://flights@candidate", place)
    [noted] = manifest.provenance.data
    told = msgspec.json.decode((place.bundles / digest / manifests.BASELINE).read_bytes(), type=profiles.Baseline)
    foreseen = training.foreseen("", asking.noted("mlflow://flights@candidate"))
    assert (noted.name, noted.source) == ("january", str(data))
    if rows:
        assert noted.sha256 == hashlib.sha256(data.read_bytes()).hexdigest()
        assert (told.rows, told.data, told.columns["carrier"].nulls) == (rows, str(data), -(-rows // 3))
        assert set(told.columns) == {"delay", "carrier", "hour", "prediction"}
        assert foreseen == f"Its baseline profile would be of all rows of {data}, the training data that its run names."
    else:
        assert (noted.sha256, told.rows) == ("", 0)
        assert told.note == f"the run's data set january is not read: there is nothing at {data}"
        assert basis.said(place, digest).endswith(told.note)
        why = f"Its run's training data january would not be read: there is nothing at {data}."
        assert foreseen == f"{why} `training: PATH` in the file names what is."


def test_an_alias_is_resolved_to_its_version(here):
    assert asking.resolve("mlflow://flights@candidate") == "mlflow://flights/1"
    assert asking.available() == ("mlflow://flights@candidate",)


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("mlflow://flights@nobody", "It has versions 3, 2, 1; aliases candidate."),
        ("mlflow://flights/9", "It has versions 3, 2, 1; aliases candidate."),
        ("mlflow://trains/1", "It has flights."),
    ],
)
def test_what_is_not_registered_is_answered_with_what_is(here, reference, words):
    with pytest.raises(errors.ModelUnknown) as caught:
        asking.resolve(reference)
    assert words in caught.value.cure


def test_a_version_without_a_signature_is_refused_with_the_cure(here, place):
    with pytest.raises(errors.SignatureMissing, match="infer_signature"):
        making.make("mlflow://flights/2", place)
    assert list(place.bundles.iterdir()) == []


def test_a_pickled_version_needs_trust(here, place):
    with pytest.raises(errors.TrustRequired, match="cloudpickle"):
        making.make("mlflow://flights/3", place)


def test_a_moved_artifact_folder_is_named(here, registry, place, tmp_path, monkeypatch):
    moved = tmp_path / "mlflow.db"
    moved.write_bytes((registry[0] / "mlflow.db").read_bytes())
    connection = sqlite3.connect(moved)
    connection.execute("UPDATE model_versions SET storage_location = '/nowhere/models' WHERE version = 1")
    connection.commit()
    connection.close()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{moved}")
    with pytest.raises(errors.ModelSourceInvalid, match="/nowhere/models, which is not there"):
        making.make("mlflow://flights/1", place)


@pytest.mark.timeout(240)
def test_mlflows_own_client_says_the_same_where_the_database_is_not_read_directly(here, registry, place, monkeypatch):
    direct = asking.fetch(asking.sources.parse("mlflow://flights@candidate"), place.root / "unused")
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", f"sqlite:///{registry[0]}/mlflow.db")
    asked = asking.fetch(asking.sources.parse("mlflow://flights@candidate"), place.root / "files")
    assert asked.provenance == direct.provenance
    copied = {path.name for path in (place.root / "files").rglob("*")}
    assert {path.name for path in pathlib.Path(direct.files).iterdir()} <= copied
    with pytest.raises(errors.ModelUnknown) as caught:
        asking.resolve("mlflow://flights/9")
    assert "It has versions 3, 2, 1; aliases candidate." in caught.value.cure
