"""MLflow's flavours read natively answer what mlflow.pyfunc answers: small real models, missing values, pyfunc's own types."""

import os
import warnings

import lightgbm
import numpy as np
import onnx
import pandas as pd
import pytest
import xgboost
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.ensemble import ExtraTreesClassifier, HistGradientBoostingClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from tests.process import loading

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # MLflow warns of itself while it is imported
    import mlflow
    import mlflow.pyfunc
    from mlflow.models import infer_signature

try:
    import torch
except ModuleNotFoundError:
    torch = None

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def flowers():
    return load_iris(return_X_y=True, as_frame=True)


@pytest.fixture(scope="module")
def cells():

    given, labels = load_breast_cancer(return_X_y=True, as_frame=True)
    given = given.iloc[:, :6].copy()
    given.iloc[::9, 2] = np.nan
    return given, labels


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """Saves a model with its flavour; the folder."""

    def saved(flavour: str, model, given, said, **more):
        folder = tmp_path_factory.mktemp("saved") / "m"
        module = getattr(mlflow, flavour)
        module.save_model(model, str(folder), signature=infer_signature(given, said), pip_requirements=[], **more)
        return folder

    return saved


def pyfunc(folder, given):

    said = mlflow.pyfunc.load_model(str(folder)).predict(given)
    return np.asarray(said).reshape(len(given), -1).squeeze()


def same(folder, frame, rtol=0.0):
    """The loader that was chosen, once its answers are pyfunc's."""
    bundle = loading.of_mlflow(folder)
    values = loading.asked(bundle, loading.records(frame))
    np.testing.assert_allclose(np.array(next(iter(values.values()))).squeeze(), pyfunc(folder, frame), rtol=rtol)
    return bundle.manifest.loader


@pytest.mark.parametrize("wrapped", [False, True], ids=["booster", "estimator"])
def test_lightgbm(saved, cells, wrapped):

    given, labels = cells
    if wrapped:
        model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1).fit(given, labels)
        assert same(saved("lightgbm", model, given, model.predict(given), serialization_format="cloudpickle"), given) == "sklearn"
        return
    data = lightgbm.Dataset(given.rename(columns=str), labels)
    model = lightgbm.train({"objective": "binary", "verbose": -1}, data, 5)
    assert same(saved("lightgbm", model, given, model.predict(given)), given) == "lightgbm"


@pytest.mark.parametrize("wrapped", [False, True], ids=["booster", "estimator"])
@pytest.mark.parametrize("form", ["ubj", "json"])
def test_xgboost(saved, cells, wrapped, form):

    given, labels = cells
    if wrapped:
        model = xgboost.XGBClassifier(n_estimators=5).fit(given, labels)
        folder = saved("xgboost", model, given, model.predict(given), model_format=form)
    else:
        model = xgboost.train({"objective": "binary:logistic"}, xgboost.DMatrix(given, labels), 5)
        folder = saved("xgboost", model, given, model.predict(xgboost.DMatrix(given)), model_format=form)
    assert same(folder, given) == "xgboost"


def test_columns_in_another_order_than_xgboost_was_trained_with_are_put_in_its_own(saved, cells):

    given, labels = cells
    model = xgboost.train({}, xgboost.DMatrix(given, labels), 5)
    turned = given[given.columns[::-1]]
    folder = saved("xgboost", model, turned, model.predict(xgboost.DMatrix(given)))
    values = loading.asked(loading.of_mlflow(folder), loading.records(turned))
    assert values["prediction"] == model.predict(xgboost.DMatrix(given)).tolist()


def test_onnx_of_one_matrix_and_of_a_tensor_a_column(saved, flowers):

    given, labels = flowers
    model = LinearRegression().fit(given.to_numpy(), labels)
    wide = convert_sklearn(model, initial_types=[("X", FloatTensorType([None, 4]))])
    said = pd.DataFrame({"variable": np.zeros(3)})
    assert same(saved("onnx", wide, given, said), given) == "onnx"
    # pyfunc feeds [n] to each input, so a graph of [n] is what both can answer.
    sums = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["a", "b"], ["total"])],
        "sums",
        [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.DOUBLE, [None]) for name in ("a", "b")],
        [onnx.helper.make_tensor_value_info("total", onnx.TensorProto.DOUBLE, [None])],
    )
    narrow = onnx.helper.make_model(sums, opset_imports=[onnx.helper.make_opsetid("", 18)], ir_version=9)
    pairs = pd.DataFrame({"a": [1.5, np.nan, 3.0], "b": [2.0, 1.0, 4.0]})
    bundle = loading.of_mlflow(saved("onnx", narrow, pairs, pd.DataFrame({"total": [1.0]})))
    assert loading.asked(bundle, [{"a": 1.5, "b": 2.0}, {"a": 3.0, "b": 4.0}]) == {"total": [3.5, 7.0]}
    assert same(bundle.folder, pairs.dropna()) == "onnx"


