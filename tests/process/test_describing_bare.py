"""Bare model files of every format, from file to profile: small real models, read by the example beside them."""

import json
import shutil

import lightgbm
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import xgboost
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.describing import bare
from tidegate.delivery.registry import profiling
from tidegate.delivery.sources import sources

pytestmark = pytest.mark.filterwarnings("ignore")
FLOWERS, KINDS = load_iris(return_X_y=True, as_frame=True)
C = manifests.Column


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Models of three classes, saved as each library does."""
    folder = tmp_path_factory.mktemp("bare")
    FLOWERS.to_csv(folder / "rows.csv", index=False)
    (folder / "arrays.json").write_text(json.dumps(FLOWERS.to_numpy()[:30].tolist()))
    model = LogisticRegression(max_iter=500).fit(FLOWERS.to_numpy(), KINDS)
    for name, zipmap in (("plain.onnx", False), ("zipped.onnx", True)):
        made = convert_sklearn(model, initial_types=[("X", FloatTensorType([None, 4]))], options={id(model): {"zipmap": zipmap}})
        (folder / name).write_bytes(made.SerializeToString())
    lightgbm.train({"objective": "regression", "verbose": -1}, lightgbm.Dataset(FLOWERS, KINDS), 3).save_model(folder / "m.txt")
    xgboost.train({}, xgboost.DMatrix(FLOWERS, KINDS), 3).save_model(folder / "m.ubj")
    xgboost.XGBClassifier(n_estimators=3).fit(FLOWERS, KINDS).save_model(folder / "m.json")
    return folder


def profiled(files, folder, name, example="rows.csv", **options):
    draft = bare.read(sources.parse(str(files / name)), files / example)
    (folder / "model").mkdir()
    shutil.copy(files / name, folder / "model" / name)
    begun = manifests.Manifest(
        "m", draft.loader, f"model/{name}", draft.signature, (), options={**draft.options, **options}, example="example.json"
    )
    (found,) = profiling.profile(profiling.Asked(str(folder), begun, draft.rows, draft.exact))
    return draft, found


def test_onnx_answers_all_its_outputs_or_the_probabilities(files, tmp_path):
    for place, (name, example) in enumerate((("plain.onnx", "rows.csv"), ("zipped.onnx", "arrays.json"))):
        (tmp_path / str(place)).mkdir()
        draft, found = profiled(files, tmp_path / str(place), name, example)
        outputs = {output.name: (output.type, output.shape) for output in found.signature.outputs}
        assert (draft.loader, draft.needs_trust) == ("onnx", "")
        assert list(outputs.values()) == [("long", ()), ("FP64", (-1, 3))]
        assert found.lock == (f"onnxruntime=={onnxruntime.__version__}", f"numpy=={np.__version__}")
    (tmp_path / "2").mkdir()
    _, found = profiled(files, tmp_path / "2", "zipped.onnx", method="predict_proba")
    assert found.signature.outputs == (C("probabilities", "FP64", shape=(-1, 3)),)
    assert found.options["classes"] == '["0","1","2"]'


def test_lightgbm_and_xgboost_by_their_own_names_and_wrappers(files, tmp_path):
    for name, loader, options, output in (
        ("m.txt", "lightgbm", {}, C("prediction", "double")),
        ("m.ubj", "xgboost", {}, C("prediction", "double")),
        ("m.json", "xgboost", {"class": "XGBClassifier", "method": "predict"}, C("prediction", "long")),
    ):
        (tmp_path / name).mkdir()
        draft, found = profiled(files, tmp_path / name, name)
        assert (draft.loader, draft.needs_trust, found.options) == (loader, "", options)
        assert found.signature.outputs == (output,)
        assert [column.name for column in found.signature.inputs] == list(FLOWERS.columns)
    assert found.profile.classes == ("0", "1", "2")


def test_columns_are_put_in_the_order_the_model_was_trained_with(files, tmp_path):
    turned = pd.DataFrame({name: FLOWERS[name] for name in FLOWERS.columns[::-1]})
    turned.assign(unused="x").to_csv(files / "turned.csv", index=False)
    _, found = profiled(files, tmp_path, "m.txt", "turned.csv")
    assert [column.name for column in found.signature.inputs] == list(FLOWERS.columns)


@pytest.mark.parametrize(
    ("name", "text", "loader", "trust"),
    [
        pytest.param("m.pt", "", "torch", "m.pt is a PyTorch model", id="torchscript"),
        pytest.param("m.pt2", "", "torch", "m.pt2 is a PyTorch model", id="exported"),
        pytest.param("m.joblib", "", "sklearn", "m.joblib is a joblib pickle", id="joblib"),
        pytest.param("m.py", "", "python", "m.py is Python code", id="python"),
    ],
)
def test_what_runs_code_while_it_loads_says_so(files, tmp_path, name, text, loader, trust):
    (tmp_path / name).write_text(text)
    draft = bare.read(sources.parse(str(tmp_path / name)), files / "rows.csv")
    assert (draft.loader, draft.needs_trust) == (loader, trust)


@pytest.mark.parametrize(("name", "text"), [("notes.txt", "hello"), ("m.json", "[1]"), ("m.json", '{"a": 1}'), ("m.h5", "")])
def test_files_that_are_no_models_are_not_taken_for_one(files, tmp_path, name, text):
    (tmp_path / name).write_text(text)
    with pytest.raises(errors.LoaderMissing):
        bare.read(sources.parse(str(tmp_path / name)), files / "rows.csv")


def test_a_folder_goes_along_without_what_tools_leave_there(files, tmp_path):
    for path in ("model.py", "weights/w.npy", "__pycache__/model.pyc", ".git/config", "requirements.txt"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text("numpy==2.4.6\n" if path.endswith(".txt") else "")
    draft = bare.read(sources.parse(f"{tmp_path}"), files / "rows.csv")
    assert draft.files == ("model.py", "requirements.txt", "weights/w.npy")
    assert (draft.options, draft.lock) == ({"class": "model.py:"}, ("numpy==2.4.6",))
    assert str(sources.parse(f"{tmp_path}/model.py:Net")) == f"file://{tmp_path}/model.py:Net"
