"""SQLite passes the suite that every store passes; PostgreSQL does in `process`, where its server is."""

import pathlib
from collections.abc import Iterator

import pytest

from tidegate.control.store import checks, database, overtaken, store


@pytest.fixture
def books(tmp_path: pathlib.Path) -> Iterator[store.Store]:
    with store.Store(database.sqlite_url(tmp_path / "store.db")) as opened:
        yield opened


@pytest.mark.parametrize("check", [*checks.ALL, *overtaken.ALL], ids=lambda check: check.__name__)
def test_sqlite_keeps_what_stores_promise(check: checks.Check, books: store.Store) -> None:
    check(books)
    books.verify()
