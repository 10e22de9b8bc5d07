"""The real census of Massachusetts under the monitors' eyes: 2015, and the three years after it.

The rows are those of the `nannyml` wheel, read as files; nothing of it is imported. They have a year and no date: each year is
spread over four weeks, in a random order.
"""

import pathlib
import re

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from tests.conformance import environments
from tests.unit import profiles_fixtures as given
from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import monitoring, profiles
from tidegate.observability.drift import drifting, lookout

PAGE = " ".join((pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text().split())
WEEKS = 4
DAYS = 7 * WEEKS
OTHERS = ("id", "year", "employed", "predicted_probability")


@pytest.fixture(scope="module")
def years():
    """By year, the columns of its rows."""
    [folder] = environments.python("census").parents[1].glob("lib/python*/site-packages/nannyml/datasets/data")
    found = {}
    for name in ("reference", "analysis"):
        table = pq.read_table(folder / f"employment_MA_{name}.pq")
        wanted = [column for column in table.column_names if column not in OTHERS]
        for year in pc.unique(table.column("year")).to_pylist():
            part = table.filter(pc.equal(table.column("year"), year))
            found[year] = {column: part.column(column).to_pylist() for column in wanted}
            found[year]["prediction"] = part.column("predicted_probability").to_pylist()
    assert {year: len(columns["AGEP"]) for year, columns in found.items()} == {
        2015: 68_785,
        2016: 69_126,
        2017: 69_635,
        2018: 70_131,
    }
    return found


def days(columns, begin, rng):
    """(day, columns) of a year's rows, spread over four weeks."""
    order = rng.permutation(len(columns["AGEP"]))
    for at, part in enumerate(np.array_split(order, DAYS)):
        yield begin + at * seasons.DAY, {name: [values[place] for place in part] for name, values in columns.items()}


def said(root: pathlib.Path, years, limit):
    """By year, the alarms of its days, against a model that came with the rows of 2015."""
    frames = {name: counting.taught(name, counting.known(values)) for name, values in years[2015].items()}
    watched = monitoring.Monitors(drift=monitoring.Drift(limit=limit))
    world = given.Hours(root, frames, monitors=watched)
    world.baseline(years[2015], {})
    watch, rng, found = lookout.Lookout(world.home), np.random.default_rng(7), {}
    for at, year in enumerate(sorted(years)):
        for day, columns in days(years[year], given.MONDAY + at * WEEKS * seasons.WEEK, rng):
            world.put(day, columns)
            found.setdefault(year, []).append(watch.look(day + seasons.DAY + 1_000.0))
    return found


def test_the_shift_after_2015_is_said_of_ancestry_and_2015_itself_is_quiet(tmp_path, years):
    found = said(tmp_path, years, 0.01)
    assert [alarms for alarms in found[2015] if alarms] == []
    later = [alarm for year in (2016, 2017, 2018) for alarms in found[year] for alarm in alarms]
    named = [line.partition(":")[0] for alarm in later for line in alarm.moved]
    assert set(named) == {"ANC"}
    assert {alarm.subject for alarm in later} == {"training"}
    counted = {year: sum(bool(alarms) for alarms in found[year]) for year in found}
    told = re.search(r"on (\d+) of the 28 days of 2016, (\d+) of 2017 and (\d+) of 2018, and on none of 2015", PAGE)
    assert told is not None, counted
    assert tuple(map(int, told.groups())) == (counted[2016], counted[2017], counted[2018])


def test_by_the_default_limit_so_little_is_no_alarm(tmp_path, years):
    found = said(tmp_path, years, monitoring.Drift().limit)
    assert [alarm for alarms in found.values() for each in alarms for alarm in each] == []


def test_how_much_it_is(years):
    frame = profiles.Frame("ANC", classes=tuple(sorted(set(years[2015]["ANC"]))))
    counted = {year: counting.counted(frame, columns["ANC"]) for year, columns in years.items()}
    sizes = [drifting.column(frame, counted[year], counted[2015]).effects[0] for year in (2016, 2017, 2018)]
    told = re.search(r"by ([\d.]+), ([\d.]+) and ([\d.]+) % in 2016, 2017 and 2018", PAGE)
    assert told is not None
    assert list(told.groups()) == [f"{100 * one.size:.1f}" for one in sizes]
    assert all(one.low > 0.015 for one in sizes)
