"""A year of real flights: the watch on outcomes is quiet over storms and seasons, and finds the day a feature went missing.

A model of January answers all flights from February on; whether one is late is known when it lands. On some days most are late
together, so a day is one observation.
"""

import pathlib

import numpy as np
import pytest
from sklearn import ensemble

from tidegate.core.stats import worsening
from tidegate.core.vocabulary import home, tables
from tidegate.dataplane.predlog import labelled
from tidegate.interface.demo.flights import data
from tidegate.observability.outcomes import performing

pytestmark = pytest.mark.no_cover  # it runs the same lines again and again: measuring them doubles its time

DAY = 86_400.0
FEATURES = ["sched_dep_hour", "dep_delay", "distance", "temp", "wind_speed", "precip", "visib"]
ROUTE = tables.Route("flights", "production", tables.Deployed(1, "d" * 64, "m"), outcomes=tables.Outcomes(kind="probability"))
PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()


@pytest.fixture(scope="module")
def year():
    """(flights in order, the model of January)."""
    flights = data.load()
    known = (flights["month"] == 1) & flights["late"].notna()
    model = ensemble.HistGradientBoostingClassifier(max_iter=60, random_state=1)
    model.fit(flights.loc[known, FEATURES].to_numpy(float), flights.loc[known, "late"].astype(int))
    return flights[flights["month"] >= 2], model


def answered(flights, model, gone: float = np.inf) -> labelled.Rows:
    """What the model answered, with the delay at departure missing from a time on; labels are there on landing."""
    at = flights["departs"].dt.as_unit("s").astype("int64").to_numpy().astype(float)
    given = flights[FEATURES].to_numpy(float)
    given[at >= gone, FEATURES.index("dep_delay")] = np.nan
    heard = (flights["late"].notna() & flights["lands"].notna()).to_numpy()
    lands = np.where(heard, flights["lands"].dt.as_unit("s").astype("int64").to_numpy(), 0)
    label = np.where(heard, flights["late"].to_numpy(float, na_value=np.nan), np.nan)
    lag = np.where(heard, np.maximum(lands - at, 0), np.nan)
    count, blank = at.size, np.full(at.size, "", object)
    names = np.array([b"%036d" % number for number in range(count)])
    answer = model.predict_proba(given)[:, 1]
    ones, zeros = np.ones(count, np.int64), np.zeros(count, np.int64)
    return labelled.Rows(ones, at, answer, label, lag, blank, names, zeros, np.zeros(count, bool))


def looks(rows: labelled.Rows, place: home.Home):
    """(days since the first flight, alarms) of a look every week."""
    kept = performing.Kept(place, ROUTE)
    for day in range(21, 330, 7):
        now = float(rows.at[0]) + day * DAY
        yield day, list(performing.judged(ROUTE, rows.until(now), now, kept))


def test_a_year_of_storms_and_seasons_raises_no_alarm(tmp_path: pathlib.Path, year) -> None:
    found = [(day, alarms) for day, alarms in looks(answered(*year), home.Home(tmp_path))]
    assert len(found) == 45
    assert [(day, [one.words for one in alarms]) for day, alarms in found if alarms] == []
    assert "looked at every week from February to December, 45 times, it raised no alarm" in " ".join(PAGE.split())


def test_rows_of_a_stormy_day_are_no_bets_of_their_own(tmp_path: pathlib.Path, year, monkeypatch) -> None:
    monkeypatch.setattr(worsening, "CLUSTERED", np.inf)
    false = sum(bool(alarms) for _, alarms in looks(answered(*year), home.Home(tmp_path)))
    assert false == 18
    assert f"it would have raised one {false} times" in " ".join(PAGE.split())


def test_a_feature_that_goes_missing_is_found_by_its_outcomes(tmp_path: pathlib.Path, year) -> None:
    first = float(answered(*year).at[0])
    gone = first + 150 * DAY  # 1 July
    rows = answered(*year, gone)
    found = {day: alarms for day, alarms in looks(rows, home.Home(tmp_path)) if alarms}
    (alarm,) = found[min(found)]
    assert min(found) - 150 <= 21
    assert gone <= alarm.since
    assert "day by day, since answers are wrong together" in alarm.words
    assert "since 2013-07-09" in alarm.words
    assert "9 July" in PAGE
