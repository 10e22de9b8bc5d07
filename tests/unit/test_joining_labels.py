"""Same-age cohorts: who is in them, when they are shown, and that they never change afterwards."""

import pathlib

import predlog_fixtures as given
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import arms, marks, records, tables
from tidegate.observability.joining import quarantine


def candidate(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return given.prediction(chance, at, arm=arms.Arm.CANDIDATE, version=2, **more)


def test_a_prediction_counts_in_its_arrival_tick_by_the_arm_drawn(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    stable, wrong = given.prediction(0, 0.2), candidate(1, 0.4)
    log.put(stable, wrong, candidate(2, 1.5), given.outcome(0, stable, 0.0, 3.0), given.outcome(0, wrong, 1.0, 4.0))
    log.look(20.0)
    assert log.cells() == [(0, 1, 1, 0, 1, 1, 1), (1, 0, 0, 0, 1, 0, 0)]
    assert (log.labels().joined, log.labels().wrong) == (2, 1)


def test_a_tick_is_shown_only_when_it_is_older_than_the_label_age(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0, 0.5), given.prediction(1, 3.5))
    log.look(12.9)
    assert log.cells() == []
    log.look(13.0)
    assert [cell[0] for cell in log.cells()] == [0]
    assert log.labels().closed_before == given.T0 + 1
    log.look(16.0)
    assert [cell[0] for cell in log.cells()] == [0, 3]


def test_an_outcome_that_comes_after_the_label_age_is_harm_but_not_evidence(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0, 0.5)
    log.put(one, given.outcome(0, one, 1.0, 10.6))
    log.look(30.0)
    assert log.cells() == [(0, 0, 0, 0, 1, 0, 0)]
    assert (log.labels().joined, log.labels().wrong) == (1, 1)


def test_a_closed_tick_never_changes_even_when_an_outcome_in_time_is_read_too_late(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0, 0.5)
    log.put(one)
    log.look(20.0)
    before = log.cells()
    log.put(given.outcome(0, one, 1.0, 2.0), candidate(1, 0.6))
    log.look(21.0)
    assert log.cells() == before
    assert log.labels().wrong == 1


def test_a_request_the_candidate_failed_is_labelled_and_wrong_but_not_counted_as_harm_twice(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    rescued = candidate(0, mark=marks.Mark.TIMEOUT, rescued=True, answered_by=1, answers=())
    silent = candidate(1, mark=marks.Mark.ERROR, answers=())
    log.put(rescued, silent, given.outcome(0, rescued, 0.0, 2.0))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 2, 1, 1)]
    assert log.labels().wrong == 0


@pytest.mark.parametrize(
    "given_more",
    [{"mark": mark} for mark in marks.NEUTRAL] + [{"role": role} for role in arms.Role if role != arms.Role.LIVE],
)
def test_neutral_marks_and_requests_that_are_not_live_are_in_no_cohort(
    tmp_path: pathlib.Path, given_more: dict[str, int]
) -> None:
    log = Log(tmp_path)
    one = candidate(0, **given_more)
    log.put(one, given.outcome(0, one, 1.0, 2.0, role=one.role))
    log.look(20.0)
    assert log.cells() == []
    assert log.fact("joined") == 1


def test_predictions_of_a_generation_that_is_no_evidence_are_kept_apart(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0), given.prediction(1, evidence=False), given.prediction(2, generation=6, weight=2500))
    log.look(20.0)
    told = {(one.generation, one.weight, one.evidence, one.stable) for one in log.labels().sums}
    assert told == {(5, 500, True, 1), (5, 500, False, 1), (6, 2500, True, 1)}


def test_of_two_outcomes_for_one_row_the_first_received_counts_whichever_is_read_first(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(one, given.outcome(0, one, 0.0, 5.0))
    log.put(given.outcome(0, one, 1.0, 4.0), boot="c" * 32)
    log.put(given.outcome(0, one, 0.0, 6.0))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 1, 1, 1)]
    assert (log.fact("joined"), log.fact("duplicate"), log.labels().joined) == (1, 2, 1)


def test_a_correction_in_time_changes_the_mark_and_a_late_one_only_the_harm(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one, two = candidate(0), candidate(1)
    log.put(one, two, given.outcome(0, one, 1.0, 2.0), given.outcome(0, two, 1.0, 2.0))
    log.put(given.outcome(0, one, 0.0, 4.0, label_version=2), given.outcome(0, two, 0.0, 14.0, label_version=2))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 2, 2, 1)]
    assert (log.labels().wrong, log.fact("joined")) == (0, 4)


