"""The audit looks ids up in the log as it lies on disk, whatever the recorder has got to."""

import pathlib

import msgspec

from tidegate.core.vocabulary import home, ids, records
from tidegate.dataplane.predlog import catalogue, parquet, segments
from tidegate.interface.demo.flights import audit

BOOT = "ab" * 16
NOW = 1_700_000_000_000


def identifier(number: int) -> bytes:
    return ids.uuid7(NOW, number)


def prediction(number: int) -> records.Prediction:
    blank = {str: "", int: 0, bytes: b"", bool: False, tuple: ()}
    fields = {
        field.name: blank.get(getattr(field.type, "__origin__", field.type), ())
        for field in msgspec.structs.fields(records.Prediction)
    }
    fields |= {"schema": records.SCHEMA, "host": "h", "incarnation": BOOT, "sequence": number, "id": identifier(number)}
    fields |= {
        "environment": "production",
        "endpoint": "flight-delay",
        "arrived_ns": NOW * 1_000_000,
        "input": b"{}",
        "output": b"{}",
    }
    return records.Prediction(**fields)


def outcome(number: int, of: int) -> records.Outcome:
    return records.Outcome(records.SCHEMA, "h", BOOT, number, identifier(of), 0, 1.0, 1, 0, NOW * 1_000_000)


def place(tmp_path: pathlib.Path) -> home.Home:
    found = home.Home(tmp_path)
    for folder in (found.log, found.segments):
        folder.mkdir()
    return found


def record(where: home.Home, *batch: records.Prediction | records.Outcome) -> None:
    with catalogue.Catalogue(where.log) as known:
        known.begin()
        known.add(parquet.write(where.log, "a", batch))
        known.commit()


def test_what_is_in_parquet_is_found_and_what_is_nowhere_is_lost(tmp_path: pathlib.Path) -> None:
    where = place(tmp_path)
    record(where, prediction(1), prediction(2))
    assert audit.audit(where, [identifier(1), identifier(2), identifier(3)], 0, patience=0) == audit.Audit(1, 0)


def test_what_the_recorder_has_not_reached_is_found_in_its_segment(tmp_path: pathlib.Path) -> None:
    where = place(tmp_path)
    writer = segments.Writer(where.segments, "h", BOOT)
    writer.append([prediction(0), outcome(1, of=0)])
    writer.close()
    assert audit.audit(where, [identifier(0)], 0, patience=0) == audit.Audit(0, 0)


def test_outcomes_count_when_their_prediction_is_there_and_once_a_row(tmp_path: pathlib.Path) -> None:
    where = place(tmp_path)
    record(where, prediction(1), prediction(2), outcome(3, of=1), outcome(4, of=1), outcome(5, of=9))
    assert audit.audit(where, [identifier(1), identifier(2)], 1, patience=0) == audit.Audit(0, 1)


def test_a_log_that_was_never_written_has_lost_everything(tmp_path: pathlib.Path) -> None:
    assert audit.audit(place(tmp_path), [identifier(1)], 0, patience=0) == audit.Audit(1, 0)
