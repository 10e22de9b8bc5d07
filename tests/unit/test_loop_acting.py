"""What alarms do without a release: asked for once, with its event; and where nothing can be done, that is told once, too."""

import itertools

import msgspec
import pytest

from tests.unit import alarm_fixtures
from tidegate.control.loop import acting, letters, rehearsing, transitions
from tidegate.control.store import database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.vocabulary import alarms, home, incidents

DRIFT = alarm_fixtures.DRIFT


@pytest.fixture
def place(tmp_path):
    return home.Home(tmp_path)


@pytest.fixture
def desk(place):
    with stores.Store(database.sqlite_url(place.store)) as opened:
        settings = specification.plain(specification.Settings("delay", "m", rehearse_seconds=3_600.0))
        opened.put_endpoint(endpoints.Endpoint("production", "delay", settings, stable=2, kept=(1,)))
        for number in (1, 2):
            opened.add_version("production", "delay", f"{number}" * 64, f"m{number}" * 32, "m", 1.0)
        numbers = itertools.count(1)
        yield transitions.Desk(opened, "production", lambda: f"r{next(numbers)}")


def wrong(desk, action, **more):
    return alarm_fixtures.raised(desk.store, msgspec.structs.replace(DRIFT, action=action, **more), 50.0)


def acted(desk):
    return [one for one in desk.store.alarm_events("production") if one.kind == incidents.ACTED]


def test_a_retraining_is_asked_for_once_with_the_version_that_serves(desk, place):
    wrong(desk, alarms.Action.RETRAIN)
    for now in (60.0, 61.0):
        acting.turn(desk, place, now)
    (event,) = acted(desk)
    assert (event.facts["job"], event.facts["version"], event.at) == ("retrain", 2, 60.0)
    assert event.reason == "a retraining is asked for: alarm drift: inputs are others than they were"
    assert [letter.kind for letter in letters.of(event)] == ["drift"]


@pytest.mark.parametrize("action", [alarms.Action.NOTIFY, alarms.Action.HOLD])
def test_what_only_tells_or_holds_does_nothing_by_itself(desk, place, action):
    wrong(desk, action)
    acting.turn(desk, place, 60.0)
    assert acted(desk) == []
    assert desk.latest("delay") is None


def test_a_way_back_that_cannot_be_gone_is_told_once(desk, place):
    wrong(desk, alarms.Action.ROLLBACK)
    for now in (60.0, 61.0):
        acting.turn(desk, place, now)
    (event,) = acted(desk)
    assert event.reason.startswith("nothing goes back, ")
    assert "bundle" in event.reason
    assert list(letters.of(event))
    assert desk.store.holds("production", "delay") == []
    assert desk.latest("delay") is None


def test_a_version_that_an_alarm_brought_back_is_not_left(desk, place):
    desk.store.note("production", "delay", "brought_back", "2")
    wrong(desk, alarms.Action.ROLLBACK)
    acting.turn(desk, place, 60.0)
    (event,) = acted(desk)
    assert "v2 was itself brought back by an alarm" in event.reason


def test_no_drill_begins_while_releases_are_held(desk, place):
    drills = rehearsing.Drills(desk, place)
    drills.turn(desk.rows(), 0.0)
    wrong(desk, alarms.Action.HOLD)
    drills.turn(desk.rows(), 3_700.0)
    assert float(desk.store.fact("production", "delay", rehearsing.NOTE)) == 0.0
