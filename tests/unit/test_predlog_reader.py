"""The prediction log is found again as it was written, in Parquet and in segments."""

import pathlib
import sqlite3

import msgspec
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest

from tidegate.core.vocabulary import arms, errors, home, ids, marks, records
from tidegate.dataplane.predlog import catalogue, parquet, reader, segments


def recorded(made: home.Home, name: str, *batch: segments.Record) -> list[parquet.File]:
    files = parquet.write(made.log, name, batch)
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.add(files)
        known.commit()
    return files


def test_a_recorded_prediction_is_found_as_it_was_with_the_outcome_received_first(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = given.prediction(0, answers=(0.5, None, "x"), rows=3, output=b"\xc3\xa9", error="boom", rescued=True)
    first, second = given.outcome(1, one, 1.0, at=2.0), given.outcome(2, one, 0.0, at=3.0)
    other = given.outcome(3, one, "late", at=4.0, row=1)
    correction = given.outcome(4, one, 0.0, at=5.0, label_version=2)
    recorded(made, "a", one, second, first, other, correction, given.prediction(5))
    found = reader.find(made, one.id)
    assert found == reader.Found(one, (first, correction, other), recorded=True)
    assert reader.find(made, given.identifier(99)) is None


def test_a_prediction_that_is_only_in_a_segment_is_found_at_once_and_without_a_recorder(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = given.prediction(0)
    given.writer(made).append([one, given.outcome(1, one, 1.0, at=2.0)])
    found = reader.find(made, one.id)
    assert found is not None
    assert (found.prediction, len(found.outcomes), found.recorded) == (one, 1, False)


def test_damage_in_a_segment_hides_only_what_is_damaged(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    batch = [given.prediction(at) for at in range(3)]
    given.writer(made).append(batch)
    path = made.segments / segments.name(given.BOOT, 0)
    offsets = [after for after, _ in segments.read(path)]
    raw = bytearray(path.read_bytes())
    raw[offsets[0] + 60] ^= 255
    path.write_bytes(bytes(raw))
    assert [reader.find(made, one.id) is not None for one in batch] == [True, False, True]


def test_a_live_prediction_comes_before_its_shadow_and_only_its_own_outcomes_are_told(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    shadow = given.prediction(0, role=arms.Role.SHADOW, version=2)
    live = given.prediction(1, id=shadow.id)
    recorded(made, "a", shadow, live, given.outcome(2, live, 1.0, at=1.0), given.outcome(3, live, 0.0, at=1.0, role=1))
    found = reader.find(made, live.id)
    assert found is not None
    assert found.prediction == live
    assert [one.label for one in found.outcomes] == [1.0]


def test_files_lie_by_endpoint_and_day_and_are_sorted_by_id(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    batch = [given.prediction(at, at=float(-at)) for at in range(5)]
    other = given.prediction(9, endpoint="other", at=86_400.0)
    first, second = parquet.write(made.log, "a", [*batch, other])
    assert (first.path, second.path) == (
        "predictions/endpoint=flight-delay/day=2023-11-14/a.parquet",
        "predictions/endpoint=other/day=2023-11-15/a.parquet",
    )
    shown = pq.read_table(tmp_path / "log" / first.path, partitioning=None)["id"].to_pylist()
    assert shown == sorted(ids.text(one.id) for one in batch)
    assert (first.first, first.last) == (batch[4].id, batch[0].id)
    assert not list(made.log.rglob("*.part"))


def test_merged_files_hold_the_same_rows(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    batch = [given.prediction(at, at=float(at * 7 % 5)) for at in range(6)]
    files = [*recorded(made, "a", *batch[:3]), *recorded(made, "b", *batch[3:])]
    whole = parquet.merge(made.log, "c", files)
    assert (whole.rows, whole.level) == (6, 1)
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.add([whole])
        known.drop(files)
        known.commit()
    assert sorted(reader.predictions(made.log, [one.id for one in batch]), key=lambda one: one.sequence) == batch


def test_files_written_before_a_column_was_added_are_read_with_its_default_beside_new_ones(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one, other = given.prediction(0, worker_us=400), given.prediction(1, worker_us=500)
    (old,) = recorded(made, "a", one)
    rows = pq.read_table(made.log / old.path, partitioning=None)
    pq.write_table(rows.drop_columns(["worker_us"]), made.log / old.path)
    with catalogue.Catalogue(made.log) as known:
        known.drop([old])
        known.add([msgspec.structs.replace(old, seal=())])
    found = reader.find(made, one.id)
    assert found is not None
    assert (found.prediction.worker_us, found.prediction.model_us, found.prediction.id) == (0, one.model_us, one.id)
    recorded(made, "b", other)
    assert {each.worker_us for each in reader.predictions(made.log, [one.id, other.id])} == {0, 500}


def test_a_last_batch_that_was_written_in_part_is_left_out_when_the_catalogue_is_lost(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    one = given.prediction(0)
    whole = parquet.write(made.log, "1-a", [one, given.outcome(1, one, 1.0, at=1.0)])
    half = parquet.write(made.log, "2-b", [given.prediction(2), given.outcome(3, one, 1.0, at=1.0)])
    (made.log / half[0].path).unlink()
    assert {file.path for file in parquet.found(made.log)} == {file.path for file in whole}
    merged = parquet.merge(made.log, "3-c", [half[1], whole[0]])
    assert {file.path for file in parquet.found(made.log)} == {*(file.path for file in whole), half[1].path, merged.path}


def test_counts_are_by_day_version_and_arm_of_live_requests(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    bad = given.prediction(2, arm=1, version=2, mark=marks.Mark.INVALID, rescued=True, at=5.0)
    recorded(made, "a", given.prediction(0), given.prediction(1), bad, given.prediction(3, role=arms.Role.PINNED))
    candidate, stable = reader.counts(made)
    assert (candidate.version, candidate.requests, candidate.bad, candidate.rescued) == (2, 1, 1, 1)
    assert (stable.version, stable.requests, stable.rows, stable.bad, stable.day) == (1, 2, 2, 0, "2023-11-14")
    assert reader.counts(made, "other") == []


def test_a_sample_is_the_newest_bodies_that_were_answered_well(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    assert reader.sample(made, "flight-delay", 3) == []
    bad = given.prediction(3, at=9.0, mark=marks.Mark.ERROR)
    recorded(made, "a", *(given.prediction(at, at=float(at), input=b"%d" % at) for at in range(3)), bad)
    given.writer(made, "c" * 32).append([given.prediction(0, at=20.0, input=b"fresh", incarnation="c" * 32)])
    assert [body for _, body in reader.sample(made, "flight-delay", 3)] == [b"fresh", b"2", b"1"]


def test_a_damaged_catalogue_is_said_to_be_so(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    (made.log / catalogue.NAME).write_bytes(b"not a database" * 100)
    with pytest.raises(errors.StoreUnavailable):
        reader.find(made, given.identifier(0))


def test_what_a_transaction_did_not_finish_does_not_count(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.tally({"recorded": 3})
        known.commit()
        known.begin()
        known.tally({"recorded": 4})
        known.advance({("a", 0): catalogue.Place(9)}, {"a": 1})
        known.rollback()
    with catalogue.Catalogue(made.log, readonly=True) as known:
        assert known.tallies() == {"recorded": 3}
        assert known.progress().places == {}
        with pytest.raises(sqlite3.OperationalError):
            known.tally({"recorded": 1})


def test_bodies_of_any_bytes_come_back_as_they_were(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    bodies = (b'{"a": 1}', bytes(range(256)), "base64:sneaky \u00e4".encode(), b"")
    batch = [given.prediction(number, input=body, output=body, content="grpc") for number, body in enumerate(bodies)]
    (file,) = recorded(made, "a", *batch)
    for one in batch:
        found = reader.find(made, one.id)
        assert found is not None
        assert found.prediction == one
    shown = pq.read_table(made.log / file.path, partitioning=None)["input"].to_pylist()
    assert (shown[0], shown[1][:7], shown[3]) == ('{"a": 1}', "base64:", "")


def test_bodies_with_binary_tensors_are_no_samples(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    plain, binary = given.prediction(0), given.prediction(1, content=records.BINARY, input=b"{}\xff", json_bytes=2)
    recorded(made, "a", plain, binary)
    given.writer(made).append([given.prediction(2, content=records.BINARY)])
    assert reader.sample(made, plain.endpoint, 5) == [("records", plain.input)]


def test_copies_that_failed_are_counted_apart_and_posted_values_come_back_with_metric_and_key(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    ill = {"mark": 1, "error": "predict-failed: no", "version": 2}
    batch = [given.prediction(0, **ill), given.prediction(1, role=1, **ill), given.prediction(2, role=1, **ill)]
    posted = given.outcome(3, batch[0], 3.5, 2.0, metric="revenue", endpoint="flight-delay", key_hash=b"k" * 16)
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.add(parquet.write(made.log, "a", [batch[0], batch[1], posted]))
        known.commit()
    given.writer(made).append([batch[2]])
    assert {(one.copies, one.requests) for one in reader.failures(made, "flight-delay")} == {(False, 1), (True, 2)}
    assert reader.outcomes(made.log, [batch[0].id]) == [posted]
