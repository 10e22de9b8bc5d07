"""Key events outlive their writer, are told once a key, and a torn end hides nothing."""

import errno
import os
import pathlib

import pytest

from tidegate.core.vocabulary import errors, sums
from tidegate.dataplane.wire import keyevents


def event(number, release="r1", tick=100, arm=1, mark=1):
    return sums.KeyEvent(release, 7, 500, True, tick, arm, mark, number.to_bytes(16, "big"))


def test_events_are_read_as_they_were_told_and_a_key_is_told_once(tmp_path):
    writer = keyevents.Writer(tmp_path, "a" * 32)
    assert not writer.path.exists(), "a boot without bad requests has no file"
    for number in (1, 2, 1, 3, 2):
        writer.tell(event(number, tick=100 + number))
    writer.tell(event(1, release="r2"))
    found, offset = keyevents.read(writer.path)
    assert found == [event(1, tick=101), event(2, tick=102), event(3, tick=103), event(1, release="r2")]
    assert offset == writer.path.stat().st_size
    assert keyevents.read(writer.path, offset) == ([], offset)
    writer.tell(event(4))
    assert keyevents.read(writer.path, offset)[0] == [event(4)]


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_torn_end_is_read_once_it_is_whole(tmp_path, cut):
    writer = keyevents.Writer(tmp_path, "a" * 32)
    for number in range(3):
        writer.tell(event(number))
    whole = writer.path.read_bytes()
    torn = tmp_path / f"{'b' * 32}.keys"
    torn.write_bytes(whole[:-cut])
    found, offset = keyevents.read(torn)
    assert found == [event(number) for number in range(len(found))]
    assert len(found) < 3
    torn.write_bytes(whole)
    assert found + keyevents.read(torn, offset)[0] == [event(0), event(1), event(2)]


def test_a_reader_follows_all_boots_and_says_nothing_twice(tmp_path):
    first, second = (keyevents.Writer(tmp_path, name * 32) for name in "ab")
    reader = keyevents.Reader(tmp_path)
    assert reader.look() == []
    first.tell(event(1))
    assert reader.look() == [event(1)]
    first.tell(event(2))
    second.tell(event(1, tick=99))
    assert sorted(one.tick for one in reader.look()) == [99, 100]
    assert reader.look() == []
    assert len(keyevents.Reader(tmp_path).look()) == 3, "who begins anew reads all of it"
    first.path.unlink()
    second.tell(event(9))
    assert reader.look() == [event(9)]


def test_of_a_key_that_several_boots_told_the_earliest_counts_in_whatever_order_they_are_read():
    told = [event(1, tick=105), event(2, tick=101), event(1, tick=103), event(1, release="r2", tick=100)]
    for order in (told, told[::-1]):
        firsts = keyevents.Firsts(order)
        assert set(firsts.of(event(1).release)) == {event(2, tick=101), event(1, tick=103)}
        assert firsts.of("r2") == (event(1, release="r2", tick=100),)


def test_what_is_under_way_is_never_forgotten_however_many_releases_there_are():
    firsts = keyevents.Firsts(event(1, release=f"r{number}") for number in range(9))
    firsts.forget({"r0", "r4"}, 2)
    assert [number for number in range(9) if firsts.of(f"r{number}")] == [0, 4, 7, 8]


def test_other_files_are_refused_and_do_not_stop_the_reader(tmp_path):
    path = tmp_path / f"{'c' * 32}.keys"
    path.write_bytes(b"something else altogether")
    with pytest.raises(errors.StoreUnavailable):
        keyevents.read(path)
    writer = keyevents.Writer(tmp_path, "d" * 32)
    writer.tell(event(1))
    assert keyevents.Reader(tmp_path).look() == [event(1)]


def test_what_the_disk_does_not_take_is_counted_and_told_later(tmp_path, monkeypatch):
    writer = keyevents.Writer(tmp_path, "a" * 32)
    writer.tell(event(1))
    whole, room = os.write, [10]

    def full(file, data):
        if not room:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(file, data[: room.pop()])

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full)
        writer.tell(event(2))
        writer.tell(event(2))
    assert writer.lost == 2
    assert keyevents.read(writer.path)[0] == [event(1)]
    writer.tell(event(2))
    writer.tell(event(3))
    assert keyevents.read(writer.path)[0] == [event(1), event(2), event(3)]


def test_a_folder_that_is_gone_costs_no_request(tmp_path):
    writer = keyevents.Writer(tmp_path / "nowhere", "a" * 32)
    writer.tell(event(1))
    assert writer.lost == 1


def test_memory_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(keyevents, "MOST", 5)
    monkeypatch.setattr(keyevents, "RELEASES", 2)
    writer = keyevents.Writer(tmp_path, "a" * 32)
    for release in ("r1", "r2", "r3"):
        for number in range(9):
            writer.tell(event(number, release))
    assert len(keyevents.read(writer.path)[0]) == 15
    writer.tell(event(1, "r3"))
    assert len(keyevents.read(writer.path)[0]) == 15
    writer.tell(event(1, "r1"))  # forgotten by now
    assert len(keyevents.read(writer.path)[0]) == 16


def test_files_of_dead_boots_go_with_their_sums(tmp_path):
    for name in "abc":
        keyevents.Writer(tmp_path, name * 32).tell(event(1))
    (tmp_path / f"{'a' * 32}.sums").touch()
    keyevents.sweep(tmp_path, {"b" * 32})
    left = {path.stem[0] for path in pathlib.Path(tmp_path).glob("*.keys")}
    assert left == {"a", "b"}
