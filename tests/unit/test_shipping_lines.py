"""What is recorded reaches its sinks in order and at least once, whatever fails, and what waits delays nobody."""

import pathlib

import msgspec
import predlog_fixtures as given
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import alarms, errors, home, keeping, room, tables
from tidegate.dataplane.predlog import outbox
from tidegate.dataplane.sinks import sink
from tidegate.observability.recording import upkeep as monitors
from tidegate.observability.shipping import line, shipper

TO = keeping.Sink("env:PLACE", behind_seconds=60.0)


class Place:
    """A sink that remembers, and refuses when told to."""

    whole = False

    def __init__(self) -> None:
        self.parcels: list[sink.Parcel] = []
        self.refuses: Exception | None = None
        self.closed = 0

    def deliver(self, parcel: sink.Parcel) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.parcels.append(parcel)

    def close(self) -> None:
        self.closed += 1

    def sequences(self) -> list[int]:
        return [number for one in self.parcels for number in one.rows["sequence"].to_pylist()]


def routed(place: home.Home, *sinks: keeping.Sink, retention: float = 0.0) -> None:
    table = msgspec.json.decode(place.table.read_bytes(), type=tables.Table)
    kept = keeping.Keeping(sinks=sinks, retention_seconds=retention)
    routes = {name: msgspec.structs.replace(route, log=kept) for name, route in table.routes.items()}
    fresh = place.table.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(msgspec.structs.replace(table, routes=routes, generation=table.generation + 1)))
    fresh.replace(place.table)


class Shipped:
    """A recorder, and one line."""

    def __init__(self, root: pathlib.Path, wanted: keeping.Sink = TO) -> None:
        self.log = Log(root)
        routed(self.log.home, wanted)
        self.wanted, self.place = wanted, Place()
        self.line = self.again()

    def again(self) -> line.Line:
        subject = line.Subject("flight-delay", self.wanted, "host-1")
        return line.Line(self.log.home, subject, lambda _: "memory://", lambda *_: self.place)

    def ship(self, now: float = 1.0) -> None:
        while self.line.turn(now):
            continue

    @property
    def waiting(self) -> int:
        return len(outbox.listing(self.log.home.log))


@pytest.fixture
def shipped(tmp_path: pathlib.Path) -> Shipped:
    return Shipped(tmp_path)


def test_what_is_recorded_is_delivered_in_order_and_only_to_its_endpoints_sink(shipped: Shipped) -> None:
    one = given.prediction(1)
    shipped.log.put(given.prediction(0), one, given.prediction(2, endpoint="other"), given.outcome(3, one, 1.0, 1.0))
    shipped.log.look(1.0)
    shipped.log.put(given.prediction(4, 2.0))
    shipped.log.look(2.0)
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 4]
    assert {one.table for one in shipped.place.parcels} == {"predictions"}
    assert shipped.line.waiting() == []
    assert shipped.line.wrong(1.0) is None


def test_outcomes_go_to_those_who_ask_for_them(tmp_path: pathlib.Path) -> None:
    shipped = Shipped(tmp_path, msgspec.structs.replace(TO, outcomes=True))
    one = given.prediction(0)
    shipped.log.put(one, given.outcome(1, one, 1.0, 1.0))
    shipped.log.look(1.0)
    shipped.ship()
    assert sorted((one.table, one.rows.num_rows) for one in shipped.place.parcels) == [("outcomes", 1), ("predictions", 1)]


def test_a_sink_that_refuses_is_tried_again_ever_later_and_misses_nothing_although_files_are_merged(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    for at in range(monitors.FILES_MOST + 1):
        shipped.log.put(given.prediction(at, at / 100))
        shipped.log.look(at / 100)
    shipped.log.look(30.0)
    assert len(list(shipped.log.home.log.rglob("*.parquet"))) == 1
    tries = []
    for now in range(20):
        before = shipped.line.trouble
        shipped.line.trouble = ""
        shipped.line.turn(float(now))
        tries += [now] if shipped.line.trouble else []
        shipped.line.trouble = shipped.line.trouble or before
    assert tries == [0, 1, 3, 7, 15]
    shipped.place.refuses = None
    shipped.ship(100.0)
    assert shipped.place.sequences() == list(range(monitors.FILES_MOST + 1))
    assert shipped.line.trouble == ""


def test_a_line_goes_on_where_the_one_before_has_noted(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "AT_ONCE", 2)
    shipped.log.put(*(given.prediction(at) for at in range(5)))
    shipped.log.look(1.0)
    assert shipped.line.turn(1.0)
    assert (shipped.line.position.row, shipped.place.sequences()) == (2, [0, 1])
    shipped.line = shipped.again()
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 2, 3, 4]
    assert [one.name for one in shipped.place.parcels] == [f"host-1-000000000001{end}" for end in ("", "-2", "-4")]


def test_numbers_never_go_back_so_that_nothing_new_looks_delivered(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(0))
    shipped.log.look(1.0)
    shipped.ship()
    outbox.clear(shipped.log.home.log)
    shipped.log.killed(2.0)
    shipped.log.put(given.prediction(1, 2.0))
    shipped.log.look(3.0)
    shipped.ship()
    assert shipped.place.sequences() == [0, 1]


