"""Real seasons: the flights of 2013, day by day, under the monitors' eyes. How often they speak, and of what."""

import collections
import pathlib
import re

import numpy as np
import pytest

from bench import replays
from tidegate.interface.demo.flights import data
from tidegate.observability.drift import classifying

PAGE = " ".join((pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text().split())
SCHEDULE = {"carrier", "origin", "dest", "day_of_week", "sched_dep_hour", "distance"}


@pytest.fixture(scope="module")
def flights():
    """All of them."""
    return data.load()


@pytest.fixture(scope="module")
def spoken(tmp_path_factory, flights):
    """What was said all the year, of a model that came without data."""
    return list(replays.Year(tmp_path_factory.mktemp("flights"), flights).said())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, flights):
    """What was said all the year against the flights of January and February, with which the model came."""
    return replays.flights(tmp_path_factory.mktemp("trained"), flights)


@pytest.fixture(scope="module")
def weeks(trained):
    """Of these, what whole weeks said."""
    return [(day, alarm) for day, alarm in trained if alarm.subject == "training"]


def days(spoken, kind):
    return {day for day, alarm in spoken if alarm.kind == kind}


def named(alarm):
    return {line.partition(":")[0] for line in alarm.moved}


def test_schedules_are_quiet_all_the_year_against_the_same_weekday(spoken):
    moved = collections.Counter(name for _, alarm in spoken for name in named(alarm))
    assert {name: count for name, count in moved.items() if name in SCHEDULE} == {}


def test_drift_is_said_on_few_days_and_is_weather(spoken):
    assert {name for _, alarm in spoken if alarm.kind == "drift" for name in named(alarm)} <= set(data.WEATHER)
    told = re.search(r"drift alarms on (\d+) of (\d+) days, quality alarms on (\d+)", PAGE)
    found = (len(days(spoken, "drift")), 365, len(days(spoken, "quality")))
    assert told is not None, found
    assert tuple(map(int, told.groups())) == found


def test_one_alarm_an_endpoint_and_kind_at_a_time(spoken):
    keys = collections.Counter((day, *alarm.key) for day, alarm in spoken)
    assert set(keys.values()) == {1}


def test_summer_is_not_what_a_model_of_the_winter_was_trained_on(weeks):
    warm = collections.Counter(replays.month(day) for day, alarm in weeks if "temp" in named(alarm))
    told = re.search(
        r"`temp` on (\d+) of the 92 days of June, July and August and on (\d+) of the 59 of January and February", PAGE
    )
    assert told is not None, warm
    assert tuple(map(int, told.groups())) == (sum(warm[at] for at in (6, 7, 8)), warm[1] + warm[2])
    assert "dep_delay" in {name for day, alarm in weeks if replays.month(day) == 7 for name in named(alarm)}
    assert SCHEDULE & {name for _, alarm in weeks for name in named(alarm)} == set()


def test_what_lasts_is_other_places_in_summer_and_nothing_in_the_season_of_the_model(trained):
    lasts = [(replays.month(day), alarm) for day, alarm in trained if alarm.subject == "lasting"]
    by = collections.Counter(name for _, alarm in lasts for name in named(alarm))
    of_summer = [at for at, alarm in lasts if at in (6, 7, 8) and "dest" in named(alarm)]
    told = re.search(
        r"on none of the (\d+) days until the end of April; of `dest` on (\d+) of the 92 days of June, July and August and on "
        r"(\d+) of all; of `distance` on (\d+) and `origin` on (\d+)",
        PAGE,
    )
    assert [at for at, _ in lasts if at <= 4 and at != 1] == []
    found = (120, len(of_summer), *(by[name] for name in ("dest", "distance", "origin")))
    assert set(by) == {"dest", "distance", "origin"}
    assert told is not None, found
    assert tuple(map(int, told.groups())) == found


@pytest.mark.parametrize(("names", "low", "high"), [(sorted(SCHEDULE), 0.44, 0.56), (data.FEATURES, 0.8, 1.0)])
def test_weeks_are_told_apart_by_their_weather_and_not_by_their_schedule(flights, names, low, high):
    """0.46 to 0.53, and 0.84 to 0.96 in every week: a fixed limit would always alarm, or never."""
    rows = flights[(flights["departs"] >= "2013-05-06") & (flights["departs"] < "2013-06-10")]
    week = rows["departs"] >= "2013-06-03"
    rng = np.random.default_rng(1)
    drawn = [part.iloc[np.sort(rng.choice(len(part), classifying.ROWS, replace=False))] for part in (rows[week], rows[~week])]
    seen, known = ({name: part[name].astype(object).where(part[name].notna(), None).tolist() for name in names} for part in drawn)
    assert low <= classifying.apart(seen, known).auc <= high