def test_a_request_of_many_rows_is_one_mark(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0, answers=(0.9, 0.9, 0.9), rows=3)
    log.put(one, *(given.outcome(0, one, label, 2.0, row=row) for row, label in enumerate((1.0, 0.0, 0.0))))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 1, 1, 1)]


def test_an_outcome_read_before_its_prediction_waits_for_it(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(given.outcome(0, one, 1.0, 2.0))
    log.look(3.0)
    log.killed(3.0)
    log.put(one, boot="c" * 32)
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 1, 1, 1)]
    assert log.fact("unmatched") == 0


def test_an_outcome_for_an_unknown_id_is_quarantined_after_a_minute_and_listed(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    stray = given.outcome(0, given.prediction(7), 1.0, 2.0, row=2**60)
    log.put(given.prediction(0), stray)
    log.look(3.0)
    assert log.fact("unmatched") == 0
    log.look(70.0)
    assert log.fact("unmatched") == 1
    listed = quarantine.listed(log.recorder.catalogue.connection)
    assert [(one.reason, one.outcome.id) for one in listed] == [(quarantine.UNKNOWN, stray.id)]


def test_an_outcome_that_comes_long_after_finds_its_prediction_in_parquet_and_its_repeat_is_dropped(
    tmp_path: pathlib.Path,
) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(one, given.prediction(1))
    log.look(20.0)
    log.look(5000.0)
    for at in (5001.0, 9000.0):
        log.put(given.outcome(0, one, 1.0, at))
        log.look(at)
        log.look(at + 4.0)
        log.look(at + 2000.0)
    assert (log.fact("joined"), log.fact("duplicate"), log.fact("unmatched")) == (1, 1, 0)
    assert (log.labels().joined, log.labels().wrong) == (1, 1)


def test_without_a_label_age_outcomes_are_joined_and_are_no_evidence(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, tables.Outcomes())
    one = candidate(0)
    log.put(one, given.outcome(0, one, 1.0, 2.0))
    log.look(100.0)
    assert log.labels().sums == ()
    assert (log.labels().joined, log.labels().wrong) == (1, 1)


def test_ticks_older_than_ten_minutes_are_folded_into_minutes_with_the_same_totals(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    begin = 60 - given.T0 % 60
    log.put(*(given.prediction(at, begin + at) for at in range(120)))
    log.look(begin + 720.0)
    log.look(begin + 721.0)
    folded = [(one.tick - given.T0 - begin, one.span, one.stable) for one in log.labels().sums]
    assert folded[0] == (0, 60, 60)
    assert {span for _, span, _ in folded[1:]} == {1}
    assert sum(count for _, _, count in folded) == 120


def test_the_rule_of_a_release_is_the_one_it_began_with(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(given.prediction(0))
    log.look(1.0)
    given.place(tmp_path, tables.Outcomes(within_seconds=3000.0))
    log.put(given.prediction(1, 2.0))
    log.look(20.0)
    assert [cell[0] for cell in log.cells()] == [0, 2]


def test_settings_that_come_with_a_release_count_once_its_candidate_has_traffic(tmp_path):
    """The first prediction under a release is read while its candidate is still being checked, by the settings before."""
    log = Log(tmp_path, tables.Outcomes(within_seconds=0.0))
    log.put(given.prediction(0, 0.0, weight=0, generation=4))
    log.look(1.0)
    given.place(tmp_path, tables.Outcomes(kind="number", tolerance=1.0, within_seconds=10.0))
    one, two = given.prediction(1, 2.0), given.prediction(2, 2.5, arm=arms.Arm.CANDIDATE, version=2)
    log.put(one, two, given.outcome(3, one, 9.0, 3.0), given.outcome(4, two, 0.5, 3.0))
    log.look(20.0)
    given.place(tmp_path, tables.Outcomes(kind="class", within_seconds=1.0))
    log.put(given.prediction(5, 21.0, generation=6))
    log.look(40.0)
    told = [one for one in log.labels().sums if one.weight]
    assert [(one.stable, one.stable_labelled, one.stable_wrong, one.candidate_wrong) for one in told] == [
        (1, 1, 1, 0),
        (1, 0, 0, 0),
    ]
