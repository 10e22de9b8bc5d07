"""What has drifted, over HTTP."""

import api_fixtures
import msgspec
import numpy as np
import profiles_fixtures as given
import pytest
from test_drift_lookout import FRAMES

from tidegate.core.stats import seasons
from tidegate.core.vocabulary import errors, tables
from tidegate.interface.api import accounts, drifted
from tidegate.observability.drift import drifting

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked
DAYS = [given.MONDAY + at * seasons.DAY for at in range(36)]
TIMES = {f"{DAYS[0]}..{DAYS[30]}": ["distance"], str(DAYS[0]): ["distance"]}
NONE = [
    ("now", "24h", "season"),
    ("24h", "now", "now..24h"),
    ("x", "now", "season"),
    ("24h", "now", "trainign"),
    ("24h", "now", ".."),
]


@pytest.fixture
def world(place, store):
    """Five weeks of an endpoint `delay`, of which the last day moved; a candidate answers otherwise."""
    hours, rng = given.Hours(place.root, FRAMES, endpoint="delay"), np.random.default_rng(9)
    hours.route(stable=tables.Deployed(1, "d" * 64, "m"), candidate=tables.Deployed(2, "e" * 64, "m"))
    for at, day in enumerate(DAYS):
        distance = rng.gamma(2.0, 300.0, 2_000) * (2 if at == 35 else 1)
        columns = {"distance": distance, "carrier": ["AA"] * 2_000, "prediction": rng.random(2_000)}
        hours.put(day, columns)
        if at == 35:
            hours.put(day, columns | {"prediction": rng.random(2_000) ** 3}, version=2)
    return hours


def path(against, **more):
    told = "&".join(f"{name}={value}" for name, value in more.items())
    return f"/v1/endpoints/delay/drift?from={DAYS[35]}&to={DAYS[35] + seasons.DAY}&against={against}&{told}"


@pytest.mark.parametrize(("against", "moved"), [("season", ["distance"]), ("stable", ["prediction"]), *TIMES.items()])
def test_a_time_is_held_against_what_is_asked_for(asked, world, against, moved):
    answer = asked.get(path(against))
    assert answer.status_code == 200, answer.text
    report = msgspec.convert({key: value for key, value in answer.json().items() if key != "level"}, drifting.Report)
    assert [one.name for one in report.columns if one.level == "alarm"][:1] == moved
    assert answer.json()["level"] == "alarm"
    assert report.rows[1] > 0


def test_what_came_with_the_model_is_there_or_it_is_said_how_it_comes(asked, world):
    refused = asked.get(path("training"))
    assert (refused.status_code, refused.json()["code"]) == (errors.NothingCompared.status, "nothing-compared")
    assert "example" in refused.json()["cure"]
    rng = np.random.default_rng(10)
    world.baseline({"distance": rng.gamma(2.0, 300.0, 2_000), "carrier": ["AA"] * 2_000, "prediction": rng.random(2_000)}, {})
    found = asked.get(path("training")).json()
    assert (found["against"], found["reference"], found["rows"]) == ("training", [], [4_000, 2_000])
    assert found["columns"][0]["name"] == "distance"


def test_before_there_is_any_season_it_is_what_came_with_the_model(asked, world, place):
    first = path("season").replace(f"from={DAYS[35]}&to={DAYS[35] + seasons.DAY}", f"from={DAYS[0]}&to={DAYS[0] + seasons.DAY}")
    assert asked.get(first).json()["rows"] == [2_000, 0]
    rng = np.random.default_rng(11)
    world.baseline({"distance": rng.gamma(2.0, 100.0, 2_000), "carrier": ["AA"] * 2_000, "prediction": rng.random(2_000)}, {})
    found = asked.get(first).json()
    assert (found["against"], found["rows"], found["columns"][0]["name"]) == ("training", [2_000, 2_000], "distance")
    told = accounts._drift(place, "delay", DAYS[0], DAYS[0] + seasons.DAY, missing := [])
    assert (told.rows, missing) == ((2_000, 2_000), [])
    assert told.against.startswith("the data that came with the model")
    assert told.columns[0].now != told.columns[0].was
    assert asked.get(path("season")).json()["against"] == "season"


@pytest.mark.parametrize("words", NONE)
def test_times_that_are_none_are_refused(words):
    with pytest.raises(errors.TidegateError):
        drifted.asked(words[:2], words[2], now=1.7e9)
