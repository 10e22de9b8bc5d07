"""`tidegate calibrate` over a real store and log: the tables, the document, and what is refused."""

import json

import msgspec
import pytest

from tests.unit import predlog_fixtures
from tests.unit import redrawn_fixtures as given
from tidegate.control.store import database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.decide import strategies
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import home, marks, releases
from tidegate.interface.cli import main

T0 = predlog_fixtures.T0
QUICK = strategies.Plan(strategies.Ramp(weights=(2_500, 5_000), seconds=10.0, at_most=60.0, requests=20))
EASY = releases.Policy(error_margin=0.1)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A home with 25 s of 48 requests a second, all in segments, and three endpoints of one version."""
    made = home.Home(tmp_path_factory.mktemp("home"))
    made.prepare()
    with stores.Store(database.sqlite_url(made.store)) as store:
        for name, way in (("delay", "canary"), ("stopped", "recreate"), ("silent", "canary")):
            settings = given.settings(way, plan=QUICK, policy=EASY, probation_seconds=8.0)
            stored = specification.plain(msgspec.structs.replace(settings, endpoint=name))
            store.put_endpoint(endpoints.Endpoint("production", name, stored, stable=1))
            store.add_version("production", name, "d" * 64, "m" * 64, "mlflow://delay/1", 10.0)
    batch = [
        predlog_fixtures.prediction(
            at,
            at=at / 48,
            endpoint="delay",
            version=1 + (at % 100 == 7),
            mark=marks.Mark.ERROR if at % 400 == 9 else marks.Mark.OK,
        )
        for at in range(1_200)
    ]
    predlog_fixtures.writer(made).append(batch)
    return made


@pytest.fixture(autouse=True)
def _nowhere(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def run(place, *arguments):
    return main.run(["calibrate", *arguments, "--home", str(place.root)])


def test_the_tables_say_how_long_and_what_is_found(place, capsys):
    assert run(place, "delay", "--runs", "2") == 0
    shown = capsys.readouterr().out
    assert "delay v1: 1,188 requests in 25 s, until" in shown
    assert "A candidate that is no worse (2 releases redrawn, canary):" in shown
    assert "Of 2: 2 promoted." in shown
    lines = [line.split() for line in shown.splitlines()]
    dead = next(line for line in lines if line[:2] == ["errors", "100"])
    assert dead[3:5] == ["100", "%"]
    assert dead[-1] == "errors"
    assert [line[1] for line in lines if line[:1] == ["latency"]] == ["x1.1", "x1.5", "x3"]
    assert "No release goes on by itself for an hour" in shown
    assert "12 requests of that time, of other versions, are left out" in shown
    assert "it was gone round" in shown
    assert "`tidegate rehearse delay --aa 20`" in shown


def test_the_document_has_all_of_it_and_a_seed_repeats_it(place, capsys):
    assert run(place, "delay", "--runs", "1", "--seed", "3", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["requests"], found["others"], found["runs"], found["seed"]) == (1_188, 12, 1, 3)
    assert found["promotion"]["median"] >= 20
    assert run(place, "delay", "--runs", "1", "--seed", "3", "--json") == 0
    assert json.loads(capsys.readouterr().out) == found


def test_a_part_of_the_time_can_be_asked_for(place, capsys):
    assert run(place, "delay", "--from", str(T0 + 10), "--to", str(T0 + 19), "--runs", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["begin"], found["end"]) == (T0 + 10, T0 + 19)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["stopped"], "error[nothing-compared]"),
        (["silent"], "no request to v1 of silent is in the log"),
        (["delay", "--from", str(T0 + 100), "--to", str(T0 + 200)], "is in the log for that time"),
        (["delay", "--from", "now", "--to", "2h"], "the time ends before it begins"),
        (["nobody"], "error[endpoint-unknown]"),
        ([], "no endpoint was named"),
    ],
)
def test_what_cannot_be_calibrated_is_refused_with_its_cure(place, arguments, words, capsys):
    assert run(place, *arguments) == 2
    assert words in capsys.readouterr().err
