"""Segments give back what was appended, and never anything else."""

import pathlib

import predlog_fixtures as given
import pytest

from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import segments


def written(folder: pathlib.Path, count: int = 3) -> pathlib.Path:
    writer = segments.Writer(folder, "host", given.BOOT)
    writer.append([given.prediction(at) for at in range(count)])
    writer.close()
    return folder / segments.name(given.BOOT, 0)


def sequences(path: pathlib.Path, offset: int = 0) -> list[int]:
    return [record.sequence for _, record in segments.read(path, offset)]


def test_what_is_appended_is_read_back_in_order_with_the_offset_behind_each(tmp_path: pathlib.Path) -> None:
    first, second = given.prediction(0), given.prediction(1, answers=("cat", None, 0.5), rows=3)
    truth = given.outcome(2, first, "cat", at=3.0)
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    writer.append([first])
    writer.append([second, truth])
    path = tmp_path / segments.name(given.BOOT, 0)
    found = list(segments.read(path))
    assert [record for _, record in found] == [first, second, truth]
    assert [record for _, record in segments.read(path, found[0][0])] == [second, truth]
    assert found[-1][0] == path.stat().st_size
    assert writer.sequence == 3


def test_a_writer_that_has_appended_nothing_has_made_no_file(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    writer.append([])
    writer.sync()
    writer.close()
    assert list(tmp_path.iterdir()) == []


def test_a_segment_that_is_full_is_followed_by_the_next_which_names_its_first_sequence(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT, rotate_bytes=1)
    for at in range(3):
        writer.append([given.prediction(at)])
    writer.sync()
    listing = segments.listing(tmp_path)[given.BOOT]
    assert [number for number, _ in listing] == [0, 1, 2]
    heads = [segments.head(path) for _, path in listing]
    assert [told[0].first for told in heads if told] == [0, 1, 2]
    assert heads[2] is not None
    assert (heads[2][0].host, heads[2][0].incarnation) == ("host", given.BOOT)


def test_a_torn_tail_ends_a_read_quietly_and_what_follows_later_is_read_from_there(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    found = list(segments.read(path))
    assert [record.sequence for _, record in found] == [0, 1]
    path.write_bytes(whole)
    assert sequences(path, found[-1][0]) == [2]


def test_zeros_at_the_end_as_a_power_cut_leaves_them_are_a_torn_tail(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path)
    path.write_bytes(path.read_bytes() + bytes(5000))
    assert sequences(path) == [0, 1, 2]


def test_zeros_written_ahead_are_no_records_and_what_is_appended_takes_their_place(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT, rotate_bytes=3_000_000)
    writer.append([given.prediction(0)])
    writer.reserve()
    path = tmp_path / segments.name(given.BOOT, 0)
    assert path.stat().st_size > segments.AHEAD_BYTES
    assert sequences(path) == [0]
    large = [given.prediction(number, input=b"x" * 400_000) for number in range(1, 5)]
    for record in large:  # past the zeros, which are written anew
        writer.append([record])
        writer.reserve()
        writer.sync()
    assert sequences(path) == [0, 1, 2, 3, 4]
    writer.close()
    assert sequences(path) == [0, 1, 2, 3, 4]
    assert path.stat().st_size < 2_000_000


def test_a_segment_that_is_full_loses_its_zeros(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT, rotate_bytes=1_000)
    for number in range(6):
        writer.append([given.prediction(number)])
        writer.reserve()
    first = tmp_path / segments.name(given.BOOT, 0)
    assert first.stat().st_size < 3_000
    writer.close()


def test_a_record_that_is_half_written_over_zeros_is_a_torn_tail_until_more_follows(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path)
    raw = path.read_bytes()
    path.write_bytes(raw[:-20] + bytes(20 + 100_000))
    assert sequences(path) == [0, 1]
    path.write_bytes(raw[:-20] + bytes(20) + raw[-300:])
    with pytest.raises(errors.SegmentCorrupt):
        sequences(path)


def test_damage_in_the_middle_is_an_error_and_skip_finds_the_next_whole_record(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path)
    offsets = [after for after, _ in segments.read(path)]
    raw = bytearray(path.read_bytes())
    raw[offsets[0] + 40] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(errors.SegmentCorrupt, match=f"byte {offsets[0]}"):
        sequences(path)
    assert segments.skip(path, offsets[0]) == offsets[1]
    assert sequences(path, offsets[1]) == [2]


def test_a_damaged_length_is_skipped_too(tmp_path: pathlib.Path) -> None:
    path = written(tmp_path)
    offsets = [after for after, _ in segments.read(path)]
    raw = bytearray(path.read_bytes())
    raw[offsets[0] : offsets[0] + 4] = b"\xff\xff\xff\x7f"
    path.write_bytes(bytes(raw))
    assert segments.skip(path, offsets[0]) == offsets[1]


def test_a_record_larger_than_one_read_is_read_whole(tmp_path: pathlib.Path) -> None:
    large = given.prediction(0, input=b"x" * (9 << 20))
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    writer.append([large, given.prediction(1)])
    path = tmp_path / segments.name(given.BOOT, 0)
    assert [record.sequence for _, record in segments.read(path)] == [0, 1]
    path.write_bytes(path.read_bytes()[: 5 << 20])
    assert sequences(path) == []


def test_another_file_is_not_a_segment_and_a_later_format_is_left_to_a_later_version(tmp_path: pathlib.Path) -> None:
    other = tmp_path / "a-000000.seg"
    other.write_bytes(b"something else altogether, longer than a head")
    with pytest.raises(errors.SegmentCorrupt, match="not a segment"):
        sequences(other)
    head = segments._encode(segments.Head(segments.VERSION + 1, "host", given.BOOT, 0, 0))
    other.write_bytes(segments._FILE.pack(segments.MAGIC, len(head), segments._crc(head)) + head)
    with pytest.raises(errors.ProtocolMismatch):
        sequences(other)


def test_a_lost_record_leaves_a_gap_in_the_numbers(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    writer.append([given.prediction(writer.sequence)])
    writer.lose()
    writer.append([given.prediction(writer.sequence)])
    assert sequences(tmp_path / segments.name(given.BOOT, 0)) == [0, 2]


def test_a_segment_is_in_use_until_its_writer_goes_on_or_ends(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT, rotate_bytes=1)
    writer.append([given.prediction(0)])
    first, second = (tmp_path / segments.name(given.BOOT, number) for number in (0, 1))
    assert segments.in_use(first)
    writer.append([given.prediction(1)])
    writer.sync()
    assert not segments.in_use(first)
    assert segments.in_use(second)
    writer.close()
    assert not segments.in_use(second)
    assert not segments.in_use(tmp_path / "gone.seg")


def test_where_no_segment_can_be_made_the_log_is_unavailable_and_no_number_is_used(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path / "missing", "host", given.BOOT)
    with pytest.raises(errors.LogUnavailable):
        writer.append([given.prediction(0)])
    assert writer.sequence == 0
    (tmp_path / "missing").mkdir()
    writer.append([given.prediction(0)])
    assert writer.sequence == 1


def test_a_segment_that_is_ended_is_one_that_nobody_writes_and_the_next_record_begins_another(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    writer.end()
    assert segments.listing(tmp_path) == {}
    writer.append([given.prediction(0)])
    first = tmp_path / segments.name(given.BOOT, 0)
    assert segments.in_use(first)
    writer.end()
    writer.end()
    writer.sync()
    assert not segments.in_use(first)
    writer.append([given.prediction(1)])
    writer.close()
    assert [sequences(tmp_path / segments.name(given.BOOT, number)) for number in (0, 1)] == [[0], [1]]


def test_somebody_asks_for_segments_to_be_ended_by_touching_a_file(tmp_path: pathlib.Path) -> None:
    writer = segments.Writer(tmp_path, "host", given.BOOT)
    assert writer.asked == 0
    (tmp_path / segments.TURN).touch()
    assert writer.asked > 0
    assert segments.listing(tmp_path) == {}
