"""The metric of a test: clipped to its range and counted so, crossed with its covariate once a unit, in any order."""

import itertools
import pathlib

import msgspec
import predlog_fixtures as given
import pytest
from recording_fixtures import Log

from tidegate.core.vocabulary import arms, assignment, records, sums, tables

OTHER = "c" * 32


def rule(**more: object) -> tables.Outcomes:
    return tables.Outcomes(within_seconds=10.0, measured=tables.Measured(**({"metric": "revenue"} | more)))


def prediction(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return given.prediction(chance, at, **({"key_hash": b""} | more))


def candidate(chance: int, at: float = 0.0, **more: object) -> records.Prediction:
    return prediction(chance, at, **({"arm": arms.Arm.CANDIDATE, "version": 2, "answers": (0.75,)} | more))


def post(of: records.Prediction, metric: str, value: float, at: float = 3.0, **more: object) -> records.Outcome:
    return given.outcome(0, of, value, at, **({"metric": metric} | more))


def hashed(key: str) -> bytes:
    return bytes.fromhex(assignment.hashed(key.encode()))


def told(log: Log, metric: str = "revenue") -> dict[int, sums.Values]:
    return {one.weight: one for one in log.labels().values if one.metric == metric}


def test_a_value_outside_the_range_counts_as_its_nearer_end_and_is_counted(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, rule(limits=(0.0, 1.0)))
    batch = [candidate(at) for at in range(4)] + [prediction(9)]
    log.put(*batch, *(post(one, "revenue", value) for one, value in zip(batch, (0.5, 1.5, -3.0, 1.0, 0.0), strict=True)))
    log.put(post(batch[0], "clicks", 7.0), post(batch[1], "revenue", 0.25, 3.5))
    log.look(4.0)
    log.killed(4.0)
    log.put(prediction(10, 4.0), post(prediction(10, 4.0), "revenue", 2.0, 5.0))
    log.look(6.0)
    found = told(log)[500]
    assert found.candidate == sums.Moments(4, 2.5, 2.25, clipped=2)
    assert found.stable == sums.Moments(2, 1.0, 1.0, clipped=1)
    assert found.limits == (0.0, 1.0)
    clicks = told(log, "clicks")[500]
    assert (clicks.candidate, clicks.limits) == (sums.Moments(1, 7.0, 49.0), None)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_a_unit_is_crossed_once_whichever_of_its_values_comes_first(tmp_path: pathlib.Path, order: tuple[int, ...]) -> None:
    log = Log(tmp_path, rule(covariate="last_month"))
    one = candidate(0)
    log.put(one)
    values = [post(one, "revenue", 3.0), post(one, "last_month", 2.0), post(one, "clicks", 5.0)]
    for turn, place in enumerate(order):
        log.put(values[place])
        log.look(4.0 + turn)
        log.killed(4.0 + turn)
    log.put(post(one, "last_month", 8.0, 8.0), post(one, "revenue", 9.0, 8.0))
    log.look(9.0)
    crossed = sums.Crossed(count=1, total=3.0, covariate=2.0, squares=4.0, products=6.0)
    assert told(log)[500].candidate == sums.Moments(1, 3.0, 9.0, 0, crossed)
    assert told(log, "last_month")[500].candidate == sums.Moments(1, 2.0, 4.0)


def test_units_with_one_of_the_two_alone_are_not_crossed(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, rule(covariate="last_month"))
    batch = [candidate(0), candidate(1), prediction(2)]
    log.put(*batch, post(batch[0], "revenue", 3.0), post(batch[1], "last_month", 2.0))
    log.put(post(batch[2], "revenue", 1.0), post(batch[2], "last_month", -4.0))
    log.look(4.0)
    found = told(log)[500]
    assert found.candidate == sums.Moments(1, 3.0, 9.0)
    assert found.stable.crossed == sums.Crossed(1, 1.0, -4.0, 16.0, -4.0)


def test_a_key_that_went_over_is_crossed_where_its_metric_counts(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, rule(covariate="last_month"))
    before = prediction(0, 0.0, key_hash=hashed("ann"))
    after = candidate(1, 1.0, key_hash=hashed("ann"), weight=2_500, generation=6)
    log.put(before, post(before, "last_month", 2.0, 0.5), after, post(after, "revenue", 3.0))
    log.look(4.0)
    assert told(log, "last_month").keys() == {500}
    assert told(log)[2_500].candidate.crossed == sums.Crossed(1, 3.0, 2.0, 4.0, 6.0)


def test_what_was_clipped_is_what_is_crossed(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, rule(limits=(0.0, 1.0), covariate="last_month"))
    one = candidate(0)
    log.put(one, post(one, "revenue", 5.0), post(one, "last_month", 5.0))
    log.look(4.0)
    assert told(log)[500].candidate == sums.Moments(1, 1.0, 1.0, 1, sums.Crossed(1, 1.0, 5.0, 25.0, 5.0))


def test_crossed_sums_survive_kills_exactly(tmp_path: pathlib.Path) -> None:
    log = Log(tmp_path, rule(covariate="last_month"))
    for turn in range(6):
        one = candidate(turn, float(turn))
        log.put(one, post(one, "last_month", 2.0, turn + 0.2))
        log.put(post(one, "revenue", 1.5, turn + 0.5), boot=OTHER)
        log.interrupted(turn, turn + 0.6)
    log.look(10.0)
    assert told(log)[500].candidate == sums.Moments(6, 9.0, 13.5, 0, sums.Crossed(6, 9.0, 12.0, 24.0, 18.0))


def test_sums_that_were_written_before_there_were_ranges_can_be_read() -> None:
    raw = b'{"metric": "revenue", "weight": 500, "candidate": {"count": 1, "total": 2.0, "squares": 4.0}, "stable": {}}'
    found = msgspec.json.decode(raw, type=sums.Values)
    assert found == sums.Values("revenue", 500, sums.Moments(1, 2.0, 4.0), sums.Moments())
