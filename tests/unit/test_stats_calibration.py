"""What is usual of a series, and what it is held against."""

import math

import numpy as np
import pytest

from tidegate.core.stats import calibration, seasons

DAY, WEEK = seasons.DAY, seasons.WEEK
KEY = ("x", "ks")


class Alone:
    """A series by itself."""

    def __init__(self, limit, *, share=True, patient=True, frozen=0):
        self.several = calibration.Series(frozen)
        self.at = self.several.places([KEY], calibration.Rule(limit, share, patient))
        self.since = None
        """When the run began that is under way."""

    def put(self, begin, size, low):
        self.several.put(begin, self.at, np.array([size]), np.array([low]))
        self.since = self.several.runs(begin).get(KEY)
        return self.since is not None

    def usual(self, begin):
        return self.several.usual(begin, KEY)


def put(series, sizes, begin=0):
    return [series.put((begin + at) * DAY, size, size - 0.02) for at, size in enumerate(sizes)]


def test_nothing_is_over_before_there_is_a_history_unless_it_means_something_without():
    assert put(Alone(0.1), [0.5] * 7) == [False] * 7
    assert put(Alone(0.1, patient=False), [0.5] * 3) == [False, True, True]


def test_two_of_three_begin_a_run_and_one_does_not():
    series = Alone(0.1)
    put(series, [0.01] * 10)
    assert put(series, [0.5, 0.01, 0.01, 0.5, 0.01, 0.5, 0.5, 0.01, 0.01], 10) == [*[False] * 5, True, True, True, False]
    assert series.since is None


def test_a_series_that_often_moves_has_to_move_by_half_as_much_again():
    series = Alone(0.1)
    put(series, [0.05, 0.3] * 28)
    assert series.usual(56 * DAY) == pytest.approx(1 - 0.7**1.5)
    assert put(series, [0.35, 0.35], 56) == [False, False]
    assert put(series, [0.55, 0.55], 58) == [False, True]


def test_a_share_can_pass_what_is_usual_whatever_it_was():
    series = Alone(0.1)
    put(series, [0.9] * 10)
    assert series.usual(10 * DAY) < 1
    times = Alone(3.0, share=False)
    put(times, [4.0] * 10)
    assert times.usual(10 * DAY) == 6.0


def test_what_is_seen_in_a_run_is_not_usual_before_the_run_has_ended():
    series = Alone(0.1)
    put(series, [0.02] * 20)
    assert put(series, [0.5] * 20, 20) == [False] + [True] * 19
    assert series.since == 20 * DAY
    put(series, [0.02] * 3, 40)
    assert series.usual(43 * DAY) > 0.5


def test_what_is_usual_is_what_eight_weeks_were_at_the_same_time_of_day():
    series = Alone(0.1)
    put(series, [0.02] * 10)
    assert series.usual(10 * DAY) < math.inf
    assert series.usual(10 * DAY + 3_600) == math.inf
    put(series, [0.02] * 10, 100)
    assert len(series.several._history[0]) == 10


def test_against_what_never_moves_the_first_weeks_are_what_is_usual():
    series = Alone(0.1, frozen=4 * WEEK)
    found = put(series, [0.05 + at * 0.01 for at in range(90)])
    assert not any(found[:28])
    assert all(found[60:])


@pytest.mark.parametrize(
    ("length", "season", "count", "first"),
    [
        (DAY, "week", 4, WEEK),
        (3_600, "day", 28, DAY),
        (DAY, "none", 1, 28 * DAY),
        (2 * DAY, "day", 1, 28 * DAY),
        (WEEK, "week", 4, WEEK),
    ],
)
def test_a_window_is_held_against_what_does_not_overlap_it(length, season, count, first):
    begin = 100 * WEEK
    found = seasons.before(begin, length, season)
    assert (len(found), found[0][0]) == (count, begin - first)
    assert all(since < until <= begin for since, until in found)


def test_windows_longer_than_a_day_begin_on_mondays():
    assert seasons.floor(seasons.WEEK_BEGINS + 3 * WEEK + 5, WEEK) == seasons.WEEK_BEGINS + 3 * WEEK
    assert seasons.floor(10 * DAY + 5, DAY) == 10 * DAY
