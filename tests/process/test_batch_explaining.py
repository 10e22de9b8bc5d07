"""Logged predictions computed once more in processes of their bundles' runtimes, and taken apart; what cannot be is said."""

import hashlib
import importlib.util
import json
import pathlib
import subprocess
import sys
import venv

import living
import msgspec
import numpy as np
import pytest
import shap
from sklearn import ensemble, linear_model, svm

from tests.process import explaining_fixtures as models
from tests.unit import predlog_fixtures as given
from tidegate.control.batch import explaining, reasons
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import errors, explanations, home, ids, manifests, marks, records
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.explaining import trees
from tidegate.interface.cli import main

FAILED = {"answered_by": 0, "answers": (), "mark": marks.Mark.ERROR, "error": "predict-failed: no"}
MODEL = linear_model.LinearRegression().fit(models.X, models.Y)


@pytest.fixture
def place(tmp_path: pathlib.Path) -> home.Home:
    return given.place(tmp_path / "home")


def logged(made: home.Home, of: str, predict=MODEL.predict, count: int = 40, **more) -> list[records.Prediction]:
    """Requests of one row each, with the answers that the model gives; `more` is of the last of them."""
    found = []
    for at in range(count):
        body = json.dumps({"records": [models.row(at)]}).encode()
        said = float(predict(models.X[at : at + 1])[0])
        changed = more if at == count - 1 else {}
        found.append(given.prediction(at, at=float(at), **({"digest": of, "input": body, "answers": (said,)} | changed)))
    given.writer(made).append(found)
    return found


def explain(
    made: home.Home, one: records.Prediction, row: str = "", known: store.Store | None = None
) -> explanations.Explanation:
    return explaining.explain(made, known, ids.text(one.id) + row)


