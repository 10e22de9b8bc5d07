"""Points in time as people write them."""

import datetime as dt

import pytest

from tidegate.core.vocabulary import errors
from tidegate.interface.api import moments

NOW = 1_772_380_800.0  # 2026-03-01 16:00:00 UTC
EAST = dt.timezone(dt.timedelta(hours=1))
WRITTEN = {
    "now": NOW,
    "2026-03-01": NOW - 16 * 3600,
    "2026-03-01T14:30": NOW - 5400,
    "2026-03-01 14:30:15": NOW - 5385,
    "2026-03-01T14:30:00Z": NOW - 5400,
    "2026-03-01T14:30:00+02:00": NOW - 5400 - 7200,
    "1772380000": 1_772_380_000.0,
    "1772380000.5": 1_772_380_000.5,
    "90m": NOW - 5400,
    "2h": NOW - 7200,
    "2 hours ago": NOW - 7200,
    "2 days ago": NOW - 2 * 86_400,
    "1 day": NOW - 86_400,
    "1h30m ago": NOW - 5400,
    "1 hour 30 minutes ago": NOW - 5400,
    "1 hour and 5 mins": NOW - 3900,
    "3 weeks": NOW - 21 * 86_400,
    "45 seconds": NOW - 45,
    "500 days ago": NOW - 500 * 86_400,
}


@pytest.mark.parametrize("text", WRITTEN)
def test_a_time_is_read_as_it_is_meant(text):
    assert moments.parse(text, NOW, dt.UTC) == pytest.approx(WRITTEN[text])


def test_without_a_zone_the_one_given_counts_and_is_told_back():
    assert moments.parse("2026-03-01T14:30", NOW, EAST) == NOW - 5400 - 3600
    assert moments.shown(NOW, EAST) == "2026-03-01 17:00:00 +01:00"
    local = moments.parse("2026-03-01T14:30", NOW, None)
    assert moments.shown(local, None).startswith("2026-03-01 14:30:00 ")


NO_TIMES = [
    "",
    "yesterday",
    "2026-13-01",
    "14:30",
    "5",
    "2 fortnights ago",
    "-3h",
    "1969-01-01T00:00Z",
    "2h?",
    "99999999 days ago",
]


@pytest.mark.parametrize("text", NO_TIMES)
def test_what_is_no_time_is_refused_with_what_is_one(text):
    with pytest.raises(errors.MomentInvalid, match="2 days ago"):
        moments.parse(text, NOW, dt.UTC)


@pytest.mark.parametrize(("at", "year"), [(1e308, "9999"), (-1e308, "19"), (float("nan"), "19"), (float("inf"), "9999")])
def test_what_no_calendar_has_is_shown_as_the_nearest_that_it_has(at, year):
    assert moments.local(at).startswith(year)
    assert moments.shown(at, EAST).startswith(year)
