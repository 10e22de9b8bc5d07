"""Boosters of LightGBM and XGBoost are taken apart in the unit of their answer, whatever order their columns were trained in."""

import json
import pathlib

import lightgbm
import msgspec
import numpy as np
import pandas as pd
import pytest
import xgboost

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.explaining import questions, trees
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames, samples

pytestmark = pytest.mark.filterwarnings("ignore")
C = manifests.Column
NAMES = list("abcdef")
CHANCE = np.random.default_rng(1)
X = pd.DataFrame(CHANCE.normal(size=(400, 6)), columns=NAMES)
Y = 2 * X["a"] - X["b"] + X["c"] * X["d"]
LEVELS = np.digitize(Y, [-1, 1])
NUMBER, CHANCES = (C("prediction", "double"),), (C("p", "FP64", shape=(-1, 3)),)
QUIET = {"verbose": -1}
HARD = "asked as a black box (exact)"


def light(objective: str, wanted, **more):
    return lambda path: lightgbm.train({"objective": objective, **QUIET, **more}, lightgbm.Dataset(X, wanted), 20).save_model(
        path
    )


def extreme(columns: list[str]):
    return lambda path: xgboost.train({}, xgboost.DMatrix(X[columns], Y), 20).save_model(path)


def classes(wanted):
    return lambda path: xgboost.XGBClassifier(n_estimators=20).fit(X, wanted).save_model(path)


MODELS = {
    "lightgbm regression": ("m.txt", light("regression", Y), NUMBER, {}, trees.METHOD),
    "lightgbm binary": ("m.txt", light("binary", Y > 0), NUMBER, {}, trees.METHOD),
    "lightgbm classes": ("m.txt", light("multiclass", LEVELS, num_class=3), CHANCES, {"classes": '["0","1","2"]'}, HARD),
    "lightgbm poisson": ("m.txt", light("poisson", np.exp(Y / 3)), NUMBER, {}, HARD),
    "xgboost": ("m.ubj", extreme(NAMES), NUMBER, {}, trees.METHOD),
    "xgboost, other order": ("m.ubj", extreme(NAMES[::-1]), NUMBER, {}, trees.METHOD),
    "xgboost probability": (
        "m.json", classes(Y > 0), NUMBER, {"class": "XGBClassifier", "method": "predict_proba", "positive": "1"}, trees.METHOD,
    ),
    "xgboost class": ("m.json", classes(LEVELS), (C("class", "long"),), {"class": "XGBClassifier"}, HARD),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_contributions_add_up_and_name_the_columns_that_matter(name: str, tmp_path: pathlib.Path) -> None:
    file, train, outputs, options, method = MODELS[name]
    making = tmp_path / "making"
    making.mkdir()
    train(str(making / file))
    (making / "example.json").write_text(json.dumps({"records": X[:60].to_dict("records")}))
    files = tuple(bundles.measure(making, path) for path in sorted(("example.json", file)))
    signed = manifests.Signature("columns", tuple(C(one, "double") for one in NAMES), outputs)
    manifest = manifests.Manifest(
        "m", name.split(maxsplit=1)[0].strip(","), file, signed, files, options=options, example="example.json"
    )
    (making / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    making.rename(tmp_path / manifest.digest)
    body = samples.Sample(frames.Content.RECORDS, json.dumps({"records": X[100:101].to_dict("records")}).encode())
    one = questions.Question(body, 0, ("e", "v1", "id"), 1)
    (answer,) = questions.answer(questions.Asked(str(tmp_path), manifest.digest, (one,), ())).answers
    found = answer.explained
    assert found is not None, answer.trouble
    assert method in found.method, found.note
    assert abs(found.gap) < 1e-5
    assert found.contributions[0].name == "a"
    assert "b" in {part.name for part in found.contributions[:3]}
    # The base is what the model itself says of typical cases.
    if outputs == NUMBER:
        typical = catalog.load(bundles.read(tmp_path, manifest.digest))
        codec = questions.signature.Codec(manifest, bundles.read(tmp_path, manifest.digest).example())
        said = typical.predict(
            codec.decode((tmp_path / manifest.digest / "example.json").read_bytes(), frames.Content.RECORDS).batch
        )["prediction"]
        assert found.base == pytest.approx(np.mean(said), abs=1e-5)
