"""Real seasons: the flights of 2013, day by day, under the monitors' eyes. How often they speak, and of what."""

import collections

import numpy as np
import pytest

from tests.unit import profiles_fixtures as given
from tidegate.core.stats import seasons
from tidegate.core.vocabulary import alarms
from tidegate.interface.demo.flights import data
from tidegate.observability.monitors import lookout, profiling

SCHEDULE = {"carrier", "origin", "dest", "day_of_week", "sched_dep_hour", "distance"}
DAY = seasons.DAY


class Year(given.Hours):
    """Every day's flights; frames are taught by the first thousand that left."""

    def __init__(self, root, rows):
        columns = {name: rows[name].to_numpy() for name in data.FEATURES}
        super().__init__(root, {name: profiling.framed(name, values[:1_000].tolist()) for name, values in columns.items()})
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
def spoken(tmp_path_factory):
    """What was said all the year."""
    return list(Year(tmp_path_factory.mktemp("flights"), data.load()).said())


def by_kind(spoken, kind):
    return [(day, alarm) for day, alarm in spoken if alarm.kind == kind]


def named(alarm):
    return {line.partition(":")[0] for line in alarm.moved}


def test_schedules_are_quiet_all_the_year_against_the_same_weekday(spoken):
    moved = collections.Counter(name for _, alarm in spoken for name in named(alarm))
    assert {name: count for name, count in moved.items() if name in SCHEDULE} == {}


def test_drift_is_said_on_few_days_and_is_weather(spoken):
    days = {day for day, _ in by_kind(spoken, alarms.Kind.DRIFT)}
    assert 5 <= len(days) <= 20
    assert {name for _, alarm in by_kind(spoken, alarms.Kind.DRIFT) for name in named(alarm)} <= set(data.WEATHER)


def test_one_alarm_an_endpoint_and_kind_at_a_time(spoken):
    keys = collections.Counter((day, *alarm.key) for day, alarm in spoken)
    assert set(keys.values()) == {1}
