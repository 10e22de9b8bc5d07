"""Handwritten digits (scikit-learn's own, 1,797 images), served for real: ten probabilities a row, watched and measured."""

import json
import pathlib
import urllib.request

import duckdb
import joblib
import msgspec
import numpy as np
import pytest
from sklearn import datasets, linear_model, metrics, pipeline, preprocessing

from tests.process import living
from tests.unit import predlog_fixtures as given
from tests.unit.recording_fixtures import Log
from tidegate.core.vocabulary import alarms, manifests, tables
from tidegate.dataplane.models import bundles
from tidegate.observability.outcomes import performance, performing

DAY = 86_400.0
DIGITS = datasets.load_digits(as_frame=True)
ORDER = np.random.default_rng(0).permutation(len(DIGITS.data))
TRAINED, CAME, ASKED = ORDER[:500], ORDER[500:1_100], ORDER[1_100:]
CLASSES = tuple(map(str, range(10)))


def learned() -> pipeline.Pipeline:
    made = pipeline.make_pipeline(preprocessing.StandardScaler(), linear_model.LogisticRegression(C=0.1, max_iter=500))
    return made.fit(DIGITS.data.iloc[TRAINED], DIGITS.target.iloc[TRAINED])


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("digits")
    joblib.dump(learned(), folder / "v1.joblib")
    DIGITS.data.iloc[CAME].to_csv(folder / "example.csv", index=False)
    with living.alive(folder / "home", folder, "method: predict_proba\ncompile: never") as found:
        yield found


def ask(system: living.Living, places: np.ndarray) -> tuple[str, list[list[float]]]:
    """One request of these images: (its id, the probabilities answered)."""
    body = json.dumps({"records": DIGITS.data.iloc[places].to_dict("records")}).encode()
    asked = urllib.request.Request(f"{system.address}/endpoints/iris/predict", body, {"content-type": "application/json"})
    with urllib.request.urlopen(asked, timeout=30) as answered:
        return str(answered.headers["tidegate-prediction-id"]), json.loads(answered.read())["predictions"]


def recorded(system: living.Living, requests: int) -> None:
    def all_there() -> bool:
        with system.api as asked:
            return int(asked.status()["recorder"].get("recorded", 0)) >= requests

    living.wait(all_there, 30, "all to be recorded")


def moved(system: living.Living, code: int) -> set[str]:
    told = json.loads(system.run("drift", "iris", "--against", "training", "--json", code=code))
    return {one["name"] for one in told["columns"] if one["level"] == "alarm"}


def test_ten_classes_are_compared_measured_and_asked_about(system: living.Living) -> None:
    parts = np.array_split(ASKED, 14)
    asked = [ask(system, part) for part in parts]
    chances, truth = np.concatenate([said for _, said in asked]), DIGITS.target.iloc[ASKED].to_numpy()
    recorded(system, len(parts))

    # The log has every probability by column, and the answer is the likeliest class.
    files = str(system.home.log / "predictions" / "**" / "*.parquet")
    named = ", ".join(f'"out_probabilities.{one}"' for one in CLASSES)
    logged = duckdb.sql(f"SELECT {named} FROM read_parquet('{files}') WHERE role = 0 ORDER BY id").fetchall()
    assert np.concatenate([np.transpose(one) for one in logged]) == pytest.approx(chances)

    # Images of the same kind are quiet; then most of them are ones and sevens.
    assert not any(name.startswith("prediction") for name in moved(system, 0))
    lopsided = np.random.default_rng(1).choice(ASKED[np.isin(truth, [1, 7])], (8, 100))
    for part in lopsided:
        ask(system, part)
    recorded(system, len(parts) + len(lopsided))
    assert {"prediction", "prediction.probabilities.1", "prediction.probabilities.7"} <= moved(system, 3)

    # Whom to ask about: those whose two likeliest classes are near each other.
    system.run("label", "iris", "--sample", "300", "--strategy", "uncertain", "--since", "1h", "--out", "sheet.csv")
    sheet = duckdb.sql(f"SELECT id FROM '{system.folder / 'sheet.csv'}'").fetchall()
    margins = dict(zip(rows_of(asked), np.diff(np.sort(chances, axis=1)[:, -2:])[:, 0], strict=True))
    handed = [margins[one] for (one,) in sheet if one in margins]
    assert np.mean(handed) < 0.85 * np.mean(list(margins.values()))

    # How good they were, by the truth: as scikit-learn computes it from what was answered.
    for (name, _), part in zip(asked, parts, strict=True):
        system.outcomes([{"id": f"{name}/{row}", "label": int(DIGITS.target.iloc[at])} for row, at in enumerate(part)])
    measured = living.wait(lambda: all_labelled(system, len(ASKED)), 30, "all to be joined")
    assert isinstance(measured, dict)
    assert measured["accuracy"] == pytest.approx(np.mean(chances.argmax(axis=1) == truth))
    assert measured["log_loss"] == pytest.approx(metrics.log_loss(truth, chances))
    assert measured["macro_auc"] == pytest.approx(metrics.roc_auc_score(truth, chances, multi_class="ovr"))
    assert measured["brier"] == pytest.approx(((chances - np.eye(10)[truth]) ** 2).sum(axis=1).mean() / 2)
    shown = system.run("performance", "iris", "--since", "1h")
    assert all(one in shown for one in ("macro f1", "macro auc", "log loss", "brier"))


