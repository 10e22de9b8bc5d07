"""Models in one's own process: loaded from what a home has, checked as a client's requests are, in the log, following stable."""

import os
import pathlib
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import tidegate
from tidegate.control.loop import trace
from tidegate.core.vocabulary import errors, handling, home, ids, marks, tables
from tidegate.dataplane.predlog import segments
from tidegate.dataplane.wire import tablefile
from tidegate.delivery.registry import making
from tidegate.interface.embedded import following
from tidegate.observability.recording import recorder

MODULE = """
class Sums:
    takes = "records"
    def predict(self, batch):
        if any(row["length"] == 666 for row in batch):
            raise ValueError("no such flower")
        return [row["length"] + {plus} + row["width"] for row in batch]
"""
ROWS = [{"length": 1.0, "width": 2.0}, {"length": 3.5, "width": 4.0}]


def made(place: home.Home, folder: pathlib.Path, plus: int = 0) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "model.py").write_text(MODULE.replace("{plus}", str(plus)))
    (folder / "rows.csv").write_text("length,width\n1.5,2.5\n3.5,4.5\n")
    return making.make(str(folder), place, trust="pickle", example=folder / "rows.csv")[0]


def route(place: home.Home, digest: str, ordinal: int, **more) -> None:
    stable = tables.Deployed(ordinal, digest, "file:///m")
    tablefile.write(
        place.table,
        lambda table: tables.Table(
            0, 0, {**table.routes, "flower-kind": tables.Route("flower-kind", "production", stable, **more)}
        ),
    )


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> tuple[home.Home, str, str]:
    """A home with two bundles."""
    folder = tmp_path_factory.mktemp("embedded")
    place = home.Home(folder / "home")
    place.prepare()
    return place, made(place, folder / "one"), made(place, folder / "two", 1_000)


@pytest.fixture
def place(shelf, tmp_path, monkeypatch):
    """A home of one's own with those bundles, whose endpoint has the first as v3."""
    own = home.Home(tmp_path / ".tidegate")
    own.prepare()
    for digest in shelf[1:]:
        (own.bundles / digest).symlink_to(shelf[0].bundles / digest)
    route(own, shelf[1], 3)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TIDEGATE_HOME", raising=False)
    return own


def logged(place):
    return [
        record for paths in segments.listing(place.segments).values() for _, path in paths for _, record in segments.read(path)
    ]


def test_the_stable_of_an_endpoint_answers_and_is_recorded_and_traced(place, shelf):
    with tidegate.load(endpoint="flower-kind") as model:
        answer = model.predict(ROWS)
    assert (list(answer), answer[1], answer[:1], len(answer)) == ([3.0, 7.5], 7.5, [3.0], 2)
    assert (answer.version, answer.digest, answer.recorded, model.recording) == ("v3", shelf[1], True, True)
    (record,) = logged(place)
    assert ids.text(record.id) == answer.id
    told = (record.endpoint, record.version, record.content, record.rows, record.answers, record.evidence, record.status)
    assert told == ("flower-kind", 3, "embedded", 2, (3.0, 7.5), False, 200)
    for recorded in (False, True):
        if recorded:
            scribe = recorder.Recorder(place, 1.0)
            scribe.step(2.0)
            scribe.flush(3.0)
            scribe.close()
        walked = trace.trace(place, None, answer.id)
        assert (walked.prediction.recorded, walked.prediction.version, walked.prediction.mark) == (recorded, "v3", "ok")
        assert walked.bundle.digest == shelf[1]
        assert walked.bundle.model.startswith("file:")
        assert '"length":1.0' in walked.prediction.input


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(pd.DataFrame(ROWS), id="frame"),
        pytest.param(pd.DataFrame(ROWS).to_numpy(), id="array"),
        pytest.param([[1.0, 2.0], [3.5, 4.0]], id="rows"),
        pytest.param({"length": np.array([1, 3.5]), "width": [2.0, 4.0]}, id="columns"),
        pytest.param(tuple(ROWS), id="records"),
    ],
)
def test_every_form_of_input_is_the_same_request(place, given):
    assert list(tidegate.load(endpoint="flower-kind").predict(given)) == [3.0, 7.5]


def test_one_record_and_one_series_are_one_row(place):
    model = tidegate.load(endpoint="flower-kind")
    assert list(model.predict(ROWS[1])) == list(model.predict(pd.DataFrame(ROWS).iloc[1])) == [7.5]


@pytest.mark.parametrize(
    ("given", "error", "words", "mark"),
    [
        pytest.param([{"length": "a", "width": 1}], errors.InputInvalid, "column `length`, row 0", "REJECTED", id="type"),
        pytest.param(pd.DataFrame({"length": [1.0]}), errors.InputInvalid, "width", "REJECTED", id="column"),
        pytest.param([[1.0, 2.0, 3.0]], errors.InputInvalid, "row 0 has 3 values", "REJECTED", id="width"),
        pytest.param({"length": [1.0, 2.0], "width": [1.0]}, errors.InputInvalid, "1, 2 values", "REJECTED", id="ragged"),
        pytest.param([{"length": float("inf"), "width": 1}], errors.InputInvalid, "infinity", "REJECTED", id="infinite"),
        pytest.param(object(), errors.InputInvalid, "object is no input", "REJECTED", id="form"),
        pytest.param([{"length": 666, "width": 1}], errors.PredictFailed, "no such flower", "ERROR", id="raises"),
        pytest.param([{"length": None, "width": 1}], errors.OutputInvalid, "not finite", "INVALID", id="nan"),
    ],
)
def test_what_is_refused_says_why_and_is_recorded(place, given, error, words, mark):
    model = tidegate.load(endpoint="flower-kind")
    with pytest.raises(error) as caught:
        model.predict(given)
    assert words in str(caught.value)
    (record,) = logged(place)
    assert (record.mark, record.error, record.answered_by) == (marks.Mark[mark], error.code, 0)


