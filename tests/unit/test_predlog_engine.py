"""One DuckDB answers all questions of a process; one that has failed is asked no more, and those under way are answered."""

import pathlib

import duckdb
import pytest

from tidegate.dataplane.predlog import engine


def test_questions_share_a_duckdb_and_leave_nothing_in_it() -> None:
    with engine.asked() as one, engine.asked() as other:
        one.execute("SET TimeZone = 'Asia/Tokyo'")
        one.execute("CREATE TEMP TABLE mine AS SELECT 1")
        zones = [each.execute("SELECT current_setting('TimeZone')").fetchone() for each in (one, other)]
        assert zones[0] != zones[1]
        with pytest.raises(duckdb.CatalogException):
            other.execute("FROM mine")


def test_after_an_error_the_next_is_asked_of_a_new_one_and_who_was_asking_is_answered(tmp_path: pathlib.Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + bytes(100) + b"PAR1")
    with engine.asked() as other:
        before = engine._running[0]
        with pytest.raises(duckdb.Error), engine.asked() as one:
            one.execute("FROM read_parquet($path)", {"path": str(broken)})
        with engine.asked() as new:
            assert engine._running[0] is not before
            assert [each.execute("SELECT 7").fetchone() for each in (other, new)] == [(7,), (7,)]


def test_a_file_that_was_changed_is_read_anew(tmp_path: pathlib.Path) -> None:
    path = str(tmp_path / "x.parquet")
    for value in (1, 2):
        with engine.asked() as connection:
            connection.execute(f"COPY (SELECT {value} AS x) TO '{path}'")
            assert connection.execute("FROM read_parquet($path)", {"path": path}).fetchall() == [(value,)]
