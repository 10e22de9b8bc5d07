"""Explanations beside the log: kept whole, found by id, merged, forgotten and expired; damage costs what is damaged."""

import pathlib

import msgspec
import predlog_fixtures as given
import pyarrow.parquet as pq
import pytest
from columns_fixtures import spoil

from tidegate.core.vocabulary import explanations, ids
from tidegate.dataplane.predlog import explained


def explanation(number: int, row: int = 0, at: float = 1.0, days: float = 0.0, **more: object) -> explanations.Explanation:
    parts = (explanations.Contribution("a", 3.5, 0.25, 0.0, 1.0, 0.5), explanations.Contribution("b", None, -0.5))
    found = explanations.Explained("the answer", 0.75, 1.0, parts, "by hand", True, 20)
    identifier = ids.text(given.identifier(number, days * 86_400))
    whole = explanations.Explanation(
        identifier, row, "production", "flight-delay", "v1", "d" * 64, 0.75, 0.75, explanations.EXACTLY, found, "20 rows", at
    )
    return msgspec.structs.replace(whole, **more)


def files(folder: pathlib.Path) -> list[pathlib.Path]:
    return sorted(folder.rglob("*.parquet"))


def test_what_is_written_is_found_by_its_id_with_all_its_rows(tmp_path):
    told = [explanation(1), explanation(2), explanation(2, row=1), explanation(3, days=1.0)]
    explained.write(tmp_path, told)
    assert len(files(tmp_path)) == 2
    assert explained.find(tmp_path, given.identifier(1)) == (told[0],)
    assert explained.find(tmp_path, given.identifier(2)) == (told[1], told[2])
    assert explained.find(tmp_path, given.identifier(3, 86_400)) == (told[3],)
    assert explained.find(tmp_path, given.identifier(9)) == ()
    assert not list(tmp_path.rglob("*.part"))


def test_what_was_computed_twice_counts_as_it_was_last(tmp_path):
    explained.write(tmp_path, [explanation(1, at=1.0)])
    explained.write(tmp_path, [explanation(1, at=2.0)])
    assert [one.at for one in explained.find(tmp_path, given.identifier(1))] == [2.0]


def test_many_files_of_a_day_become_one_and_nothing_is_lost(tmp_path):
    for number in range(explained.FILES_MOST + 1):
        explained.write(tmp_path, [explanation(number), explanation(0, at=float(number))])
    assert len(files(tmp_path)) == 1
    assert all(explained.find(tmp_path, given.identifier(number)) for number in range(explained.FILES_MOST + 1))
    table = pq.read_table(files(tmp_path)[0], partitioning=None)
    assert table.num_rows == explained.FILES_MOST + 1
    assert table.schema == explained.SCHEMA
    assert table["columns"][0].as_py() == ["a", "b"]
    assert table["contributions"][0].as_py() == [0.25, -0.5]


def test_what_is_forgotten_is_in_no_file_any_more(tmp_path):
    explained.write(tmp_path, [explanation(1), explanation(2), explanation(2, row=1)])
    explained.write(tmp_path, [explanation(2, at=9.0)])
    assert explained.forget(tmp_path, [given.identifier(2), given.identifier(7)]) == [ids.text(given.identifier(2))] * 3
    assert explained.find(tmp_path, given.identifier(2)) == ()
    assert explained.find(tmp_path, given.identifier(1))
    assert len(files(tmp_path)) == 1


def test_a_file_that_cannot_be_read_goes_with_what_is_forgotten(tmp_path):
    explained.write(tmp_path, [explanation(1)])
    files(tmp_path)[0].write_bytes(b"no Parquet")
    assert explained.forget(tmp_path, [given.identifier(1)]) == []
    assert files(tmp_path) == []
    explained.write(tmp_path, [explanation(at) for at in range(50)])
    spoil(files(tmp_path)[0])
    assert explained.forget(tmp_path, [given.identifier(1)]) == []
    assert files(tmp_path) == []
    assert explained.forget(tmp_path / "nowhere", [given.identifier(1)]) == []
    assert not (tmp_path / "nowhere").exists()


def test_days_before_one_are_expired(tmp_path):
    explained.write(tmp_path, [explanation(1), explanation(2, days=2.0)])
    last = max(path.parent.name.removeprefix("day=") for path in files(tmp_path))
    explained.expire(tmp_path, "another", last)
    assert len(files(tmp_path)) == 2
    explained.expire(tmp_path, "flight-delay", last)
    assert [path.parent.name for path in files(tmp_path)] == [f"day={last}"]


@pytest.mark.parametrize("damage", [b"", b"PAR1 and then nothing of the kind PAR1"])
def test_a_damaged_file_is_passed_over(tmp_path, damage):
    explained.write(tmp_path, [explanation(1)])
    files(tmp_path)[0].write_bytes(damage)
    assert explained.find(tmp_path, given.identifier(1)) == ()
