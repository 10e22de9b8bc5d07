"""Alarms without a socket: heard, shown, acknowledged and snoozed by commands that control answers, and their past."""

import json

import api_fixtures
import msgspec
import pytest

from tests.unit import alarm_fixtures
from tidegate.control.loop import alarms as book
from tidegate.control.loop import commands, transitions
from tidegate.control.store import database, holders
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import alarms, incidents, tokens
from tidegate.interface.cli.views import alarms as view

made, place, store, asked = api_fixtures.made, api_fixtures.place, api_fixtures.store, api_fixtures.asked
DRIFT = alarm_fixtures.DRIFT
COLUMN = msgspec.structs.replace(DRIFT, subject="distance")
WORSE = msgspec.structs.replace(DRIFT, severity="critical")


@pytest.fixture
def desk(store):
    return transitions.Desk(store, "production", lambda: "r1")


@pytest.fixture
def told(place, store, asked):
    """Posts a body to a path, with control there to answer at Unix time `now`."""

    def post(path, now=100.0, token="secret", **body):
        def answer(command):
            with stores.Store(database.sqlite_url(place.store)) as own:  # another process's
                desk = transitions.Desk(own, "production", lambda: "r1")
                commands.answer(desk, place, msgspec.structs.replace(command, at=now), now)

        with api_fixtures.control(place, store, answer):
            return asked.post(f"/v1/alarms/{path}", token=token, content=json.dumps(body))

    return post


def kinds(store):
    return [event.kind for event in store.alarm_events("production")]


def test_what_is_wrong_is_told_with_all_that_is_known_of_it(desk, asked):
    book.Book(desk).settle([DRIFT], 5.0)
    (found,) = asked.get("/v1/alarms").json()
    assert (found["kind"], found["since"], found["opened_at"], found["action"]) == ("drift", 1.0, 5.0, "notify")
    assert (found["moved"], found["examples"], found["next"]) == ([*DRIFT.moved], ["p1", "p2"], "tidegate drift delay")
    assert asked.get("/v1/status").json()["alarms"] == [found]
    assert asked.get("/v1/alarms?endpoint=other").json() == []


def test_critical_ones_come_first_and_then_the_oldest(desk, asked):
    one = book.Book(desk)
    later = msgspec.structs.replace(WORSE, subject="later")
    one.settle([DRIFT], 5.0)
    one.settle([DRIFT, COLUMN], 6.0)
    one.settle([DRIFT, COLUMN, later], 7.0)
    assert [found["subject"] for found in asked.get("/v1/alarms").json()] == ["later", "", "distance"]


def test_the_same_alarm_is_one_whatever_it_says_now(desk, store):
    one = book.Book(desk)
    one.settle([DRIFT], 5.0)
    for now in range(6, 60):
        one.settle([msgspec.structs.replace(DRIFT, words=f"for {now} s", since=float(now))], float(now))
    (incident,) = store.alarms("production")
    assert (incident.alarm.words, incident.alarm.since) == ("for 55 s", 1.0)
    assert kinds(store) == ["alarm"]


def test_a_flood_of_alarms_is_written_down_bit_by_bit_and_the_worst_first(desk, store):
    clock = iter(range(10_000))
    flood = [msgspec.structs.replace(DRIFT, subject=str(at)) for at in range(9)] + [msgspec.structs.replace(WORSE, subject="9")]
    one = book.Book(desk, clock=lambda: next(clock) * book.BUSY_SECONDS)
    one.settle(flood, 5.0)
    assert [incident.alarm.severity for incident in store.alarms("production")] == ["critical"]
    for now in range(6, 15):
        one.settle(flood, float(now))
    assert len(store.alarms("production")) == len(flood)
    assert kinds(store) == ["alarm"] * len(flood), "each once"
    for now in range(15, 25):
        one.settle([], float(now))
    assert not [incident for incident in store.alarms("production") if incident.open]


def test_a_restart_of_control_neither_closes_nor_raises_anything_again(desk, store):
    deaf = alarms.Alarm(alarms.Kind.NOTIFY_FAILED, "", "env:MAIL takes none", 1.0)
    book.Book(desk).settle([DRIFT, deaf], 5.0)
    again = book.Book(desk)
    again.settle([DRIFT], 6.0)
    assert all(one.open for one in store.alarms("production"))
    again.settle([DRIFT], 6.0 + book.INHERITED_SECONDS)
    assert [one.alarm.kind for one in store.alarms("production") if one.open] == ["drift"]


