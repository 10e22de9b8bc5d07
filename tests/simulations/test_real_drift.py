"""Real seasons: the flights of 2013, day by day, under the monitors' eyes. How often they speak, and of what."""

import collections
import datetime as dt
import pathlib
import re

import numpy as np
import pytest

from tests.unit import profiles_fixtures as given
from tidegate.core.stats import counting, seasons
from tidegate.interface.demo.flights import data
from tidegate.observability.drift import classifying, lookout

PAGE = " ".join((pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text().split())
SCHEDULE = {"carrier", "origin", "dest", "day_of_week", "sched_dep_hour", "distance"}
DAY = seasons.DAY


class Year(given.Hours):
    """Every day's flights; frames are taught by the first thousand that left."""

    def __init__(self, root, rows):
        columns = {name: rows[name].to_numpy() for name in data.FEATURES}
        super().__init__(root, {name: counting.framed(name, values[:1_000].tolist()) for name, values in columns.items()})
        days = rows["departs"].astype("int64").to_numpy() // 10**9 // DAY * DAY
        self.days, begins = np.unique(days, return_index=True)
        for day, part in zip(self.days, np.split(np.arange(len(days)), begins[1:]), strict=True):
            self.put(day, {name: values[part].tolist() for name, values in columns.items()})

    def said(self):
        """(day, alarm) of every look, once a day."""
        watch = lookout.Lookout(self.home)
        for day in map(int, self.days):
            for alarm in watch.look(day + DAY + 1_000.0):
                yield day, alarm


@pytest.fixture(scope="module")
def flights():
    """All of them."""
    return data.load()


@pytest.fixture(scope="module")
def spoken(tmp_path_factory, flights):
    """What was said all the year, of a model that came without data."""
    return list(Year(tmp_path_factory.mktemp("flights"), flights).said())


@pytest.fixture(scope="module")
def trained(tmp_path_factory, flights):
    """What was said all the year against the flights of January and February, with which the model came."""
    year = Year(tmp_path_factory.mktemp("trained"), flights)
    winter = data.of_months(flights, 1, 2)
    year.baseline({name: winter[name].tolist() for name in data.FEATURES}, {})
    return [(day, alarm) for day, alarm in year.said() if alarm.subject == "training"]


def days(spoken, kind):
    return {day for day, alarm in spoken if alarm.kind == kind}


def named(alarm):
    return {line.partition(":")[0] for line in alarm.moved}


def month(day):
    return dt.datetime.fromtimestamp(day, dt.UTC).month


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


def test_summer_is_not_what_a_model_of_the_winter_was_trained_on(trained):
    warm = collections.Counter(month(day) for day, alarm in trained if "temp" in named(alarm))
    told = re.search(
        r"`temp` on (\d+) of the 92 days of June, July and August and on (\d+) of the 59 of January and February", PAGE
    )
    assert told is not None, warm
    assert tuple(map(int, told.groups())) == (sum(warm[at] for at in (6, 7, 8)), warm[1] + warm[2])
    assert "dep_delay" in {name for day, alarm in trained if month(day) == 7 for name in named(alarm)}
    assert SCHEDULE & {name for _, alarm in trained for name in named(alarm)} == set()


@pytest.mark.parametrize(("names", "low", "high"), [(sorted(SCHEDULE), 0.44, 0.56), (data.FEATURES, 0.8, 1.0)])
def test_weeks_are_told_apart_by_their_weather_and_not_by_their_schedule(flights, names, low, high):
    """Statistics.md 3.3: 0.46 to 0.53, and 0.84 to 0.96 in every week: a fixed limit would always alarm, or never."""
    rows = flights[(flights["departs"] >= "2013-05-06") & (flights["departs"] < "2013-06-10")]
    week = rows["departs"] >= "2013-06-03"
    rng = np.random.default_rng(1)
    drawn = [part.iloc[np.sort(rng.choice(len(part), classifying.ROWS, replace=False))] for part in (rows[week], rows[~week])]
    seen, known = ({name: part[name].astype(object).where(part[name].notna(), None).tolist() for name in names} for part in drawn)
    assert low <= classifying.apart(seen, known).auc <= high
