"""What the service watch takes for wrong, and for normal: times, errors by class, what runs out; and that it speaks once."""

import io
import random
import sqlite3
import time

import pytest
from rich import console

from tidegate.core.vocabulary import home, instances, marks, monitoring, tables
from tidegate.dataplane.wire import counts, tablefile
from tidegate.interface.api import measures
from tidegate.interface.cli.views import metrics as view
from tidegate.observability.metrics import minutes, processes
from tidegate.observability.monitors import mishaps, service, shortage, slowness

START = 1_700_000_400.0
MB = 1 << 20


def slots(times, **ended):
    row = counts.Row()
    for seconds in times:
        row.ended(int(marks.Mark.OK), True, int(seconds * 1e6))
    for name, count in ended.items():
        row.slots[counts.MARKS + marks.Mark[name.upper()]] += count
    return row.slots.tolist()


def drawn(law, count=2_000, seed=1):
    chance = random.Random(seed)
    return [law(chance) for _ in range(count)]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "law",
    [
        lambda chance: 0.01,
        lambda chance: chance.expovariate(100),
        lambda chance: 0.01 * chance.lognormvariate(0, 1),
        lambda chance: 0.01 * chance.lognormvariate(0, 1.6),
        lambda chance: chance.uniform(0.001, 0.1),
    ],
)
def test_times_of_one_kind_are_never_far_from_their_mean(law, seed):
    usual = [slots(drawn(law, 1_000, 100 + number)) for number in range(8)]
    assert list(slowness.wrong(slots(drawn(law, 2_000, seed)), [])) == []
    assert list(slowness.wrong(slots(drawn(law, 2_000, seed)), usual)) == []


def two_kinds(chance):
    return 1.0 if chance.random() < 0.07 else 0.005


def test_a_second_kind_of_requests_that_take_far_longer_is_told():
    found = list(slowness.wrong(slots(drawn(two_kinds)), []))
    assert [one.subject for one in found] == ["tail"]
    assert "a part is far slower" in found[0].words


def test_milliseconds_are_no_matter():
    usual = [slots(drawn(lambda chance: chance.expovariate(2_000), 1_000, number)) for number in range(8)]
    assert list(slowness.wrong(slots([0.0002] * 1_800 + [0.008] * 200), [])) == []
    assert list(slowness.wrong(slots([0.0002] * 1_800 + [0.008] * 200), usual)) == []


def test_what_was_always_so_is_no_news():
    usual = [slots(drawn(two_kinds, 1_000, number)) for number in range(8)]
    assert list(slowness.wrong(slots(drawn(two_kinds)), usual)) == []


def test_few_requests_say_nothing():
    assert list(slowness.wrong(slots(drawn(two_kinds, 400)), [])) == []


def test_answers_that_take_three_times_as_long_are_told():
    usual = [slots(drawn(lambda chance: chance.expovariate(100), 1_000, number)) for number in range(8)]
    found = list(slowness.wrong(slots(drawn(lambda chance: chance.expovariate(33))), usual))
    assert [one.subject for one in found] == ["slower"]
    assert found[0].moved[0].startswith("p95 ")


def test_a_class_of_errors_that_was_not_there_is_told_and_the_usual_one_is_not():
    before = slots([0.01] * 20_000, rejected=400)
    found = list(mishaps.wrong(slots([0.01] * 950, rejected=21, timeout=50), before))
    assert [one.mark for one in found] == [marks.Mark.TIMEOUT]
    assert "timeout: 50 of 1,021 requests" in found[0].moved[0]
    assert not found[0].critical


def test_a_failing_endpoint_is_critical_and_a_single_error_nothing():
    assert [one.critical for one in mishaps.wrong(slots([0.01] * 50, error=100), slots([0.01] * 5_000))] == [True]
    assert list(mishaps.wrong(slots([0.01] * 500, error=1), slots([0.01] * 5_000))) == []
    assert list(mishaps.wrong(slots([0.01] * 20, error=20), slots([0.01] * 5_000))) == []


def test_clients_that_went_away_are_no_failures():
    assert list(mishaps.wrong(slots([0.01] * 100, cancelled=900), slots([0.01] * 5_000))) == []


