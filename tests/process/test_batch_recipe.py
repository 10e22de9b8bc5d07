"""A recipe is followed, word for word, in a real repository and a real MLflow: what comes of it predicts the same."""

import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys

import pytest

from tidegate.control.batch import recipe as recipes
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import errors, home
from tidegate.delivery.registry import making
from tidegate.interface.cli import main

TRAIN = """
import argparse, hashlib, logging, pathlib, subprocess, sys, warnings
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
import mlflow, pandas as pd, sklearn
from mlflow.models import infer_signature
from sklearn import linear_model

asked = argparse.ArgumentParser()
asked.add_argument("--data"); asked.add_argument("--C", type=float)
asked = asked.parse_args()
rows = pd.read_csv(asked.data)
model = linear_model.LogisticRegression(C=asked.C).fit(rows[["a", "b"]], rows["late"])
git = lambda *words: subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()
tags = {
    "mlflow.source.git.commit": git("rev-parse", "HEAD"),
    "mlflow.source.git.repoURL": git("config", "remote.origin.url"),
    "mlflow.source.name": "train.py",
    "tidegate.command": " ".join(["python", "train.py", *sys.argv[1:]]),
}
with mlflow.start_run(tags=tags):
    mlflow.log_param("C", asked.C)
    mlflow.log_metric("accuracy", model.score(rows[["a", "b"]], rows["late"]))
    content = hashlib.sha256(pathlib.Path(asked.data).read_bytes()).hexdigest()
    table = mlflow.data.from_pandas(rows, source=asked.data, name="january")
    mlflow.log_input(table, context="training", tags={"sha256": content})
    signature = infer_signature(rows[["a", "b"]], model.predict_proba(rows[["a", "b"]]))
    mlflow.sklearn.log_model(
        model, name="model", signature=signature, input_example=rows[["a", "b"]][:10],
        pip_requirements=[f"scikit-learn=={sklearn.__version__}"],
        pyfunc_predict_fn="predict_proba", registered_model_name="late",
    )
"""


