"""The models that are measured, as bundles, with requests for them and what they themselves answer.

`logreg` and `rf` are the ones that peers were measured with; `paced` takes its time by the clock and leaves the processor alone;
`heavy` is a forest whose loading takes long.
"""

import json
import pathlib
from typing import NamedTuple

import joblib
import numpy as np
from sklearn import datasets, ensemble, linear_model, pipeline, preprocessing

from tidegate.core.vocabulary import home
from tidegate.delivery.registry import making

BODIES = 64
FEATURES = 30
_PACED = '''
import time

class Model:
    """Answers the sum of a row's numbers, after its time."""

    def predict(self, batch):
        (rows,) = batch.values()
        fixed = {slow} if time.monotonic() % {every} < {slow_for} else {fixed}
        time.sleep(fixed + {each} * len(rows))
        return rows.sum(axis=1)
'''


class Case(NamedTuple):
    """A model on disk, and requests of one row with the first number that it answers each."""

    path: pathlib.Path
    example: pathlib.Path
    bodies: list[bytes]
    truth: list[float]
    method: str


class Pace(NamedTuple):
    """Seconds that `paced` takes."""

    fixed: float
    each: float
    slow: float = 0.0
    """Instead of `fixed`, for `slow_for` seconds out of `every`."""
    slow_for: float = 0.0
    every: float = 1.0


def logreg(folder: pathlib.Path) -> Case:
    """Standardised logistic regression, 30 features."""
    made = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(max_iter=1_000))
    return _fitted(folder / "logreg", made)


def rf(folder: pathlib.Path) -> Case:
    """Random forest of 100 trees, 30 features."""
    return _fitted(folder / "rf", ensemble.RandomForestClassifier(100, random_state=0, n_jobs=1))


def heavy(folder: pathlib.Path, trees: int) -> Case:
    """A forest grown on noise to its last leaf: about 2.5 MB a tree, and scikit-learn to import."""
    folder = _prepared(folder / "heavy")
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(20_000, FEATURES))
    made = ensemble.ExtraTreesRegressor(trees, max_features=1, random_state=0, n_jobs=1).fit(rows, rng.normal(size=len(rows)))
    path = folder / "heavy.joblib"
    joblib.dump(made, path)
    return _case(path, rows[:BODIES], made.predict(rows[:BODIES]), "predict")


def paced(folder: pathlib.Path, name: str, pace: Pace) -> Case:
    """A plain Python class of this pace."""
    folder = _prepared(folder / name)
    path = folder / f"{name}.py"
    path.write_text(_PACED.format(**pace._asdict()))
    rows = np.random.default_rng(0).integers(0, 9, size=(BODIES, FEATURES)).astype(float)
    return _case(path, rows, rows.sum(axis=1), "")


def bundle(case: Case, place: home.Home, compiled: str = "never") -> str:
    """The digest of the case's bundle in this home. `compiled`: never, or required for its ONNX form."""
    wishes = making.Wishes(trust="pickle", example=case.example, method=case.method, compile=compiled)
    digest, _ = making.fulfil(str(case.path), place, wishes)
    return digest


def _fitted(folder: pathlib.Path, made: object) -> Case:
    rows, labels = datasets.load_breast_cancer(return_X_y=True)
    made.fit(rows, labels)
    path = _prepared(folder) / f"{folder.name}.joblib"
    joblib.dump(made, path)
    return _case(path, rows[:BODIES], made.predict_proba(rows[:BODIES])[:, 1], "predict_proba")


def _case(path: pathlib.Path, rows: np.ndarray, truth: np.ndarray, method: str) -> Case:
    example = path.with_name("example.json")
    example.write_text(json.dumps(rows.tolist()))
    tensors = [{"name": "input", "shape": [1, FEATURES], "datatype": "FP64", "data": row.tolist()} for row in rows]
    return Case(path, example, [json.dumps({"inputs": [one]}).encode() for one in tensors], truth.tolist(), method)


def _prepared(folder: pathlib.Path) -> pathlib.Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
