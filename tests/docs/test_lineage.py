"""docs/lineage.md: every command in it is typed, against a home with a version, its release and a prediction, nothing up."""

import json
import pathlib
import re

import msgspec
import pytest

from tests.unit import predlog_fixtures as given
from tidegate.control.store import database, endpoints, store
from tidegate.core.vocabulary import home, ids, manifests, releases
from tidegate.interface.cli import main

PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "lineage.md").read_text()
COMMANDS = re.findall(r"^    (tidegate .*)$", PAGE, re.MULTILINE)
SHA = "5" * 64


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = given.place(tmp_path_factory.mktemp("home"))
    data = manifests.Dataset("january", "training", SHA, "s3://flights/january.parquet")
    origin = manifests.Provenance(
        "mlflow://flight-delay/1", "run1", code_revision="c0ffee", parameters={"depth": "3"}, data=(data,)
    )
    manifest = manifests.Manifest(
        "flight-delay", "sklearn", "model", manifests.Signature("columns", (), ()), (), provenance=origin
    )
    (made.bundles / manifest.digest).mkdir()
    (made.bundles / manifest.digest / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    with store.Store(database.sqlite_url(made.store)) as known:
        known.put_endpoint(endpoints.Endpoint("production", "flight-delay", {}, stable=3))
        at = ("production", "flight-delay")
        for _ in range(3):
            version = known.add_version(*at, manifest.digest, manifest.model_digest, origin.source, 1.0)
        policy, stages = releases.Policy(), (releases.Stage("5%", 500),)
        known.create(releases.Release("r1", *at, version, None, "canary", stages, policy, b"s", 2.0))
    given.writer(made).append([given.prediction(0, version=3, digest=manifest.digest)])
    return made


def said(capsys, place: home.Home, line: str) -> str:
    words = (
        line.replace("--to recipe", f"--to {place.root / ids.text(given.identifier(1))}")
        .replace("SHA", SHA[:8])
        .replace("ID", ids.text(given.identifier(0)))
        .split()[1:]
    )
    code = main.run([*words, "--home", str(place.root)])
    out, err = capsys.readouterr()
    assert code == 0, err
    return out


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_says_what_the_page_promises(capsys, place, line):
    out = said(capsys, place, line)
    assert (SHA in out) or "served" in out or "README.md" in out
    if "--json" in line or "--openlineage" in line:
        json.loads(out)


def test_a_trace_goes_from_the_draw_to_the_data_and_to_the_gates(capsys, place):
    out = said(capsys, place, COMMANDS[0])
    for part in (
        "5.00% to the candidate",
        "run1",
        "c0ffee",
        "depth=3",
        SHA,
        "brought",
        "gates",
        "approval    none was asked for",
    ):
        assert part in out


def test_lineage_answers_in_words_what_a_deletion_comes_to(capsys, place):
    out = said(capsys, place, "tidegate lineage --data SHA")
    assert "flight-delay/v3  serves" in out
    assert "Deleting the data changes no model" in out
    assert out.count("flight-delay/v") >= 3


def test_every_path_and_facet_that_the_page_names_exists():
    source = "".join(path.read_text() for path in pathlib.Path(given.__file__).parents[2].glob("src/tidegate/**/*.py"))
    for facet in re.findall(r"`(tidegate_\w+)`", PAGE):
        assert facet in source
    assert {"/trace/{prediction_id}", "/lineage", "/endpoints/{endpoint}/lineage"} <= set(
        re.findall(r'made\.get\("([^"]+)"\)', source)
    )
