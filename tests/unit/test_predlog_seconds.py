"""The log by second of arrival: from Parquet and segments alike, each request once, outcomes by their label age."""

import pathlib

import numpy as np
import predlog_fixtures as given
import pytest

from tidegate.core.stats import thinning
from tidegate.core.vocabulary import arms, home, marks, tables
from tidegate.dataplane.predlog import catalogue, parquet, seconds, segments

RULE = tables.Outcomes(within_seconds=10.0)
DAY = (given.T0 - 10.0, given.T0 + 86_400.0)


def recorded(made: home.Home, name: str, *batch: segments.Record) -> None:
    files = parquet.write(made.log, name, batch)
    with catalogue.Catalogue(made.log) as known:
        known.begin()
        known.add(files)
        known.commit()


def read(made: home.Home, span: tuple[float, float] = DAY, version: int = 1) -> seconds.Read:
    return seconds.read(made, seconds.Wanted("flight-delay", version, span, RULE))


def told(row: np.ndarray) -> dict[str, int]:
    """What is not nought, by its name."""
    names = {thinning.RIGHT: "right", thinning.WRONG: "wrong", thinning.FAILED: "failed"}
    names |= {int(mark): mark.name.lower() for mark in marks.Mark}
    names |= {thinning.LATENCY.start + at: f"latency {at}" for at in range(marks.LATENCY_BUCKETS)}
    names |= {at: f"bin {at - thinning.BINS.start}" for at in range(thinning.BINS.start, thinning.BINS.stop)}
    return {names[at]: int(row[at]) for at in np.flatnonzero(row)}


BATCH = (
    given.prediction(0, at=0.2, bin=3),
    given.prediction(1, at=0.9, bin=3, model_us=10),
    given.prediction(2, at=2.0, mark=marks.Mark.ERROR, model_us=300, bin=1),
    given.prediction(3, at=2.1, mark=marks.Mark.SHED, model_us=0),
    given.prediction(4, at=2.2, version=2, arm=arms.Arm.CANDIDATE),
    given.prediction(5, at=2.3, role=arms.Role.SHADOW),
    given.prediction(6, at=2.4, endpoint="other"),
    given.prediction(7, at=901.0, model_us=200_000_000),
)
OUTCOMES = (
    given.outcome(10, BATCH[0], 1.0, at=3.0),
    given.outcome(11, BATCH[1], 0.0, at=3.0),
    given.outcome(12, BATCH[2], 0.0, at=3.0),
    given.outcome(13, BATCH[3], 0.0, at=3.0),
    given.outcome(14, BATCH[7], 0.0, at=920.0),
    given.outcome(15, BATCH[0], 0.0, at=4.0),
    given.outcome(16, BATCH[1], 5.0, at=4.0, metric="revenue"),
    given.outcome(17, BATCH[4], 0.0, at=4.0),
)


@pytest.mark.parametrize("in_segments", ["nothing", "everything", "outcomes", "both twice"])
def test_the_counts_are_the_same_wherever_records_are(tmp_path: pathlib.Path, in_segments: str) -> None:
    made = given.place(tmp_path)
    if in_segments != "everything":
        recorded(made, "a", *BATCH, *(OUTCOMES if in_segments in ("nothing", "both twice") else ()))
    if in_segments in ("everything", "both twice"):
        given.writer(made).append([*BATCH, *OUTCOMES])
    elif in_segments == "outcomes":
        given.writer(made).append(list(OUTCOMES))
    found = read(made)
    assert found.seconds is not None
    assert (found.seconds.begin, len(found.seconds), found.others) == (given.T0, 902, 1)
    rows = found.seconds.counts
    bucket = marks.latency_bucket(300)
    assert told(rows[0]) == {"ok": 2, f"latency {bucket}": 1, "latency 0": 1, "bin 3": 2, "wrong": 1, "right": 1}
    assert told(rows[2]) == {"error": 1, "shed": 1, "failed": 1}
    assert told(rows[901]) == {"ok": 1, "latency 63": 1}
    assert rows.sum() == sum(sum(told(rows[at]).values()) for at in (0, 2, 901))


def test_buckets_are_those_of_the_gateways_sums(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    times = [1, 10, 11, 12, 13, 300, 1_000, 31_415, 100_000_000, 100_000_001]
    recorded(made, "a", *(given.prediction(at, model_us=took) for at, took in enumerate(times)))
    found = read(made).seconds
    assert found is not None
    wanted = np.bincount([marks.latency_bucket(took) for took in times], minlength=marks.LATENCY_BUCKETS)
    assert (found.total[thinning.LATENCY] == wanted).all()


def test_a_time_counts_where_the_call_was_for_this_request_alone(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    recorded(made, "a", given.prediction(0, batch_rows=4), given.prediction(1, rows=3, batch_rows=3))
    found = read(made).seconds
    assert found is not None
    assert found.total[thinning.LATENCY].sum() == 1


def test_only_the_time_asked_for_counts(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    recorded(made, "a", *(given.prediction(at, at=float(at)) for at in range(40)))
    given.writer(made).append([given.prediction(at, at=float(at)) for at in range(40, 60)])
    found = read(made, (given.T0 + 10.0, given.T0 + 49.5)).seconds
    assert found is not None
    assert (found.begin, len(found), int(found.arrivals.sum())) == (given.T0 + 10, 40, 40)
    assert read(made, (given.T0 + 100.0, given.T0 + 200.0)).seconds is None
    assert read(made, version=7).seconds is None


def test_the_newest_request_is_found_however_old_it_is(tmp_path: pathlib.Path) -> None:
    made = given.place(tmp_path)
    assert seconds.latest(made, "flight-delay", 1, given.T0 + 1e3) == 0
    recorded(made, "a", given.prediction(0, at=5.0), given.prediction(1, at=7.0, version=2))
    for later in (10.0, 86_400.0 * 10, 86_400.0 * 400):
        assert seconds.latest(made, "flight-delay", 1, given.T0 + later) == given.T0 + 5
    given.writer(made).append([given.prediction(2, at=8.0), given.prediction(3, at=9.0, endpoint="other")])
    assert seconds.latest(made, "flight-delay", 1, given.T0 + 1e3) == given.T0 + 8
    assert seconds.latest(made, "flight-delay", 1, given.T0 + 6.0) == given.T0 + 5
