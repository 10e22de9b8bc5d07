"""Whatever values a request brings, Parquet gives them back, also put together with other versions' and after a merge."""

import datetime as dt
import math
import pathlib
import tempfile
from typing import Any

import hypothesis
import pyarrow as pa
from hypothesis import strategies as st

from tests.unit import predlog_fixtures as given
from tidegate.dataplane.predlog import columns, engine, parquet

VALUES: dict[str, st.SearchStrategy[Any]] = {
    "long": st.integers(-(2**63), 2**63 - 1),
    "integer": st.integers(-(2**31), 2**31 - 1),
    "boolean": st.booleans(),
    "double": st.floats(allow_nan=False),
    "string": st.text(max_size=30),
    "datetime": st.datetimes(dt.datetime(1700, 1, 1), dt.datetime(2200, 1, 1), timezones=st.just(dt.UTC)),  # noqa: DTZ001
}
REQUESTS = st.lists(st.lists(st.none() | st.integers(0, 50), min_size=1, max_size=4), min_size=1, max_size=6)


@st.composite
def requests(draw: st.DrawFn) -> tuple[str, list[list[Any]]]:
    """A type, and the values of one column in some requests."""
    kind = draw(st.sampled_from(sorted(VALUES)))
    return kind, draw(st.lists(st.lists(st.none() | VALUES[kind], min_size=1, max_size=4), min_size=1, max_size=6))


def chunk(kind: str, values: list[list[Any]], begin: int) -> columns.Chunk:
    flat = [one for row in values for one in row]
    made = columns.lists(columns.arrow(kind), flat, [len(row) for row in values])
    return columns.Chunk([(given.BOOT, begin + at) for at in range(len(values))], {"in_x": made})


def read(log: pathlib.Path, files: list[parquet.File]) -> list[list[Any] | None]:
    paths = [str(log / file.path) for file in files]
    ask = "SELECT in_x FROM read_parquet($paths, union_by_name = true) ORDER BY sequence"
    with engine.asked() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return [row[0] for row in connection.execute(ask, {"paths": paths}).fetchall()]


@hypothesis.given(requests())
@hypothesis.settings(max_examples=25, deadline=None)
def test_values_come_back(asked: tuple[str, list[list[Any]]]) -> None:
    kind, values = asked
    with tempfile.TemporaryDirectory() as folder:
        log = pathlib.Path(folder)
        batch = [given.prediction(at) for at in range(len(values) + 1)]
        place = parquet.partition(batch[0])
        files = parquet.write(log, "0-a", batch, {place: [chunk(kind, values, 0)]})
        found = read(log, files)
    if kind == "string":
        values = [[one and one.encode("utf-8", "replace").decode() for one in row] for row in values]
    assert found[:-1] == values
    assert found[-1] is None, "a request without inputs"


@hypothesis.given(st.lists(requests(), min_size=2, max_size=3))
@hypothesis.settings(max_examples=25, deadline=None)
def test_nothing_that_was_there_is_lost_by_other_types_beside_it(asked: list[tuple[str, list[list[Any]]]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        log, begin, files, chunks = pathlib.Path(folder), 0, [], []
        for number, (kind, values) in enumerate(asked):
            batch = [given.prediction(begin + at) for at in range(len(values))]
            chunks.append(chunk(kind, values, begin))
            files += parquet.write(log, f"{number}-a", batch, {parquet.partition(batch[0]): chunks[-1:]})
            begin += len(values)
        merged = read(log, [parquet.merge(log, "9-m", files)])
        whole = [given.prediction(at) for at in range(begin)]
        together = read(log, parquet.write(log, "9-t", whole, {parquet.partition(whole[0]): chunks}))
    shapes = [[one is None for one in row] for _, values in asked for row in values]
    for found in (merged, together):
        assert [[one is None for one in row or ()] for row in found] == shapes
    kinds = {kind for kind, _ in asked}
    if kinds <= {"long", "integer"}:
        assert merged == together == [row for _, values in asked for row in values]
    elif kinds <= {"long", "integer", "double"}:
        flat = [float(one) for _, values in asked for row in values for one in row if one is not None]
        assert all(
            math.isclose(one, other, rel_tol=1e-15) or one == other
            for one, other in zip((one for row in merged for one in row or () if one is not None), flat, strict=True)
        )


@hypothesis.given(st.lists(st.text() | st.integers() | st.floats() | st.binary() | st.none() | st.lists(st.integers())))
@hypothesis.settings(max_examples=60, deadline=None)
def test_a_value_that_is_none_of_its_type_is_null_and_stops_nothing(values: list[Any]) -> None:
    for kind in VALUES:
        made = columns.lists(columns.arrow(kind), values, [len(values)])
        assert isinstance(made, pa.Array)
        assert len(made[0]) == len(values)
