"""The recorder records everything once, says what is missing, and begins again where it was."""

import contextlib
import os
import pathlib
import sqlite3

import msgspec
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from recording_fixtures import Killed, Log, killing

from tidegate.core.vocabulary import alarms, errors
from tidegate.dataplane.predlog import catalogue, parquet, reader, segments
from tidegate.observability.monitors import integrity
from tidegate.observability.reading import rules
from tidegate.observability.recording import following, recorder, upkeep


def stored(log: Log) -> list[int]:
    """The sequences in the files that count, in order."""
    with catalogue.Catalogue(log.home.log, readonly=True) as known:
        paths = [log.home.log / file.path for file in known.files()]
    return sorted(number for path in paths for number in pq.read_table(path, partitioning=None)["sequence"].to_pylist())


def test_records_of_all_gateways_and_endpoints_are_stored_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(*(given.prediction(at, at) for at in range(4)), given.prediction(4, endpoint="other"))
    log.put(given.prediction(0, 1.0), boot="c" * 32)
    log.look(10.0)
    log.look(11.0)
    assert stored(log) == [0, 0, 1, 2, 3, 4]
    assert {name: log.fact(name) for name in ("recorded", "lost", "repeated", "lag_seconds")} == {
        "recorded": 6,
        "lost": 0,
        "repeated": 0,
        "lag_seconds": 0.0,
    }


def test_what_was_not_flushed_when_it_was_killed_is_read_again_and_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.look(1.0)
    one = given.prediction(1, 2.0)
    log.put(one, given.outcome(0, one, 0.0, 3.0))
    log.recorder.step(given.T0 + 1.5)
    log.killed(4.0)
    log.look(20.0)
    log.killed(21.0)
    log.look(22.0)
    assert stored(log) == [0, 1, 2]
    assert log.cells() == [(0, 1, 0, 0, 0, 0, 0), (2, 1, 1, 0, 0, 0, 0)]
    assert log.fact("repeated") == 0


def test_files_that_do_not_count_are_swept_and_their_records_are_stored_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0), given.prediction(1))
    parquet.write(log.home.log, "orphan", [given.prediction(0), given.prediction(1)])
    half = log.home.log / "predictions" / "half.part"
    half.write_bytes(b"half")
    log.killed(1.0)
    log.look(2.0)
    assert stored(log) == [0, 1]
    assert not half.exists()
    assert len(list(log.home.log.rglob("*.parquet"))) == 1


def an_hour_later(log: Log, *pages: pathlib.Path) -> None:
    """Upkeep, when these pages were last written to before the log began."""
    for page in pages:
        os.utime(page, (given.T0, given.T0))
    log.look(upkeep.RETENTION_SECONDS)
    log.look(upkeep.RETENTION_SECONDS + 20)


def test_what_a_boot_loses_behind_its_last_record_is_counted_once_the_boot_is_over(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0), given.prediction(1))
    writer = log.writers[given.BOOT]
    writer.lose(3)
    page = log.home.segments / f"{given.BOOT}.end"
    log.look(1.0)
    assert (log.fact("lost"), page.exists()) == (0, True), "it lives, and the next record may tell"
    writer.sync()
    os.close(writer._file)  # as a kill leaves it: nothing is closed, but locks are gone
    os.close(writer._end._file)
    writer._end._page.close()
    log.look(3.0)
    assert (log.fact("lost"), page.exists()) == (3, True), "it stays for who gathers"
    log.killed(4.0)
    log.look(6.0)
    assert log.fact("lost") == 3
    an_hour_later(log, page)
    assert (log.fact("lost"), page.exists()) == (3, False)


