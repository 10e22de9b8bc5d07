"""Days that are not kept go whole, with their outcomes, objects and profiles; the days after them and other endpoints stay."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from columns_fixtures import TAKES, Columned, spoil

from tests.unit.recording_fixtures import Killed, killing
from tests.unit.test_predlog_explained import explanation
from tidegate.core.vocabulary import erasures, ids, keeping
from tidegate.dataplane.predlog import explained, objects, parquet
from tidegate.observability.profiling import profiled
from tidegate.observability.recording import expiring

DAY = keeping.DAY
KEPT = keeping.Keeping(retention_seconds=2 * DAY)
LONG = "long " * 1_000


def logged(log: Columned) -> None:
    """A request a day for four days, at the same hour; each outcome the day after. Another endpoint's likewise."""
    for day in range(4):
        one = log.asked(day, {"age": day, "name": f"{day} {LONG}"}, at=day * DAY)
        log.put(one, msgspec.structs.replace(one, endpoint="other", id=given.identifier(100 + day, day * DAY)))
        log.put(given.outcome(0, one, 1.0, (day + 1) * DAY))
        posted = given.outcome(0, one, 1.0, day * DAY, metric="basket", endpoint="flight-delay", key_hash=b"k" * 16)
        log.put(msgspec.structs.replace(posted, id=given.identifier(200 + day, day * DAY)))
    log.look(1.0)


def days(log: Columned, endpoint: str = "flight-delay") -> list[str]:
    return [file.partition.day for file in log.recorder.catalogue.files(parquet.PREDICTIONS, endpoint)]


def looked(log: Columned, at: float) -> None:
    log.age(at)
    log.recorder.step(given.T0 + at)
    log.recorder._kept_at = log.recorder.expiring._looked_at = 0.0
    log.recorder.step(given.T0 + at + 1)


def test_days_go_whole_once_they_ended_that_long_ago(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, TAKES, log=KEPT)
    logged(log)
    first = parquet.day(given.T0)
    midnight = expiring.ended(first) - given.T0
    looked(log, midnight + 2 * DAY - 10)
    assert len(days(log)) == 4
    looked(log, midnight + 2 * DAY + 10)
    assert days(log) == [parquet.day(given.T0 + day * DAY) for day in (1, 2, 3)]
    assert len(days(log, "other")) == 4
    assert not objects.folder(log.home.log, "flight-delay", first).exists()
    assert objects.folder(log.home.log, "flight-delay", parquet.day(given.T0 + DAY)).exists()
    known = log.recorder.catalogue.files(parquet.OUTCOMES)
    assert sum(file.rows for file in known) == 3 + 3, "the outcome went with its prediction, though it came a day later"
    [told] = erasures.told(log.home.erasures)
    assert (told.kind, told.subject, told.predictions, told.outcomes, told.objects) == ("expired", first, 1, 1, 1)
    assert log.recorder.catalogue.tallies()["expired"] == 1
    assert {path.relative_to(log.home.log).as_posix() for path in log.home.log.rglob("*.parquet")} == {
        file.path for file in log.recorder.catalogue.files()
    }


def test_nothing_goes_where_nothing_is_said(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, TAKES)
    logged(log)
    looked(log, 400 * DAY)
    assert len(days(log)) == 4
    assert erasures.told(log.home.erasures) == []


def test_profiles_of_that_time_go_too(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, TAKES, log=KEPT)
    rows = [{"age": age, "name": "x"} for age in range(500)]
    for number, at in enumerate((0.0, 0.0, 0.0, 3 * DAY)):
        log.put(log.asked(number, *rows, at=at, answers=(0.5,) * 500))
    log.look(1.0)
    connection = log.recorder.catalogue.connection
    assert len(profiled.hours(connection, "flight-delay", 0, 2**40)) == 2
    looked(log, 4 * DAY)
    assert len(profiled.hours(connection, "flight-delay", 0, 2**40)) == 1


def test_explanations_of_that_time_go_too(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path, TAKES, log=KEPT)
    logged(log)
    told = [explanation(day, days=day) for day in range(4)]
    explained.write(log.home.explanations, told)
    looked(log, 3.9 * DAY)
    left = [one for one in told if explained.find(log.home.explanations, ids.parse(one.id))]
    assert left == told[2:]


def test_damaged_outcomes_keep_no_day_and_stop_no_recording(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Columned(tmp_path, TAKES, log=KEPT)
    logged(log)
    for file in log.recorder.catalogue.files(parquet.OUTCOMES):
        spoil(log.home.log / file.path)
    monkeypatch.setattr(log.recorder.mending, "look", lambda _: 0)  # whose turn comes later in a log of many files
    looked(log, 3.9 * DAY)
    assert days(log) == [parquet.day(given.T0 + day * DAY) for day in (2, 3)]
    assert list(log.home.log.rglob(f"*{parquet.ASIDE}"))


@pytest.mark.parametrize("step", range(1, 9))
def test_a_kill_leaves_each_day_there_or_gone(tmp_path: pathlib.Path, step: int) -> None:
    log = Columned(tmp_path, TAKES, log=KEPT)
    logged(log)
    log.age(3.9 * DAY)
    log.recorder._kept_at = log.recorder.expiring._looked_at = 0.0
    try:
        with killing(step, after=True):
            log.recorder.step(given.T0 + 3.9 * DAY)
    except Killed:
        log.killed(3.9 * DAY)
    looked(log, 3.9 * DAY + 20)
    assert days(log) == [parquet.day(given.T0 + day * DAY) for day in (2, 3)]
    assert {path.relative_to(log.home.log).as_posix() for path in log.home.log.rglob("*.parquet")} == {
        file.path for file in log.recorder.catalogue.files()
    }
    assert [(one.subject, one.predictions) for one in erasures.told(log.home.erasures)] == [
        (parquet.day(given.T0 + day * DAY), 1) for day in (0, 1)
    ]