def test_sklearn_asked_with_an_array_answers_what_a_frame_gets(saved, cells):

    given, labels = cells
    models = [
        (HistGradientBoostingClassifier(max_iter=5), "predict"),
        (make_pipeline(SimpleImputer(), LogisticRegression(max_iter=2_000)), "predict_proba"),
        (RandomForestRegressor(7, random_state=0), "predict"),
        (ExtraTreesClassifier(7, random_state=0), "predict_proba"),
        (ExtraTreesClassifier(7, random_state=0), "predict"),
    ]
    for model, method in models:
        model.fit(given, labels)
        said = getattr(model, method)(given)
        folder = saved("sklearn", model, given, said, serialization_format="cloudpickle", pyfunc_predict_fn=method)
        bundle = loading.of_mlflow(folder, **({"positive": "1"} if method == "predict_proba" else {}))
        one = loading.manifest(loading.columns(given), "sklearn", bundle.manifest.entry, **bundle.manifest.options)
        bundle = loading.bundles.Bundle(bundle.folder, one)
        values = loading.asked(bundle, loading.records(given))
        wanted = said[:, 1] if said.ndim == 2 else said
        np.testing.assert_allclose(values["prediction"], wanted, rtol=1e-12)  # a frame lies in memory the other way round


def test_columns_of_text_reach_a_pipeline_as_pyfunc_gives_them(saved, flowers):

    given, labels = flowers
    mixed = pd.DataFrame(
        {"size": given.iloc[:, 0], "kind": np.where(given.iloc[:, 2] > 4, "long", "short"), "n": range(len(given))}
    )
    step = make_column_transformer((OneHotEncoder(), ["kind"]), remainder="passthrough")
    model = make_pipeline(step, LogisticRegression(max_iter=5_000)).fit(mixed, labels)
    folder = saved("sklearn", model, mixed, model.predict(mixed), serialization_format="cloudpickle")
    assert same(folder, mixed) == "sklearn"


@pytest.mark.skipif(torch is None, reason="PyTorch is not installed")
class TestTorch:
    """PyTorch is too large to be asked of everybody: where it is installed, its three forms are loaded."""

    @pytest.fixture(scope="class")
    def net(self):
        torch.manual_seed(0)
        return torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1)).eval()

    @pytest.mark.parametrize("form", ["pickle", "pt2"])
    def test_mlflows_own(self, saved, flowers, net, form):

        os.environ["MLFLOW_ALLOW_PICKLE_DESERIALIZATION"] = "true"
        frame = flowers[0].astype("float32")
        given = frame.to_numpy()
        with torch.inference_mode():
            said = net(torch.from_numpy(given)).numpy()
        if form == "pickle":
            assert same(saved("pytorch", net, frame, said, serialization_format=form), frame, 1e-6) == "torch"
            return
        folder = saved("pytorch", net, given, said, serialization_format=form, input_example=given[:2])
        values = loading.asked(loading.of_mlflow(folder), given.tolist())
        np.testing.assert_allclose(np.array(values["prediction"]).squeeze(), pyfunc(folder, given), rtol=1e-6)

    def test_torchscript_and_exported_programs(self, tmp_path, flowers, net):

        given = flowers[0].to_numpy(dtype="float32")
        with torch.inference_mode():
            said = net(torch.from_numpy(given)).numpy().reshape(-1).tolist()
        torch.jit.save(torch.jit.script(net), str(tmp_path / "m.pt"))
        shapes = ({0: torch.export.Dim.DYNAMIC},)
        torch.export.save(torch.export.export(net, (torch.ones(3, 4),), dynamic_shapes=shapes), str(tmp_path / "m.pt2"))
        for name, form in (("m.pt", "torchscript"), ("m.pt2", "export")):
            one = loading.manifest(loading.columns(flowers[0]), "torch", name, format=form)
            values = loading.asked(loading.bundles.Bundle(tmp_path, one), loading.records(flowers[0]))
            np.testing.assert_allclose(values["prediction"], said, rtol=1e-6)
