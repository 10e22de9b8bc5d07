"""Real census records with a real model's probabilities, replayed: what is estimated is what turns out to be.

Massachusetts, 2015 to 2018, from the files in the nannyml wheel (nothing of it is imported): is somebody employed. Each year is
replayed as 28 days, a quarter of its rows in random order (in the files, homes and dormitories come last), in requests of fifty;
who is employed is known after two days on average, who is not after six.
"""

import itertools
import pathlib

import msgspec
import numpy as np
import pyarrow.parquet as pq
import pytest

from tests.conformance import environments
from tidegate.core.stats import estimated, isotonic, metrics
from tidegate.core.vocabulary import arms, home, ids, marks, monitoring, records, tables
from tidegate.dataplane.predlog import labelled, segments
from tidegate.observability.outcomes import performance, performing
from tidegate.observability.recording import recorder

DAY = 86_400
T0 = 19_800 * DAY
YEAR = 28 * DAY
ROWS = 50
RULE = tables.Outcomes(kind="probability")
PAGE = (pathlib.Path(__file__).parents[2] / "docs" / "outcomes.md").read_text()


@pytest.fixture(scope="module")
def years() -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """(probability, whether employed) by year."""
    [folder] = environments.python("census").parents[1].glob("lib/python*/site-packages/nannyml/datasets/data")
    first = pq.read_table(folder / "employment_MA_reference.pq")
    later, truth = (pq.read_table(folder / f"employment_MA_{name}.pq") for name in ("analysis", "analysis_target"))
    assert later["id"].equals(truth["id"])
    found = {2015: (first["predicted_probability"].to_numpy(), first["employed"].to_numpy() == 1)}
    score, employed, year = (one.to_numpy() for one in (later["predicted_probability"], truth["employed"], later["year"]))
    return found | {int(one): (score[year == one], employed[year == one] == 1) for one in np.unique(year)}


def test_each_year_is_estimated_within_two_tenths_of_a_point(years) -> None:
    known = isotonic.fit(*years[2015])
    lines = []
    for year in (2016, 2017, 2018):
        score, truth = years[year]
        told = estimated.estimate(score, known)
        real = metrics.probabilities(score, truth, np.ones(score.size))
        assert abs(told.accuracy - real["accuracy"].value) <= 0.0017
        assert abs(told.auc - real["auc"].value) <= 0.0021
        row = (
            f"{100 * told.accuracy:.2f} %",
            f"{100 * real['accuracy'].value:.2f} %",
            f"{told.auc:.4f}",
            f"{real['auc'].value:.4f}",
        )
        lines.append(f"| {year} | {score.size:,} | {' | '.join(row)} |")
    print("\n".join(lines))
    assert all(line in PAGE for line in lines), lines


def test_small_windows_are_as_uncertain_as_chance_makes_them(years) -> None:
    known = isotonic.fit(*years[2015])
    score, truth = (np.concatenate([years[year][part] for year in (2016, 2017, 2018)]) for part in (0, 1))
    for size, most in ((10_000, 0.005), (500, 0.0145)):
        off = []
        for at in range(0, score.size - size + 1, size):
            here = slice(at, at + size)
            off.append(estimated.estimate(score[here], known).accuracy - ((score[here] >= 0.5) == truth[here]).mean())
        assert np.mean(np.abs(off)) < most
        assert f"{np.mean(np.abs(off)):.4f}" in PAGE


