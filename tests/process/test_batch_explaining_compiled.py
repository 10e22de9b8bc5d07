"""Answers of models compiled to ONNX, taken apart by what they were compiled from; as a black box where that is gone."""

import json
import pathlib
import pickle
import shutil

import lightgbm
import msgspec
import numpy as np
import pandas as pd
import pytest
import xgboost
from sklearn import ensemble, linear_model, neighbors

from tests.unit import predlog_fixtures as given
from tidegate.control.batch import explaining
from tidegate.core.vocabulary import explanations, home, ids, records
from tidegate.dataplane.models.explaining import trees
from tidegate.delivery.registry import making
from tidegate.interface.cli import main

WIDE = [f"c{at}" for at in range(30)]
CHANCE = np.random.default_rng(3)
X = pd.DataFrame(CHANCE.normal(size=(300, 30)), columns=WIDE)
Y = 2 * X.c0 - X.c1 * X.c2 + CHANCE.normal(scale=0.1, size=300)
ILL = np.where(Y > 0, "ill", "well")


class Made:
    """A home with the compiled bundle of a model, and forty logged requests to it."""

    def __init__(self, root: pathlib.Path, model: object, method: str = "") -> None:
        self.home: home.Home = given.place(root / "home")
        (root / "m.pkl").write_bytes(pickle.dumps(model))
        X[:50].to_csv(root / "rows.csv", index=False)
        wishes = making.Wishes(trust="pickle", example=root / "rows.csv", method=method, compile="required")
        self.digest, self.manifest = making.fulfil(str(root / "m.pkl"), self.home, wishes)
        positive = getattr(model, method or "predict")(X)
        said = positive[:, 1] if method == "predict_proba" else positive
        self.logged = [self._asked(at, said[at]) for at in range(40)]
        given.writer(self.home).append(self.logged)

    def _asked(self, at: int, said: object) -> records.Prediction:
        body = json.dumps({"records": [X.iloc[at].to_dict()]}).encode()
        answer = str(said) if isinstance(said, str) else float(said)  # type: ignore[arg-type]
        return given.prediction(at, at=float(at), digest=self.digest, input=body, answers=(answer,))

    @property
    def original(self) -> pathlib.Path:
        return self.home.originals / self.manifest.options["compiled_from"].partition(" ")[2]

    def explained(self) -> explanations.Explanation:
        return explaining.explain(self.home, None, ids.text(self.logged[-1].id), again=True)


MODELS = [
    pytest.param(ensemble.GradientBoostingRegressor(n_estimators=20), Y, "", id="boosted"),
    pytest.param(ensemble.RandomForestClassifier(10, random_state=0), ILL, "predict_proba", id="forest"),
    pytest.param(lightgbm.LGBMClassifier(n_estimators=20, verbose=-1), ILL, "predict_proba", id="lightgbm"),
    pytest.param(xgboost.XGBRegressor(n_estimators=20), Y, "", id="xgboost"),
]


@pytest.mark.parametrize(("model", "target", "method"), MODELS)
def test_a_compiled_booster_is_explained_by_its_trees_exactly(tmp_path, model, target, method, capsys):
    made = Made(tmp_path, model.fit(X, target), method)
    found = made.explained()
    assert found.agreement in {explanations.EXACTLY, explanations.WITHIN}
    assert (found.explained.method, found.explained.exact) == (trees.METHOD, True)
    assert "model it was compiled from, which answers the same here" in found.explained.note
    assert found.explained.score == pytest.approx(found.recomputed, rel=1e-4)
    assert abs(found.explained.gap) < 1e-4
    assert main.run(["explain", ids.text(made.logged[-1].id), "--home", str(made.home.root)]) == 0
    assert "by shap's TreeExplainer, interventional (exact); of the sklearn model it was compiled from" in " ".join(
        capsys.readouterr().out.split()
    )


def test_a_compiled_linear_model_is_explained_by_its_coefficients_and_a_class_by_its_probability(tmp_path):
    made = Made(tmp_path, linear_model.LogisticRegression().fit(X, ILL), "predict")
    found = made.explained()
    assert found.explained.exact
    assert found.explained.subject == f"the probability of {found.recomputed}"
    assert "coefficients" in found.explained.method


def test_without_its_original_it_is_a_black_box_and_says_why(tmp_path):
    model = ensemble.GradientBoostingRegressor(n_estimators=20).fit(X, Y)
    made = Made(tmp_path, model)
    exact = {part.name: part.contribution for part in made.explained().explained.contributions}
    model_file = made.original / "model" / "m.pkl"
    model_file.chmod(0o600)
    model_file.write_bytes(pickle.dumps(linear_model.LinearRegression().fit(X, Y)))
    changed = made.explained().explained
    assert "has other bytes than its sha256 says" in changed.note
    shutil.rmtree(made.original)
    gone = made.explained().explained
    assert "is not kept here" in gone.note
    assert not gone.exact
    for part in gone.contributions:
        assert part.contribution == pytest.approx(exact[part.name], abs=5 * part.error + 1e-4)


def test_an_original_that_answers_otherwise_is_not_believed(tmp_path):
    made = Made(tmp_path, ensemble.GradientBoostingRegressor(n_estimators=20).fit(X, Y))
    other = Made(tmp_path / "other", ensemble.GradientBoostingRegressor(n_estimators=3).fit(X, Y))
    options = {**made.manifest.options, "compiled_from": f"sklearn {other.original.name}"}
    mixed = renamed(made, options)
    shutil.copytree(other.original, made.home.originals / other.original.name)
    made.logged = [given.prediction(99, at=99.0, digest=mixed, input=made.logged[-1].input, answers=made.logged[-1].answers)]
    given.writer(made.home, "a" * 32).append(made.logged)
    found = made.explained().explained
    assert "answers otherwise" in found.note
    assert "black box" in found.method


def renamed(made: Made, options: dict[str, str]) -> str:
    """The bundle once more, with other options."""
    changed = msgspec.structs.replace(made.manifest, options=options)
    folder = made.home.bundles / changed.digest
    shutil.copytree(made.home.bundles / made.digest, folder)
    (folder / "manifest.json").chmod(0o600)
    (folder / "manifest.json").write_bytes(msgspec.json.encode(changed, order="deterministic"))
    return changed.digest


def test_a_model_without_a_method_of_its_own_is_a_black_box_as_it_serves(tmp_path):
    made = Made(tmp_path, neighbors.KNeighborsRegressor().fit(X, Y))
    found = made.explained().explained
    assert "black box" in found.method
