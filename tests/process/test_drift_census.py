"""The real census of Massachusetts under the monitors' eyes: 2015, and the three years after it."""

import pathlib
import re

import pytest

from bench import replays
from tidegate.core.stats import counting, stacks
from tidegate.core.vocabulary import monitoring, profiles
from tidegate.observability.drift import drifting

pytestmark = pytest.mark.no_cover  # it runs the same lines again and again: measuring them doubles its time

PAGE = " ".join((pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text().split())
LATER = (2016, 2017, 2018)


@pytest.fixture(scope="module")
def years():
    """By year, the columns of its rows."""
    found = replays.years()
    assert {year: len(columns["AGEP"]) for year, columns in found.items()} == {
        2015: 68_785,
        2016: 69_126,
        2017: 69_635,
        2018: 70_131,
    }
    return found


def counted(found, subject):
    """By year, the days on which the shift of ancestry was said by this look, and nothing else was; none in 2015."""
    assert [said for said in found[2015] if said] == []
    later = [alarm for year in LATER for said in found[year] for _, alarm in said]
    assert {line.partition(":")[0] for alarm in later for line in alarm.moved} == {"ANC"}
    assert {alarm.subject for alarm in later} == {subject}
    return tuple(sum(bool(said) for said in found[year]) for year in LATER)


def test_by_default_the_shift_after_2015_is_said_to_last_once_four_weeks_prove_it(tmp_path, years):
    found = counted(replays.census(tmp_path, years, monitoring.Drift()), "lasting")
    told = re.search(r"`ANC` alone: on (\d+) of the 28 days of 2016, (\d+) of 2017 and (\d+) of 2018, and on none of 2015", PAGE)
    assert told is not None, found
    assert tuple(map(int, told.groups())) == found


def test_with_a_lower_limit_weeks_say_it(tmp_path, years):
    found = counted(replays.census(tmp_path, years, monitoring.Drift(limit=0.01)), "training")
    told = re.search(r"`monitors.drift.limit: 1%` whole weeks say it, on (\d+), (\d+) and (\d+) days", PAGE)
    assert told is not None, found
    assert tuple(map(int, told.groups())) == found


def test_without_the_look_at_what_lasts_so_little_is_no_alarm(tmp_path, years):
    found = replays.census(tmp_path, years, monitoring.Drift(lasting=0.0))
    assert [said for days in found.values() for said in days if said] == []


def test_how_much_it_is(years):
    frame = profiles.Frame("ANC", classes=tuple(sorted(set(years[2015]["ANC"]))))
    counted = {year: counting.counted(frame, columns["ANC"]) for year, columns in years.items()}
    layout = stacks.Layout({"ANC": frame})
    stacked = {year: layout.stacked(one.seen, {"ANC": one}) for year, one in counted.items()}
    sizes = [drifting.columns(layout, (stacked[2015], stacked[year]))["ANC"].effects[0] for year in LATER]
    told = re.search(
        r"by ([\d.]+), ([\d.]+) and ([\d.]+) % in 2016, 2017 and 2018 \(at least ([\d.]+), ([\d.]+) and ([\d.]+)", PAGE
    )
    found = [f"{100 * one.size:.1f}" for one in sizes] + [f"{100 * one.low:.1f}" for one in sizes]
    assert told is not None, found
    assert list(told.groups()) == found
