"""The recorder under a clock that somebody sets: back, it waits for nothing; ahead, it deletes nothing until that has lasted."""

import pathlib

import predlog_fixtures as given
import pytest
from columns_fixtures import TAKES, Columned

from tests.unit.recording_fixtures import Log
from tidegate.core.vocabulary import erasures, keeping
from tidegate.dataplane.predlog import parquet
from tidegate.observability.recording import believing, expiring

DAY, HOUR, YEAR = 86_400.0, 3_600.0, 365 * 86_400.0


def goes_on(log: Log, at: float) -> None:
    """As the process does in a while without traffic."""
    log.recorder.step(given.T0 + at)


@pytest.mark.parametrize("back", [5.0, HOUR, DAY])
def test_set_back_it_goes_on_recording_and_publishing_at_once(tmp_path: pathlib.Path, back: float) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0, 0.0))
    goes_on(log, DAY)
    told = given.prediction(1, DAY - back)
    log.put(told)
    goes_on(log, DAY - back)
    assert log.fact("recorded") == 2
    log.put(given.outcome(0, told, 1.0, DAY - back))
    goes_on(log, DAY - back + 3.0)
    goes_on(log, DAY - back + 60.0)
    assert (log.fact("joined"), log.labels().joined) == (1, 1)


def test_set_back_what_waits_for_its_prediction_waits_no_longer_than_it_would(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    told = given.prediction(0, 0.0)
    log.put(given.outcome(0, told, 1.0, DAY))
    log.look(DAY)
    for passed in (0.0, 30.0, 120.0):
        log.look(DAY - HOUR + passed)
    assert log.fact("unmatched") == 1


def kept(tmp_path: pathlib.Path) -> Columned:
    """Two days are kept; there is one of ten days ago, which is believed to be one of now."""
    log = Columned(tmp_path, TAKES, log=keeping.Keeping(retention_seconds=2 * DAY))
    log.put(log.asked(0, {"age": 1, "name": "x"}))
    log.look(1.0)
    log.look(20.0)
    return log


def days(log: Log) -> int:
    return len(log.recorder.catalogue.files(parquet.PREDICTIONS))


def test_a_year_ahead_for_a_minute_deletes_nothing(tmp_path: pathlib.Path) -> None:
    log = kept(tmp_path)
    for second in range(0, 660, 10):
        goes_on(log, YEAR + second)
    log.killed(YEAR + 700.0)  # who starts meanwhile believes no more
    for second in range(700, 1_400, 10):
        goes_on(log, YEAR + second)
    for at in (1_400.0, 2_100.0, 0.9 * DAY, YEAR + 1.5 * DAY, YEAR + 1.6 * DAY):  # back; asleep; ahead once more
        goes_on(log, at)
    assert days(log) == 1
    assert erasures.told(log.home.erasures) == []


def test_who_sleeps_every_night_deletes_a_day_late(tmp_path: pathlib.Path) -> None:
    log = kept(tmp_path)
    left = []
    for hour in range(7 * 24):
        if 8 <= hour % 24 < 18:
            goes_on(log, hour * HOUR)
            goes_on(log, hour * HOUR + HOUR / 2)
        left += [days(log)] if hour % 24 == 20 else []
    ends = (expiring.ended(parquet.day(given.T0)) - given.T0) / DAY + 2
    morning = 8 / 24
    assert left == [1 if day - 1 + morning < ends else 0 for day in range(7)], "as of the morning before"


def test_ahead_for_a_day_it_is_believed(tmp_path: pathlib.Path) -> None:
    log = kept(tmp_path)
    goes_on(log, YEAR)
    goes_on(log, YEAR + believing.LASTS_SECONDS - 20.0)
    assert days(log) == 1
    goes_on(log, YEAR + believing.LASTS_SECONDS + 20.0)
    assert days(log) == 0


def test_who_records_once_a_week_deletes_a_week_late(tmp_path: pathlib.Path) -> None:
    log = kept(tmp_path)
    for week in (1, 2):
        log.killed(7 * week * DAY)
        goes_on(log, 7 * week * DAY)
        assert days(log) == (1 if week == 1 else 0)


def test_a_log_whose_catalogue_is_new_believes_its_newest_prediction(tmp_path: pathlib.Path) -> None:
    log = kept(tmp_path)
    log.recorder.close()
    (log.home.log / "catalogue.db").unlink()
    log.killed(YEAR)
    goes_on(log, YEAR)
    assert days(log) == 1
