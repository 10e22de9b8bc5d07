"""Real data under the lookout's eyes, day by day: a year of flights, four years of a census. For `bench.monitors` and tests."""

import datetime as dt
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from tests.conformance import environments
from tests.unit import profiles_fixtures as given
from tidegate.core.stats import counting, seasons
from tidegate.core.vocabulary import alarms, monitoring, profiles
from tidegate.interface.demo.flights import data
from tidegate.observability.drift import lookout

DAY = seasons.DAY
WEEKS = 4
OTHERS = ("id", "year", "employed", "predicted_probability")
Said = list[tuple[int, alarms.Alarm]]
"""(day, alarm) of every look, once a day."""


class Year(given.Hours):
    """Every day's flights of 2013."""

    def __init__(self, root: pathlib.Path, rows: pd.DataFrame, came: dict[str, list[Any]] | None = None) -> None:
        """`came`: the data that came with the model, which then teaches the frames; else the first thousand that left do."""
        columns = {name: rows[name].to_numpy() for name in data.FEATURES}
        frames = _taught(came) if came else {name: counting.framed(name, one[:1_000].tolist()) for name, one in columns.items()}
        super().__init__(root, frames)
        days = rows["departs"].astype("int64").to_numpy() // 10**9 // DAY * DAY
        self.days, begins = np.unique(days, return_index=True)
        for day, part in zip(self.days, np.split(np.arange(len(days)), begins[1:]), strict=True):
            self.put(day, {name: values[part].tolist() for name, values in columns.items()})

    def said(self) -> Iterator[tuple[int, alarms.Alarm]]:
        """What each day's look says."""
        watch = lookout.Lookout(self.home)
        for day in map(int, self.days):
            for alarm in watch.look(day + DAY + 1_000.0):
                yield day, alarm


def flights(root: pathlib.Path, rows: pd.DataFrame) -> Said:
    """All that is said of a year, against January and February, with which the model came."""
    winter = data.of_months(rows, 1, 2)
    came = {name: winter[name].tolist() for name in data.FEATURES}
    year = Year(root, rows, came)
    year.baseline(came, {})
    return list(year.said())


def month(day: int) -> int:
    """Of the day that begins at this Unix time."""
    return dt.datetime.fromtimestamp(day, dt.UTC).month


def years() -> dict[int, dict[str, list[Any]]]:
    """The census of Massachusetts by year, the columns of its rows. They are those of the `nannyml` wheel, read as files."""
    [folder] = environments.python("census").parents[1].glob("lib/python*/site-packages/nannyml/datasets/data")
    found = {}
    for name in ("reference", "analysis"):
        table = pq.read_table(folder / f"employment_MA_{name}.pq")
        wanted = [column for column in table.column_names if column not in OTHERS]
        for year in pc.unique(table.column("year")).to_pylist():
            part = table.filter(pc.equal(table.column("year"), year))
            found[year] = {column: part.column(column).to_pylist() for column in wanted}
            found[year]["prediction"] = part.column("predicted_probability").to_pylist()
    return found


def census(root: pathlib.Path, rows: dict[int, dict[str, list[Any]]], drifts: monitoring.Drift) -> dict[int, list[Said]]:
    """By year, what is said of each of its days, against a model that came with all rows of 2015.

    The rows have a year and no date: each year is spread over four weeks, in a random order.
    """
    world = given.Hours(root, _taught(rows[2015]), monitors=monitoring.Monitors(drift=drifts))
    world.baseline(rows[2015], {})
    watch, rng = lookout.Lookout(world.home), np.random.default_rng(7)
    found: dict[int, list[Said]] = {}
    for at, year in enumerate(sorted(rows)):
        for day, columns in _days(rows[year], given.MONDAY + at * WEEKS * seasons.WEEK, rng):
            world.put(day, columns)
            found.setdefault(year, []).append([(day, alarm) for alarm in watch.look(day + DAY + 1_000.0)])
    return found


def _taught(columns: dict[str, list[Any]]) -> dict[str, profiles.Frame]:
    """The frames of columns, as data that came with a model teaches them."""
    frames = {name: counting.taught(name, counting.known(values)) for name, values in columns.items()}
    return {name: one for name, one in frames.items() if one is not None}


def _days(columns: dict[str, list[Any]], begin: int, rng: np.random.Generator) -> Iterator[tuple[int, dict[str, list[Any]]]]:
    order = rng.permutation(len(columns["AGEP"]))
    for at, part in enumerate(np.array_split(order, 7 * WEEKS)):
        yield begin + at * DAY, {name: [values[place] for place in part] for name, values in columns.items()}
