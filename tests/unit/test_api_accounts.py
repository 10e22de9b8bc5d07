"""What a report is made from: the log, recorded and not, by slot and version; the store; profiles; and what is not there."""

import collections

import msgspec
import pytest

from tests.unit import alarm_fixtures, recording_fixtures
from tests.unit import predlog_fixtures as given
from tidegate.control.store import database, endpoints
from tidegate.control.store import store as stores
from tidegate.core.spec import settings as specification
from tidegate.core.stats import counting
from tidegate.core.vocabulary import alarms, arms, marks, profiles
from tidegate.dataplane.predlog import catalogue, traffic
from tidegate.interface.api import accounts
from tidegate.observability.report import document

NAME, HOUR = "flight-delay", 3_600.0
BEGIN = float(given.T0 // 3_600 * 3_600)


@pytest.fixture
def log(tmp_path):
    made = recording_fixtures.Log(tmp_path)
    yield made
    made.recorder.close()


@pytest.fixture
def store(log):
    with stores.Store(database.sqlite_url(log.home.store)) as made:
        settings = specification.plain(specification.Settings(NAME, "m"))
        made.put_endpoint(endpoints.Endpoint("production", NAME, settings, stable=1))
        made.add_version("production", NAME, "d" * 64, "m" * 64, "mlflow://flight-delay/1", 1.0)
        yield made


def gathered(log, store, hours=4.0):
    row = store.endpoint("production", NAME)
    return accounts.gather(log.home, store, row, BEGIN, BEGIN + hours * HOUR)


def some(count, begin=0):
    """Two versions over two hours; one in five of v2's is bad, and rescued."""
    for number in range(begin, begin + count):
        version = 1 + number % 2
        bad = version == 2 and number % 10 == 1
        mark = marks.Mark.TIMEOUT if bad else marks.Mark.OK
        yield given.prediction(number, 7.0 * number, version=version, mark=mark, rescued=bad, total_us=1_000 + number)


def test_requests_are_counted_once_whether_they_are_recorded_or_not(log):
    recorded, fresh = list(some(600)), list(some(300, 600))
    log.put(*recorded)
    log.look(7.0 * 600)
    log.put(*fresh, given.prediction(5_000, 10.0, role=arms.Role.SHADOW), given.prediction(5_001, 10.0, endpoint="other"))
    cells = traffic.read(log.home, NAME, BEGIN, BEGIN + 4 * HOUR, HOUR)
    wanted = collections.Counter()
    for one in (*recorded, *fresh):
        wanted[(one.arrived_ns / 1e9 - BEGIN) // HOUR, one.version] += 1
    assert {((cell.at - BEGIN) / HOUR, cell.version): cell.requests for cell in cells} == dict(wanted)
    newer, older = traffic.total(cells)
    assert (newer.version, newer.requests, newer.bad, newer.rescued) == (2, 450, 90, 90)
    assert (older.requests, older.bad, sum(older.buckets)) == (450, 0, 450)
    assert older.seconds == pytest.approx(sum(one.total_us for one in (*recorded, *fresh) if one.version == 1) / 1e6)
    buckets = collections.Counter(marks.latency_bucket(one.total_us) for one in (*recorded, *fresh) if one.version == 1)
    assert {place: count for place, count in enumerate(older.buckets) if count} == dict(buckets)


def test_only_the_time_that_was_asked_for_counts(log):
    log.put(*some(600))
    log.look(7.0 * 600)
    cells = traffic.read(log.home, NAME, given.T0 + 700.0, given.T0 + 1_400.0, 100.0)
    assert sum(one.requests for one in cells) == 100
    assert traffic.read(log.home, "nobody", BEGIN, BEGIN + HOUR, HOUR) == []


def test_all_of_it_comes_together(log, store):
    log.put(*some(600))
    log.look(7.0 * 600)
    open_now = alarms.Alarm("drift", NAME, "moved", BEGIN + 60)
    alarm_fixtures.raised(store, open_now)
    early = alarm_fixtures.raised(store, alarms.Alarm("down", NAME, "no answer", 10.0, severity="critical"))
    alarm_fixtures.over(store, early, 20.0)
    told = gathered(log, store)
    assert sum(one.requests for one in told.cells) == 600
    assert (told.stable, told.names, told.missing) == (1, {1: "mlflow://flight-delay/1"}, ())
    assert [one.alarm.kind for one in told.alarms] == ["drift"]
    assert told.log is not None
    assert (told.log.recorded, told.log.lost) == (600, 0)
    assert (told.performance, told.uptime) == ((), None)
    assert "600" in document.draw(told, BEGIN)


def test_columns_that_moved_come_with_both_distributions(log, store):
    _profile(log, now=10.0, was=0.0)
    told = gathered(log, store)
    assert told.drift is not None
    (column,) = told.drift.columns
    assert (column.name, column.level) == ("x", "alarm")
    now, was = column.shares
    assert len(now) == len(was) == len(column.labels)
    assert (sum(now), sum(was)) == (pytest.approx(1.0), pytest.approx(1.0))
    half = len(now) // 2
    assert sum(now[half:]) > 0.9
    assert sum(was[half:]) < 0.1


def test_an_empty_home_says_what_is_not_there(tmp_path):
    empty = given.place(tmp_path)
    with stores.Store(database.sqlite_url(empty.store)) as store:
        store.put_endpoint(endpoints.Endpoint("production", NAME, specification.plain(specification.Settings(NAME, "m"))))
        told = accounts.gather(empty, store, store.endpoint("production", NAME), BEGIN, BEGIN + HOUR)
    assert told.cells == ()
    assert any("prediction log" in one for one in told.missing)
    assert "Not in this report" in document.draw(told, BEGIN)


def _profile(log, now, was):
    """A column of numbers, around `was` for a day and around `now` from BEGIN on."""
    with catalogue.Catalogue(log.home.log) as books:
        frame = counting.framed("x", [number / 100 for number in range(-200, 200)])
        pack, write = msgspec.msgpack.encode, books.connection.execute
        write("INSERT INTO frame VALUES (?, ?, ?)", (NAME, "x", pack(frame)))
        for hour in range(-24, 4):
            middle = now if hour >= 0 else was
            column = counting.counted(frame, [middle + number / 100 for number in range(-200, 200)])
            told = pack(profiles.Profile(400, {"x": column}))
            write("INSERT INTO profile VALUES (?, ?, ?, ?)", (NAME, 1, int(BEGIN) + hour * 3_600, told))
