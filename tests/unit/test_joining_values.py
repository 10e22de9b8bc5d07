"""Posted metrics: one value a unit, by the arm drawn, at each weight; by prediction and by sticky key."""

import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import arms, assignment, marks, records, sums
from tidegate.observability.joining import values

OTHER = "c" * 32
NONE = sums.Moments()


def prediction(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return given.prediction(chance, at, **({"key_hash": b""} | more))


def candidate(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return prediction(chance, at, **({"arm": arms.Arm.CANDIDATE, "version": 2, "answers": (0.75,)} | more))


def revenue(of: records.Prediction, value: float, at: float = 3.0, **more: object) -> records.Outcome:
    return given.outcome(0, of, value, at, **({"metric": "revenue"} | more))


def of_key(key: str, value: float, at: float = 3.0, **more: object) -> records.Outcome:
    digest = bytes.fromhex(assignment.hashed(key.encode()))
    stray = given.prediction(9_000 + int(at * 10))
    return revenue(stray, value, at, **({"endpoint": "flight-delay", "key_hash": digest} | more))


def hashed(key: str) -> bytes:
    return bytes.fromhex(assignment.hashed(key.encode()))


def told(log: Log, metric: str = "revenue") -> dict[int, tuple[sums.Moments, sums.Moments]]:
    """(candidate, stable) by weight."""
    return {one.weight: (one.candidate, one.stable) for one in log.labels().values if one.metric == metric}


def test_values_are_summed_by_the_arm_drawn_and_by_weight(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one, two, three = prediction(0), candidate(1), candidate(2, weight=2_500, generation=6)
    log.put(one, two, three, revenue(one, 2.0), revenue(two, -3.0), revenue(three, 0.5))
    log.put(given.outcome(0, two, 7.0, 3.0, metric="clicks"))
    log.look(4.0)
    assert told(log) == {500: (sums.Moments(1, -3.0, 9.0), sums.Moments(1, 2.0, 4.0)), 2_500: (sums.Moments(1, 0.5, 0.25), NONE)}
    assert told(log, "clicks") == {500: (sums.Moments(1, 7.0, 49.0), NONE)}
    assert (log.fact("joined"), log.labels().joined) == (4, 0)


def test_a_posted_value_is_no_ground_truth(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(one, revenue(one, 0.0))
    log.look(20.0)
    assert log.cells() == [(0, 0, 0, 0, 1, 0, 0)]
    assert log.labels().wrong == 0


def test_a_unit_counts_once_with_its_first_value(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(one, revenue(one, 2.0))
    log.look(4.0)
    log.killed(4.0)
    log.put(revenue(one, 5.0), revenue(one, 6.0, label_version=2))
    log.look(5.0)
    assert told(log) == {500: (sums.Moments(1, 2.0, 4.0), NONE)}
    assert (log.fact("joined"), log.fact("duplicate")) == (1, 2)


def test_under_stickiness_the_key_is_the_unit(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    requests = [candidate(at, at * 0.1, key_hash=hashed("ann")) for at in range(3)] + [prediction(5, key_hash=hashed("bob"))]
    log.put(*requests, *(revenue(one, 1.0 + number) for number, one in enumerate(requests)))
    log.look(4.0)
    assert told(log) == {500: (sums.Moments(1, 1.0, 1.0), sums.Moments(1, 4.0, 16.0))}


def test_a_value_may_name_the_key_and_goes_to_its_latest_evidence(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    first = prediction(0, 0.0, key_hash=hashed("ann"))
    latest = candidate(1, 1.0, key_hash=hashed("ann"), weight=2_500, generation=6)
    after = prediction(2, 2.0, key_hash=hashed("ann"), evidence=False, weight=0, generation=7)
    log.put(latest, first, after, of_key("ann", 3.0), of_key("ann", 4.0, 3.5))
    log.look(4.0)
    assert told(log) == {2_500: (sums.Moments(1, 3.0, 9.0), NONE)}
    assert (log.fact("joined"), log.fact("duplicate"), log.fact("unmatched")) == (1, 1, 0)


def test_a_key_that_is_read_before_its_prediction_waits_for_it(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(of_key("ann", 3.0))
    log.look(4.0)
    log.killed(4.0)
    log.put(candidate(0, key_hash=hashed("ann")), boot=OTHER)
    log.look(8.0)
    assert told(log) == {500: (sums.Moments(1, 3.0, 9.0), NONE)}
    assert log.fact("unmatched") == 0


def test_a_key_that_nobody_has_is_unmatched_after_a_minute(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    log.put(candidate(0, key_hash=hashed("ann")), of_key("bob", 3.0), of_key("ann", 3.0, 3.5, endpoint="another"))
    log.look(4.0)
    log.look(70.0)
    assert told(log) == {}
    assert log.fact("unmatched") == 2


@pytest.mark.parametrize("more", [{"evidence": False}, {"release": ""}, {"role": arms.Role.PINNED}, {"role": arms.Role.SHADOW}])
def test_only_live_requests_of_evidence_generations_count(tmp_path: pathlib.Path, more: dict[str, object]) -> None:
    log = Log(tmp_path)
    one = candidate(0, key_hash=hashed("ann"), **more)
    log.put(one, revenue(one, 2.0), of_key("ann", 2.0), candidate(1))
    log.look(4.0)
    assert told(log) == {}


def test_a_release_has_sixteen_metrics_at_most(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0)
    log.put(one, given.outcome(0, one, 1.0, 2.0), *(revenue(one, 1.0, metric=f"m{number:02}") for number in range(20)))
    log.look(20.0)
    names = [each.metric for each in log.labels().values]
    assert names == [f"m{number:02}" for number in range(values.MOST)] + ["right"]


def test_a_value_that_comes_long_after_finds_its_prediction_in_parquet_once(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    one = candidate(0, key_hash=hashed("ann"))
    log.put(one)
    log.look(1.0)
    log.look(1_000.0)
    log.put(revenue(one, 2.0, 1_000.0), given.outcome(0, one, 1.0, 1_000.0))
    log.look(1_001.0)
    log.look(1_005.0)
    log.put(revenue(one, 4.0, 1_010.0))
    log.look(1_010.0)
    log.look(1_015.0)
    assert told(log) == {500: (sums.Moments(1, 2.0, 4.0), NONE)}
    assert log.fact("joined") == 2


def test_right_is_the_mark_at_the_label_age_of_closed_ticks(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    right, wrong, late, young = candidate(0), prediction(1), prediction(2), candidate(3, 9.0)
    unanswered = candidate(4, mark=marks.Mark.TIMEOUT, answers=())
    log.put(right, wrong, late, young, unanswered)
    log.put(*(given.outcome(0, one, 1.0, 3.0) for one in (right, wrong, unanswered)), given.outcome(0, late, 1.0, 10.5))
    log.put(given.outcome(0, young, 1.0, 9.5))
    log.look(13.0)
    assert told(log, "right") == {500: (sums.Moments(2, 1.0, 1.0), sums.Moments(1, 0.0, 0.0))}
    log.put(given.outcome(0, young, 0.0, 14.0, label_version=2), given.outcome(0, wrong, 0.0, 14.0, label_version=2))
    log.look(14.0)
    log.killed(14.0)
    log.look(30.0)
    assert told(log, "right") == {500: (sums.Moments(3, 1.0, 1.0), sums.Moments(1, 0.0, 0.0))}


def test_right_of_a_key_is_that_of_its_first_request(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    ann = [candidate(at, at * 0.1, key_hash=hashed("ann")) for at in range(3)]
    log.put(*ann, *(given.outcome(0, one, float(at == 0), 3.0) for at, one in enumerate(ann)))
    log.look(20.0)
    assert told(log, "right") == {500: (sums.Moments(1, 1.0, 1.0), NONE)}
    log.look(1_000.0)
    assert told(log, "right") == {500: (sums.Moments(1, 1.0, 1.0), NONE)}


def test_posted_values_survive_kills_exactly(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path)
    for turn in range(6):
        requests = [candidate(10 * turn + at, turn + at / 10) for at in range(4)]
        log.put(*requests)
        log.put(*(revenue(one, 1.5, turn + 0.5) for one in requests), boot=OTHER)
        log.interrupted(turn, turn + 0.6)
    log.look(10.0)
    assert told(log) == {500: (sums.Moments(24, 36.0, 54.0), NONE)}
    assert msgspec.structs.astuple(log.labels())[2] == 0