class Replay:
    """The years as a gateway's segments and a recorder saw them, two days at a time."""

    def __init__(self, root: pathlib.Path, years: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
        self.place = home.Home(root)
        self.place.prepare()
        watched = monitoring.Monitors(performance=monitoring.Performance("rollback"))
        stable = tables.Deployed(1, "d" * 64, "census")
        self.route = tables.Route("employed", "production", stable, outcomes=RULE, monitors=watched)
        self.place.table.write_bytes(msgspec.json.encode(tables.Table(1, 0, {"employed": self.route})))
        self.writer = segments.Writer(self.place.segments, "host", "a" * 32)
        rng, due, numbers = np.random.default_rng(0), [], itertools.count()
        found = recorder.Recorder(self.place, T0)
        for nth, year in enumerate(sorted(years)):
            some = np.random.default_rng(year).permutation(years[year][0].size)[: years[year][0].size // 4 // ROWS * ROWS]
            score, truth = (one[some].reshape(-1, ROWS) for one in years[year])
            at = T0 + nth * YEAR + np.sort(rng.uniform(0, YEAR, len(score)))
            for day in range(2, 30, 2):
                ends = T0 + nth * YEAR + day * DAY
                batch = []
                for place in np.flatnonzero((at >= ends - 2 * DAY) & (at < ends)):
                    one = _prediction(next(numbers), at[place], score[place])
                    batch.append(one)
                    lags = rng.exponential(np.where(truth[place], 2, 6)) * DAY
                    due += [(at[place] + lag, one.id, row, float(truth[place][row])) for row, lag in enumerate(lags)]
                due.sort()
                now = [one for one in due if one[0] < ends]
                due = due[len(now) :]
                self._put([*batch, *(_outcome(next(numbers), *one) for one in now)])
                for wait in (0.0, 4.0):  # late ones are looked for in Parquet after three seconds
                    while found.step(ends + wait):
                        continue
                    found.flush(ends + wait)
        self.facts = found.facts(0.0)
        found.close()

    def _put(self, batch: list[records.Prediction | records.Outcome]) -> None:
        numbers = itertools.count(self.writer.sequence)
        self.writer.append([msgspec.structs.replace(one, sequence=next(numbers)) for one in batch])

    def report(self, until: float, since: float) -> performance.Report:
        return performance.read(self.place, RULE, performance.Asked("employed", since, until))


def _prediction(chance: int, at: float, score: np.ndarray) -> records.Prediction:
    given = dict.fromkeys((field.name for field in msgspec.structs.fields(records.Prediction)), 0)
    given |= dict.fromkeys(("host", "request_id", "release", "content", "error"), "")
    given |= {
        "schema": records.SCHEMA,
        "incarnation": "a" * 32,
        "id": ids.uuid7(int(at * 1e3), chance),
        "environment": "production",
    }
    given |= {
        "endpoint": "employed",
        "version": 1,
        "digest": "d" * 64,
        "arm": arms.Arm.STABLE,
        "evidence": False,
        "key_hash": b"",
    }
    given |= {"role": arms.Role.LIVE, "mark": marks.Mark.OK, "status": 200, "answered_by": 1, "rescued": False, "bin": -1}
    given |= {
        "arrived_ns": int(at * 1e9),
        "rows": ROWS,
        "answers": tuple(score.tolist()),
        "input": b"",
        "output": b"",
        "numbers": b"",
        "words": (),
        "json_bytes": -1,
    }
    return records.Prediction(**given)


def _outcome(chance: int, at: float, identifier: bytes, row: int, label: float) -> records.Outcome:
    del chance
    return records.Outcome(records.SCHEMA, "host", "a" * 32, 0, identifier, row, label, 1, arms.Role.LIVE, int(at * 1e9))


@pytest.fixture(scope="module")
def replay(tmp_path_factory: pytest.TempPathFactory, years) -> Replay:
    return Replay(tmp_path_factory.mktemp("census"), years)


def test_every_label_found_its_prediction(replay: Replay) -> None:
    assert replay.facts["joined"] > 60_000
    assert [replay.facts[name] for name in ("unmatched", "rejected", "duplicate", "lost")] == [0, 0, 0, 0]


def test_the_headline_and_the_estimate_of_the_last_days_are_what_came_of_them(replay: Replay, years) -> None:
    ends = T0 + 4 * YEAR
    found = replay.report(ends, ends - YEAR)
    (standing,) = found.standings
    assert 24 < found.mature_seconds / DAY < 32, "the 99th percentile of six days on average is 27.6"
    score, truth = years[2018]
    real = metrics.probabilities(score, truth, np.ones(score.size))
    assert 0.7 < standing.labelled / standing.answered < 0.9
    told = standing.provisional
    assert told["accuracy"].value == pytest.approx(real["accuracy"].value, abs=0.01)
    assert told["auc"].value == pytest.approx(real["auc"].value, abs=0.01)
    (guess,) = found.estimates
    assert guess.accuracy == pytest.approx(real["accuracy"].value, abs=0.008)
    assert guess.auc == pytest.approx(real["auc"].value, abs=0.008)
    assert not guess.dropped
    # What is labelled by now says too much of those who are employed.
    seen = sum(rows for _, label, rows in told.confusion if label == "1") / sum(rows for _, _, rows in told.confusion)
    assert seen == pytest.approx(truth.mean(), abs=0.02)


def test_the_watch_is_quiet_over_all_three_years(replay: Replay) -> None:
    watch = performing.Performing(replay.place)
    for weeks in range(6, 17, 2):
        assert list(watch.look(T0 + weeks * 7 * DAY)) == []


def test_a_world_that_has_changed_is_found_by_outcomes_and_not_by_the_estimate(replay: Replay) -> None:
    """From 2017 on every fifth label is the other one."""
    now = T0 + 4 * YEAR
    rows = labelled.read(replay.place, "employed", RULE, (T0, now))
    flipped = (rows.at > T0 + 2 * YEAR) & rows.labelled & (np.random.default_rng(9).random(len(rows)) < 0.2)
    rows.label[flipped] = 1 - rows.label[flipped].astype(float)
    (alarm,) = performing.judged(replay.route, rows, now, performing.Kept(replay.place, replay.route))
    assert (alarm.kind, alarm.action, alarm.subject) == ("performance", "rollback", "v1")
    assert T0 + 2 * YEAR - DAY <= alarm.since < T0 + 2 * YEAR + 3 * DAY
    print(alarm.words, alarm.moved)
