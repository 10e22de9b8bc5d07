"""What is recorded reaches its sinks in order and at least once, whatever fails, and what waits delays nobody."""

import datetime as dt
import pathlib

import msgspec
import predlog_fixtures as given
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import alarms, errors, home, keeping, tables
from tidegate.dataplane.predlog import erasing, parquet, recorded
from tidegate.dataplane.predlog import shipped as shipping
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

    def record(self, *numbers: int) -> None:
        """So many batches, each of the prediction of its number."""
        for at in numbers:
            self.log.put(given.prediction(at, at / 100))
            self.log.look(at / 100)

    def erase(self, *sequences: int) -> None:
        """Without these rows, as an erasure leaves the log."""
        known, log = self.log.recorder.catalogue, self.log.home.log
        for number, file in enumerate(known.files()):
            mine = pa.array(sequences, pa.int64())
            new, went = erasing.without(log, f"9-e{number}", file, lambda rows, mine=mine: pc.is_in(rows["sequence"], mine))
            if went.num_rows:
                known.drop([file])
                known.add([new] if new else [])
                (log / file.path).unlink()


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
    shipped.line.look(1.0)
    assert shipped.place.sequences() == [0, 1, 4]
    assert {one.table for one in shipped.place.parcels} == {"predictions"}
    assert (shipped.line.waits, shipped.line.wrong(1.0)) == (0, None)


def test_outcomes_go_to_those_who_ask_for_them_behind_their_predictions(tmp_path: pathlib.Path) -> None:
    shipped = Shipped(tmp_path, msgspec.structs.replace(TO, outcomes=True))
    one = given.prediction(0)
    shipped.log.put(one, given.outcome(1, one, 1.0, 1.0))
    shipped.log.look(1.0)
    shipped.ship()
    assert [(one.table, one.rows.num_rows) for one in shipped.place.parcels] == [("predictions", 1), ("outcomes", 1)]