def test_it_is_computed_once_more_exactly_and_its_parts_add_up_to_it(place, capsys):
    bundle = models.bundled(place.bundles, MODEL)
    one = logged(place, bundle.manifest.digest)[-1]
    before = sorted(path for path in place.root.rglob("*") if "code" not in path.parts)
    found = explain(place, one)
    assert (found.agreement, found.logged, found.version) == (explanations.EXACTLY, one.answers[0], "v1")
    assert abs(found.explained.gap) < 1e-9
    assert found.background == "39 requests logged before it"
    assert found.explained.base == pytest.approx(np.mean(MODEL.predict(models.X[:39])))
    assert sorted(path for path in place.root.rglob("*") if "code" not in path.parts) == before
    again = explain(place, one)
    assert msgspec.structs.replace(again, at=found.at) == found
    identifier = ids.text(one.id)
    assert main.run(["explain", identifier, "--home", str(place.root), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [part["name"] for part in told["explained"]["contributions"]] == [part.name for part in found.explained.contributions]
    assert told["reasons"] == reasons.said(found)
    assert main.run(["explain", identifier, "--home", str(place.root), "--reasons", "2"]) == 0
    out = capsys.readouterr().out
    assert "exactly the logged" in out
    assert "with the typical value" in out
    assert main.run(["explain", identifier, "--home", str(place.root), "--adverse"]) == 0
    way = "lower" if found.explained.score < found.explained.base else "higher"
    assert f"{way} than in typical cases" in capsys.readouterr().out


def test_an_answer_that_is_not_the_logged_one_any_more_is_said_loudly(place, capsys):
    bundle = models.bundled(place.bundles, MODEL)
    one = logged(place, bundle.manifest.digest, predict=lambda x: MODEL.predict(x) + 1.0)[-1]
    assert explain(place, one).agreement == explanations.DIFFERS
    assert main.run(["explain", ids.text(one.id), "--home", str(place.root)]) == 3
    out, err = capsys.readouterr()
    assert "COMPUTED ONCE MORE" in out
    assert "does not give the logged answer any more" in err


def test_what_another_batch_size_can_do_to_a_sum_is_within_the_tolerance(place):
    bundle = models.bundled(place.bundles, MODEL)
    one = logged(place, bundle.manifest.digest, predict=lambda x: MODEL.predict(x) * (1 + 1e-9))[-1]
    assert explain(place, one).agreement == explanations.WITHIN


def test_a_forest_is_explained_by_shap_in_its_own_process(place):
    forest = ensemble.RandomForestRegressor(8, random_state=0).fit(models.X, models.Y)
    bundle = models.bundled(place.bundles, forest)
    found = explain(place, logged(place, bundle.manifest.digest, forest.predict)[-1])
    assert (found.agreement, found.explained.method) == (explanations.EXACTLY, trees.METHOD)
    assert abs(found.explained.gap) < 1e-6


def test_a_black_box_comes_to_what_shaps_exact_explainer_does(place):
    curved = svm.SVR().fit(models.X, models.Y)
    bundle = models.bundled(place.bundles, curved)
    found = explain(place, logged(place, bundle.manifest.digest, curved.predict)[-1])
    theirs = shap.explainers.ExactExplainer(curved.predict, shap.maskers.Independent(models.X[:39]))(models.X[39:40])
    mine = {part.name: part.contribution for part in found.explained.contributions}
    assert np.allclose([mine[name] for name in "abcd"], theirs.values[0])
    assert found.explained.base == pytest.approx(float(theirs.base_values[0]))


def test_each_row_of_a_request_has_an_explanation_and_others_are_said_not_to_be_there(place):
    bundle = models.bundled(place.bundles, MODEL)
    body = json.dumps({"records": [models.row(at) for at in range(3)]}).encode()
    said = tuple(MODEL.predict(models.X[:3]).tolist())
    one = given.prediction(0, digest=bundle.manifest.digest, input=body, answers=said, rows=3)
    given.writer(place).append([one])
    told = [explain(place, one, f"/{row}") for row in range(3)]
    assert [found.logged for found in told] == list(said)
    assert {found.agreement for found in told} <= {explanations.EXACTLY, explanations.WITHIN}
    assert "3 rows" in told[0].notes[0]
    assert told[0].background.endswith("of the bundle's own example")
    with pytest.raises(errors.NotExplainable, match="no row 3"):
        explain(place, one, "/3")
    for wrong in ("/x", "/-1", "/", "x"):
        with pytest.raises(errors.PredictionUnknown):
            explain(place, one, wrong)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"input": b""}, errors.NotExplainable, "its input is not in the log"),
        ({"content": "embedded"}, errors.NotExplainable, "no worker reads"),
        ({"answered_by": -1, "answers": ()}, errors.NotExplainable, "fallback"),
        (FAILED, errors.NotExplainable, "no version answered"),
        ({"answered_by": 2, "rescued": True, "answers": ()}, errors.NotExplainable, "only the store knows"),
        ({"input": b'{"records": [{"a": "[redacted]"}]}'}, errors.NotExplainable, "does not fit"),
        ({"digest": "e" * 64}, errors.BundleMissing, "is not here"),
    ],
    ids=["not logged", "embedded", "fallback", "failed", "rescued without a store", "redacted", "bundle gone"],
)  # fmt: skip
def test_what_cannot_be_explained_is_refused_with_the_reason(place, more, error, words):
    bundle = models.bundled(place.bundles, MODEL)
    with pytest.raises(error, match=words):
        explain(place, logged(place, bundle.manifest.digest, count=2, **more)[-1])


def test_a_prediction_that_is_not_in_the_log_is_unknown(place):
    with pytest.raises(errors.PredictionUnknown):
        explaining.explain(place, None, ids.text(given.identifier(99)))


def test_a_rescued_request_is_explained_by_the_version_whose_answer_the_client_got(place):
    good = models.bundled(place.bundles, MODEL)
    other = linear_model.LinearRegression().fit(models.X, -models.Y)
    bad = models.bundled(place.bundles, other)
    said = {"predictions": [round(float(MODEL.predict(models.X[1:2])[0]), 2)]}
    more = {
        "version": 2, "answered_by": 1, "rescued": True, "answers": (), "mark": marks.Mark.INVALID,
        "error": "output-invalid", "output": json.dumps(said).encode(),
    }  # fmt: skip
    one = logged(place, bad.manifest.digest, count=2, **more)[-1]
    with store.Store(database.sqlite_url(place.store)) as known:
        known.put_endpoint(endpoints.Endpoint("production", "flight-delay", {"terms": {"round": 2}}, stable=1))
        for bundle in (good, bad):
            known.add_version("production", "flight-delay", bundle.manifest.digest, bundle.manifest.model_digest, "m", 1.0)
        found = explain(place, one, known=known)
    assert (found.version, found.digest) == ("v1", good.manifest.digest)
    assert found.recomputed == pytest.approx(said["predictions"][0], abs=0.005)
    assert found.agreement == explanations.WITHIN
    assert "v2 was drawn and did not answer well (output-invalid)" in found.notes[0]


