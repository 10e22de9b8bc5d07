"""Ground truth that names whom and when is matched to the latest prediction before, or put aside with the reason."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from pairs_fixtures import Mirrored, served

from tidegate.core.vocabulary import assignment, ids, records, tables
from tidegate.dataplane.predlog import reader
from tidegate.observability.joining import entities, quarantine

BY_CARRIER = tables.Outcomes(lookback_seconds=100.0, key="carrier", within_seconds=10.0)
BY_KEY = tables.Outcomes(lookback_seconds=100.0, within_seconds=10.0)


def world(root: pathlib.Path, rule: tables.Outcomes) -> Mirrored:
    return Mirrored(root, mirror=0, outcomes=rule)


def truth(number: int, key: str, at: float, label: float | str = 1.0, received: float = 50.0, **more: object) -> records.Outcome:
    """Ground truth for whoever has this key, about `at`, received at `received`."""
    whole = {
        "id": ids.uuid7(given.T0 * 1000, 10**6 + number),
        "endpoint": "flight-delay",
        "key_hash": assignment.digest(key.encode()),
        "at_ns": int((given.T0 + at) * 1e9),
    }
    return given.outcome(number, given.prediction(number), label, received, **(whole | more))


def rejected(log: Mirrored) -> list[tuple[str, str]]:
    return [(one.reason, one.endpoint) for one in quarantine.listed(log.recorder.catalogue.connection)]


def test_it_is_for_the_latest_prediction_of_the_key_at_that_time_or_before(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, BY_CARRIER)
    asked = [served(1, 10.0), served(2, 20.0, "UA"), served(3, 30.0), served(4, 41.0)]
    log.put(*asked, truth(0, "AA", 40.0))
    log.look(50.0)
    log.look(54.0)
    assert (log.fact("joined"), log.fact("rejected"), log.fact("unmatched")) == (1, 0, 0)
    found = [one.outcomes for one in (reader.find(log.home, one.id) for one in asked) if one]
    assert [[told.label for told in each] for each in found] == [[], [], [1.0], []]
    # A kill after the match counts nothing twice; the same again is a repeat.
    log.killed(60.0)
    log.put(truth(0, "AA", 40.0, received=60.0), boot="c" * 32)
    log.look(61.0)
    log.look(65.0)
    assert (log.fact("joined"), log.fact("duplicate")) == (1, 1)


def test_a_prediction_that_is_read_a_moment_later_and_lies_nearer_has_it(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, BY_CARRIER)
    log.put(served(1, 10.0), truth(0, "AA", 40.0))
    log.look(50.0)
    near = served(2, 39.0)
    log.put(near, boot="c" * 32)
    log.look(51.0)
    log.look(54.0)
    assert reader.find(log.home, near.id).outcomes[0].label == 1.0


def test_the_sticky_key_serves_where_no_column_is_named(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, BY_KEY)
    ann, ben = (served(number, 10.0, key_hash=assignment.digest(name)) for number, name in ((1, b"ann"), (2, b"ben")))
    log.put(ann, ben, truth(0, "ben", 20.0))
    log.look(50.0)
    log.look(54.0)
    assert reader.find(log.home, ben.id).outcomes[0].label == 1.0
    assert reader.find(log.home, ann.id).outcomes == ()


def test_a_column_may_have_the_time(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, msgspec.structs.replace(BY_CARRIER, time="hour"))
    early = given.T0 + 5
    one = served(1, 30.0, input=b'{"records": [{"carrier": "AA", "hour": %d}]}' % early)
    log.put(one, truth(0, "AA", 5.0), truth(1, "AA", 4.0))
    log.look(50.0)
    log.look(54.0)
    log.look(120.0)
    assert log.fact("joined") == 1
    assert rejected(log) == [(quarantine.UNMATCHED, "flight-delay")]


def test_rows_of_one_request_are_told_apart_by_their_own_values(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, BY_CARRIER)
    body = b'{"records": [{"carrier": "AA", "hour": 1}, {"carrier": "UA", "hour": 2}, {"carrier": "DL"}, {"carrier": "DL"}]}'
    one = served(1, 10.0, input=body, rows=4, answers=(0.1, 0.2, 0.3, 0.4))
    log.put(one, truth(0, "UA", 20.0), truth(1, "DL", 20.0))
    log.look(50.0)
    log.look(54.0)
    assert [(told.row, told.label) for told in reader.find(log.home, one.id).outcomes] == [(1, 1.0)]
    assert rejected(log) == [(quarantine.AMBIGUOUS, "flight-delay")]


@pytest.mark.parametrize(
    ("told", "reason"),
    [
        (truth(0, "AA", 9.0), quarantine.UNMATCHED),  # before any
        (truth(0, "ZZ", 40.0), quarantine.UNMATCHED),  # of nobody
        (truth(0, "AA", 120.0, received=130.0), quarantine.UNMATCHED),  # beyond the lookback
        (truth(0, "AA", 400.0), quarantine.CLOCK),  # six minutes ahead of its own arrival
        (truth(0, "UA", 40.0), quarantine.AMBIGUOUS),  # two at once
        (truth(0, "AA", 40.0, "late"), quarantine.TYPE),  # a word for a probability
    ],
)
def test_what_cannot_be_matched_is_put_aside_with_the_reason(tmp_path: pathlib.Path, told: records.Outcome, reason: str) -> None:
    log = world(tmp_path, BY_CARRIER)
    log.put(served(1, 10.0), served(2, 11.0, "UA"), served(3, 11.0, "UA"), told)
    log.look(140.0)
    log.look(144.0)
    log.look(201.0)
    log.look(205.0)
    assert rejected(log) == [(reason, "flight-delay")]
    assert log.fact("joined") == 0


def test_what_is_too_old_for_any_outcome_is_forgotten(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, BY_CARRIER)
    log.put(served(1, 10.0))
    log.look(20.0)
    count = "SELECT count(*) FROM entity"
    for later, left in ((entities.LATEST_SECONDS, 1), (entities.LATEST_SECONDS + 4_000.0, 0)):
        log.age(20.0 + later)
        log.look(20.0 + later)
        assert log.recorder.catalogue.connection.execute(count).fetchone() == (left,)


def test_endpoints_without_a_lookback_note_nothing(tmp_path: pathlib.Path) -> None:
    log = world(tmp_path, tables.Outcomes(within_seconds=10.0))
    log.put(served(1, 10.0))
    log.look(20.0)
    assert log.recorder.catalogue.connection.execute("SELECT count(*) FROM entity").fetchone() == (0,)
