"""The flights as a table: what left and when, what is missing, what it digests to."""

import pathlib

import pandas as pd
import pytest

from tests.unit import demo_fixtures
from tidegate.core.vocabulary import errors
from tidegate.interface.demo.flights import data


@pytest.fixture
def rows(tmp_path: pathlib.Path) -> pd.DataFrame:
    return data.load(demo_fixtures.write(tmp_path))


def row(rows: pd.DataFrame, name: str) -> pd.Series:
    return rows[rows["name"] == name].iloc[0]


def test_cancelled_flights_are_left_out_and_the_rest_is_in_the_order_in_which_it_left(rows: pd.DataFrame) -> None:
    assert list(rows["name"]) == ["WN5", "WN6", "UA1", "DL4", "B62"]
    assert rows["departs"].is_monotonic_increasing


def test_a_flight_leaves_at_its_scheduled_time_plus_its_delay_over_midnight_too(rows: pd.DataFrame) -> None:
    assert row(rows, "UA1")["departs"] == pd.Timestamp("2013-02-01 13:30", tz="UTC")
    assert row(rows, "B62")["departs"] == pd.Timestamp("2013-02-02 04:55", tz="UTC")
    assert row(rows, "DL4")["departs"] == pd.Timestamp("2013-02-01 14:00", tz="UTC")


def test_a_flight_lands_after_its_time_in_the_air_and_on_the_ground_whatever_the_time_zones(rows: pd.DataFrame) -> None:
    # 8:30 in Newark to 11:30 in Houston, an hour behind: 240 minutes, 200 of them in the air.
    assert row(rows, "UA1")["lands"] == pd.Timestamp("2013-02-01 17:30", tz="UTC")
    # 23:55 in New York to 3:04 in San Juan, an hour ahead: 189 on the clock less 60; 170 in the air leave 19.
    assert row(rows, "B62")["lands"] == pd.Timestamp("2013-02-02 08:04", tz="UTC")


def test_a_diverted_flight_never_has_a_landing_or_an_outcome(rows: pd.DataFrame) -> None:
    assert pd.isna(row(rows, "DL4")["lands"])
    assert pd.isna(row(rows, "DL4")["late"])


def test_late_is_more_than_fifteen_minutes(rows: pd.DataFrame) -> None:
    assert [row(rows, name)["late"] for name in ("WN5", "WN6", "UA1", "B62")] == [0, 1, 0, 1]


def test_missing_weather_stays_missing_and_an_hour_without_a_report_is_missing_altogether(rows: pd.DataFrame) -> None:
    assert pd.isna(row(rows, "UA1")["wind_gust"])
    assert pd.isna(row(rows, "B62")["pressure"])
    assert row(rows, "B62")["wind_gust"] == 21.9
    assert row(rows, "DL4")[[*data.WEATHER]].isna().all()


def test_files_that_are_not_there_are_named_with_the_cure(tmp_path: pathlib.Path) -> None:
    with pytest.raises(errors.ExtraMissing, match="pip install"):
        data.load(tmp_path)