def test_far_behind_is_an_alarm_with_the_reason(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    shipped.log.put(given.prediction(0))
    shipped.log.look(1.0)
    [item] = outbox.listing(shipped.log.home.log)
    recorded = item.path.stat().st_mtime
    shipped.ship(recorded)
    shipped.line.look([item], recorded + 59)
    assert shipped.line.wrong(recorded + 59) is None
    shipped.line.look([item], recorded + 61)
    told = shipped.line.wrong(recorded + 61)
    assert told is not None
    assert (told.kind, told.endpoint, told.subject) == (alarms.Kind.SHIPPING, "flight-delay", "env:PLACE")
    assert told.words == "env:PLACE is 61 s behind. It takes nothing: it answers 503."


def test_what_is_older_than_the_log_is_kept_or_cannot_be_read_is_given_up_and_told(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(0))
    shipped.log.look(1.0)
    shipped.line.keeping = keeping.Keeping(retention_seconds=86_400.0)
    shipped.ship(given.T0 + 10 * 86_400.0)
    shipped.line.keeping = keeping.ALL
    shipped.log.put(given.prediction(1, 2.0))
    shipped.log.look(2.0)
    outbox.listing(shipped.log.home.log)[-1].path.write_bytes(b"garbage")
    shipped.log.put(given.prediction(2, 3.0))
    shipped.log.look(3.0)
    shipped.ship()
    assert shipped.place.sequences() == [2]
    assert shipped.again().position.given_up == 2
    told = shipped.line.wrong(1.0)
    assert told is not None
    assert "2 rows were given up" in told.words


def test_pages_that_are_not_what_was_written_hold_nothing_up(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(1))
    shipped.log.look(1.0)
    shipped.log.put(given.prediction(2))
    shipped.log.look(2.0)
    first = outbox.listing(shipped.log.home.log)[0].path
    raw = bytearray(first.read_bytes())
    middle = raw.index(b"flight-delay")  # of the first row group: what is compressed there says so with an OSError
    raw[4 : middle + 64] = bytes(middle + 60)
    first.write_bytes(raw)
    with pytest.raises(OSError, match=r".") as told:
        pq.read_table(first, partitioning=None)
    assert told.value.errno is None
    shipped.ship()
    assert shipped.place.sequences() == [1]
    assert (shipped.line.position.given_up, shipped.line.trouble) == (1, "")


@pytest.mark.parametrize("bug", [ValueError("no such topic"), KeyError("x"), RuntimeError("closed")])
def test_whatever_a_sinks_library_raises_it_is_tried_again(shipped: Shipped, bug: Exception) -> None:
    shipped.log.put(given.prediction(1))
    shipped.log.look(1.0)
    shipped.place.refuses = bug
    shipped.ship(1.0)
    assert shipped.line.trouble == type(bug).__name__
    shipped.place.refuses = None
    shipped.ship(3.0)
    assert (shipped.place.sequences(), shipped.line.trouble) == ([0], "")


def test_on_a_full_disk_only_what_makes_room_is_given_up(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped.log.put(given.prediction(1))
    shipped.log.look(1.0)
    shipped.place.refuses = errors.SinkUnavailable("it is away.")
    monkeypatch.setattr(room, "short", lambda *_: True)
    for now in (1.0, 10.0, 100.0):
        shipped.ship(now)
    assert (shipped.waiting, shipped.line.position.given_up) == (1, 0), "the log has it, too: that it is gone would help nobody"
    [file] = shipped.log.recorder.catalogue.files()
    (shipped.log.home.log / file.path).unlink()  # merged, or older than the log is kept
    shipped.ship(1_000.0)
    assert shipped.line.position.given_up == 1


def test_what_was_replaced_while_it_waited_goes_in_its_new_place(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "AT_ONCE", 2)
    shipped.log.put(*(given.prediction(at) for at in range(5)))
    shipped.log.look(1.0)
    assert shipped.line.turn(1.0)
    [item] = outbox.listing(shipped.log.home.log)
    rows = pq.read_table(item.path, partitioning=None)
    outbox.replace(item, 7, rows.filter(pc.is_in(rows["sequence"], pa.array([0, 2, 4]))))
    shipped.ship()
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 0, 2, 4]
    assert shipped.line.waiting() == []
    assert shipped.line.position.given_up == 0


def test_the_shipper_has_a_line_for_each_sink_and_sweeps_what_all_have(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.home.alarms.mkdir(exist_ok=True)
    other = keeping.Sink("env:OTHER")
    routed(log.home, TO, other)
    log.put(given.prediction(0))
    log.look(1.0)
    made = shipper.Shipper(log.home, lambda _: "")
    made.look(1.0)
    assert sorted(to for _, to in made.lines) == ["env:OTHER", "env:PLACE"]
    assert len(outbox.listing(log.home.log)) == 1
    [first, second] = made.lines.values()
    outbox.reach(log.home.log, msgspec.structs.replace(first.position, number=2))
    made = shipper.Shipper(log.home, lambda _: "")
    made.look(2.0)
    assert len(outbox.listing(log.home.log)) == 1, "the second has not got it"
    second.turn(2.0)
    assert second.trouble == "env:PLACE holds nothing." or second.trouble == "env:OTHER holds nothing."
    routed(log.home, first.subject.sink)
    made.look(3.0)
    assert len(made.lines) == 1
    assert outbox.listing(log.home.log) == []
    routed(log.home)
    log.put(given.prediction(1, 20.0))
    log.look(20.0)
    assert outbox.listing(log.home.log) == []
