"""Bundles made from model files, in real processes. The model is a small one of our own, so that no heavy package is imported."""

import importlib
import json
import os
import pathlib
import pickle
import subprocess
import sys

import msgspec
import pytest
import worker_fixtures as fixtures

from tidegate.core.spec import settings
from tidegate.core.vocabulary import errors, home, manifests, profiles
from tidegate.dataplane.models import bundles
from tidegate.delivery.registry import making, ordering

MODULE = '''
import os
import numpy as np

class Score:
    """Says how much; what it raises, prints and answers is set by its attributes."""
    method = "score"
    def __init__(self, **given): self.__dict__.update(given)
    def predict(self, X):
        print("a model that talks")
        if getattr(self, "secret", ""): raise RuntimeError(f"{self.secret}={os.environ.get(self.secret)}")
        if getattr(self, "dies", False): os._exit(9)
        answer = np.asarray(X, dtype=float).sum(axis=1)
        return answer * float("nan") if getattr(self, "nan", False) else answer

class Judge(Score):
    classes_ = np.array(["no", "yes"])
    def predict_proba(self, X):
        p = 1 / (1 + np.exp(-np.asarray(X, dtype=float).sum(axis=1)))
        return np.column_stack([1 - p, p])
    def predict(self, X):
        return self.classes_[(self.predict_proba(X)[:, 1] > 0.5).astype(int)]
'''


@pytest.fixture
def place(tmp_path):
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


@pytest.fixture
def save(tmp_path, monkeypatch):
    """Saves a model of the module above as a pickle, with an example beside it."""
    lib = tmp_path / "lib"
    lib.mkdir()
    (lib / "score_model.py").write_text(MODULE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(filter(None, [str(lib), os.environ.get("PYTHONPATH", "")])))
    monkeypatch.syspath_prepend(str(lib))

    def save(name="Score", **given):
        score_model = importlib.import_module("score_model")
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(getattr(score_model, name)(**given)))
        (tmp_path / "rows.json").write_text(json.dumps([[n, 0.5] for n in range(30)]))
        return str(path), tmp_path / "rows.json"

    yield save
    sys.modules.pop("score_model", None)


def _left(place):
    return sorted(path.name for path in place.bundles.iterdir())


def test_a_file_and_an_example_become_a_bundle_that_a_worker_serves(place, save):
    path, rows = save()
    digest, manifest = making.make(path, place, trust="pickle", example=rows)
    assert _left(place) == [digest]
    assert manifest.digest == digest
    assert manifest.signature.inputs == (manifests.Column("input", "FP64", shape=(-1, 2)),)
    assert manifest.signature.outputs == (manifests.Column("prediction", "double"),)
    assert (manifest.profile.rows, len(manifest.profile.edges)) == (30, 15)
    assert bundles.read(place.bundles, digest).manifest == manifest
    worker = fixtures.Worker(place, digest)
    try:
        worker.until("ready")
        gateway = worker.gateway()
        gateway.welcome()
        gateway.send((1, fixtures.infer([20, 0.5]), 1))
        reply, body = gateway.replies(1)[1]
        assert (reply.answers, reply.bin) == ((20.5,), 11)
        assert body["outputs"][0]["name"] == "prediction"
    finally:
        worker.close()


def test_a_check_and_an_example_count_by_their_content_and_not_by_their_names(place, save, tmp_path):
    """So a release by the same file is of something else, not refused as stable already; a held model is so with any check."""
    path, rows = save()
    check = tmp_path / "checks.py"
    seen = []
    for source, step in (("return True", 1), ("return 1 > 0", 1), ("return 1 > 0", 2)):
        check.write_text(f"def plausible(inputs, outputs):\n    {source}\n")
        rows.write_text(json.dumps([[n * step, 0.5] for n in range(30)]))
        seen.append(making.fulfil(path, place, making.Wishes(trust="pickle", example=rows, check=check)))
    assert len({digest for digest, _ in seen}) == 3
    assert seen[0][1].model_digest == seen[1][1].model_digest