def test_a_sink_begins_with_what_is_recorded_from_then_on(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.look(1.0)
    later = Shipped.__new__(Shipped)
    later.log, later.wanted, later.place = log, TO, Place()
    routed(log.home, TO)
    log.put(given.prediction(1, 2.0))
    log.look(2.0)
    later.line = later.again()
    later.ship()
    assert later.place.sequences() == [1]


def test_a_sink_that_refuses_is_tried_again_ever_later_and_misses_nothing_although_files_are_merged(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    shipped.record(*range(monitors.FILES_MOST + 1))
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
    assert len(shipped.place.parcels) == 1, "what waited comes in one piece"


def test_what_waited_comes_in_pieces_of_bounded_size(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorded, "ROWS_MOST", 4)
    shipped.record(*range(monitors.FILES_MOST + 1))
    shipped.log.look(30.0)
    shipped.record(*range(100, 103))
    shipped.ship()
    assert shipped.place.sequences() == list(range(monitors.FILES_MOST + 1 + 3))
    assert [one.rows.num_rows for one in shipped.place.parcels] == [4, 4, 4, 4, 4, 1, 1, 1, 1]


def test_rows_come_in_the_order_of_their_batches_whatever_their_ids_are(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(0, 50.0), boot=given.BOOT)
    shipped.log.look(51.0)
    shipped.log.put(given.prediction(1, 1.0), boot="b" * 32)  # of a gateway that was read late
    shipped.log.look(52.0)
    known = shipped.log.recorder.catalogue
    [first, second] = known.files()
    whole = parquet.merge(shipped.log.home.log, "9-x", [first, second])
    known.add([whole])
    known.drop([first, second])
    shipped.ship()
    incarnations = [one for parcel in shipped.place.parcels for one in parcel.rows["incarnation"].to_pylist()]
    assert incarnations == [given.BOOT, "b" * 32]


def test_what_was_recorded_before_rows_had_moments_is_in_nobodys_way(shipped: Shipped) -> None:
    log, known = shipped.log.home.log, shipped.log.recorder.catalogue
    [old] = parquet.write(log, "1-old", [given.prediction(7)])
    rows = pq.read_table(log / old.path, partitioning=None).drop_columns([parquet.RECORDED])
    known.add([parquet.rewritten(log, "1-older", old, rows)])
    shipped.record(*range(monitors.FILES_MOST))
    shipped.log.look(30.0)
    [merged] = known.files()
    assert merged.rows == monitors.FILES_MOST + 1
    shipped.ship()
    assert shipped.place.sequences() == list(range(monitors.FILES_MOST))
    assert recorded.missed(log, [merged], 0).rows == monitors.FILES_MOST


def test_a_line_goes_on_where_the_one_before_has_noted(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(line, "AT_ONCE", 2)
    shipped.log.put(*(given.prediction(at) for at in range(5)))
    shipped.log.look(1.0)
    assert shipped.line.turn(1.0)
    assert (shipped.line.position.delivered, shipped.place.sequences()) == (2, [0, 1])
    shipped.line = shipped.again()
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 2, 3, 4]
    assert shipped.line.position.delivered == 5
    moment = int((given.T0 + 1.0) * 1e3)
    assert [one.name for one in shipped.place.parcels] == [f"host-1-{moment}-{given.BOOT[:8]}-{first}" for first in (0, 2, 4)]


def test_what_is_erased_between_two_parcels_moves_no_other_row_out_of_its_place(
    shipped: Shipped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "AT_ONCE", 2)
    shipped.log.put(*(given.prediction(at) for at in range(6)))
    shipped.log.look(1.0)
    assert shipped.line.turn(1.0)
    shipped.erase(0, 3)
    shipped.line = shipped.again()
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 2, 4, 5]


def test_a_file_that_is_delivered_again_has_the_same_name(shipped: Shipped) -> None:
    shipped.place.whole = True
    shipped.record(1)
    shipped.line.turn(1.0)
    shipping.reach(shipped.log.home.log, msgspec.structs.replace(shipped.line.position, moment=shipped_before(shipped)))
    shipped.record(2)
    shipped.line = shipped.again()
    shipped.line.turn(1.0)
    first, again = shipped.place.parcels
    assert first.name == again.name


def shipped_before(shipped: Shipped) -> int:
    """The moment before the first batch, as of a position that was not noted when the process was killed."""
    return int((given.T0 + 0.01) * 1e3) - 1


def test_moments_never_go_back_so_that_nothing_new_looks_delivered(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(0, 50.0))
    shipped.log.look(50.0)
    shipped.ship()
    shipped.log.killed(2.0)  # by a clock that was set back
    shipped.log.put(given.prediction(1, 2.0))
    shipped.log.look(3.0)
    shipped.ship()
    assert shipped.place.sequences() == [0, 1]
    shipped.log.recorder.close()
    for path in shipped.log.home.log.glob("catalogue.db*"):
        path.unlink()
    shipped.log.killed(4.0)
    shipped.log.put(given.prediction(2, 5.0))
    shipped.log.look(5.0)
    shipped.ship()
    assert shipped.place.sequences() == [0, 1, 2]


def test_far_behind_is_an_alarm_with_the_reason(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    shipped.log.put(given.prediction(0))
    shipped.log.look(1.0)
    then = given.T0 + 1.0
    shipped.ship(then)
    shipped.line.look(then + 59)
    assert shipped.line.wrong(then + 59) is None
    shipped.line.look(then + 61)
    told = shipped.line.wrong(then + 61)
    assert told is not None
    assert (told.kind, told.endpoint, told.subject) == (alarms.Kind.SHIPPING, "flight-delay", "env:PLACE")
    assert told.words == "env:PLACE is 61 s behind. It takes nothing: it answers 503."


def test_how_far_behind_it_is_is_told_of_what_waits_also_where_merged_with_what_was_shipped(shipped: Shipped) -> None:
    shipped.record(*range(monitors.FILES_MOST))
    shipped.ship()
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    shipped.log.put(given.prediction(99, 3_600.0))
    shipped.log.look(3_600.0)
    shipped.log.look(3_620.0)
    shipped.line.look(given.T0 + 3_610.0)
    assert (shipped.line.waits, shipped.line.behind) == (1, 10.0)


def test_what_retention_deletes_first_is_counted_by_who_deletes_it_and_told_with_its_time(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it is away.")
    shipped.record(1, 2)
    shipped.ship()
    routed(shipped.log.home, TO, retention=86_400.0)
    shipped.log.put(given.prediction(3, 10 * 86_400.0))
    shipped.log.age(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0 + 20)
    assert [file.rows for file in shipped.log.recorder.catalogue.files()] == [1]
    shipped.place.refuses = None
    shipped.ship(100.0)
    shipped.line.look(1.0)
    assert shipped.place.sequences() == [2]
    assert shipped.line.given_up == 2
    told = shipped.line.wrong(1.0)
    assert told is not None
    at = f"{dt.datetime.fromtimestamp(given.T0, dt.UTC):%Y-%m-%dT%H:%M:%SZ}"
    assert told.words == f"env:PLACE has a gap. 2 rows, recorded from {at} to {at}, were deleted by `log.retention` first."


def test_outcomes_that_go_with_their_predictions_are_counted_for_sinks_that_get_outcomes(tmp_path: pathlib.Path) -> None:
    shipped = Shipped(tmp_path, msgspec.structs.replace(TO, outcomes=True))
    one, two = given.prediction(0), given.prediction(2)
    shipped.log.put(one, given.outcome(1, one, 1.0, 1.0))
    shipped.log.look(1.0)
    shipped.ship()
    shipped.log.put(two, given.outcome(3, two, 1.0, 1.0), given.outcome(4, one, 0.0, 1.0))
    shipped.log.look(2.0)
    routed(shipped.log.home, shipped.wanted, msgspec.structs.replace(TO, to="env:OTHER"), retention=86_400.0)
    shipped.log.put(given.prediction(9, 10 * 86_400.0, endpoint="other"))
    shipped.log.age(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0 + 20)
    shipped.line.look(1.0)
    assert [file.partition.endpoint for file in shipped.log.recorder.catalogue.files()] == ["other"]
    assert shipped.line.given_up == 3, "a prediction, and both outcomes that came when it was away"
    told = shipped.line.wrong(1.0)
    assert told is not None
    assert " 3 rows, recorded from " in told.words
    assert "deleted by `log.retention` first" in told.words


def test_without_outcomes_none_are_missed(shipped: Shipped) -> None:
    one = given.prediction(0)
    shipped.log.put(one, given.outcome(1, one, 1.0, 1.0))
    shipped.log.look(1.0)
    routed(shipped.log.home, TO, retention=86_400.0)
    shipped.log.put(given.prediction(9, 10 * 86_400.0, endpoint="other"))
    shipped.log.age(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0)
    shipped.log.look(10 * 86_400.0 + 20)
    shipped.line = shipped.again()
    shipped.line.look(1.0)
    assert shipped.line.given_up == 1


@pytest.mark.parametrize("gone", [False, True])
def test_what_was_set_aside_before_it_came_is_missed_and_told_once(shipped: Shipped, gone: bool) -> None:
    shipped.record(1, 2)
    shipped.ship()
    shipped.place.refuses = errors.SinkUnavailable("it is away.")
    shipped.record(3, 4)
    for file in shipped.log.recorder.catalogue.files():
        if gone:
            (shipped.log.home.log / file.path).unlink()
        else:
            (shipped.log.home.log / file.path).write_bytes(b"garbage")
    shipped.log.recorder.mending.look("9-x")
    assert shipped.log.recorder.catalogue.files() == []
    shipped.line = shipped.again()
    shipped.ship()
    assert shipped.line.given_up == 2, "what it had before is in no way missed"
    shipped.line = shipped.again()
    shipped.place.refuses = None
    shipped.record(5)
    shipped.ship()
    assert (shipped.line.given_up, shipped.place.sequences()) == (2, [0, 1, 4])
    assert shipped.line.position.damaged == ()


def test_what_is_seen_damaged_and_set_aside_then_is_missed_once(shipped: Shipped) -> None:
    shipped.record(1)
    [file] = shipped.log.recorder.catalogue.files()
    (shipped.log.home.log / file.path).write_bytes(b"garbage")
    assert shipped.line.turn(1.0)
    assert (shipped.line.given_up, shipped.line.turn(1.0)) == (1, False)
    shipped.log.recorder.mending.look("9-x")
    shipped.line = shipped.again()
    assert (shipped.line.turn(1.0), shipped.line.given_up) == (False, 1)


@pytest.mark.parametrize("known", [True, False])
def test_of_files_of_several_batches_it_is_missed_where_it_is_known_to_be_newer(shipped: Shipped, known: bool) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it is away.")
    shipped.record(*range(monitors.FILES_MOST + 1))
    if known:
        shipped.log.look(30.0)
        shipped.line.turn(1.0)
    shipped.log.look(60.0)
    [merged] = shipped.log.recorder.catalogue.files()
    (shipped.log.home.log / merged.path).write_bytes(b"garbage")
    shipped.log.recorder.mending.look("9-x")
    shipped.line = shipped.line if known else shipped.again()
    shipped.ship(100.0)
    assert shipped.line.given_up == (merged.rows if known else 0)


def test_a_file_that_cannot_be_read_is_given_up_told_and_holds_nothing_up(shipped: Shipped) -> None:
    shipped.record(1)
    [file] = shipped.log.recorder.catalogue.files()
    (shipped.log.home.log / file.path).write_bytes(b"garbage")
    shipped.record(2)
    shipped.ship()
    assert shipped.place.sequences() == [1]
    assert shipped.again().given_up == 1
    told = shipped.line.wrong(1.0)
    assert told is not None
    assert "1 rows cannot be read" in told.words
    shipped.ship()
    assert shipped.line.given_up == 1, "once"


def test_pages_that_are_not_what_was_written_hold_nothing_up(shipped: Shipped) -> None:
    shipped.record(1)
    [file] = shipped.log.recorder.catalogue.files()
    shipped.record(2)
    first = shipped.log.home.log / file.path
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


@pytest.mark.parametrize("raw", [b"", b"\0" * 64, b'{"endpoint": "\xff"}'])
def test_a_position_that_is_damaged_has_everything_delivered_once_more_and_nothing_missed(shipped: Shipped, raw: bytes) -> None:
    shipped.record(1)
    shipped.ship()
    [path] = (shipped.log.home.log / "shipped").glob("*.json")
    path.write_bytes(raw)
    shipped.log.killed(2.0)
    shipped.record(200)
    shipped.line = shipped.again()
    shipped.ship()
    assert shipped.place.sequences() == [0, 0, 1]
    assert [one.delivered for one in shipping.positions(shipped.log.home.log)] == [2]


def test_a_fault_of_ours_in_reading_the_log_ends_no_line(shipped: Shipped, monkeypatch: pytest.MonkeyPatch) -> None:
    shipped.record(1)
    with monkeypatch.context() as broken:
        broken.setattr(recorded.Book, "chunk", lambda *_: pa.concat_tables([]))
        shipped.ship(1.0)
        assert shipped.line.trouble == "ArrowInvalid"
    shipped.ship(3.0)
    assert (shipped.place.sequences(), shipped.line.trouble) == ([0], "")


@pytest.mark.parametrize("bug", [ValueError("no such topic"), KeyError("x"), RuntimeError("closed")])
def test_whatever_a_sinks_library_raises_it_is_tried_again(shipped: Shipped, bug: Exception) -> None:
    shipped.record(1)
    shipped.place.refuses = bug
    shipped.ship(1.0)
    assert shipped.line.trouble == type(bug).__name__
    shipped.place.refuses = None
    shipped.ship(3.0)
    assert (shipped.place.sequences(), shipped.line.trouble) == ([0], "")


def test_while_a_sink_is_down_nothing_is_kept_for_it(shipped: Shipped) -> None:
    shipped.place.refuses = errors.SinkUnavailable("it is away.")
    shipped.record(*range(monitors.FILES_MOST + 1))
    shipped.ship()
    shipped.log.look(30.0)
    files = [path for path in shipped.log.home.log.rglob("*") if path.is_file() and path.suffix not in {".db", ".db-wal"}]
    [merged] = [path for path in files if path.suffix == ".parquet"]
    assert merged.stat().st_nlink == 1
    assert sum(path.stat().st_size for path in files if path.parent.name == "shipped") < 1_000


def test_the_shipper_has_a_line_for_each_sink_and_forgets_those_that_are_taken_out(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.home.alarms.mkdir(exist_ok=True)
    other = keeping.Sink("env:OTHER")
    routed(log.home, TO, other)
    log.put(given.prediction(0))
    log.look(1.0)
    made = shipper.Shipper(log.home, lambda _: "")
    made.look(1.0)
    assert sorted(to for _, to in made.lines) == ["env:OTHER", "env:PLACE"]
    for one in made.lines.values():
        one.turn(2.0)
        assert one.trouble == f"{one.subject.sink.to} holds nothing."
    routed(log.home, TO)
    made.look(3.0)
    assert [to for _, to in made.lines] == ["env:PLACE"]
    assert [one.to for one in shipping.positions(log.home.log)] == ["env:PLACE"]
    routed(log.home, TO, other)
    log.look(20.0)
    begun = {one.to: one.moment for one in shipping.positions(log.home.log)}
    assert begun["env:OTHER"] > begun["env:PLACE"], "one that comes back begins anew"


def test_a_clock_that_was_ahead_hides_for_no_day_how_far_behind_a_sink_is(shipped: Shipped) -> None:
    shipped.log.put(given.prediction(1, 86_400.0))
    shipped.log.look(86_400.0)
    shipped.place.refuses = errors.SinkUnavailable("it answers 503.")
    shipped.ship(given.T0 + 86_400.0)
    shipped.line.look(given.T0 + 60.0)
    shipped.place.refuses = None
    assert not shipped.place.parcels
    shipped.line.look(given.T0 + 121.0)
    assert shipped.line.behind == 61.0
    shipped.ship(given.T0 + 122.0)
    assert shipped.place.sequences() == [0], "it is tried again by the clock as it is now"
