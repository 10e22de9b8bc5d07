"""Real models compiled to ONNX and held to their originals; a compiled bundle's worker imports ONNX Runtime and numpy only."""

import json
import os
import pickle
import subprocess
import sys

import lightgbm
import numpy as np
import pandas as pd
import pytest
import worker_fixtures as workers
import xgboost
from sklearn.compose import make_column_transformer
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from tests.process import loading
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.models import agreement, bundles, signature
from tidegate.dataplane.models.loaders import lightgbm as lightgbm_loader
from tidegate.dataplane.models.loaders import sklearn as sklearn_loader
from tidegate.dataplane.models.loaders import xgboost as xgboost_loader
from tidegate.dataplane.wire import frames
from tidegate.delivery.compiling import converting
from tidegate.delivery.describing import examples
from tidegate.delivery.registry import making, reports

pytestmark = pytest.mark.filterwarnings("ignore")

CELLS, ILL = load_breast_cancer(return_X_y=True, as_frame=True)
CELLS = CELLS.iloc[:, :8].rename(columns=lambda name: name.replace(" ", "_"))
HOLED = CELLS.mask(np.random.default_rng(0).random(CELLS.shape) < 0.05)
BODIES, WORSE = load_diabetes(return_X_y=True, as_frame=True)
FLOWERS, KINDS = load_iris(return_X_y=True, as_frame=True)
NAMED = np.array(["setosa", "versicolor", "virginica"])[KINDS]
MIXED = pd.DataFrame(
    {
        "size": FLOWERS.iloc[:, 0],
        "kind": np.where(FLOWERS.iloc[:, 2] > 4, "long", np.where(FLOWERS.iloc[:, 2] > 2, "middling", "short")),
        "n": np.arange(len(FLOWERS)) % 7,
    }
)


def encoded(**how):
    return make_column_transformer((OneHotEncoder(**how), ["kind"]), (StandardScaler(), ["size", "n"]))


def boosted(objective, given, target, **more):
    return lightgbm.train({"objective": objective, "verbose": -1, **more}, lightgbm.Dataset(given, target), 10)


def judged(tmp_path, model, given, method=""):
    """What came of compiling a model over the rows it is given."""
    kind = type(model).__module__.partition(".")[0]
    loader = {"lightgbm": lightgbm_loader, "xgboost": xgboost_loader}.get(kind if not method else "", sklearn_loader)
    options = {"method": method} if method else {}
    output = loading.C("prediction", "double")
    if method == "predict_proba" and len(model.classes_) == 2:
        options["positive"] = "1"
    elif method == "predict_proba":
        output = loading.C("probabilities", "FP64", shape=(-1, len(model.classes_)))
    elif method and hasattr(model, "classes_"):
        output = loading.C("prediction", "string" if isinstance(model.classes_[0], str) else "long")
    manifest = loading.manifest(loading.columns(given, output), "sklearn", "x", **options)
    (tmp_path / "bundle").mkdir()
    bundle = bundles.Bundle(tmp_path / "bundle", manifest)
    batch = signature.Codec(manifest).decode(examples.body(loading.records(given)), frames.Content.RECORDS).batch
    return converting.compiled(bundle, loader.Model(model, bundle), batch, agreement.TOLERANCE)


