"""Profiles by hour and version, counted once over kills, and what has drifted by them."""

import json
import math
import pathlib
import re

import alone_fixtures
import duckdb
import msgspec
import numpy as np
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from pairs_fixtures import SIGNATURE
from profiled_fixtures import FIRST, HOUR, ROWS, Profiled, asked

from tidegate.core.stats import counting, stacks
from tidegate.core.vocabulary import arms, ids, manifests, marks, profiles
from tidegate.interface.cli.views import drift as view
from tidegate.observability.drift import drifting, references
from tidegate.observability.profiling import hourly, oddness, profiled, sketching


def test_the_first_rows_teach_and_the_later_ones_are_counted_by_version_and_hour(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    assert log.hours() == []
    frames = profiled.frames(log.recorder.catalogue.connection, "flight-delay")
    assert set(frames) == {"carrier", "hour", "prediction"}
    assert frames["carrier"].classes == ("AA", "DL", "UA")
    assert [frames[name].numeric for name in ("hour", "prediction")] == [True, True]
    log.put(
        asked(100, 2.0, log.rng),
        asked(101, HOUR * 1.0, log.rng),
        asked(102, HOUR + 1.0, log.rng, version=2),
        asked(103, 3.0, log.rng, mark=marks.Mark.ERROR),
        asked(104, 3.0, log.rng, role=arms.Role.SHADOW),
    )
    log.look(HOUR + 2.0)
    assert [(version, hour - FIRST, one.rows) for version, hour, one in log.hours()] == [
        (1, 0, ROWS),
        (1, HOUR, ROWS),
        (2, HOUR, ROWS),
    ]
    assert all(column.seen == ROWS for _, _, one in log.hours() for column in one.columns.values())


def test_versions_of_one_bundle_are_known_as_such(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    other = {"version": 3, "digest": "f" * 64}
    log.put(asked(100, 2.0, log.rng), asked(101, 2.0, log.rng, version=2), asked(102, 2.0, log.rng, **other))
    log.look(3.0)
    books = log.recorder.catalogue.connection
    assert [profiled.alike(books, "flight-delay", version) for version in (1, 2, 3, 4)] == [{1, 2}, {1, 2}, {3}, {4}]
    log.look(HOUR + 60.0)
    whole = [drifting.Stretch(0, 2**40, 1), drifting.Stretch(0, 2**40, 1, alone=True), drifting.Stretch(0, 2**40)]
    layout = stacks.Layout(profiled.frames(books, "flight-delay"))
    assert [drifting.of(books, "flight-delay", layout, one).rows for one in whole] == [2 * ROWS, ROWS, 3 * ROWS]
    books.execute("DROP TABLE profiled")
    assert profiled.alike(books, "flight-delay", 1) == {1}


def test_rows_count_once_whatever_is_killed(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(asked(100, 2.0, log.rng))
    log.recorder.step(given.T0 + 2.1)
    log.killed(3.0)
    log.look(4.0)
    log.put(asked(101, 5.0, log.rng))
    log.look(6.0)
    log.killed(7.0)
    log.look(8.0)
    assert [one.rows for _, _, one in log.hours()] == [2 * ROWS]


def test_what_is_not_logged_or_cannot_be_read_has_a_profile_of_its_predictions(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(asked(100, 2.0, log.rng, input=b""), asked(101, 2.0, log.rng, input=b"{"), asked(102, 2.0, log.rng, digest="f" * 64))
    log.look(4.0)
    [(_, _, one)] = log.hours()
    assert (one.rows, {name: column.seen for name, column in one.columns.items()}) == (3 * ROWS, {"prediction": 3 * ROWS})


def test_an_input_that_nobody_foresaw_does_not_stop_the_recorder(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = Profiled(tmp_path)
    monkeypatch.setattr(log.recorder.profiles._reader, "inputs", lambda _: 1 / 0)
    log.put(asked(100, 2.0, log.rng))
    log.look(4.0)
    [(_, _, one)] = log.hours()
    assert {name: column.seen for name, column in one.columns.items()} == {"prediction": ROWS}
    assert log.fact("recorded") == hourly.TEACH // ROWS + 1


def test_a_column_that_comes_with_a_later_version_is_learned_by_itself(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    wider = manifests.Signature("columns", (*SIGNATURE.inputs, manifests.Column("delay", "double")), SIGNATURE.outputs)
    folder = log.home.bundles / ("a" * 64)
    folder.mkdir()
    (folder / "manifest.json").write_bytes(msgspec.json.encode(manifests.Manifest("flights", "sklearn", "m", wider, ())))
    for at in range(hourly.TEACH // ROWS + 3):
        rows = [{"carrier": "AA", "hour": 3, "delay": float(log.rng.normal())} for _ in range(ROWS)]
        body = json.dumps({"records": rows}).encode()
        log.put(asked(100 + at, HOUR + at, log.rng, version=2, digest="a" * 64, input=body))
    log.look(HOUR + 100.0)
    [(_, _, one)] = log.hours()
    assert {name: column.seen for name, column in one.columns.items()} == {
        name: hourly.TEACH + 3 * ROWS if name != "delay" else 3 * ROWS for name in ("carrier", "hour", "prediction", "delay")
    }


def test_a_column_that_has_moved_comes_first_and_equal_hours_are_quiet(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(*(asked(100 + at, HOUR + at, log.rng) for at in range(40)))
    log.put(*(asked(200 + at, 2 * HOUR + at, log.rng) for at in range(20)))
    log.put(*(asked(300 + at, 3 * HOUR + at, log.rng, shift=4.0) for at in range(20)))
    log.look(3 * HOUR + 60.0)
    before, same, shifted = (drifting.Stretch(FIRST + at * HOUR, FIRST + (at + 1) * HOUR) for at in (1, 2, 3))
    quiet, loud = log.report(same, before), log.report(shifted, before)
    assert (quiet.level, quiet.rows) == ("", (20 * ROWS, 40 * ROWS))
    assert "nothing has moved" in view.sentence(quiet)
    assert (loud.level, loud.columns[0].name) == ("alarm", "hour")
    assert [one.name for one in loud.columns if one.level] == ["hour"]
    assert loud.columns[0].numbers[0].mean == pytest.approx(16, abs=0.5)
    assert view.sentence(loud).startswith("flight-delay: 1 of 3 columns has moved, hour most: its distribution by 0.")
    sentence, table = view.whole(loud)
    heads = [one.header for one in table.columns]
    assert sentence.plain == view.sentence(loud)
    assert ("by at least" in heads, "nulls" in heads) == (True, any(any(one.nulls) for one in loud.columns))
    assert "by at least" not in [one.header for one in list(view.whole(quiet))[1].columns]
    few = log.report(drifting.Stretch(FIRST + 9 * HOUR, FIRST + 10 * HOUR), before)
    assert "nothing to compare" in view.sentence(few)


def test_two_versions_of_one_hour_are_held_against_each_other(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    for at in range(20):
        log.put(
            asked(100 + at, HOUR + at, log.rng),
            asked(200 + at, HOUR + at, log.rng, version=2, answers=tuple(float(one) for one in log.rng.random(ROWS) ** 3)),
        )
    log.look(HOUR + 60.0)
    both = [drifting.Stretch(FIRST + HOUR, FIRST + 2 * HOUR, version, alone=True) for version in (2, 1)]
    assert [one.name for one in log.report(*both).columns if one.level] == ["prediction"]


@pytest.mark.parametrize(
    "values", [[1e308] * 300, [1e308, -1e308] * 200, [*[0.5, 1.5] * 200, 1e308], [math.nan] * 300, ["x"] * 300]
)
def test_giant_missing_and_broken_values_are_held_against_others_without_an_error(values) -> None:
    known = counting.counted(NUMBERS, list(np.random.default_rng(2).uniform(0, 2, 1_000)))
    found = alone_fixtures.column_of(NUMBERS, counting.counted(NUMBERS, values), known)
    assert found.level == ("" if values[0] == 0.5 else "alarm")
    assert msgspec.json.decode(msgspec.json.encode(found), type=drifting.Column) == found
    alone_fixtures.column_of(NUMBERS, known, counting.counted(NUMBERS, values))


NUMBERS = profiles.Frame("x", edges=(0.0, 1.0, 2.0))
WORDS = profiles.Frame("c", classes=("a", "b"))


@pytest.mark.parametrize(
    ("frame", "values", "counts", "nulls", "broken"),
    [
        (NUMBERS, [0.5, 1, None, math.nan, 5.0, -1.0], (1, 1, 1, 1), 2, 0),
        (NUMBERS, [0.5, "x", math.inf, None, True], (0, 1, 0, 0), 1, 3),
        (NUMBERS, [math.inf, 0.5], (0, 1, 0, 0), 0, 1),
        (NUMBERS, [10**400, 1e300], (0, 0, 0, 1), 0, 1),
        (NUMBERS, [None] * 3, (0, 0, 0, 0), 3, 0),
        (NUMBERS, [], (0, 0, 0, 0), 0, 0),
        (WORDS, ["a", "b", "z", None, "a", 3], (2, 1, 2), 1, 0),
        (WORDS, ["a", math.nan, math.nan, [1, 2], None], (1, 0, 1), 3, 0),
    ],
)
def test_values_are_counted_whatever_they_are(frame, values, counts, nulls, broken) -> None:
    found = counting.counted(frame, values)
    assert (found.counts, found.nulls, found.broken) == (counts, nulls, broken)
    assert found.seen == len(values)


@pytest.mark.parametrize(
    ("values", "numeric"),
    [
        ([1, 2.5, None], True),
        (["1", "2"], False),
        ([True, False], False),
        ([None], True),
        ([1, "x", "y"], False),
        ([3.0] * 9, True),
    ],
)
def test_a_column_is_of_numbers_where_half_of_what_is_there_is_numbers(values, numeric) -> None:
    found = counting.framed("x", values)
    assert found.numeric is (numeric and values != [None])
    assert counting.counted(found, values).seen == len(values)


def test_sketches_of_hours_add_up_and_are_told_beside_what_has_moved(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(*(asked(100 + at, HOUR + at, log.rng) for at in range(20)))
    log.look(HOUR + 60.0)
    log.put(*(asked(200 + at, HOUR + 100 + at, log.rng) for at in range(20)))
    log.put(*(asked(300 + at, 2 * HOUR + at, log.rng, shift=4.0) for at in range(20)))
    log.look(2 * HOUR + 60.0)
    before, shifted = (drifting.Stretch(FIRST + at * HOUR, FIRST + (at + 1) * HOUR) for at in (1, 2))
    asked_for = references.Asked(shifted, drifting.TIME, before)
    report = references.report(log.home, log.recorder.catalogue.connection, "flight-delay", asked_for)
    hour, carrier = (next(one for one in report.columns if one.name == name) for name in ("hour", "carrier"))
    assert hour.sketched.quantiles[0][3] == pytest.approx(16, abs=1)
    assert hour.sketched.quantiles[1][3] == pytest.approx(12, abs=1)
    assert hour.sketched.apart == pytest.approx(hour.effects[0].size, abs=0.03 + hour.sketched.error)
    assert carrier.sketched.distinct == (3, 3)
    assert msgspec.json.decode(msgspec.json.encode(report), type=drifting.Report) == report


def test_hours_that_are_old_become_days_and_say_the_same(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    for hour in range(3, 6):
        log.put(*(asked(100 * hour + at, hour * HOUR + at, log.rng) for at in range(4)))
    log.look(6 * HOUR)
    before = profiled.merged([one for _, _, one in log.hours()])
    connection = log.recorder.catalogue.connection
    log.recorder.profiles.fold(given.T0 + sketching.HOURS_KEPT + 2 * 86_400.0)
    assert len(log.hours()) == 3
    assert connection.execute("SELECT DISTINCT hour % 86400 FROM sketch").fetchall() == [(0,)]
    read = sketching.read(connection, "flight-delay", [(0, 2**40, None)], profiled.frames(connection, "flight-delay"))
    assert read["hour"].count == 12 * ROWS
    log.recorder.profiles.fold(given.T0 + hourly.HOURS_KEPT + 2 * 86_400.0)
    [(_, hour, whole)] = log.hours()
    assert (hour % 86_400, whole.rows) == (0, 12 * ROWS)
    assert {name: column.counts for name, column in whole.columns.items()} == {
        name: column.counts for name, column in before.columns.items()
    }
    assert connection.execute("SELECT count(*) FROM sketch").fetchone() == (0,)


def test_each_input_is_logged_with_how_odd_it_is_and_the_oddest_are_examples(tmp_path: pathlib.Path) -> None:
    log = Profiled(tmp_path)
    log.put(*(asked(100 + at, HOUR + at, log.rng) for at in range(24)))
    log.look(HOUR + 60.0)
    usual = log.rng.normal(12, 3, ROWS)
    rows = [{"carrier": "AA", "hour": round(float(one))} for one in usual]
    rows[7] = {"carrier": "ZZ", "hour": 12}
    rows[9] = {"carrier": "AA", "hour": 900}
    strange = asked(200, 2 * HOUR + 1.0, log.rng, input=json.dumps({"records": rows}).encode())
    plain = asked(201, 2 * HOUR + 2.0, log.rng)
    log.put(strange, plain, asked(202, 2 * HOUR + 3.0, log.rng, input=b"{"))
    log.look(2 * HOUR + 60.0)
    [file] = [one for one in log.recorder.catalogue.files("predictions") if one.last >= strange.id]
    told = {row["id"]: row["oddness"] for row in pq.read_table(log.home.log / file.path, columns=["id", "oddness"]).to_pylist()}
    bits = told[ids.text(strange.id)]
    assert len(bits) == ROWS
    assert sorted(range(ROWS), key=bits.__getitem__)[-2:] in ([7, 9], [9, 7])
    assert min(bits[7], bits[9]) > 10 > sorted(bits)[-3]
    assert len(told[ids.text(plain.id)]) == ROWS
    assert told[ids.text(given.identifier(202, 2 * HOUR + 3.0))] is None
    page = (pathlib.Path(__file__).parents[2] / "docs" / "drift.md").read_text()
    query = re.search(r"^    (SELECT id, list_max.*)$", page, re.MULTILINE)
    assert query is not None
    told = duckdb.sql(query[1].replace(".tidegate/log", str(log.home.log))).fetchall()
    assert told[0] == (ids.text(strange.id), max(bits))
    connection = log.recorder.catalogue.connection
    assert oddness.examples(connection, "flight-delay", (FIRST, 2**40), ["hour"], 1) == [ids.text(strange.id)]
    [(_, _, one)] = profiled.hours(connection, "flight-delay", FIRST + 2 * HOUR, FIRST + 3 * HOUR)
    assert one.columns["oddness"].seen == 2 * ROWS
    assert set(profiled.frames(connection, "flight-delay")) == {"carrier", "hour", "prediction", "oddness"}


@pytest.mark.parametrize("values", [[0.5, None, 1e308], ["x", 0.5, math.inf], [math.nan, -1e308, True]])
def test_whatever_comes_has_bits(values) -> None:
    for frame in (NUMBERS, WORDS):
        scale = oddness.Scale.of(frame, profiling_column(frame))
        assert all(math.isfinite(one) and one > 0 for one in scale.read(values).tolist())


def profiling_column(frame: profiles.Frame) -> profiles.Column:
    return counting.counted(frame, [0.5, 1.5, "a"] * 100)