@pytest.mark.parametrize("seed", range(20))
def test_errors_at_their_usual_rate_raise_nothing(seed):
    chance = random.Random(seed)
    before = slots([0.01] * 9_800, error=200)
    bad = sum(chance.random() < 0.02 for _ in range(1_000))
    assert list(mishaps.wrong(slots([0.01] * (1_000 - bad), error=bad), before)) == []


def test_a_queue_that_grows_is_told_and_a_burst_is_not():
    assert shortage.queue([number * 20 for number in range(20)], 1_000)
    assert shortage.queue([0] * 15 + [900] * 5, 1_000) is None
    assert shortage.queue(list(range(20)), 1_000) is None


def samples(resident, began=1.0):
    return [minutes.Sample("w", 60 * at, began, 0.0, int(one), 10, 0, 0) for at, one in enumerate(resident)]


def test_memory_that_rises_all_the_time_is_told_with_how_long_it_lasts():
    found = shortage.memory(samples([(200 + 2 * at) * MB for at in range(120)]), 1_000 * MB)
    assert "of 1.0 GB in 5 hours" in found.words
    noisy = [(200 + 2 * at + random.Random(at).uniform(-20, 20)) * MB for at in range(120)]
    assert shortage.memory(samples(noisy), 1_000 * MB)


@pytest.mark.parametrize(
    "resident",
    [
        [200 * MB] * 120,
        [(200 + min(at, 20) * 10) * MB for at in range(120)],  # warmed up
        [(200 + at % 10 * 30) * MB for at in range(120)],  # a sawtooth
        [(200 + at / 10) * MB for at in range(120)],  # too little
        [(200 + 2 * at) * MB for at in range(50)],  # too short
    ],
)
def test_memory_that_is_as_it_should_be_is_not(resident):
    assert shortage.memory(samples(resident), 1_000 * MB) is None


def test_another_process_of_that_name_begins_anew():
    assert shortage.memory([*samples([(200 + 2 * at) * MB for at in range(90)]), *samples([200 * MB] * 30, 2.0)], 1e9) is None


def test_descriptors_near_their_limit():
    assert shortage.descriptors(processes.Process("g", "gateway", descriptors=900, most_descriptors=1_000)).critical
    assert shortage.descriptors(processes.Process("g", "gateway", descriptors=700, most_descriptors=1_000)) is None
    assert shortage.descriptors(processes.Process("g", "gateway", descriptors=-1, most_descriptors=-1)) is None


def disk(free):
    return [minutes.Machine(60 * at, 100_000 * MB, int(one), 0, 0) for at, one in enumerate(free)]


def test_a_disk_that_fills_is_told_in_hours():
    found = shortage.disk(disk([(50_000 - 50 * at) * MB for at in range(61)]))
    assert found.words.startswith("the disk is full in about 16 hours")
    assert not found.critical
    assert shortage.disk(disk([(10_000 - 100 * at) * MB for at in range(61)])).critical
    assert shortage.disk(disk([(50_000 - at) * MB for at in range(61)])) is None
    assert shortage.disk(disk([(50_000 - 50 * at) * MB for at in range(20)])) is None  # too short to tell
    assert shortage.disk(disk([100 * MB])).critical
    assert shortage.disk([]) is None


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.prepare()
    action = monitoring.Monitors(service=monitoring.Service("hold"))
    route = tables.Route("iris", "production", tables.Deployed(1, "d" * 64, "m"), monitors=action)
    tablefile.write(found.table, lambda _: tables.Table(0, 0, {"iris": route}))
    return found


def test_an_endpoint_that_begins_to_fail_is_told_once_and_is_over_after_a_while(place):
    row, watch, now = counts.Writer(place.counts, "a" * 32).row("iris", 1), service.Service(place), START

    def minute(bad=0, good=100):
        nonlocal now
        for mark, count in ((marks.Mark.ERROR, bad), (marks.Mark.OK, good)):
            row.slots[counts.MARKS + mark] += count
        said = [watch.look(now + 15 * turn) for turn in range(4)][-1]
        now += 60
        return [one for one in said if one.endpoint]

    for _ in range(30):
        assert minute() == []
    first = minute(bad=60)
    assert [(one.subject, one.action, one.next) for one in first] == [("v1:error", "hold", "tidegate logs iris/v1")]
    second = minute(bad=70)
    assert [(one.subject, one.since) for one in second] == [("v1:error", first[0].since)]
    assert second[0].moved != first[0].moved
    watch = service.Service(place)  # another process goes on by what is on the disk
    assert [one.subject for one in minute(bad=50)] == ["v1:error"]
    for _ in range(15):
        last = minute()
    assert last == []


