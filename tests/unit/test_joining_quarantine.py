"""What cannot be taken is kept with the reason, bounded by endpoint, and does not stand in the way of what can."""

import pathlib
import sqlite3

import msgspec
import predlog_fixtures as given
from recording_fixtures import Log

from tidegate.core.vocabulary import home, ids, tables
from tidegate.dataplane.predlog import reader
from tidegate.observability.joining import fates, quarantine


def test_a_label_of_another_type_is_put_aside_and_the_right_one_still_counts(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, tables.Outcomes(kind="number", tolerance=1.0, within_seconds=10.0))
    one = given.prediction(0, answers=(7.0,))
    log.put(one, given.outcome(0, one, "soon", 1.0), given.outcome(0, one, "7.5", 2.0))
    log.look(20.0)
    assert (log.fact("joined"), log.fact("rejected"), log.fact("duplicate")) == (1, 1, 0)
    assert log.cells() == [(0, 1, 1, 0, 0, 0, 0)]
    (aside,) = quarantine.listed(log.recorder.catalogue.connection, "flight-delay")
    assert (aside.reason, aside.endpoint, aside.outcome.label, aside.named) == ("type", "flight-delay", "soon", ids.text(one.id))
    assert quarantine.counted(log.recorder.catalogue.connection) == {"type": 1}


def test_an_id_from_the_future_is_a_clocks_fault(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.outcome(0, given.prediction(7, 4_000.0), 1.0, 2.0))
    log.look(3.0)
    log.look(70.0)
    assert quarantine.counted(log.recorder.catalogue.connection) == {"clock": 1}
    assert log.fact("unmatched") == 0


def test_each_endpoint_has_room_of_its_own() -> None:
    connection = sqlite3.connect(":memory:")
    kept = quarantine.Quarantine(connection)
    one = given.outcome(0, given.prediction(0), 1.0, 1.0)
    kept.put([quarantine.Rejected("type", "other", 0.0, one)])
    kept.put(
        [
            quarantine.Rejected("type", "loud", float(at), msgspec.structs.replace(one, sequence=at))
            for at in range(quarantine.MOST + 5)
        ]
    )
    assert quarantine.counted(connection, "loud") == {"type": quarantine.MOST}
    assert quarantine.counted(connection, "other") == {"type": 1}
    assert [told.outcome.sequence for told in quarantine.listed(connection, "loud", 2)] == [
        quarantine.MOST + 4,
        quarantine.MOST + 3,
    ]


def test_a_quarantine_from_before_there_were_reasons_goes_on() -> None:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE TABLE quarantine (number INTEGER PRIMARY KEY, id BLOB, outcome BLOB, since REAL)")
    old = given.outcome(0, given.prediction(0), 1.0, 1.0)
    connection.execute("INSERT INTO quarantine (id, outcome, since) VALUES (?, ?, 5)", (old.id, msgspec.msgpack.encode(old)))
    assert quarantine.listed(connection) == []
    quarantine.Quarantine(connection)
    assert [(one.reason, one.outcome.id) for one in quarantine.listed(connection)] == [("unknown", old.id)]


def test_a_damaged_home_has_none(tmp_path: pathlib.Path) -> None:
    assert reader.find(given.place(tmp_path), bytes(16)) is None
    assert quarantine.listed(sqlite3.connect(":memory:")) == []


def test_of_those_that_were_posted_together_it_is_known_what_became_of_each(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, tables.Outcomes(kind="number", tolerance=1.0, within_seconds=10.0))
    one, unknown = given.prediction(0, answers=(7.0,)), given.prediction(5)
    posted = [given.outcome(0, one, "soon", 1.0), given.outcome(0, one, "7.5", 2.0), given.outcome(0, unknown, 1.0, 2.0)]
    log.put(one, *(msgspec.structs.replace(told, request_id="feedback:1") for told in posted))
    log.look(20.0)
    assert fates.of(log.home, "feedback:1", 3) == fates.Fate(1, 1, {"type": 1})
    log.look(90.0)
    assert fates.of(log.home, "feedback:1", 3) == fates.Fate(1, 0, {"type": 1, "unknown": 1})
    assert fates.of(home.Home(tmp_path / "none"), "feedback:1", 3) == fates.Fate(0, 3)