ALIKE = [
    pytest.param(make_pipeline(StandardScaler(), LogisticRegression()), CELLS, ILL, "predict_proba", id="logistic"),
    pytest.param(make_pipeline(StandardScaler(), LogisticRegression()), FLOWERS, NAMED, "predict", id="logistic-text"),
    pytest.param(make_pipeline(SimpleImputer(), LogisticRegression()), HOLED, ILL, "predict_proba", id="imputed"),
    pytest.param(RandomForestClassifier(20, random_state=0), CELLS, ILL, "predict_proba", id="forest"),
    pytest.param(RandomForestClassifier(9, random_state=0), FLOWERS, NAMED, "predict", id="forest-ties"),
    pytest.param(RandomForestRegressor(10, random_state=0), BODIES, WORSE, "predict", id="forest-regression"),
    pytest.param(DecisionTreeClassifier(random_state=0), CELLS, ILL, "predict", id="tree"),
    pytest.param(HistGradientBoostingClassifier(max_iter=10), HOLED, ILL, "predict_proba", id="histogram"),
    pytest.param(make_pipeline(encoded(handle_unknown="ignore"), LogisticRegression()), MIXED, KINDS, "predict_proba", id="text"),
    pytest.param(make_pipeline(encoded(), LogisticRegression()), MIXED, NAMED, "predict", id="text-refused"),
    pytest.param(lightgbm.LGBMClassifier(n_estimators=10, verbose=-1), HOLED, ILL, "predict_proba", id="lgbm"),
    pytest.param(lightgbm.LGBMClassifier(n_estimators=5, verbose=-1), FLOWERS.to_numpy(), NAMED, "predict", id="lgbm-text"),
    pytest.param(xgboost.XGBClassifier(n_estimators=10), HOLED, ILL, "predict_proba", id="xgb"),
    pytest.param(
        make_pipeline(StandardScaler(), xgboost.XGBRegressor(n_estimators=10)), BODIES, WORSE, "predict", id="xgb-piped"
    ),
    pytest.param(boosted("binary", HOLED, ILL), HOLED, None, "", id="lightgbm"),
    pytest.param(
        boosted("tweedie", BODIES, WORSE, boosting="rf", bagging_freq=1, bagging_fraction=0.5), BODIES, None, "", id="rf"
    ),
    pytest.param(
        lightgbm.train(
            {"verbose": -1, "min_data_in_leaf": 2, "cat_smooth": 1, "min_data_per_group": 1},
            lightgbm.Dataset(MIXED[["size", "n"]].astype(float), KINDS, categorical_feature=["n"]),
            10,
        ),
        MIXED[["size", "n"]],
        None,
        "",
        id="lightgbm-categories",
    ),
    pytest.param(
        xgboost.train({"objective": "count:poisson"}, xgboost.DMatrix(BODIES, WORSE), 10), BODIES, None, "", id="poisson"
    ),
]


@pytest.mark.parametrize(("model", "given", "target", "method"), ALIKE)
def test_converted_models_answer_alike_on_and_beside_every_split(tmp_path, model, given, target, method):
    if target is not None:
        model.fit(given, target)
    if not isinstance(given, pd.DataFrame):
        given = pd.DataFrame(given, columns=list("abcd"))
    found = judged(tmp_path, model, given, method)
    assert (found.loader, found.reason) == ("onnx", ""), found.tried
    assert (found.rows, found.probes, found.differing) == (len(given), 768, 0)
    assert found.worst <= 0.5


def test_what_the_original_refuses_is_refused(tmp_path):
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(CELLS, ILL)
    found = judged(tmp_path, model, CELLS, "predict_proba")
    assert json.loads(found.options["finite"]) == sorted(CELLS.columns)
    assert (
        "finite"
        not in judged(tmp_path / "bundle", HistGradientBoostingClassifier(max_iter=2).fit(CELLS, ILL), CELLS, "predict").options
    )


def test_a_converter_that_would_answer_what_the_original_refuses_is_not_used(tmp_path):
    model = make_pipeline(
        make_column_transformer((OrdinalEncoder(), ["kind"]), remainder="passthrough"), LogisticRegression(max_iter=2_000)
    ).fit(MIXED, KINDS)
    found = judged(tmp_path, model, MIXED, "predict")
    assert not found.loader
    assert "`kind`" in found.reason


def doubled(given):
    return given * 2


def test_models_without_a_converter_say_so(tmp_path):
    model = make_pipeline(FunctionTransformer(doubled), LogisticRegression(max_iter=2_000)).fit(CELLS, ILL)
    found = judged(tmp_path, model, CELLS, "predict")
    assert not found.loader
    assert "FunctionTransformer" in found.reason
    assert not (tmp_path / converting.FILE).exists()


def test_an_answer_out_of_tolerance_is_listed_with_both_values(tmp_path):
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()).fit(HOLED, ILL)
    original, agreement.TOLERANCE = agreement.TOLERANCE, 1e-12  # 32-bit floats, which is all that this one converts to, do not do
    try:
        found = judged(tmp_path, model, HOLED, "predict_proba")
    finally:
        agreement.TOLERANCE = original
    assert not found.loader
    assert found.reason.startswith("its answers differ in ")
    assert found.differing > 20 == len(found.disagreements)
    assert found.disagreements[0].original != found.disagreements[0].compiled


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = home.Home(tmp_path_factory.mktemp("compiled") / "home")
    made.prepare()
    model = make_pipeline(encoded(handle_unknown="ignore"), LogisticRegression(max_iter=2_000)).fit(MIXED, NAMED)
    (made.root / "m.pkl").write_bytes(pickle.dumps(model))
    MIXED.to_csv(made.root / "rows.csv", index=False)
    return made


