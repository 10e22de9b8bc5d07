"""Files that are put in place whole."""

import pathlib

import pytest

from tidegate.core.vocabulary import placing


def test_a_file_is_replaced_and_is_for_this_account_only(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "told.json"
    path.write_bytes(b"before")
    placing.put(path, b"after", synced=True)
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_put_in_place_leaves_nothing(tmp_path: pathlib.Path) -> None:
    there = tmp_path / "told.json"
    there.mkdir()
    with pytest.raises(IsADirectoryError):
        placing.put(there, b"after")
    assert list(tmp_path.iterdir()) == [there]
