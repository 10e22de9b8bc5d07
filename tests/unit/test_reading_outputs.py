"""What records say of outputs, as the recorder has it: profiles by version and hour, and columns for whoever reads the log."""

import json
import pathlib

import msgspec
import numpy as np
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from columns_fixtures import C, Columned, ended

from tidegate.core.stats import seasons, stacks
from tidegate.core.vocabulary import manifests, profiles, records
from tidegate.dataplane.predlog import parquet, reader
from tidegate.observability.drift import drifting
from tidegate.observability.profiling import hourly, profiled

INPUTS = (C("age", "long", required=False),)
OUTPUTS = (C("p", "FP64", shape=(-1, 3)), C("why", "string", required=False))
SIGNATURE = manifests.Signature("columns", INPUTS, OUTPUTS)
CLASSES = ("ash", "beech", "elm")
NAMES = [f"prediction.p.{one}" for one in CLASSES]
ROWS = 100


class Answering(Columned):
    """A log of a model that tells three trees apart, and says why."""

    def __init__(self, root: pathlib.Path) -> None:
        super().__init__(root, SIGNATURE)
        self.rng = np.random.default_rng(5)
        for digest in self.digests:
            options = {"classes": json.dumps(CLASSES)}
            made = manifests.Manifest("m", "sklearn", "m", SIGNATURE, (), options=options)
            (self.home.bundles / digest / "manifest.json").write_bytes(msgspec.json.encode(made))

    def answered(self, number: int, table: np.ndarray, **more: object) -> records.Prediction:
        """A request that was answered with these probabilities."""
        answers = tuple(CLASSES[at] for at in table.argmax(axis=1))
        words = tuple("fog" for _ in answers)
        whole = {"numbers": table.astype("<f8").tobytes(), "answers": answers, "words": words}
        return self.asked(number, *({"age": 30} for _ in answers), **(whole | more))

    def many(self, number: int, weights: tuple[float, float, float] = (1, 1, 1), **more: object) -> records.Prediction:
        return self.answered(number, self.rng.dirichlet(weights, ROWS), **more)

    def learned(self) -> None:
        self.put(*(self.many(number) for number in range(hourly.TEACH // ROWS)))
        self.look(1.0)

    def hours(self) -> list[tuple[int, int, profiles.Profile]]:
        return profiled.hours(self.recorder.catalogue.connection, "flight-delay", 0, 2**40)


def test_every_class_is_counted_by_itself_and_compared(tmp_path: pathlib.Path) -> None:
    log = Answering(tmp_path)
    log.learned()
    hour = seasons.HOUR
    log.put(*(log.many(100 + at, at=2.0) for at in range(20)))
    log.put(*(log.many(200 + at, (2, 1, 1), at=hour + 2.0) for at in range(20)))
    log.look(hour + 3.0)
    ((_, first, before), (_, second, after)) = log.hours()
    assert {"prediction", "prediction.why", *NAMES} <= set(before.columns)
    assert all(before.columns[name].seen == 20 * ROWS for name in NAMES)
    assert before.columns[NAMES[0]].total == pytest.approx(20 * ROWS / 3, rel=0.05)
    about = drifting.Report(
        "flight-delay", drifting.Stretch(second, second + hour), "time", (drifting.Stretch(first, first + hour),)
    )
    told = {one.name: one for one in drifting.report(log.recorder.catalogue.connection, about).columns}
    assert told[NAMES[0]].level == "alarm"
    assert told["prediction.why"].level == ""
    layout = stacks.Layout(profiled.frames(log.recorder.catalogue.connection, "flight-delay"))
    only = layout.inputs(layout.stacked(before.rows, before.columns))
    assert [layout.names[at] for at in np.flatnonzero(only.there)] == ["age"]
    assert after.rows == 20 * ROWS


def test_what_is_kept_of_inputs_and_bodies_is_nothing_to_the_outputs(tmp_path: pathlib.Path) -> None:
    log = Answering(tmp_path)
    log.put(*(log.many(at, input=b"", output=b"") for at in range(hourly.TEACH // ROWS)))
    log.put(log.many(50, input=b"", output=b"", at=2.0))
    log.look(3.0)
    ((_, _, seen),) = log.hours()
    assert set(seen.columns) == {"prediction", "prediction.why", *NAMES}


def test_columns_of_outputs_have_an_entry_a_row_and_stay_through_a_merge(tmp_path: pathlib.Path) -> None:
    log = Answering(tmp_path)
    table = np.array([[0.2, 0.7, 0.1], [0.5, 0.25, 0.25]])
    log.put(log.answered(0, table[:1]), log.answered(1, table), log.asked(2, {"age": 4}, answers=(), mark=1, input=b""))
    log.look(1.0)
    log.put(log.answered(3, table[1:], input=b"not an input"))
    log.look(2.0)
    asked = 'SELECT "out_p.ash", "out_p.elm", out_why, in_age FROM p ORDER BY sequence'
    wanted = [
        ([0.2], [0.1], ["fog"], [30]),
        ([0.2, 0.5], [0.1, 0.25], ["fog", "fog"], [30, 30]),
        (None, None, None, None),
        ([0.5], [0.25], ["fog"], None),
    ]
    assert log.query(asked) == wanted
    there = log.recorder.catalogue.files()
    log.recorder.catalogue.add([parquet.merge(log.home.log, "merged-9-0", there)])
    log.recorder.catalogue.drop(there)
    for file in there:
        (log.home.log / file.path).unlink()
    assert log.query(asked) == wanted
    (one,) = reader.predictions(log.home.log, [given.identifier(0)])
    assert (one.answers, one.numbers) == (("beech",), b"")
    ended(log, 20.0)
    assert "numbers" not in pq.read_schema(next(log.home.log.rglob("*.parquet"))).names


def test_records_of_another_release_of_the_worker_count_with_their_answers(tmp_path: pathlib.Path) -> None:
    """None, fewer or more numbers than the series have: never taken for what they are not."""
    log = Answering(tmp_path)
    log.learned()
    log.put(log.many(60, at=2.0, numbers=b"", words=()))
    log.put(log.many(61, at=2.0, numbers=b"\0" * 8 * (3 * ROWS + 1)))
    log.put(log.many(62, at=2.0, words=("fog",)))
    log.look(3.0)
    ((_, _, seen),) = log.hours()
    assert seen.rows == 3 * ROWS
    assert seen.columns["prediction"].seen == 3 * ROWS
    assert seen.columns.keys().isdisjoint(NAMES)


def test_outputs_count_once_whatever_is_killed(tmp_path: pathlib.Path) -> None:
    log = Answering(tmp_path)
    log.learned()
    log.put(log.many(70, at=2.0))
    while log.recorder.step(given.T0 + 2.5):
        continue
    log.killed(3.0)
    log.look(4.0)
    ((_, _, seen),) = log.hours()
    assert seen.columns[NAMES[2]].seen == ROWS


def test_outputs_are_counted_again_from_the_log_where_its_catalogue_was_lost(tmp_path: pathlib.Path) -> None:
    log = Answering(tmp_path)
    log.learned()
    hour = seasons.HOUR
    log.put(*(log.many(80 + at, at=hour + at) for at in range(5)))
    log.look(hour + 10.0)
    before = log.hours()
    log.recorder.close()
    for path in log.home.log.glob("catalogue.db*"):
        path.unlink()
    log.killed(hour + 20.0)
    for step in range(50):
        log.recorder.step(given.T0 + hour + 20.0 + 11.0 * step)
        if not log.recorder.recounting.pending and not log.recorder.doubts.pending:
            break
    after = log.hours()
    assert [one[:2] for one in after] == [one[:2] for one in before]
    for (_, _, one), (_, _, other) in zip(before, after, strict=True):
        assert {"prediction.why", *NAMES} <= one.columns.keys() == other.columns.keys()
        assert [other.columns[name].counts for name in NAMES] == [one.columns[name].counts for name in NAMES]