def test_what_a_boot_loses_that_never_kept_anything_is_counted_too(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    writer = given.writer(log.home, given.BOOT)
    writer.lose(4)
    writer.close()
    log.look(1.0)
    log.look(4.0)
    assert log.fact("lost") == 4
    an_hour_later(log, *log.home.segments.glob("*.end"))
    assert list(log.home.segments.glob("*.end")) == []


def test_a_kill_between_counting_and_sweeping_counts_what_was_lost_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.writers[given.BOOT].lose(2)
    log.writers[given.BOOT].close()
    page = log.home.segments / f"{given.BOOT}.end"
    raw = page.read_bytes()
    log.look(1.0)
    page.write_bytes(raw)
    log.killed(2.0)
    log.look(5.0)
    assert log.fact("lost") == 2


def test_a_page_that_is_damaged_tells_nothing_and_goes(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    page = log.home.segments / f"{given.BOOT}.end"
    page.write_bytes(b"x" * 5_000)
    log.look(1.0)
    an_hour_later(log, page)
    assert (log.fact("lost"), page.exists()) == (0, False)


def test_a_gap_is_lost_and_a_repeat_is_dropped(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.writers[given.BOOT].lose(3)
    log.put(given.prediction(1))
    log.writers[given.BOOT].sequence = 2
    log.put(given.prediction(2))
    log.look(1.0)
    assert (log.fact("lost"), log.fact("repeated"), log.fact("recorded")) == (3, 1, 2)


def test_a_damaged_record_is_looked_at_again_and_then_counted_as_lost(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(*(given.prediction(at) for at in range(3)))
    path = log.home.segments / segments.name(given.BOOT, 0)
    offsets = [after for after, _ in segments.read(path)]
    raw = bytearray(path.read_bytes())
    raw[offsets[0] + 50] ^= 4
    path.write_bytes(bytes(raw))
    log.look(0.5)
    assert (log.fact("lost"), log.fact("corrupt"), log.fact("recorded")) == (0, 0, 1)
    log.look(1.0)
    log.look(1.1)
    assert (log.fact("lost"), log.fact("corrupt"), log.fact("recorded")) == (1, 1, 2)


def test_a_write_under_way_looks_like_damage_for_a_moment_and_is_then_read(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(*(given.prediction(at) for at in range(2)))
    path = log.home.segments / segments.name(given.BOOT, 0)
    whole = path.read_bytes()
    offset = next(after for after, _ in segments.read(path))
    path.write_bytes(whole[:offset] + bytes([255]) * 30)
    log.look(0.5)
    path.write_bytes(whole)
    log.look(1.0)
    assert (log.fact("lost"), log.fact("corrupt"), log.fact("recorded")) == (0, 0, 2)


def test_a_dead_gateways_segment_is_deleted_an_hour_after_it_was_recorded_and_a_live_ones_is_kept(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.put(given.prediction(0), boot="c" * 32)
    log.writers.pop(given.BOOT).close()
    log.look(1.0)
    log.look(3000.0)
    assert len(segments.listing(log.home.segments)) == 2
    log.look(4000.0)
    assert list(segments.listing(log.home.segments)) == ["c" * 32]
    log.killed(4001.0)
    log.put(given.prediction(1), boot="c" * 32)
    log.look(4002.0)
    assert (stored(log), log.fact("lost")) == ([0, 0, 1], 0)
    assert log.recorder.follower.expected == {given.BOOT: 1, "c" * 32: 2}


def test_many_small_files_become_one_and_nothing_is_lost(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    for at in range(upkeep.FILES_MOST + 1):
        log.put(given.prediction(at, at / 100))
        log.look(at / 100)
    log.look(30.0)
    files = list(log.home.log.rglob("*.parquet"))
    assert len(files) == 1
    assert stored(log) == list(range(upkeep.FILES_MOST + 1))
    assert reader.find(log.home, given.identifier(3, 0.03)) is not None


def test_a_catalogue_with_a_damaged_page_is_put_aside_and_a_whole_one_is_not(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(*(given.prediction(at) for at in range(50)))
    log.look(1.0)
    log.recorder.close()
    path = log.home.log / catalogue.NAME
    upkeep.examine(log.home.log)
    assert path.exists()
    raw = bytearray(path.read_bytes())
    with catalogue.Catalogue(log.home.log, readonly=True) as known:
        root = known.connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'file'").fetchone()[0]
        size = known.connection.execute("PRAGMA page_size").fetchone()[0]
    raw[(root - 1) * size : (root - 1) * size + 64] = b"\xff" * 64
    path.write_bytes(raw)
    with pytest.raises(sqlite3.DatabaseError, match="malformed") as told:
        recorder.Recorder(log.home, given.T0 + 2.0)
    assert type(told.value) is sqlite3.DatabaseError
    upkeep.examine(log.home.log)
    assert not path.exists()
    log.recorder = recorder.Recorder(log.home, given.T0 + 3.0)
    assert sum(file.rows for file in log.recorder.catalogue.files()) == 50


@pytest.mark.parametrize("damage", ["gone", "damaged"])
def test_a_lost_catalogue_is_made_anew_from_the_files_and_nothing_is_stored_twice(tmp_path: pathlib.Path, damage: str) -> None:
    log = Log(tmp_path)
    one = given.prediction(0)
    log.put(one, given.outcome(0, one, 1.0, 1.0))
    log.look(2.0)
    log.recorder.close()
    for path in log.home.log.glob("catalogue.db*"):
        path.unlink()
    if damage == "damaged":
        (log.home.log / catalogue.NAME).write_bytes(b"no database at all" * 300)
    log.recorder = recorder.Recorder(log.home, given.T0)
    log.put(given.prediction(2))
    log.look(3.0)
    assert stored(log) == [0, 1, 2]
    assert log.fact("lost") == 0
    assert len(list(log.home.log.glob("*.damaged"))) == (damage == "damaged")


def copied(log: Log) -> pathlib.Path:
    """A copy of the catalogue as it is."""
    found = log.home.root / "earlier.db"
    with contextlib.closing(sqlite3.connect(found)) as copy:
        log.recorder.catalogue.connection.backup(copy)
    return found


@pytest.mark.parametrize("by", ["nothing", "an earlier one"])
def test_a_catalogue_that_is_taken_away_while_it_is_written_is_made_anew(tmp_path: pathlib.Path, by: str) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.look(1.0)
    earlier = copied(log)
    log.put(given.prediction(1))
    log.look(2.0)
    path = log.home.log / catalogue.NAME
    path.unlink() if by == "nothing" else earlier.replace(path)
    log.put(given.prediction(2))
    with pytest.raises(errors.StoreUnavailable, match="deleted or replaced"):
        log.look(3.0)
    log.killed(4.0)
    log.put(given.prediction(3))
    log.look(5.0)
    assert stored(log) == [0, 1, 2, 3]
    assert log.fact("lost") == 0
    with catalogue.Catalogue(log.home.log, readonly=True) as seen:
        assert sum(file.rows for file in seen.files()) == 4


@pytest.mark.parametrize("since", ["more", "merged", "rewritten"])
def test_an_earlier_catalogue_has_no_file_deleted_whose_segments_are_gone(tmp_path: pathlib.Path, since: str) -> None:
    log = Log(tmp_path)
    for at in range(upkeep.FILES_MOST):
        log.put(given.prediction(at, at / 100))
        log.look(at / 100)
    earlier, known = copied(log), log.recorder.catalogue
    count = upkeep.FILES_MOST
    if since == "rewritten":
        file = known.files()[0]
        rows = pq.read_table(log.home.log / file.path, partitioning=None)
        known.swap(file, parquet.rewritten(log.home.log, "9-e1", file, rows))
        (log.home.log / file.path).unlink()
    else:
        for at in range(1, 1 + (2 if since == "more" else 1)):
            log.put(given.prediction(100 + at, 1.0 + at))
            log.look(1.0 + at)
            count += 1
    if since == "merged":
        upkeep.merge(known, "9-m")
    log.recorder.close()
    for path in (*log.home.log.glob("catalogue.db-*"), *log.home.segments.glob("*.seg")):
        path.unlink()
    earlier.replace(log.home.log / catalogue.NAME)
    log.recorder = recorder.Recorder(log.home, given.T0 + 9.0)
    log.look(10.0)
    assert stored(log) == list(range(count))
    assert [path.name for path in log.home.log.glob("*.damaged")] == [f"{catalogue.NAME}.damaged"]


def test_what_a_kill_leaves_behind_makes_no_catalogue_an_earlier_one(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.look(1.0)
    log.put(*(given.prediction(at, endpoint=name) for at, name in enumerate(("flight-delay", "other"), 1)))
    with pytest.raises(Killed), killing(1, after=False):
        log.look(2.0)
    assert len(list(log.home.log.rglob("*.parquet"))) == 3
    log.killed(3.0)
    log.look(4.0)
    assert stored(log) == [0, 1, 2]
    assert not list(log.home.log.glob("*.damaged"))


def test_a_boot_whose_first_segments_are_long_gone_begins_without_a_loss(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    writer = given.writer(made, rotate_bytes=1)
    for at in range(3):
        writer.append([given.prediction(at)])
    (made.segments / segments.name(given.BOOT, 0)).unlink()
    news = following.Follower(made.segments, catalogue.Progress()).look(0.0, 1 << 20)
    assert ([one.sequence for one in news.records], news.lost) == ([1, 2], 0)


def test_a_bounded_look_says_that_there_is_more(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    given.writer(made).append([given.prediction(at) for at in range(10)])
    follower = following.Follower(made.segments, catalogue.Progress())
    first = follower.look(0.0, 1)
    assert (len(first.records), first.caught_up) == (1, False)
    rest = follower.look(0.0, 1 << 20)
    assert (len(rest.records), rest.caught_up) == (9, True)


def test_a_later_formats_segment_waits_for_a_later_version_and_nothing_is_closed_meanwhile(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    head = segments._encode(segments.Head(segments.VERSION + 1, "host", "c" * 32, 0, 0))
    raw = segments._FILE.pack(segments.MAGIC, len(head), segments._crc(head)) + head
    (log.home.segments / segments.name("c" * 32, 0)).write_bytes(raw)
    log.put(given.prediction(0))
    log.look(30.0)
    log.look(31.0)
    assert log.labels().closed_before == 0
    assert log.recorder.facts(given.T0 + 31.0)["lag_seconds"] == 31.0
    assert stored(log) == [0]


def test_a_batch_the_disk_refuses_is_undone_and_recorded_later(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    blocked = log.home.log / "predictions"
    blocked.write_text("a file where a folder must be")
    with pytest.raises(OSError, match="predictions"):
        log.look(1.0)
    blocked.unlink()
    log.killed(2.0)
    log.look(3.0)
    assert stored(log) == [0]


def test_a_table_that_cannot_be_read_leaves_the_rule_that_was_known(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    known = rules.Rules(made.table)
    assert known.rule("flight-delay").within_seconds == 10.0
    made.table.write_bytes(b"{")
    assert known.rule("flight-delay").within_seconds == 10.0
    assert known.rule("unknown") == msgspec.structs.replace(known.rule("unknown"))


def test_a_damaged_parquet_file_is_set_aside_and_told_until_it_is_deleted(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    watch = integrity.Integrity(log.home)
    log.put(*(given.prediction(at) for at in range(3)))
    log.look(1.0)
    assert watch.look(1.0) == []
    [path] = log.home.log.rglob("*.parquet")
    path.write_bytes(path.read_bytes()[:-9])
    log.put(given.prediction(3))
    log.look(20.0)
    assert (log.fact("damaged"), log.fact("damaged_rows"), stored(log)) == (1, 3, [3])
    [told] = watch.look(20.0)
    aside = path.with_name(f"{path.name}.damaged")
    assert (told.kind, str(aside) in told.words) == (alarms.Kind.LOG_DAMAGED, True)
    assert "bytes instead of" in told.moved[0]
    assert "3 rows lost" in told.moved[0]
    log.killed(21.0)
    assert aside.exists()
    aside.unlink()
    assert watch.look(22.0) == []


def test_damaged_files_are_not_merged_and_the_others_are(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    for at in range(upkeep.FILES_MOST + 1):
        log.put(given.prediction(at, at / 100))
        log.recorder.step(given.T0 + at / 100)
        log.recorder.flush(given.T0 + at / 100)
    first = min(log.home.log.rglob("*.parquet"))
    first.write_bytes(b"garbage")
    log.look(30.0)
    assert stored(log) == list(range(1, upkeep.FILES_MOST + 1))
    assert log.fact("damaged") == 1
    assert len(list(log.home.log.rglob("*.parquet"))) == 1


def test_a_segment_whose_head_is_damaged_loses_no_record_and_is_kept_aside(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    writer = log.writers[given.BOOT] = given.writer(log.home, rotate_bytes=100)
    for at in range(3):
        log.put(given.prediction(at))
    writer.close()
    del log.writers[given.BOOT]
    first, second, third = (path for _, path in segments.listing(log.home.segments)[given.BOOT])
    first.unlink()
    raw = bytearray(second.read_bytes())
    raw[20] ^= 1
    second.write_bytes(bytes(raw))
    for at in (1.0, 2.0, 3.0):
        log.look(at)
    assert (stored(log), log.fact("lost")) == ([1, 2], 0)
    assert log.fact("corrupt") == 1
    assert second.with_name(f"{second.name}.damaged").exists()
    assert not third.with_name(f"{third.name}.damaged").exists()
    [told] = integrity.Integrity(log.home).look(4.0)
    assert second.name in told.moved[0]


def test_what_is_behind_damage_is_read_although_a_later_segment_is_there(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.writers[given.BOOT] = given.writer(log.home, rotate_bytes=1_000)
    for at in range(4):
        log.put(given.prediction(2 * at), given.prediction(2 * at + 1))
    [first, *later] = (path for _, path in segments.listing(log.home.segments)[given.BOOT])
    assert later
    raw = bytearray(first.read_bytes())
    raw[next(after for after, _ in segments.read(first)) - 5] ^= 1
    first.write_bytes(bytes(raw))
    for at in (0.1, 0.8, 0.9, 1.0):
        log.look(at)
    assert stored(log) == list(range(1, 8))
    assert (log.fact("lost"), log.fact("repeated"), log.fact("corrupt")) == (1, 0, 1)
