"""Typed columns of inputs: what DuckDB finds of whatever clients sent, versions thought of it, and disks hold from before."""

import io
import pathlib

import numpy as np
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from columns_fixtures import SCORE, C, Columned

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.predlog import catalogue, objects, parquet, reader


def merged(log: Columned) -> None:
    """All files as one."""
    known, there = log.recorder.catalogue, log.recorder.catalogue.files()
    known.add([parquet.merge(log.home.log, f"merged-{len(there)}-{there[0].level}", there)])
    known.drop(there)
    for file in there:
        (log.home.log / file.path).unlink()


@pytest.fixture(params=[False, True], ids=["apart", "merged"])
def merging(request: pytest.FixtureRequest) -> bool:
    return bool(request.param)


def test_one_row_and_many_are_lists_of_the_signatures_type(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    log.put(log.asked(0, {"age": 30, "name": "ann"}), log.asked(1, {"age": 40, "name": "bob"}, {"age": None, "name": "cy"}))
    log.look(1.0)
    assert log.query("SELECT in_age, in_name FROM p ORDER BY id") == [([30], ["ann"]), ([40, None], ["bob", "cy"])]
    rows = "SELECT id || '/' || (generate_subscripts(in_age, 1) - 1) AS row, unnest(in_age), unnest(in_name) FROM p ORDER BY row"
    assert [row[1:] for row in log.query(rows)] == [(30, "ann"), (40, "bob"), (None, "cy")]


def test_what_cannot_be_read_has_no_columns_and_is_recorded_all_the_same(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    log.put(
        log.asked(0, {"age": 1}),
        log.asked(1, {"age": "x"}),
        log.asked(2, {"age": 2}, digest="f" * 64),
        log.asked(3, {"age": 3}, input=b""),
        log.asked(4, {"age": 5}, content="embedded"),
    )
    log.look(1.0)
    assert log.query("SELECT in_age FROM p ORDER BY sequence") == [([1],), (None,), (None,), (None,), ([5],)]


def test_a_column_of_which_versions_think_differently_holds_what_both_say(tmp_path: pathlib.Path, merging: bool) -> None:
    one, two, three = (manifests.Signature("columns", (C("age", kind),), SCORE) for kind in ("long", "double", "string"))
    log = Columned(tmp_path, one, two, three)
    log.put(log.asked(0, {"age": 30}))
    log.look(1.0)
    log.put(log.asked(1, {"age": 30.5}, version=2), log.asked(2, {"age": 7}))
    log.look(2.0)
    if merging:
        merged(log)
    assert log.query("SELECT in_age FROM p ORDER BY sequence") == [([30.0],), ([30.5],), ([7.0],)]
    log.put(log.asked(3, {"age": "old"}, version=3))
    log.look(3.0)
    if merging:
        merged(log)
    *numbers, last = (row[0][0] for row in log.query("SELECT in_age FROM p ORDER BY sequence"))
    assert [*map(float, numbers), last] == [30.0, 30.5, 7.0, "old"]


def test_a_column_that_a_version_brings_or_leaves_out_is_null_elsewhere(tmp_path: pathlib.Path, merging: bool) -> None:
    one = manifests.Signature("columns", (C("age", "long"),), SCORE)
    two = manifests.Signature("columns", (C("size", "double"),), SCORE)
    log = Columned(tmp_path, one, two)
    log.put(log.asked(0, {"age": 1}))
    log.look(1.0)
    log.put(log.asked(1, {"size": 0.5}, version=2))
    log.look(2.0)
    if merging:
        merged(log)
    assert log.query("SELECT in_age, in_size FROM p ORDER BY sequence") == [([1], None), (None, [0.5])]
    assert [one.requests for one in reader.counts(log.home)] == [1, 1]
    assert len(reader.sample(log.home, "flight-delay", 5)) == 2


def test_files_without_these_columns_go_on_being_read_and_merged(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    old = parquet.write(log.home.log, "0000000000000-old", [log.asked(0, {"age": 1})])
    log.recorder.catalogue.add(old)
    log.put(log.asked(1, {"age": 2}))
    log.look(1.0)
    for _ in range(2):
        assert log.query("SELECT in_age FROM p ORDER BY id") == [(None,), ([2],)]
        found = reader.find(log.home, given.identifier(0))
        assert found is not None
        assert found.prediction.input == log.asked(0, {"age": 1}).input
        if len(log.recorder.catalogue.files()) > 1:
            merged(log)


def test_columns_of_nothing_but_null_keep_their_type(tmp_path: pathlib.Path, merging: bool) -> None:
    log = Columned(tmp_path)
    for at in range(2):
        log.put(log.asked(2 * at, {"age": None, "name": None}), log.asked(2 * at + 1, {}))
        log.look(1.0 + at)
    if merging:
        merged(log)
    assert log.query("SELECT DISTINCT in_age, typeof(in_age), in_name, typeof(in_name) FROM p") == [
        ([None], "BIGINT[]", [None], "VARCHAR[]")
    ]


def test_a_thousand_columns_are_a_thousand_columns(tmp_path: pathlib.Path) -> None:
    names = [f"c{place}" for place in range(1_000)]
    log = Columned(tmp_path, manifests.Signature("columns", tuple(C(name, "double") for name in names), SCORE))
    log.put(*(log.asked(at, dict.fromkeys(names, at / 2)) for at in range(20)))
    log.look(1.0)
    assert log.query("SELECT sum(in_c0[1]), sum(in_c999[1]), count(COLUMNS('in_c5..')) FROM p")[0][:3] == (95.0, 95.0, 20)


def test_names_that_only_sql_minds_are_columns_all_the_same(tmp_path: pathlib.Path) -> None:
    names = ["air time", "quo'te", "Age", "age", "été", "a.b", "in_id"]
    log = Columned(tmp_path, manifests.Signature("columns", tuple(C(name, "long") for name in names), SCORE))
    log.put(log.asked(0, {name: place for place, name in enumerate(names)}))
    log.look(1.0)
    table = pq.read_table(next((log.home.log / "predictions").rglob("*.parquet")), partitioning=None)
    assert [table[f"in_{name}"].to_pylist() for name in names] == [[[place]] for place in range(len(names))]
    assert log.query("""SELECT "in_air time"[1], "in_quo'te"[1] FROM p""") == [(0, 1)]


def test_a_giant_text_is_kept_once_and_referred_to(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    giant = "long " * 1_000_000
    log.put(*(log.asked(at, {"age": at, "name": giant}) for at in range(3)), log.asked(3, {"age": 3, "name": "object:x"}))
    log.look(1.0)
    told = [row[0][0] for row in log.query("SELECT in_name FROM p ORDER BY sequence")]
    folder = objects.folder(log.home.log, "flight-delay", parquet.day(given.T0))
    assert objects.get(folder, told[0]) == giant.encode()
    assert told[0] == told[1] == told[2]
    assert objects.get(folder, told[3]) == b"object:x"
    assert sum(path.stat().st_size for path in folder.iterdir()) < 4.1 * len(giant), "three bodies that differ, and the text once"
    assert all(path.stat().st_size < 100_000 for path in (log.home.log / "predictions").rglob("*.parquet"))


@pytest.mark.parametrize(
    "body", [b'{"records": [{"name": "%s"}]}' % (b"x" * 100_000), b"\xff" * 100_000, b"object:" + b"y" * 10, b"z"]
)
def test_a_body_is_what_it_was_however_it_is_kept(tmp_path: pathlib.Path, body: bytes) -> None:
    log = Columned(tmp_path)
    log.put(log.asked(0, {}, input=body, output=body))
    log.look(1.0)
    found = reader.find(log.home, given.identifier(0))
    assert found is not None
    assert found.recorded
    assert (found.prediction.input, found.prediction.output) == (body, body)
    assert reader.sample(log.home, "flight-delay", 1) == [("records", body)]


def test_small_tensors_are_lists_and_large_ones_are_files(tmp_path: pathlib.Path) -> None:
    small = C("small", "FP32", shape=(-1, 2, 2))
    image, words = C("image", "UINT8", shape=(-1, 40, 40)), C("words", "BYTES", shape=(-1, 2))
    log = Columned(tmp_path, manifests.Signature("tensor", (small, image, words, C("flat", "INT64", shape=(-1,))), SCORE))
    pictures = np.arange(2 * 40 * 40).reshape(2, 40, 40) % 256
    row = [{"small": [[1, 2], [3, 4.5]], "image": picture.tolist(), "words": ["a", "été"], "flat": 9} for picture in pictures]
    log.put(log.asked(0, *row), log.asked(1, row[0]))
    log.look(1.0)
    (small_told, images, told, flat), (_, again, *_) = log.query(
        "SELECT in_small, in_image, in_words, in_flat FROM p ORDER BY id"
    )
    assert (small_told, flat) == ([[1.0, 2.0, 3.0, 4.5]] * 2, [9, 9])
    folder = objects.folder(log.home.log, "flight-delay", parquet.day(given.T0))
    read = [np.load(io.BytesIO(objects.get(folder, one) or b"")) for one in images]
    assert [one.dtype for one in read] == [np.dtype("uint8")] * 2
    assert np.array_equal(np.stack(read), pictures)
    assert again == images[:1]
    assert np.load(io.BytesIO(objects.get(folder, told[0]) or b"")).tolist() == ["a", "été"]


def test_a_kill_between_object_and_file_keeps_each_once(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    log.put(log.asked(0, {"name": "x" * 5_000}))
    log.recorder.step(given.T0 + 1.0)
    log.killed(2.0)
    log.look(3.0)
    folder = objects.folder(log.home.log, "flight-delay", parquet.day(given.T0))
    assert [path.name for path in folder.iterdir()] == [log.query("SELECT in_name[1] FROM p")[0][0].removeprefix("object:")]
    with catalogue.Catalogue(log.home.log, readonly=True) as known:
        assert [file.rows for file in known.files()] == [1]


def test_pandas_reads_it_as_one_frame(tmp_path: pathlib.Path) -> None:
    log = Columned(tmp_path)
    log.put(log.asked(0, {"age": 30, "name": "ann"}), log.asked(1, {"age": 40, "name": "bob"}, {"age": 50, "name": "cy"}))
    log.look(1.0)
    table = pq.read_table(log.home.log / "predictions", partitioning=None, columns=["id", "in_age", "in_name"])
    frame = table.to_pandas().explode(["in_age", "in_name"])
    assert frame["in_age"].tolist() == [30, 40, 50]
    assert frame["in_name"].tolist() == ["ann", "bob", "cy"]
