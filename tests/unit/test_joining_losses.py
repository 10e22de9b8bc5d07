"""Losses: every labelled prediction of an endpoint whose outcomes are measured is in one bucket of its cohort's tick."""

import pathlib

import predlog_fixtures as given
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import arms, losses, marks, records, tables
from tidegate.observability.joining import labels

NUMBER = tables.Outcomes(kind="number", tolerance=1.0, within_seconds=10.0)
PROBABILITY = tables.Outcomes(kind="probability", within_seconds=10.0)
Counts = dict[int, int]


def stable(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return given.prediction(chance, at, **({"answers": (10.0,)} | more))


def candidate(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return stable(chance, at, arm=arms.Arm.CANDIDATE, version=2, **more)


def told(log: Log) -> list[tuple[int, Counts, Counts]]:
    """(tick, stable's, the candidate's) losses, of ticks that have any."""
    found = [(one.tick - given.T0, dict(one.stable_loss), dict(one.candidate_loss)) for one in log.labels().sums]
    return [one for one in found if any(one[1:])]


def bucket(loss: float) -> int:
    return losses.bucket(loss)


def test_losses_are_counted_by_tick_and_arm(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one, two, three, four = stable(0, 0.2), stable(1, 0.3), candidate(2, 0.4), candidate(3, 1.5)
    log.put(one, two, three, four, stable(4, 0.5))
    log.put(*(given.outcome(0, of, 10.0 + off, 3.0) for of, off in ((one, 4.0), (two, -4.0), (three, 0.5), (four, 0.0))))
    log.look(20.0)
    assert told(log) == [(0, {bucket(4.0): 2}, {bucket(0.5): 1}), (1, {}, {losses.LEAST: 1})]
    assert log.cells() == [(0, 3, 2, 2, 1, 1, 0), (1, 0, 0, 0, 1, 1, 0)]


def test_buckets_are_in_ascending_order(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    asked = [stable(at) for at in range(4)]
    log.put(*asked, *(given.outcome(0, of, 10.0 + off, 3.0) for of, off in zip(asked, (8.0, 0.01, 2.0, 0.01), strict=True)))
    log.look(20.0)
    assert log.labels().sums[0].stable_loss == ((bucket(0.01), 2), (bucket(2.0), 1), (bucket(8.0), 1))


def test_a_probability_loses_its_brier_score_and_a_request_of_many_rows_their_mean(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, PROBABILITY)
    one, many = candidate(0, answers=(0.8,)), candidate(1, answers=(0.9, 0.4), rows=2)
    log.put(one, many, given.outcome(0, one, 0.0, 2.0))
    log.put(*(given.outcome(0, many, label, 2.0, row=row) for row, label in enumerate((1.0, "true"))))
    log.look(20.0)
    [(_, _, found)] = told(log)
    near = [{bucket(loss * scale) for scale in (0.85, 1.0, 1.17)} for loss in (0.64, (0.01 + 0.36) / 2)]
    assert sum(found.values()) == 2
    assert all(any(each in around for around in near) for each in found)


def test_brier_scores_have_their_mean_though_buckets_are_wide(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, PROBABILITY)
    asked = [candidate(at, answers=(0.5,)) for at in range(2_000)]
    log.put(*asked, *(given.outcome(0, one, 0.0, 2.0) for one in asked))
    log.look(20.0)
    [(_, _, found)] = told(log)
    assert sum(losses.degree(each) * count for each, count in found.items()) / 2_000 == pytest.approx(0.25, abs=0.002)
    assert len(found) == 2


def test_a_request_without_an_answer_is_in_the_topmost_bucket_once_it_is_labelled(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    asked = [candidate(at, mark=mark, answers=()) for at, mark in enumerate(marks.BAD)]
    log.put(*asked, candidate(8, mark=marks.Mark.TIMEOUT, rescued=True, answered_by=1, answers=()), candidate(9))
    log.put(*(given.outcome(0, one, 10.0, 2.0) for one in asked))
    log.look(20.0)
    assert told(log) == [(0, {}, {losses.MOST: len(marks.BAD)})]


def test_an_outcome_after_the_label_age_is_no_loss(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one = candidate(0, 0.5)
    log.put(one, given.outcome(0, one, 99.0, 10.6))
    log.look(30.0)
    assert told(log) == []
    assert log.labels().wrong == 1


def test_a_correction_in_time_moves_the_count_and_a_late_one_does_not(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one, two = candidate(0), candidate(1)
    log.put(one, two, given.outcome(0, one, 18.0, 2.0), given.outcome(0, two, 18.0, 2.0), given.outcome(0, two, 18.0, 2.5))
    log.look(3.0)
    log.put(given.outcome(0, one, 12.0, 4.0, label_version=2), given.outcome(0, two, 12.0, 14.0, label_version=2))
    log.look(20.0)
    assert told(log) == [(0, {}, {bucket(8.0): 1, bucket(2.0): 1})]


def test_a_correction_that_is_no_number_is_put_aside_and_the_label_stands(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one, two, _ = asked = [candidate(at) for at in range(3)]
    log.put(*asked, *(given.outcome(0, of, 18.0, 2.0) for of in asked))
    log.look(3.0)
    log.put(given.outcome(0, one, "unknown", 4.0, label_version=2))
    log.look(5.0)
    log.put(given.outcome(0, two, "unknown", 4.0, label_version=2), given.outcome(0, two, 11.0, 6.0, label_version=3))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 3, 3, 2)]
    assert told(log) == [(0, {}, {bucket(1.0): 1, bucket(8.0): 2})]
    assert log.fact("rejected") == 2


def test_an_outcome_heard_earlier_but_read_later_moves_the_count(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one = candidate(0)
    log.put(one, given.outcome(0, one, 12.0, 5.0))
    log.look(5.5)
    log.put(given.outcome(0, one, 18.0, 4.0), boot="c" * 32)
    log.look(20.0)
    assert told(log) == [(0, {}, {bucket(8.0): 1})]


def test_a_correction_after_a_restart_moves_what_was_counted_before_it(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one = candidate(0)
    log.put(one, given.outcome(0, one, 18.0, 2.0))
    log.look(3.0)
    log.killed(3.0)
    log.put(given.outcome(0, one, 12.0, 4.0, label_version=2))
    log.look(20.0)
    assert told(log) == [(0, {}, {bucket(2.0): 1})]


def test_what_a_killed_recorder_had_not_made_to_count_is_counted_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one, two = candidate(0), candidate(1)
    log.put(one, two, given.outcome(0, one, 18.0, 2.0))
    log.look(3.0)
    log.put(given.outcome(0, one, 12.0, 4.0, label_version=2), given.outcome(0, two, 18.0, 4.0))
    log.recorder.step(given.T0 + 4.5)
    log.recorder.publish(given.T0 + 4.5)
    log.killed(5.0)
    log.look(20.0)
    assert told(log) == [(0, {}, {bucket(8.0): 1, bucket(2.0): 1})]


def test_losses_are_folded_into_minutes_with_the_ticks_they_are_of(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    begin = 60 - given.T0 % 60
    asked = [stable(at, begin + at) for at in range(120)]
    log.put(*asked, *(given.outcome(0, of, 10.0 + 2.0 ** (number % 3), begin + 125.0) for number, of in enumerate(asked[115:])))
    log.put(*(given.outcome(0, of, 10.0 + 2.0 ** (number % 3), begin + number + 1.0) for number, of in enumerate(asked[:115])))
    log.look(begin + 720.0)
    before = whole(log)
    log.look(begin + 721.0)
    assert [one.span for one in log.labels().sums] == [60] + 60 * [1]
    assert dict(log.labels().sums[0].stable_loss) == {bucket(2.0**power): 20 for power in range(3)}
    assert whole(log) == before == {bucket(1.0): 41, bucket(2.0): 40, bucket(4.0): 39}
    log.killed(begin + 722.0)
    log.look(begin + 722.0)
    assert whole(log) == before


def whole(log: Log) -> Counts:
    """Stable's losses over all ticks."""
    found: Counts = {}
    for one in log.labels().sums:
        for at, count in one.stable_loss:
            found[at] = found.get(at, 0) + count
    return found


def test_sums_read_as_ticks_close_are_those_that_are_read_at_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    for at in range(40):
        one, two = stable(2 * at, at + 0.1), candidate(2 * at + 1, at + 0.2)
        log.put(one, two, given.outcome(0, one, 10.0 + at, at + 0.5), given.outcome(0, two, 11.0, at + 0.6))
        log.look(at + 0.9)
    log.look(60.0)
    read = log.labels()
    assert len(read.sums) == 40
    log.killed(60.0)
    log.look(60.0)
    assert log.labels() == read


@pytest.mark.parametrize("kind", ["auto", "class"])
def test_where_outcomes_are_not_measured_nothing_is_kept_of_losses(tmp_path: pathlib.Path, kind: str) -> None:
    log = Log(tmp_path, tables.Outcomes(kind=kind, within_seconds=10.0))
    one, failed = candidate(0, answers=(0.75,)), candidate(1, mark=marks.Mark.ERROR, answers=())
    log.put(one, failed, given.outcome(0, one, 1.0, 2.0), given.outcome(0, failed, 1.0, 2.0))
    log.look(20.0)
    assert sum(each.candidate_labelled for each in log.labels().sums) == 2
    assert told(log) == []
    assert kept(log) == {"loss": 0, "measured": 0}


def kept(log: Log) -> dict[str, int]:
    """Rows by table."""
    connection = log.recorder.catalogue.connection
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("loss", "measured")}


def test_losses_go_with_the_cells_of_their_release_and_buckets_with_the_predictions_that_wait(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    for number in range(10):
        one = candidate(number, 1.0, release=f"r{number}")
        log.put(one, given.outcome(0, one, 12.0, 2.0))
    log.look(20.0)
    assert kept(log) == {"loss": labels.RELEASES, "measured": 10}
    log.look(2_000.0)
    assert kept(log) == {"loss": labels.RELEASES, "measured": 0}
    assert [one.candidate_loss for one in log.labels("r9").sums] == [((bucket(2.0), 1),)]


def test_a_catalogue_from_before_there_were_losses_goes_on(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, NUMBER)
    one, two = candidate(0), candidate(1)
    log.put(one, two, given.outcome(0, one, 12.0, 2.0))
    log.look(3.0)
    connection = log.recorder.catalogue.connection
    connection.executescript("DROP TABLE loss; DROP TABLE measured")
    log.killed(3.0)
    log.put(given.outcome(0, two, 12.0, 4.0))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 2, 2, 2)]
    assert told(log) == [(0, {}, {bucket(2.0): 1})]