def rows_of(asked: list[tuple[str, list[list[float]]]]) -> list[str]:
    return [f"{name}/{row}" if row else name for name, said in asked for row in range(len(said))]


def all_labelled(system: living.Living, rows: int) -> dict[str, float]:
    """The metrics, once so many rows are labelled."""
    (standing,) = json.loads(system.run("performance", "iris", "--since", "1h", "--json"))["standings"]
    found = standing["headline"] or standing["provisional"]
    there = found is not None and standing["labelled"] == rows
    return {one["name"]: one["value"] for one in found["metrics"]} if there else {}


class Kept(Log):
    """A log of digits by day, on a clock of its own, and a bundle that says whose the probabilities are."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root, tables.Outcomes())
        outputs = (manifests.Column("probabilities", "FP64", shape=(-1, 10)),)
        signature = manifests.Signature("columns", (manifests.Column("a", "double"),), outputs)
        made = manifests.Manifest("m", "sklearn", "m", signature, (), options={"classes": json.dumps(CLASSES)})
        folder = self.home.bundles / ("d" * 64)
        folder.mkdir(parents=True)
        (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(made))
        self.number = 0

    def answered(self, day: float, chances: np.ndarray, truth: np.ndarray | None) -> None:
        """A request of many rows, and their truth an hour later, where it has come."""
        self.number += 1
        answers = tuple(CLASSES[at] for at in chances.argmax(axis=1))
        more = {"rows": len(answers), "answers": answers, "numbers": chances.astype("<f8").tobytes(), "input": b""}
        one = given.prediction(self.number, day * DAY, **more)
        self.put(one)
        if truth is not None:
            self.put(*(given.outcome(0, one, int(at), day * DAY + 3_600, row=row) for row, at in enumerate(truth)))


def test_what_labels_will_say_of_more_of_the_harder_digits_is_estimated_before_they_come(tmp_path: pathlib.Path) -> None:
    rng, model, log = np.random.default_rng(2), learned(), Kept(tmp_path)

    def seen(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Images that are more or less worn: no two of a digit are alike."""
        worn = rng.random((len(places), 1)) * rng.normal(size=(len(places), 64))
        images = DIGITS.data.iloc[places] + 1.5 * worn * DIGITS.data.std().to_numpy()
        return model.predict_proba(images), DIGITS.target.iloc[places].to_numpy()

    for day in range(30):
        log.answered(day, *seen(rng.choice(CAME, 100)))
    hard = np.where(DIGITS.target.iloc[ASKED].isin([1, 8, 9]), 8.0, 1.0)
    young = seen(rng.choice(ASKED, 1_200, p=hard / hard.sum()))
    for day, part in zip((30.01, 30.02, 30.03), np.split(young[0], 3), strict=True):
        log.answered(day, part, None)
        log.look(day * DAY + 10.0)
    for at in (31.0, 31.1):
        log.look(at * DAY)
    until = given.T0 + 30.03 * DAY + 600.0
    asked = performance.Asked("flight-delay", given.T0, until)
    report = performance.read(log.home, tables.Outcomes(), asked)
    (told,) = report.estimates
    assert report.kind == "class"
    real = float((young[0].argmax(axis=1) == young[1]).mean())
    assert told.rows == 1_200
    assert told.was - real > 0.03, "they are harder"
    assert told.dropped
    assert told.accuracy == pytest.approx(real, abs=0.03)
    assert told.auc == pytest.approx(metrics.roc_auc_score(young[1], young[0], multi_class="ovr"), abs=0.02)
    right = sum(rows for answer, label, rows in told.confusion if answer == label)
    assert right / told.rows == pytest.approx(told.accuracy)
    (alarm,) = performing.Performing(log.home).look(until)
    assert (alarm.kind, alarm.subject, alarm.action) == (alarms.Kind.ESTIMATE, "v1", alarms.Action.NOTIFY)
    assert f"{100 * told.accuracy:.1f} %" in alarm.words
    assert "an estimate" in told.words