def test_making_again_gives_the_same_bundle_and_mends_a_damaged_one(place, save):
    path, rows = save()
    digest, manifest = making.make(path, place, trust="pickle", example=rows)
    assert making.make(path, place, trust="pickle", example=rows) == (digest, manifest)
    model = place.bundles / digest / "model" / "model.pkl"
    model.chmod(0o600)
    model.write_bytes(b"damaged")
    assert making.make(path, place, trust="pickle", example=rows)[0] == digest
    bundles.read(place.bundles, digest)
    assert _left(place) == [digest]


def test_enough_data_that_comes_with_a_model_is_its_baseline_profile(place, save, tmp_path):
    path, _ = save()
    rows, few = tmp_path / "rows.csv", tmp_path / "few.csv"
    told = [f"{at % 7},{10 * (at % 11)},{at % 3}" for at in range(profiles.FEWEST)]
    rows.write_text("\n".join(["small,large,other", *told]))
    few.write_text("\n".join(["small,large,other", *told[:-1]]))
    digest, manifest = making.make(path, place, trust="pickle", example=rows)
    assert manifests.BASELINE in {blob.path for blob in manifest.files}
    found = msgspec.json.decode((place.bundles / digest / manifests.BASELINE).read_bytes(), type=profiles.Baseline)
    assert (found.rows, set(found.columns)) == (profiles.FEWEST, {"small", "large", "other", "prediction"})
    assert found.columns["small"].points[-1] == 6.0
    assert found.importances["large"] > found.importances["small"] > 0
    assert sum(found.importances.values()) == pytest.approx(3, rel=0.01)
    assert making.make(path, place, trust="pickle", example=rows)[0] == digest
    without, _ = making.make(path, place, trust="pickle", example=few)
    assert not (place.bundles / without / manifests.BASELINE).exists()


def test_probabilities_of_two_classes_are_that_of_the_second(place, save):
    path, rows = save("Judge")
    _, manifest = making.make(path, place, trust="pickle", example=rows, method="predict_proba")
    assert manifest.signature.outputs == (manifests.Column("probability", "double"),)
    assert manifest.options["positive"] == "1"
    assert manifest.profile.edges[0] == 1 / 16


def test_the_file_says_what_is_called_of_a_model(place, save, tmp_path):
    source, example = save("Judge")
    asked = settings.Settings("judge", str(source), example=str(example), trust="pickle", method="predict_proba", compile="never")
    manifest = bundles.read_manifest(place.bundles / ordering.make(asked, place))
    assert manifest.signature.outputs == (manifests.Column("probability", "double"),)
    (tmp_path / "plain.py").write_text("class Model:\n    def predict(self, batch):\n        return [1.0]\n")
    with pytest.raises(errors.ModelSourceInvalid, match="asked in one way only"):
        ordering.make(msgspec.structs.replace(asked, model=str(tmp_path / "plain.py")), place)


def test_classes_are_the_bins_of_a_model_that_answers_them(place, save):
    path, rows = save("Judge")
    _, manifest = making.make(path, place, trust="pickle", example=rows)
    assert manifest.signature.outputs == (manifests.Column("prediction", "string"),)
    assert manifest.profile.classes == ("no", "yes")


PLAIN = """
import math

class Model:
    def predict(self, batch):
        rows = list(zip(batch["a"], batch["b"]))
        table = []
        for a, b in rows:
            powers = [math.exp(a), math.exp(-a), math.exp(b)]
            table.append([power / sum(powers) for power in powers])
        names = ["elm", "ash", "oak"]
        labels = [names[max(range(3), key=row.__getitem__)] for row in table]
        SAID
"""


