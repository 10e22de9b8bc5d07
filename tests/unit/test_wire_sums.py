"""Sums are counted once, whenever they are read, folded, moved or left behind by a dead gateway."""

import errno
import pathlib

import pytest

from tidegate.core.vocabulary import arms, errors, marks, tables
from tidegate.core.vocabulary import sums as words
from tidegate.dataplane.wire import holding, sumrows, sums

BEGIN = 1_700_000_040
STABLE = tables.Deployed(1, "a" * 64, "mlflow://m/1")
CANDIDATE = tables.Deployed(2, "b" * 64, "mlflow://m/2")


def route(**changes):
    given = {"release": "r1", "weight": 500, "evidence": True, "generation": 3, "candidate": CANDIDATE, **changes}
    return tables.Route("flights", "production", STABLE, **given)


def writer(tmp_path: pathlib.Path, name: str = "a" * 32, now: float = BEGIN) -> sums.Writer:
    return sums.Writer(tmp_path / f"{name}.sums", name, now)


def test_what_was_counted_is_read_back(tmp_path):
    boot = writer(tmp_path)
    lane = boot.lane(route(), arms.Arm.CANDIDATE)
    lane.opened().closed(marks.Mark.OK, 250, 3, rescued=False)
    lane.opened().closed(marks.Mark.TIMEOUT, 0, -1, rescued=True)
    lane.opened()
    [found] = sums.merge([sums.read(boot.path)], ())["r1"]
    assert (found.generation, found.weight, found.evidence, found.tick, found.span) == (3, 500, True, BEGIN, 1)
    assert (found.candidate.opened, found.candidate.closed, found.candidate.pending) == (3, 2, 1)
    assert found.candidate.marks[marks.Mark.OK] == found.candidate.marks[marks.Mark.TIMEOUT] == found.candidate.rescued == 1
    assert found.candidate.bins[3] == 1
    assert found.candidate.latency[marks.latency_bucket(250)] == 1
    assert found.stable == words.Counts()


def test_a_latency_lies_in_the_bucket_that_the_vocabulary_gives_it(tmp_path):
    boot = writer(tmp_path)
    for microseconds in (1, 10, 11, 99, 1_234, 10**6, 99_999_999, 10**9):
        cell = boot.lane(route(release=str(microseconds)), arms.Arm.STABLE).opened()
        cell.closed(marks.Mark.OK, microseconds, -1, rescued=False)
        [found] = sums.merge([sums.read(boot.path)], ())[str(microseconds)]
        assert found.stable.latency[marks.latency_bucket(microseconds)] == 1


def test_a_time_is_that_of_a_good_answer(tmp_path):
    boot = writer(tmp_path)
    lane = boot.lane(route(), arms.Arm.STABLE)
    for mark in (marks.Mark.INVALID, marks.Mark.REJECTED, marks.Mark.ERROR):
        lane.opened().closed(mark, 250, 3, rescued=False)
    [found] = sums.merge([sums.read(boot.path)], ())["r1"]
    assert (sum(found.stable.latency), found.stable.bins[3]) == (0, 3)


def test_a_tick_with_a_pending_request_is_not_closed_however_late_it_gets(tmp_path):
    boot = writer(tmp_path)
    cell = boot.lane(route(), 0).opened()
    boot.beat(BEGIN + 5.0)
    assert sums.closed_before([sums.read(boot.path)], ()) == BEGIN
    cell.closed(marks.Mark.OK, 1, -1, rescued=False)
    boot.beat(BEGIN + 5.1)
    assert sums.closed_before([sums.read(boot.path)], ()) == BEGIN + 5


def test_ticks_never_go_backwards(tmp_path):
    boot = writer(tmp_path)
    boot.beat(BEGIN + 9.0)
    boot.beat(BEGIN + 1.0)
    assert boot.tick == sums.read(boot.path).at_tick == BEGIN + 9


def test_old_ticks_become_minutes_and_no_count_changes(tmp_path):
    boot = writer(tmp_path)
    lanes = [boot.lane(route(), arm) for arm in arms.Arm]
    for second in range(200):
        boot.beat(BEGIN + second)
        for lane in lanes:
            lane.opened().closed(marks.Mark.OK, 100 + second, second % 32, rescued=False)
    before = total(sums.read(boot.path))
    for second in range(200, 1200):
        boot.beat(BEGIN + second)
        if second % 7 == 0:
            assert total(sums.read(boot.path)) == before
    found = sums.merge([sums.read(boot.path)], ())["r1"]
    assert {one.span for one in found} == {60}
    assert [one.tick % 60 for one in found] == [0] * len(found)


def test_rows_of_folded_ticks_are_used_again(tmp_path):
    boot = writer(tmp_path)
    lane = boot.lane(route(), 0)
    for second in range(sums.FOLD_AFTER * 4):
        boot.beat(BEGIN + second)
        lane.opened().closed(0, 1, -1, rescued=False)
    rows = (boot.path.stat().st_size - sumrows.HEADER_BYTES) // sumrows.ROW_BYTES
    assert rows <= 2 * sumrows.CHUNK_ROWS


def test_lanes_of_routes_that_are_gone_are_let_go_once_their_rows_are_folded(tmp_path):
    boot = writer(tmp_path)
    kept = boot.lane(route(generation=0), 0)
    for generation in range(1, 30):
        boot.lane(route(generation=generation), 0).opened().closed(marks.Mark.OK, 10, -1, rescued=False)
    assert len(boot._lanes) == 30
    for beat in range(100):
        boot.beat(BEGIN + sums.FOLD_AFTER + 120 + beat)
    assert len(boot._lanes) == 1
    assert boot.lane(route(generation=0), 0) is kept
    assert sum(one.stable.opened for one in sums.merge([sums.read(boot.path)], ())["r1"]) == 29


