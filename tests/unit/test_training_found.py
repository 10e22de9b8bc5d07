"""Training data that is nobody's table: said why it is not read, and nothing is waited for or counted twice."""

import os
import pathlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.gates import freezing
from tidegate.delivery.training import surveying, training

COLUMNS = (manifests.Column("a", "double"), manifests.Column("b", "long"))
ROWS = 300
STRANGE = [
    "//[x",
    "s3://[bad/x.csv",
    "/" + "x" * 5_000,
    "/a\0b.csv",
    "/proc/1/cwd/x.csv",
    "models:/x",
    "",
    "{'a': 1}",
    "~/x.csv",
]


def written(path: pathlib.Path, **columns: pa.Array) -> pathlib.Path:
    whole = {"a": pa.array([1.0] * ROWS), "b": pa.array([1] * ROWS)}
    pq.write_table(pa.table(whole | columns), path)
    return path


def surveyed(source: object) -> training.Surveyed:
    return surveying.survey(training.Asked(str(source), COLUMNS, exact=True))


def of(source: str) -> manifests.Provenance:
    return manifests.Provenance("m", data=(manifests.Dataset("jan", "training", "", source),))


@pytest.mark.parametrize("source", STRANGE)
def test_what_a_run_names_and_cannot_be_read_is_said_and_stops_nothing(tmp_path: pathlib.Path, source: str) -> None:
    assert training.unread(source)
    assert training.foreseen("", of(source)) or not source
    signature = manifests.Signature("columns", COLUMNS, COLUMNS)
    [found] = freezing.look(manifests.Manifest("m", "sklearn", "m", signature, (), provenance=of(source)), tmp_path)
    assert (found.sha256, found.why != "") == ("", True)


@pytest.mark.parametrize("named", ["//[x", "/" + "x" * 5_000, "/a\0b.csv"])
def test_what_the_file_names_and_cannot_be_read_is_refused_by_the_plan(named: str) -> None:
    with pytest.raises(errors.ModelSourceInvalid):
        training.foreseen(named, manifests.Provenance("m"))


def test_a_pipe_or_a_device_is_not_waited_for(tmp_path: pathlib.Path) -> None:
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "zeros.csv").symlink_to("/dev/zero")
    signature = manifests.Signature("columns", COLUMNS, COLUMNS)
    for name in ("pipe.csv", "zeros.csv"):
        with pytest.raises(errors.ModelSourceInvalid, match="cannot be read"):
            surveyed(tmp_path / name)
        made = manifests.Manifest("m", "sklearn", "m", signature, (), provenance=of(str(tmp_path / name)))
        [found] = freezing.look(made, tmp_path)
        assert found.why == "it is neither a file nor a folder"


def test_a_link_that_goes_round_in_a_folder_has_nothing_counted_twice(tmp_path: pathlib.Path) -> None:
    folder = tmp_path / "train"
    folder.mkdir()
    written(folder / "one.parquet")
    (folder / "up").symlink_to(folder)
    assert surveyed(folder).rows == ROWS


def test_whole_numbers_past_the_models_are_counted_as_what_they_are(tmp_path: pathlib.Path) -> None:
    most = pa.array([2**64 - 1] * ROWS, pa.uint64())
    found = surveyed(written(tmp_path / "train.parquet", b=most))
    assert set(found.columns["b"].points) == {float(2**64)}
