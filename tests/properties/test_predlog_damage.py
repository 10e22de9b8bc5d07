"""Whatever happens to a segment's bytes, no record is read that was not written, and those before the damage are."""

import pathlib
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from tidegate.core.vocabulary import errors, ids, records
from tidegate.dataplane.predlog import segments

BOOT = "a" * 32


def outcome(sequence: int, label: float | str) -> records.Outcome:
    return records.Outcome(1, "host", BOOT, sequence, ids.uuid7(sequence, sequence), 0, label, 1, 0, 10**18 + sequence)


LABELS = st.lists(st.one_of(st.floats(allow_nan=False), st.text(max_size=20)), min_size=1, max_size=8)


def written(folder: str, labels: list[float | str]) -> tuple[pathlib.Path, list[records.Outcome]]:
    batch = [outcome(at, label) for at, label in enumerate(labels)]
    writer = segments.Writer(pathlib.Path(folder), "host", BOOT)
    writer.append(batch)
    writer.close()
    return pathlib.Path(folder) / segments.name(BOOT, 0), batch


def readable(path: pathlib.Path) -> list[segments.Record]:
    """Everything that can be read, past any damage."""
    found: list[segments.Record] = []
    offset = 0
    for _ in range(100):
        try:
            for after, record in segments.read(path, offset):
                offset = after
                found.append(record)
        except errors.SegmentCorrupt:
            offset = segments.skip(path, offset)
        else:
            return found
    raise AssertionError("reading goes round in circles")


@settings(max_examples=40, deadline=None)
@given(labels=LABELS, share=st.floats(0, 1))
def test_a_segment_cut_anywhere_gives_a_beginning_of_what_was_written(labels: list[float | str], share: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, batch = written(folder, labels)
        raw = path.read_bytes()
        path.write_bytes(raw[: int(len(raw) * share)])
        found = [record for _, record in segments.read(path)]
        assert found == batch[: len(found)]
        if share == 1:
            assert found == batch


@settings(max_examples=60, deadline=None)
@given(labels=LABELS, share=st.floats(0, 1, exclude_max=True), flip=st.integers(1, 255))
def test_a_flipped_byte_invents_nothing_and_costs_only_what_it_hits(labels: list[float | str], share: float, flip: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path, batch = written(folder, labels)
        ends = [after for after, _ in segments.read(path)]
        known = segments.head(path)
        assert known is not None
        begins = [known[1], *ends[:-1]]
        raw = bytearray(path.read_bytes())
        at = int(len(raw) * share)
        raw[at] ^= flip
        path.write_bytes(bytes(raw))
        found = readable(path)
        assert found == [record for record in batch if record in found]
        if at >= known[1]:
            hit = sum(at >= end for end in ends)
            assert found[:hit] == batch[:hit]
            if at >= begins[hit] + segments._RECORD.size:
                assert found == batch[:hit] + batch[hit + 1 :]