def test_a_pending_request_keeps_its_minute_from_being_folded(tmp_path):
    boot = writer(tmp_path)
    cell = boot.lane(route(), 0).opened()
    for second in range(0, 1500, 10):
        boot.beat(BEGIN + second)
    cell.closed(marks.Mark.OK, 1, -1, rescued=False)
    [found] = sums.merge([sums.read(boot.path)], ())["r1"]
    assert (found.tick, found.span, found.stable.closed) == (BEGIN, 1, 1)


def test_what_a_dead_boot_left_pending_is_an_error_of_the_arm_drawn(tmp_path):
    dead, living = writer(tmp_path, "d" * 32), writer(tmp_path, "e" * 32, BEGIN + 2)
    dead.lane(route(), arms.Arm.CANDIDATE).opened()
    living.lane(route(), arms.Arm.CANDIDATE).opened().closed(marks.Mark.OK, 1, -1, rescued=False)
    boots = sums.read_all(tmp_path)
    assert sums.closed_before(boots, ()) == BEGIN
    assert sums.closed_before(boots, {"d" * 32}) == BEGIN + 2
    both = sums.merge(boots, {"d" * 32})["r1"]
    assert [one.candidate.marks[marks.Mark.ERROR] for one in both] == [1, 0]
    assert sum(one.candidate.pending for one in both) == 0


def test_when_no_boot_lives_everything_is_closed(tmp_path):
    boot = writer(tmp_path)
    boot.lane(route(), 0).opened()
    assert sums.closed_before(sums.read_all(tmp_path), {"a" * 32}) == BEGIN + 1
    assert sums.closed_before([], ()) == 0


def test_two_boots_of_one_route_add_up(tmp_path):
    for name in ("1" * 32, "2" * 32):
        writer(tmp_path, name).lane(route(), 1).opened().closed(marks.Mark.INVALID, 5, -1, rescued=True)
    [found] = sums.merge(sums.read_all(tmp_path), ())["r1"]
    assert (found.candidate.opened, found.candidate.bad, found.candidate.rescued) == (2, 2, 2)
    assert sums.merge(sums.read_all(tmp_path), ()) == sums.merge(sums.read_all(tmp_path), ())


def test_a_dead_boots_ticks_are_merged_into_the_minutes_that_a_living_one_has_folded(tmp_path):
    dead, living = writer(tmp_path, "d" * 32), writer(tmp_path, "e" * 32)
    for boot in (dead, living):
        boot.lane(route(), 0).opened().closed(0, 1, -1, rescued=False)
    for second in range(800):
        living.beat(BEGIN + second)
    [found] = sums.merge(sums.read_all(tmp_path), {"d" * 32})["r1"]
    assert (found.span, found.stable.opened) == (60, 2)


def test_only_the_releases_asked_for_are_read(tmp_path):
    boot = writer(tmp_path)
    for release in ("", "r1", "r2"):
        boot.lane(route(release=release), 0).opened()
    assert {row.release for row in sums.read(boot.path, {"r2"}).rows} == {"r2"}
    assert set(sums.merge([sums.read(boot.path)], ())) == {"r1", "r2"}
    assert sums.opened([sums.read(boot.path)], BEGIN) == {"flights": (3, 0)}


def test_on_a_full_disk_counts_wait_in_memory_and_their_ticks_stay_open(tmp_path, monkeypatch):
    boot = writer(tmp_path)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(holding, "reserve", full)
        for number in range(sumrows.CHUNK_ROWS + 2):
            boot.lane(route(release=f"r{number}"), 0).opened().closed(0, 1, -1, rescued=False)
        boot.beat(BEGIN + 1)
        boot.beat(BEGIN + 2)
        assert sums.read(boot.path).oldest_pending == BEGIN
        assert len(sums.read(boot.path).rows) == sumrows.CHUNK_ROWS
    boot.beat(BEGIN + 3)
    assert sums.read(boot.path).oldest_pending == BEGIN + 3
    assert sum(row.values[sumrows.OPENED] for row in sums.read(boot.path).rows) == sumrows.CHUNK_ROWS + 2


def test_a_gateway_starts_on_a_full_disk_and_its_sums_appear_later(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(holding, "reserve", full)
        boot = writer(tmp_path)
        boot.lane(route(), 0).opened().closed(0, 1, -1, rescued=False)
        assert sums.read_all(tmp_path) == []
    boot.beat(BEGIN + 1)
    assert total(sums.read(boot.path)) == (1, 1)


def test_what_is_no_file_of_sums_is_refused_by_name(tmp_path):
    other = tmp_path / "x.sums"
    other.write_bytes(bytes(sumrows.HEADER_BYTES))
    with pytest.raises(errors.StoreUnavailable, match=r"x\.sums"):
        sums.read(other)


def test_a_name_too_long_for_a_row_is_refused(tmp_path):
    with pytest.raises(errors.TableUnreadable):
        writer(tmp_path).lane(route(release="r" * 65), 0)


def total(boot: sums.Boot) -> tuple[int, int]:
    opened = sum(row.values[sumrows.OPENED] for row in boot.rows)
    return opened, opened - sum(row.pending for row in boot.rows)
