"""The classifier that tells a window from the weeks before explains a drift, and finds one that no column shows."""

import json
import pathlib

import msgspec

from tests.unit import predlog_fixtures as given
from tests.unit.profiled_fixtures import HOUR, Profiled, asked
from tidegate.core.stats import seasons
from tidegate.interface.cli.views import drift as view
from tidegate.observability.drift import classifying, drifting, lookout, references, together


def test_a_report_is_explained_by_what_was_logged_and_by_the_weeks_before(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    begin, count = given.T0 // HOUR * HOUR, 0
    for week in range(7):
        for at in range(220 if week in (0, 6) else 60):
            count += 1
            shift = 8.0 if week == 6 else 0.0
            log.put(asked(1_000 + count, begin - given.T0 + week * 604_800 + HOUR + at, log.rng, shift=shift))
    log.look(7 * 604_800.0)
    window = drifting.Stretch(begin + 6 * 604_800 + HOUR, begin + 6 * 604_800 + 2 * HOUR)
    report = references.report(log.home, log.recorder.catalogue.connection, "flight-delay", references.Asked(window))
    assert report.columns[0].name in {"hour", "oddness"}
    told = classifying.explain(log.home, report)
    assert next(iter(told.importances)) == "hour"
    assert told.unusual
    [words] = view.apart(report, told, explain=True)
    assert "more than usual, by hour " in words.plain
    training = msgspec.structs.replace(report, reference=())
    assert classifying.explain(log.home, training) is None
    assert "counts are kept and no rows" in next(view.apart(training, None, explain=True)).plain
    assert "too few" in next(view.apart(report, None, explain=True)).plain


def test_what_no_longer_goes_together_is_an_alarm_though_every_column_is_what_it_was(tmp_path: pathlib.Path) -> None:
    """A carrier flies late in the day; in the last week another one does."""
    log = Profiled(tmp_path)
    begin, count = seasons.floor(given.T0, seasons.WEEK) + seasons.WEEK, 0
    for week in range(10):
        for at in range(240):
            count += 1
            late = bool(log.rng.random() < 0.5)
            names = ("AA", "UA") if late != (week == 9) else ("UA", "AA")
            body = [{"carrier": names[0], "hour": 20 if late else 8}] * 2
            moment = begin - given.T0 + week * seasons.WEEK + at * 1_800.0
            log.put(asked(1_000 + count, moment, log.rng, input=json.dumps({"records": body}).encode()))
    log.look(begin - given.T0 + 10.0 * seasons.WEEK)
    watch = together.Together(log.home)
    assert watch.look(begin + 9 * seasons.WEEK + 3_600.0) == []
    [alarm] = watch.look(begin + 10 * seasons.WEEK + 3_600.0)
    assert (alarm.kind, alarm.subject, alarm.since) == ("drift", "together", begin + 9.0 * seasons.WEEK)
    assert {line.partition(":")[0] for line in alarm.moved} == {"carrier", "hour"}
    assert "--explain" in alarm.next
    assert lookout.Lookout(log.home).look(begin + 10 * seasons.WEEK + 3_600.0) == []