def test_an_endpoints_terms_hold_here_too(place, shelf):
    rule = handling.Rule("prediction <= 5", "range", "prediction", high=5.0)
    terms = handling.Terms(coerce=True, round=1, rules=(rule,))
    route(place, shelf[1], 3, terms=terms)
    model = tidegate.load(endpoint="flower-kind")
    assert list(model.predict([{"length": "1.26", "width": 2}])) == [3.3]
    with pytest.raises(errors.OutputRefused, match="prediction <= 5"):
        model.predict(ROWS)
    route(place, shelf[1], 3, terms=terms, guard="flag", inputs="none")
    flagged = tidegate.load(endpoint="flower-kind").predict(ROWS)
    assert (list(flagged), flagged.breach) == ([3.0, 7.5], "prediction <= 5")
    assert [bool(record.input) for record in logged(place)].count(False) == 1


def test_following_changes_over_to_a_new_stable_without_a_failed_call(place, shelf, monkeypatch):
    monkeypatch.setattr(following, "LOOK_SECONDS", 0.01)
    seen: list[tuple[str, float]] = []
    with tidegate.load(endpoint="flower-kind", follow=True) as model:
        for ordinal, digest in ((4, shelf[2]), (5, "0" * 64), (6, shelf[1])):
            route(place, digest, ordinal)
            while model.version != f"v{ordinal}" and digest != "0" * 64:
                answer = model.predict(ROWS[0])
                seen.append((answer.version, answer[0]))
            answer = model.predict(ROWS[0])
            seen.append((answer.version, answer[0]))
    assert set(seen) == {("v3", 3.0), ("v4", 1003.0), ("v6", 3.0)}


def test_bundles_by_digest_and_by_folder(place, shelf):
    by_digest = tidegate.load(shelf[2][:12], endpoint="flower-kind")
    by_folder = tidegate.load(shelf[0].bundles / shelf[2], home=place.root)
    assert list(by_digest.predict(ROWS)) == list(by_folder.predict(ROWS)) == [1003.0, 1007.5]
    assert sorted((record.endpoint, record.version) for record in logged(place)) == [("flower-kind", 0), ("two", 0)]
    with pytest.raises(errors.BundleMissing, match="no one bundle ffffffffffff"):
        tidegate.load("f" * 12)
    with pytest.raises(errors.EndpointUnknown, match="flower-kind"):
        tidegate.load(endpoint="tree-kind")
    with pytest.raises(errors.SpecInvalid, match="no model"):
        tidegate.load()
    with pytest.raises(errors.SpecInvalid, match="followed"):
        tidegate.load(shelf[1], follow=True)
    changed = place.root / "changed"
    changed.mkdir()
    for path in (shelf[0].bundles / shelf[1]).rglob("*"):
        target = changed / path.relative_to(shelf[0].bundles / shelf[1])
        target.mkdir() if path.is_dir() else target.write_bytes(path.read_bytes())
    (changed / "model" / "model.py").write_text("import os\n")
    with pytest.raises(errors.DigestMismatch):
        tidegate.load(changed)


def test_without_a_home_a_reference_is_loaded_and_nothing_recorded(tmp_path, monkeypatch):
    folder = tmp_path / "model"
    made(home.Home(tmp_path / "other"), folder)
    monkeypatch.chdir("/")
    monkeypatch.delenv("TIDEGATE_HOME", raising=False)
    with pytest.raises(errors.TrustRequired):
        tidegate.load(folder, example=folder / "rows.csv")
    model = tidegate.load(folder, trust="pickle", example=folder / "rows.csv", compile="never")
    answer = model.predict(ROWS)
    assert (list(answer), answer.recorded, model.recording, answer.version) == ([3.0, 7.5], False, False, "v0")


FORK = """
import os, tidegate
model = tidegate.load(endpoint="flower-kind")
model.predict({"length": 1, "width": 2})
child = os.fork()
model.predict({"length": 1, "width": 2})
if child: os.waitpid(child, 0)
"""


def test_a_forked_process_writes_under_its_own_incarnation_and_the_dead_lose_nothing(place):
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    subprocess.run([sys.executable, "-c", FORK], cwd=place.root.parent, env=env, check=True, timeout=60)
    found = [(record.incarnation, record.sequence) for record in logged(place)]
    assert len(set(found)) == 3
    assert len({incarnation for incarnation, _ in found}) == 2


def test_importing_the_package_costs_nothing():
    said = subprocess.run(
        [sys.executable, "-c", "import sys, tidegate; print([n for n in sys.modules if n.startswith('tidegate.')])"],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="lode"):
        tidegate.lode  # noqa: B018


def test_the_examples_on_the_page_run_as_they_stand(place, capsys):
    page = pathlib.Path(__file__).parents[2] / "docs" / "embedding.md"
    blocks = re.findall(r"```python\n(.*?)```", page.read_text(), re.DOTALL)
    assert len(blocks) >= 4
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, str(page), "exec"), names)
    said = capsys.readouterr().out
    assert "column `length`, row 0: expected a number or null, got a string" in said