def fulfilled(place, wanted="required"):
    wishes = making.Wishes(trust="pickle", example=place.root / "rows.csv", method="predict_proba", compile=wanted)
    return making.fulfil(str(place.root / "m.pkl"), place, wishes)


SMALL = """
import os, sys, pathlib
from tidegate.dataplane.models import bundles, model
from tidegate.dataplane.wire import frames
loaded = model.Model(bundles.read(pathlib.Path(sys.argv[1]), sys.argv[2]))
loaded.warm_up()
print(sorted({name.partition(".")[0] for name in sys.modules} - set(sys.stdlib_module_names)))
"""


def test_a_compiled_bundle_is_small_the_same_each_time_and_needs_onnxruntime_and_numpy_only(place):
    digest, manifest = fulfilled(place)
    assert fulfilled(place)[0] == digest
    assert [blob.path for blob in manifest.files] == ["example.json", "model/model.onnx"]
    assert [line.partition("==")[0] for line in manifest.lock] == ["numpy", "onnxruntime"]
    assert (manifest.loader, manifest.trust) == ("onnx", "")
    report = json.loads((place.reports / f"{digest}.json").read_bytes())
    assert manifest.options["compiled_from"] == f"sklearn {report['original']['digest']}"
    assert fulfilled(place, "never")[0] == report["original"]["digest"]
    assert reports.said(place, digest).startswith("compiled to ONNX: 150 rows and 768 probes answered alike")
    assert reports.said_of(place, manifest.provenance.source) == reports.said(place, digest)
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    asked = subprocess.run(
        [sys.executable, "-c", SMALL, str(place.bundles), digest], env=env, capture_output=True, text=True, check=False
    )
    assert asked.returncode == 0, asked.stderr
    loaded = set(eval(asked.stdout))
    assert {"numpy", "onnxruntime"} <= loaded
    assert not loaded & {"sklearn", "pandas", "scipy", "skl2onnx", "onnx", "joblib"}


def test_a_worker_serves_it_as_it_would_the_original(place):
    compiled, original = fulfilled(place)[0], fulfilled(place, "never")[0]
    rows = loading.records(MIXED.iloc[::10])
    answers = []
    for number, digest in enumerate((compiled, original)):
        worker = workers.Worker(place, digest, f"w-{number}")
        try:
            worker.until("ready")
            gateway = worker.gateway()
            gateway.welcome()
            gateway.send((1, {"records": rows}, frames.Content.RECORDS))
            reply, body = gateway.replies(1)[1]
            assert reply.status == 200, body
            answers.append(body["predictions"])
        finally:
            worker.close()
    np.testing.assert_allclose(answers[0], answers[1], rtol=1e-9)


def test_required_and_impossible_is_an_error_and_auto_serves_the_original(place, tmp_path):
    (tmp_path / "model.py").write_text(
        "class M:\n    def predict(self, batch):\n        return [len(k) for k in batch['kind']]\n"
    )
    given = {"trust": "pickle", "example": place.root / "rows.csv"}
    with pytest.raises(errors.CompileFailed, match="no converter for the loader python"):
        making.fulfil(str(tmp_path / "model.py"), place, making.Wishes(**given, compile="required"))
    digest, manifest = making.fulfil(f"{tmp_path}/model.py:M", place, making.Wishes(**given, compile="auto"))
    assert (manifest.loader, manifest.options) == ("python", {"class": "model.py:M"})
    assert reports.said(place, digest).startswith("not compiled to ONNX: there is no converter")
    with pytest.raises(errors.TrustRequired, match="Python code"):
        making.make(str(tmp_path), place, example=place.root / "rows.csv")
    assert making.make(str(tmp_path), place, **given)[1].signature.outputs == (loading.C("prediction", "long"),)
