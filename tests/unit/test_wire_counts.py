"""What gateways count for people: by version, over boots that die, on a disk that is full."""

import multiprocessing
import os
import signal

import pytest

from tidegate.core.vocabulary import errors, home, marks
from tidegate.dataplane.wire import counts
from tidegate.observability.metrics import quantiles, totals

OK, ERROR = int(marks.Mark.OK), int(marks.Mark.ERROR)


@pytest.fixture
def place(tmp_path):
    found = home.Home(tmp_path)
    found.counts.mkdir()
    return found


def boot(place, name):
    return counts.Writer(place.counts, name * 32)


def test_a_reader_sees_what_was_counted(place):
    writer = boot(place, "a")
    row = writer.row("iris", 1)
    row.ended(OK, True, 1_500)
    row.ended(ERROR, False, 9)
    row.batch(3, 30, 0.25)
    row.stands(7, 2)
    writer.note("refused", {"queue-full": 4})
    read = counts.read(place.counts / f"{'a' * 32}.counts")
    slots = read.versions["iris", 1]
    assert (slots[counts.MARKS + OK], slots[counts.MARKS + ERROR], slots[counts.TOTAL_US]) == (1, 1, 1_500)
    assert slots[counts.LATENCY + marks.latency_bucket(1_500)] == 1
    assert (slots[counts.BATCHES], slots[counts.BATCHED], slots[counts.ROWS], slots[counts.BUSY_US]) == (1, 3, 30, 250_000)
    assert slots[counts.SIZES + 2] == 1  # up to 4
    assert (slots[counts.QUEUED], slots[counts.IN_FLIGHT]) == (7, 2)
    assert read.noted == {"refused:queue-full": 4}


def test_the_same_version_has_one_row_and_many_find_room(place):
    writer = boot(place, "a")
    assert writer.row("iris", 1) is writer.row("iris", 1)
    for ordinal in range(1, 200):
        writer.row("iris", ordinal).ended(OK, True, ordinal)
    read = counts.read(place.counts / f"{'a' * 32}.counts").versions
    assert {ordinal: slots[counts.TOTAL_US] for (_, ordinal), slots in read.items()} == {one: one for one in range(1, 200)}


def test_without_room_it_counts_in_memory_until_there_is_some(place):
    place.counts.rmdir()
    (place.root / "counts").write_text("in the way")
    writer = boot(place, "a")
    row = writer.row("iris", 1)
    row.ended(OK, True, 10)
    writer.save()
    place.counts.unlink()
    writer.save()
    row.ended(OK, True, 10)
    assert counts.read(place.counts / f"{'a' * 32}.counts").versions["iris", 1][counts.MARKS + OK] == 2


def _count_and_wait(folder, ready):
    writer = counts.Writer(folder, "d" * 32)
    for _ in range(1_000):
        writer.row("iris", 1).ended(OK, True, 10)
    writer.row("iris", 1).stands(5, 5)
    ready.set()
    signal.pause()


def test_a_killed_boot_stays_counted_once_before_and_after_it_is_folded(place):
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    child = context.Process(target=_count_and_wait, args=(place.counts, ready))
    child.start()
    assert ready.wait(20)
    living = boot(place, "b")
    living.row("iris", 1).ended(OK, True, 10)
    assert totals.fold(place) == 0  # both live
    os.kill(child.pid, signal.SIGKILL)
    child.join()

    def seen():
        slots = totals.served(place).versions["iris", 1]
        return slots[counts.MARKS + OK]

    assert seen() == 1_001
    assert totals.fold(place) == 1
    assert seen() == 1_001
    assert totals.served(place).versions["iris", 1][counts.QUEUED] == 0
    assert [path.name[0] for path in place.counts.glob("*.counts")] == ["b"]
    assert totals.fold(place) == 0
    assert seen() == 1_001


def test_a_fold_that_was_killed_before_the_file_went_counts_nothing_twice(place, monkeypatch):
    writer = boot(place, "a")
    writer.row("iris", 1).ended(OK, True, 10)
    writer.close()

    def killed(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("pathlib.Path.unlink", killed)
        with pytest.raises(KeyboardInterrupt):
            totals.fold(place)
    assert totals.served(place).versions["iris", 1][counts.MARKS + OK] == 1
    totals.fold(place)
    assert totals.served(place).versions["iris", 1][counts.MARKS + OK] == 1
    assert not list(place.counts.glob("*.counts"))


def test_a_file_that_is_none_is_left_out(place):
    (place.counts / "x.counts").write_bytes(b"no" * 40_000)
    with pytest.raises(errors.StoreUnavailable):
        counts.read(place.counts / "x.counts")
    assert totals.served(place).versions == {}


def test_quantiles_are_within_a_bucket_and_the_mean_is_exact():
    row = counts.Row()
    for number in range(1, 1_001):
        row.ended(OK, True, number * 100)
    told = quantiles.times(row.slots.tolist())
    assert told.answered == 1_000
    assert told.mean == pytest.approx(0.05005)
    for got, wanted in ((told.p50, 0.05), (told.p95, 0.095), (told.p99, 0.099)):
        assert wanted / marks.LATENCY_RATIO <= got <= wanted * marks.LATENCY_RATIO


def test_nothing_answered_has_no_times():
    told = quantiles.times([0] * counts.SLOTS)
    assert told.answered == 0
    assert told.mean != told.mean
    assert told.p95 != told.p95
