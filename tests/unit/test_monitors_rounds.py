"""Watches looked after, what they say, and what control hears of it."""

import time

import msgspec
import pytest

from tidegate.control.loop import hearing
from tidegate.core.vocabulary import alarms, home, placing
from tidegate.observability.monitors import rounds, speaking

DRIFT = alarms.Alarm("drift", "flights", "distance has moved", 100.0)


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.alarms.mkdir()
    return found


class Watch:
    """Finds what it is told to find."""

    name, every = "drift", 60.0

    def __init__(self):
        self.found = [DRIFT]
        self.fails = False

    def look(self, now):
        if self.fails:
            raise ValueError("no")
        return [msgspec.structs.replace(one, since=now) for one in self.found]


def test_control_hears_what_a_watch_finds_and_that_it_is_over(place):
    watch, ear = Watch(), hearing.Ear(place.alarms)
    one = rounds.Round(place, watch)
    assert ear.heard() == []
    one.turn(200.0)
    assert ear.heard() == [msgspec.structs.replace(DRIFT, since=200.0)]
    one.turn(260.0)
    assert [each.since for each in ear.heard()] == [200.0]  # since it began, not since the last look
    watch.found = []
    one.turn(320.0)
    assert ear.heard() == []


def test_a_watch_that_fails_says_so_and_what_it_said_before_counts(place):
    watch, ear = Watch(), hearing.Ear(place.alarms)
    one = rounds.Round(place, watch)
    one.turn(200.0)
    watch.fails = True
    one.turn(260.0)
    assert one.facts["trouble"] == "ValueError: no"
    assert len(ear.heard()) == 1
    watch.fails = False
    one.turn(320.0)
    assert "trouble" not in one.facts


def test_a_watch_rests_the_longer_the_more_work_its_look_was(place):
    class Busy(Watch):
        def look(self, now):
            begun = time.thread_time()
            while time.thread_time() < begun + 0.02:
                pass
            return super().look(now)

    idle, busy = rounds.Round(place, Watch()), rounds.Round(place, Busy())
    idle.turn(200.0)
    busy.turn(200.0)
    assert 0.0 < idle.rest < 0.02 * rounds.RESTS <= busy.rest < rounds.LONGEST_REST


def test_another_process_goes_on_with_what_was_said(place):
    rounds.Round(place, Watch()).turn(200.0)
    again = rounds.Round(place, Watch())
    again.turn(500.0)
    assert [one.since for one in hearing.Ear(place.alarms).heard()] == [200.0]


def test_a_file_that_nobody_understands_leaves_what_was_known(place):
    ear, voice = hearing.Ear(place.alarms), speaking.Voice(place.alarms, "drift")
    voice.say(1.0, [DRIFT])
    assert ear.heard() == [DRIFT]
    (place.alarms / "drift.json").write_text("{")
    assert ear.heard() == [DRIFT]
    assert ear.heard() == [DRIFT]
    (place.alarms / "drift.json").unlink()
    assert ear.heard() == []


@pytest.mark.parametrize("since", [1e308, -1.0, 1e12])
def test_a_file_with_a_time_that_is_none_is_refused_with_why_and_what_was_said_before_counts(place, since, caplog):
    ear, path = hearing.Ear(place.alarms), place.alarms / "mine.json"
    path.write_bytes(msgspec.json.encode(alarms.Said(200.0, (DRIFT,))))
    assert ear.heard() == [DRIFT]
    wrong = msgspec.structs.replace(DRIFT, since=since, subject="distance")
    placing.put(path, msgspec.json.encode(alarms.Said(260.0, (wrong,))))
    assert ear.heard() == [DRIFT]
    (told,) = [one.why for one in caplog.records if one.msg == "a monitor cannot be understood"]
    assert told.startswith(f"the alarm drift:flights:distance is since {since:g}, which is no time: write Unix seconds")