def test_a_model_that_was_changed_on_disk_is_not_loaded(place):
    bundle = models.bundled(place.bundles, MODEL)
    one = logged(place, bundle.manifest.digest, count=2)[-1]
    (bundle.folder / "model.pkl").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(errors.DigestMismatch):
        explain(place, one)


PLAIN = """
import os, pathlib, time

class Model:
    '''Twice `a` less `b`; dies of an `a` over 900, and sleeps over 333.'''
    def predict(self, given):
        if any(one > 900 for one in given["a"]):
            os._exit(7)
        if 333 in given["a"]:
            pathlib.Path(__file__).with_name("asleep").write_text(str(os.getpid()))
            time.sleep(3600)
        return [2 * one - other for one, other in zip(given["a"], given["b"], strict=True)]
"""


def plain(made: home.Home, lock: bytes = b"") -> str:
    """The digest of a bundle of plain Python code, with a runtime of its own where a lock is given."""
    scratch = made.bundles / "making"
    scratch.mkdir()
    (scratch / "model.py").write_text(PLAIN)
    (scratch / "example.json").write_text(json.dumps({"records": [{"a": float(at), "b": 1.0} for at in range(20)]}))
    if lock:
        (scratch / manifests.RUNTIME).write_bytes(lock)
    files = tuple(bundles.measure(scratch, path.name) for path in sorted(scratch.iterdir()))
    signed = manifests.Signature("columns", (models.C("a", "double"), models.C("b", "double")), (models.C("score", "double"),))
    options = {"class": "model.py:Model"}
    manifest = manifests.Manifest("m", "python", ".", signed, files, options=options, trust="pickle", example="example.json")
    (scratch / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    scratch.rename(made.bundles / manifest.digest)
    return manifest.digest


def asked(made: home.Home, digest: str, a: float) -> records.Prediction:
    body = json.dumps({"records": [{"a": a, "b": 3.0}]}).encode()
    one = given.prediction(0, digest=digest, input=body, answers=(2 * a - 3.0,))
    given.writer(made).append([one])
    return one


def test_a_model_that_dies_of_it_takes_nothing_along(place):
    one = asked(place, plain(place), 901.0)
    with pytest.raises(errors.ModelLoadFailed, match="ended with code 7"):
        explain(place, one)


ASKING = """
import pathlib, sys
from tidegate.control.batch import explaining
from tidegate.core.vocabulary import home
explaining.explain(home.Home(pathlib.Path(sys.argv[1])), None, sys.argv[2])
"""


def test_its_process_ends_with_whoever_asked(place):
    digest = plain(place)
    one = asked(place, digest, 333.0)
    asleep = place.bundles / digest / "asleep"
    caller = subprocess.Popen([sys.executable, "-c", ASKING, str(place.root), ids.text(one.id)])
    child = living.wait(lambda: asleep.exists() and asleep.read_text(), what="the model to be asked")
    assert pathlib.Path(f"/proc/{child}").exists()
    caller.kill()
    caller.wait()
    living.wait(lambda: not pathlib.Path(f"/proc/{child}").exists(), what="its process to end")


def test_in_a_runtime_of_msgspec_alone_a_model_of_plain_python_is_explained_exactly(place):
    lock = b"# CPython 3.11\nmsgspec\n"
    folder = place.runtimes / hashlib.sha256(lock).hexdigest()
    venv.create(folder, with_pip=False)
    (folder / "tidegate.json").write_text("{}")
    python = folder / "bin" / "python"
    install = ["-m", "uv", "pip"] if importlib.util.find_spec("uv") else ["-m", "pip", "--python", str(python)]
    target = ["--python", str(python)] if "uv" in install else []
    subprocess.run([sys.executable, *install, "install", "-q", *target, "msgspec>=0.20,<1"], check=True, timeout=120)
    found = explain(place, asked(place, plain(place, lock), 30.0))
    assert (found.agreement, found.explained.exact) == (explanations.EXACTLY, True)
    parts = {part.name: part for part in found.explained.contributions}
    assert parts["a"].contribution == pytest.approx(2 * (30 - 9.5))
    assert parts["b"].contribution == pytest.approx(-2.0)
    assert (parts["a"].typical, parts["a"].instead) == (9.0, 15.0)
    assert reasons.said(found).startswith(
        "The main reasons were: a (30) raises the answer by 41 compared with a typical case"
        " (with 9, as is typical, it would be 15); b (3) lowers it by 2"
    )