@pytest.mark.parametrize(
    ("said", "classes", "answers", "series"),
    [
        ("return {'p': table}", ["0", "1", "2"], {"0", "1", "2"}, ["p.0", "p.1", "p.2"]),
        ("return {'label': labels, 'p': table}", ["elm", "ash", "oak"], {"elm", "ash", "oak"}, ["p.elm", "p.ash", "p.oak"]),
        ("return {'p': [row[:2] for row in table], 'why': labels}", None, set(), ["p.0", "p.1", "why"]),
        ("return {'p': [[row[0], 1 - row[0]] for row in table]}", ["0", "1"], {"0", "1"}, ["p.1"]),
    ],
    ids=["places", "beside a label", "no probabilities", "a pair"],
)
def test_which_classes_an_output_tells_apart_is_found_on_the_example(place, tmp_path, said, classes, answers, series):
    path, rows = tmp_path / "plain.py", tmp_path / "rows.csv"
    path.write_text(PLAIN.replace("SAID", said))
    rows.write_text("\n".join(["a,b", *(f"{(at % 21 - 10) / 5},{at % 9 / 4}" for at in range(profiles.FEWEST))]))
    digest, manifest = making.make(str(path), place, trust="pickle", example=rows)
    assert json.loads(manifest.options.get("classes", "null")) == classes
    found = msgspec.json.decode((place.bundles / digest / manifests.BASELINE).read_bytes(), type=profiles.Baseline)
    assert set(found.columns) == {"a", "b", "prediction", *(f"prediction.{one}" for one in series)}
    assert set(found.columns["prediction"].words) == answers
    numbers = [one for name, one in found.columns.items() if name.startswith("prediction.p")]
    assert all(0 < one.points[0] < one.points[-1] < 1 for one in numbers)


def test_a_pickle_that_nobody_trusts_is_refused_before_it_is_opened(place, save):
    path, rows = save(dies=True)
    with pytest.raises(errors.TrustRequired, match="loading it runs code"):
        making.make(path, place, example=rows)
    assert _left(place) == []


def test_a_file_without_an_example_says_how_to_give_one(place, save):
    with pytest.raises(errors.SignatureMissing) as caught:
        making.make(save()[0], place, trust="pickle")
    assert "--example" in caught.value.cure


@pytest.mark.parametrize(
    ("given", "error", "words"),
    [
        pytest.param({"nan": True}, errors.WarmupFailed, "not finite", id="nan"),
        pytest.param({"dies": True}, errors.ModelLoadFailed, "ended with code 9", id="dies"),
        pytest.param({"secret": "MLFLOW_TRACKING_TOKEN"}, errors.WarmupFailed, "MLFLOW_TRACKING_TOKEN=None", id="no-secrets"),
    ],
)
def test_a_model_that_cannot_answer_leaves_nothing_behind(place, save, monkeypatch, given, error, words):
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "secret")
    path, rows = save(**given)
    with pytest.raises(error, match=words):
        making.make(path, place, trust="pickle", example=rows)
    assert _left(place) == []


def test_a_damaged_pickle_is_said_in_its_own_words(place, save):
    path, rows = save()
    pathlib.Path(path).write_bytes(b"no pickle at all")
    with pytest.raises(errors.ModelLoadFailed, match="UnpicklingError"):
        making.make(path, place, trust="pickle", example=rows)
    assert _left(place) == []


def test_a_model_that_takes_too_long_is_ended(place, save, monkeypatch):
    path, rows = save()
    monkeypatch.setattr(making, "PROFILE_SECONDS", 0.01)
    with pytest.raises(errors.ModelLoadFailed, match="took more than"):
        making.make(path, place, trust="pickle", example=rows)
    assert _left(place) == []


def test_a_file_that_is_no_model_names_the_formats(place, tmp_path):
    (tmp_path / "model.h5").touch()
    with pytest.raises(errors.LoaderMissing) as caught:
        making.make(str(tmp_path / "model.h5"), place)
    assert ".skops" in caught.value.cure


ASKER = """
import pathlib, sys
from tidegate.core.vocabulary import home
from tidegate.delivery.registry import making
from tidegate.delivery.sources import asking
making.make(sys.argv[2], home.Home(pathlib.Path(sys.argv[1])), trust="pickle", example=sys.argv[3])
assert asking.resolve(sys.argv[2]) == pathlib.Path(sys.argv[2]).as_uri()
print(sorted({name.partition(".")[0] for name in sys.modules} & {"numpy", "pandas", "sklearn", "mlflow", "score_model"}))
"""


def test_the_process_that_makes_a_bundle_imports_neither_the_model_nor_its_packages(place, save):
    path, rows = save()
    argv = [sys.executable, "-c", ASKER, str(place.root), path, str(rows)]
    asked = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert (asked.stdout.strip(), asked.stderr) == ("[]", "")