def run(*argv: str, cwd: pathlib.Path, env: dict[str, str]) -> None:
    done = subprocess.run(argv, cwd=cwd, env=env, capture_output=True, text=True, check=False, timeout=110)
    assert done.returncode == 0, done.stderr[-2_000:]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A repository, its data, an MLflow with one version of `late`, and a home that serves it as v1."""
    folder = tmp_path_factory.mktemp("recipe")
    patched = pytest.MonkeyPatch()
    env = {
        "MLFLOW_TRACKING_URI": f"sqlite:///{folder}/mlflow.db",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "GIT_PYTHON_REFRESH": "quiet",
        "GIT_CONFIG_GLOBAL": "/dev/null",
    }
    for name, value in env.items():
        patched.setenv(name, value)
    env = {**os.environ, **env}
    repository = folder / "repository"
    repository.mkdir()
    (repository / "train.py").write_text(TRAIN)
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org"]
    for words in (["init", "-q"], ["add", "."], ["commit", "-qm", "first"], ["remote", "add", "origin", str(repository)]):
        run(*git, *words, cwd=repository, env=env)
    data = folder / "january.csv"
    data.write_text("a,b,late\n" + "".join(f"{at % 17},{at % 5},{int(at % 17 > 8)}\n" for at in range(200)))
    run(sys.executable, "train.py", "--data", str(data), "--C", "0.5", cwd=repository, env=env)
    (repository / "train.py").write_text("raise SystemExit('a later revision, which does not train any more')\n")
    run(*git, "commit", "-qam", "second", cwd=repository, env=env)
    place = home.Home(folder / "home")
    place.prepare()
    digest, manifest = making.make("mlflow://late/1", place)
    with store.Store(database.sqlite_url(place.store)) as known:
        known.put_endpoint(endpoints.Endpoint("production", "late", {}, stable=1))
        known.add_version("production", "late", digest, manifest.model_digest, "mlflow://late/1", 1.0)
    yield place, folder, data, env
    patched.undo()


@pytest.mark.timeout(300)
def test_a_recipe_that_is_followed_gives_the_same_predictions(world, tmp_path, capsys):
    place, _, data, env = world
    out = tmp_path / "recipe"
    assert main.run(["reproduce", "late/v1", "--to", str(out), "--home", str(place.root)]) == 0
    told = json.loads((out / "recipe.json").read_text())
    readme = (out / "README.md").read_text()
    # 1. the code, by the commands of the README
    clone, checkout = [line.strip() for line in readme.splitlines() if line.startswith("    git ")]
    for line in (clone, checkout):
        run(*shlex.split(line), cwd=tmp_path, env=env)
    # 3. the data is what it was
    (named,) = told["data"]
    assert (named["source"], named["sha256"]) == (str(data), hashlib.sha256(data.read_bytes()).hexdigest())
    # 4. the training, in the environment of this test: its packages are the lock's
    command = shlex.split(told["training"]["command"])
    assert told["parameters"] == {"C": "0.5"}
    run(sys.executable, *command[1:], cwd=tmp_path / "code", env=env)
    # 5. is it the same?
    capsys.readouterr()
    assert main.run(["reproduce", "late/v1", "--check", "mlflow://late/2", "--home", str(place.root)]) == 0
    said = capsys.readouterr().out
    assert "it predicts the same" in said or "the very same model" in said
    assert main.run(["reproduce", "late", "--check", "mlflow://late/2", "--json", "--home", str(place.root)]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["rows"], found["within"], found["data"]) == (10, 10, [])
    assert json.loads((out / "answers.json").read_text()) == told["expected"]["answers"]
    assert "scikit-learn==" in (out / "requirements.lock").read_text()


@pytest.mark.timeout(300)
def test_another_model_is_not_taken_for_it(world, tmp_path, capsys):
    place, folder, data, env = world
    other = tmp_path / "february.csv"
    other.write_text(data.read_text().replace(",1\n", ",x\n").replace(",0\n", ",1\n").replace(",x\n", ",0\n"))
    run("git", "clone", "-q", str(folder / "repository"), str(tmp_path / "code"), cwd=tmp_path, env=env)
    run("git", "checkout", "-q", "HEAD~1", cwd=tmp_path / "code", env=env)
    run(sys.executable, "train.py", "--data", str(other), "--C", "0.5", cwd=tmp_path / "code", env=env)
    newest = max(int(one.rpartition("/")[2]) for one in making.asking.available() if one.startswith("mlflow://late/"))
    assert main.run(["reproduce", "late/v1", "--check", f"mlflow://late/{newest}", "--home", str(place.root)]) == 3
    said = capsys.readouterr().out
    assert "IT DOES NOT PREDICT THE SAME" in said
    assert "is not named now" in said


def test_what_nobody_noted_is_said(world, tmp_path, capsys, monkeypatch):
    place, *_ = world
    with store.Store(database.sqlite_url(place.store), create=False) as known:
        version = known.version("production", "late", 1)
    assert version is not None
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/gone.db")
    found = recipes.of(place, version.digest)
    assert any("the registry cannot be asked" in one for one in found.unknown)
    assert any("hashes of the packages" in one for one in found.unknown)
    assert any("the exact versions of skops" in one for one in found.unknown)
    assert found.expected is not None
    assert main.run(["reproduce", version.digest[:8], "--home", str(place.root)]) == 0
    text = capsys.readouterr().out
    assert "## Not known" in text
    assert "its arguments were not noted" in text or "was not noted" in text


def test_what_is_not_there_is_refused_and_no_folder_is_written_over(world, tmp_path):
    place, *_ = world
    at = ["--home", str(place.root)]
    assert main.run(["reproduce", "late/v9", *at]) == 2
    assert main.run(["reproduce", "f" * 64, *at]) == 2
    (tmp_path / "there").mkdir()
    assert main.run(["reproduce", "late/v1", "--to", str(tmp_path / "there"), *at]) == 2
    assert not list((tmp_path / "there").iterdir())
    with pytest.raises(errors.BundleMissing):
        recipes.of(place, "f" * 64)