def test_what_was_served_is_added_up_by_minute_over_restarts(place):
    row = counts.Writer(place.counts, "a" * 32).row("iris", 1)
    service.Service(place).look(START)
    row.ended(int(marks.Mark.OK), True, 1_000)
    service.Service(place).look(START + 30)
    row.ended(int(marks.Mark.OK), True, 1_000)
    service.Service(place).look(START + 90)
    found = minutes.served(place, 0, 1e12)["iris", 1]
    assert {minute - START: one[counts.MARKS] for minute, one in found.items()} == {0.0: 1, 60.0: 1}
    told = measures.service(place, "iris", START, START + 120)
    assert (told.versions[0].requests, told.versions[0].marks) == (2, {"ok": 2})
    assert told.versions[0].mean_seconds == pytest.approx(0.001)


def test_bytes_are_told_by_version_and_by_worker(place):
    instances.Spec("iris-v1-0", "worker", (), "t" * 32, labels={"endpoint": "iris", "ordinal": "1"}).write(place.instances)
    claim = instances.claim(place.instances, "iris-v1-0")
    try:
        writer = counts.Writer(place.counts, "a" * 32)
        for at in (0, 60, 120):
            writer.of_worker(counts.GIVEN, "iris-v1-0").slots[0] += 6_000
            writer.of_worker(counts.TAKEN, "iris-v1-0").slots[0] += 600
            service.Service(place).look(START + at)
            writer.row("iris", 1).moved(5_000, 500)
        service.Service(place).look(START + 130)
        told = measures.service(place, "iris", START, START + 180)
    finally:
        claim.release()
    assert (told.versions[0].request_bytes, told.versions[0].answer_bytes) == (15_000, 1_500)
    worker, keeper = (next(one for one in told.processes if one.process == name) for name in ("iris-v1-0", "keeper"))
    assert (worker.received, worker.sent, worker.received_rate, worker.sent_rate) == (18_000, 1_800, 100.0, 10.0)
    assert (keeper.received, keeper.received_rate) == (None, None)
    out = console.Console(width=100, file=io.StringIO())
    for part in view.whole(told):
        out.print(part)
    shown = out.file.getvalue().splitlines()
    assert max(map(len, shown)) <= 100
    assert any("15 kB of bodies in, 2 kB out" in one for one in shown), shown
    assert "iris-v1-0: 0 kB/s from gateways, 0 kB/s to them" in [one.rstrip() for one in shown], shown


def test_damaged_minutes_are_put_aside_and_counting_goes_on(place):
    row = counts.Writer(place.counts, "a" * 32).row("iris", 1)
    place.service.write_bytes(b"no database at all" * 1_000)
    watch = service.Service(place)
    with pytest.raises(sqlite3.DatabaseError):
        watch.look(START)
    watch.look(START + 15)
    row.ended(int(marks.Mark.OK), True, 1_000)
    watch.look(START + 30)
    assert [one[counts.MARKS] for one in minutes.served(place, 0, 1e12)["iris", 1].values()] == [1]
    assert place.service.with_name("service.db.damaged").exists()


def test_what_the_monitor_has_not_counted_yet_is_told_too(place):
    row, now = counts.Writer(place.counts, "a" * 32).row("iris", 1), time.time()
    service.Service(place).look(now)
    row.ended(int(marks.Mark.OK), True, 1_000)
    assert measures.service(place, "iris", now - 3_600, time.time()).versions[0].marks == {"ok": 1}
    assert measures.service(place, "iris", now - 7_200, now - 3_600).versions == ()
    service.Service(place).look(time.time())
    assert measures.service(place, "iris", now - 3_600, time.time()).versions[0].marks == {"ok": 1}


def test_a_home_of_before_is_not_taken_for_this_minutes_traffic(place):
    row = counts.Writer(place.counts, "a" * 32).row("iris", 1)
    row.ended(int(marks.Mark.OK), True, 1_000)
    service.Service(place).look(START)
    assert minutes.served(place, 0, 1e12) == {}