def test_who_has_it_is_told_and_an_event_in_their_name(desk, store, asked, told):
    book.Book(desk).settle([COLUMN], 5.0)
    done = told("acknowledge", endpoint="delay", kind="drift", reason="a fare sale", actor="ada")
    assert done.status_code == 200, done.text
    (found,) = asked.get("/v1/alarms").json()
    assert found["acknowledged"] == {"actor": "ada", "at": 100.0, "reason": "a fare sale", "go_on": False, "until": 0.0}
    (event,) = (one for one in store.alarm_events("production") if one.kind == incidents.ACKNOWLEDGED)
    assert (event.actor, event.said, event.facts["subject"]) == ("ada", "a fare sale", "distance")


def test_of_several_one_has_to_be_named(desk, asked, told):
    book.Book(desk).settle([COLUMN, msgspec.structs.replace(DRIFT, subject="carrier")], 5.0)
    refused = told("snooze", endpoint="delay", kind="drift", seconds=60)
    assert (refused.status_code, refused.json()["code"]) == (404, "alarm-unknown")
    assert "drift:carrier, drift:distance" in refused.json()["error"]
    assert told("snooze", endpoint="delay", kind="drift", subject="carrier", seconds=60).status_code == 200
    assert [one["snoozed"] is not None for one in asked.get("/v1/alarms").json()] == [True, False]


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("acknowledge", {"endpoint": "delay", "kind": "quality"}, "alarm-unknown"),
        ("acknowledge", {"endpoint": "", "kind": "drift"}, "alarm-unknown"),
        ("snooze", {"endpoint": "delay", "kind": "drift", "seconds": 0}, "body-malformed"),
        ("snooze", {"endpoint": "delay", "kind": "drift", "seconds": 1e9}, "body-malformed"),
        ("acknowledge", {"endpoint": "delay", "kind": "drift", "goon": True}, "body-malformed"),
    ],
)
def test_what_cannot_be_meant_changes_nothing(desk, store, told, path, body, code):
    book.Book(desk).settle([DRIFT], 5.0)
    assert told(path, **body).json()["code"] == code
    assert kinds(store) == ["alarm"]


def test_a_reader_may_look_and_not_acknowledge(desk, store, asked, told):
    book.Book(desk).settle([DRIFT], 5.0)
    reader = tokens.Token("viewer", tokens.digest(b"shown"), ("read",))
    store.admit(holders.Holder("production", reader, "ada", 1.0))
    assert asked.request("GET", "/v1/alarms", token="shown").status_code == 200
    assert told("acknowledge", token="shown", endpoint="delay", kind="drift").json()["code"] == "scope-missing"


def test_the_past_is_told_from_the_events(desk, store, asked, told):
    one = book.Book(desk)
    one.settle([DRIFT], 5.0)
    told("acknowledge", endpoint="delay", kind="drift", reason="mine", actor="ada")
    one.settle([WORSE], 110.0)
    one.settle([], 120.0)
    one.settle([DRIFT], 2_000.0)
    newest, oldest = asked.get("/v1/endpoints/delay/incidents?since=1970-01-01").json()
    assert (oldest["severity"], oldest["ended_at"], oldest["acknowledged"]) == ("critical", 120.0, None)
    assert (newest["ended_at"], newest["opened_at"], newest["times"]) == (0.0, 2_000.0, 1)
    assert asked.get("/v1/alarms?all=true&since=1970-01-01&endpoint=delay").json() == [newest, oldest]


def test_what_is_open_is_among_the_past_however_old_it_is(desk, asked):
    book.Book(desk).settle([DRIFT], 5.0)
    (found,) = asked.get("/v1/alarms?all=true&since=1h").json()
    assert (found["kind"], found["ended_at"]) == ("drift", 0.0)
    assert asked.get("/v1/alarms?all=true&since=1h&endpoint=other").json() == []


def test_alarms_of_a_store_from_before_are_kept(store):
    store.note("production", "delay", "alarm:drift:", msgspec.json.encode(DRIFT).decode())
    (incident,) = store.alarms("production")
    assert (incident.alarm, incident.open, incident.number) == (DRIFT, True, 0)


def test_people_read_a_fact_a_line(desk, asked, told):
    book.Book(desk).settle([WORSE], 5.0)
    told("snooze", endpoint="delay", kind="drift", seconds=60, reason="not now", actor="ada")
    lines = [line.plain for line in view.lines(asked.get("/v1/alarms").json(), 101.0)]
    assert lines[0] == "delay drift  critical  inputs are others than they were"
    told_of = {line.split()[0]: line for line in lines[1:]}
    assert "distance: median 420 -> 980" in told_of["moved"]
    assert "p1, p2" in told_of["predictions"]
    assert "by ada: not now" in told_of["silent"]
    assert '`tidegate drift delay`; `tidegate ack delay drift --reason "..."`' in told_of["next"]
    assert [line.plain for line in view.lines([], 1.0)] == ["nothing is wrong"]
