"""What a store says when it cannot be used, and that nothing half done remains."""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from alembic import autogenerate, migration, script

from tidegate.control.store import chain, checks, commands, database, migrations, schema, store
from tidegate.core.vocabulary import decisions, errors, phases


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "store.db"


@pytest.fixture
def books(path: pathlib.Path) -> Iterator[store.Store]:
    with store.Store(database.sqlite_url(path)) as opened:
        yield opened


@contextlib.contextmanager
def raw(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(books: store.Store) -> None:
    with books._database.reading() as connection:
        context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
        assert autogenerate.compare_metadata(context, schema.METADATA) == []
        assert context.get_current_revision() == schema.REVISIONS[-1]


def test_every_revision_is_listed_in_its_order() -> None:
    known = script.ScriptDirectory(str(pathlib.Path(str(migrations.__file__)).parent))
    assert tuple(one.revision for one in known.walk_revisions())[::-1] == schema.REVISIONS


def test_a_store_is_in_wal_mode_and_flushes_what_it_acknowledges(books: store.Store) -> None:
    with books._database.writing() as connection:
        assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
        assert connection.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    with books._database.writing(durable=False) as connection:
        assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 1


def test_a_store_that_is_not_there_is_made_only_when_asked(path: pathlib.Path) -> None:
    with pytest.raises(errors.StoreUnavailable, match="there is no store yet"):
        store.Store(database.sqlite_url(path), create=False)
    assert not path.exists()
    with pytest.raises(errors.StoreUnavailable, match="directory does not exist"):
        store.Store(database.sqlite_url(path / "deeper" / "store.db"))


def test_a_file_that_is_no_store_is_named(path: pathlib.Path) -> None:
    path.write_bytes(b"this is not a database, but long enough to be taken for one" * 20)
    with pytest.raises(errors.StoreUnavailable, match="not a database") as raised:
        store.Store(database.sqlite_url(path))
    assert raised.value.where == str(path)


def test_a_store_of_a_newer_tidegate_is_left_alone(books: store.Store, path: pathlib.Path) -> None:
    with raw(path) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(errors.StoreUnavailable, match="newer Tidegate"):
        store.Store(database.sqlite_url(path))


def test_a_locked_store_can_be_read_and_says_so_to_writers(books: store.Store, path: pathlib.Path) -> None:
    release = checks.begun(books, checks.deployed(books))
    with store.Store(database.sqlite_url(path) + "?timeout=0.05") as other, raw(path) as locking:
        locking.execute("BEGIN IMMEDIATE")
        assert other.release(release.id) == release
        with pytest.raises(errors.StoreUnavailable, match=r"locked by another program for over 0\.05 seconds"):
            checks.moved(other, release, phases.Phase.CHECKING)
        locking.execute("ROLLBACK")
        assert checks.moved(other, release, phases.Phase.CHECKING).generation == 1


def test_a_store_that_was_moved_away_takes_no_writes_into_nowhere(books: store.Store, path: pathlib.Path) -> None:
    release = checks.begun(books, checks.deployed(books))
    path.rename(path.with_suffix(".away"))
    with pytest.raises(errors.StoreUnavailable, match="moved or replaced"):
        checks.moved(books, release, phases.Phase.CHECKING)
    with pytest.raises(errors.StoreUnavailable, match="moved or replaced"):
        books.release(release.id)
    path.with_suffix(".away").rename(path)
    assert checks.moved(books, release, phases.Phase.CHECKING).generation == 1


def test_a_full_disk_undoes_the_whole_commit_and_the_next_one_works(books: store.Store) -> None:
    release = checks.begun(books, checks.deployed(books))
    engine, pages = books._database._engine, [1]
    engine.dispose()
    sa.event.listen(engine, "connect", lambda connection, _: connection.execute(f"PRAGMA max_page_count={pages[0]}"))
    before = books.last_events(checks.ENV)
    long = decisions.Notify("info", "x" * 20_000)
    with pytest.raises(errors.DiskFull):
        checks.moved(books, release, phases.Phase.PAUSED, (long,))
    with pytest.raises(errors.DiskFull):
        books.submit(commands.Command(checks.ENV, checks.NAME, "pause", {"filler": "x" * 20_000}))
    assert books.release(release.id) == release
    assert books.last_events(checks.ENV) == before
    assert books.pending_commands(checks.ENV) == []
    pages[0] = 1_000_000
    engine.dispose()
    assert checks.moved(books, release, phases.Phase.RUNNING).generation == release.generation + 1
    books.verify()


def test_what_is_no_state_of_the_world_is_not_hidden_as_one(books: store.Store) -> None:
    with pytest.raises(sa.exc.IntegrityError), books._database.writing() as connection:
        connection.execute(schema.FACTS.insert().values(environment="e", endpoint="", name="n", value=None))


CHANGES = {
    "body": ("UPDATE events SET body = replace(body, 'noted', 'nothin') WHERE sequence = 3", "event 3 .* was changed"),
    "column": ("UPDATE events SET endpoint = 'other' WHERE sequence = 2", "event 2 .* was changed"),
    "hash": ("UPDATE events SET hash = previous WHERE sequence = 4", "event 4 .* was changed"),
    "gap": ("DELETE FROM events WHERE sequence = 2", "event 2 is missing"),
    "end": ("DELETE FROM events WHERE sequence = 5", "ends at event 4, but 5 were written"),
    "head": ("UPDATE heads SET sequence = 4", "not event 5: one of the two was changed"),
    "no head": ("DELETE FROM heads", "not event 5: one of the two was changed"),
    "all": ("DELETE FROM events", "ends at event 0, but 5 were written"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_to_the_event_log_names_the_first_event_that_does_not_fit(
    books: store.Store, path: pathlib.Path, change: str
) -> None:
    for number in range(5):
        books.append(chain.StoredEvent(checks.ENV, checks.NAME, "noted", float(number)))
    assert books.verify() == 5
    statement, said = CHANGES[change]
    with raw(path) as connection:
        connection.execute(statement)
    with pytest.raises(errors.ChainBroken, match=said):
        books.verify()


def test_the_chain_is_read_in_pieces_however_long_it_is(books: store.Store) -> None:
    with books._database.writing(durable=False) as connection:
        for number in range(603):
            chain.append(connection, chain.StoredEvent(checks.ENV, checks.NAME, "noted", float(number)))
    assert books.verify() == 603
