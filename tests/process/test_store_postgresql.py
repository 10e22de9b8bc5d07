"""PostgreSQL passes the suite that every store passes, and says in our words what is wrong with it."""

import contextlib
import threading
from collections.abc import Iterator

import psycopg
import pytest
from alembic import autogenerate, migration

from tests import postgresql
from tests.process import living
from tidegate.control.store import chain, checks, commands, location, overtaken, schema, store
from tidegate.control.store import postgresql as locks
from tidegate.core.vocabulary import errors, home, phases


@pytest.fixture
def address(server: postgresql.Server) -> str:
    return server.database()


@pytest.fixture
def books(address: str) -> Iterator[store.Store]:
    with store.Store(address) as opened:
        yield opened


def said(url: str, **more: object) -> errors.TidegateError:
    with pytest.raises(errors.TidegateError) as raised:
        store.Store(url, **more)
    return raised.value


@pytest.mark.parametrize("check", [*checks.ALL, *overtaken.ALL], ids=lambda check: check.__name__)
def test_postgresql_keeps_what_stores_promise(check: checks.Check, books: store.Store) -> None:
    check(books)
    books.verify()


def test_the_migrations_make_exactly_the_tables_that_the_code_uses(server: postgresql.Server) -> None:
    with store.Store(server.empty()) as made, made._database.reading() as connection:
        context = migration.MigrationContext.configure(connection, opts={"compare_type": True})
        assert autogenerate.compare_metadata(context, schema.METADATA) == []
        assert context.get_current_revision() == schema.REVISIONS[-1]


def test_a_store_may_have_a_schema_of_its_own(server: postgresql.Server) -> None:
    url = server.empty()
    server.sql(url, "CREATE SCHEMA ours")
    with store.Store(f"{url}&options=-csearch_path%3Dours") as made:
        made.append(chain.StoredEvent(checks.ENV, checks.NAME, "noted", 1.0))
    assert server.sql(url, "SELECT count(*) FROM ours.events") == [(1,)]
    assert said(url, create=False).message == "there is no store yet."


def test_what_is_wrong_with_the_server_is_said_with_its_cure(server: postgresql.Server, tmp_path) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateDatabase):
        server.empty(postgresql.SECRET)
    locked = server.url(postgresql.SECRET)
    server.sql(server.url("postgres"), f"ALTER ROLE postgres PASSWORD '{postgresql.PASSWORD}'")
    assert "PGPASSWORD" in str(said(locked))
    wrong = locked.replace("postgres@", "postgres:not-it@")
    assert "PGPASSWORD" in str(said(wrong))
    assert "not-it" not in str(said(wrong))
    store.Store(locked.replace("postgres@", f"postgres:{postgresql.PASSWORD}@")).close()
    assert "createdb" in str(said(server.url("nowhere")))
    nobody = said(f"postgresql://postgres@/x?host={tmp_path}")
    assert isinstance(nobody, errors.StoreUnavailable)
    assert nobody.where.startswith("postgresql://postgres@/x")
    assert isinstance(said("mysql://root@localhost/x"), errors.StoreInvalid)
    assert isinstance(said("no address"), errors.StoreInvalid)


def test_a_store_of_a_newer_tidegate_is_left_alone(server: postgresql.Server, books: store.Store, address: str) -> None:
    server.sql(address, "UPDATE alembic_version SET version_num = '9999'")
    assert "newer Tidegate" in str(said(address))


def test_who_may_not_write_is_told_so(server: postgresql.Server, books: store.Store, address: str) -> None:
    with contextlib.suppress(psycopg.errors.DuplicateObject):
        server.sql(address, "CREATE ROLE looker LOGIN")
    server.sql(address, "GRANT SELECT ON ALL TABLES IN SCHEMA public TO looker")
    with store.Store(address.replace("postgres@", "looker@")) as other:
        assert other.head() == (0, chain.START)
        with pytest.raises(errors.StoreUnavailable, match="granted to it"):
            other.adopt_generation(checks.ENV, 1)
    standby = other._database._backend.meaning(psycopg.errors.ReadOnlySqlTransaction())
    assert "Name the primary" in str(standby)
    assert isinstance(other._database._backend.meaning(psycopg.errors.DiskFull()), errors.DiskFull)


def test_a_locked_store_can_be_read_and_says_so_to_writers(books: store.Store, address: str) -> None:
    release = checks.begun(books, checks.deployed(books))
    with store.Store(f"{address}&timeout=0.2") as other, psycopg.connect(address) as locking:
        locking.execute(f"SELECT pg_advisory_xact_lock({locks.LOCK}, hashtext(current_schema()))")
        assert other.release(release.id) == release
        with pytest.raises(errors.StoreUnavailable, match=r"locked by another program for over 0\.2 seconds"):
            checks.moved(other, release, phases.Phase.CHECKING)
        assert other.lease(checks.ENV, "control", "one", 5.0, 0.0) == 1, "a lease does not wait for writers"
        locking.rollback()
        assert checks.moved(other, release, phases.Phase.CHECKING).generation == 1


def test_a_transaction_whose_server_dies_is_undone_and_the_next_one_works(server: postgresql.Server, books: store.Store) -> None:
    release = checks.begun(books, checks.deployed(books))
    head, looked = books.head(), books.changes()
    with pytest.raises(errors.StoreUnavailable):
        _interrupted(books, server)
    try:
        for asked in (books.head, lambda: books.submit(commands.Command(checks.ENV, checks.NAME, "pause"))):
            with pytest.raises(errors.StoreUnavailable):
                asked()
        living.wait(lambda: _gone(books), 5.0, "the look at changes to notice")
    finally:
        server.start()
    assert (books.head(), books.changes(), books.pending_commands(checks.ENV)) == (head, looked, [])
    assert checks.moved(books, release, phases.Phase.CHECKING).generation == 1
    assert books.changes() != looked
    assert books.verify() == head[0] + 1


def _interrupted(books: store.Store, server: postgresql.Server) -> None:
    with books._database.writing() as connection:
        chain.append(connection, chain.StoredEvent(checks.ENV, checks.NAME, "noted", 1.0))
        server.stop()
        chain.append(connection, chain.StoredEvent(checks.ENV, checks.NAME, "noted", 2.0))


def _gone(books: store.Store) -> bool:
    try:
        books.changes()
    except errors.StoreUnavailable:
        return True
    return False


def test_what_another_writes_is_noticed(books: store.Store, address: str) -> None:
    before = books.changes()
    with store.Store(address) as other:
        other.adopt_generation(checks.ENV, 7)
    living.wait(lambda: books.changes() != before, 5.0, "another's write to be noticed")
    assert books.adopted_generation(checks.ENV) == 7


def test_a_lease_goes_by_the_clock_of_the_server(server: postgresql.Server, books: store.Store, address: str) -> None:
    assert books.lease(checks.ENV, "control", "one", 60.0, 5.0) == 1
    assert books.lease(checks.ENV, "control", "two", 60.0, 1e12) is None, "whatever time somebody thinks it is"
    server.sql(address, "UPDATE leases SET until = until - 61")
    assert books.lease(checks.ENV, "control", "two", 60.0, 5.0) == 2
    server.sql(address, "UPDATE leases SET until = until + 3600")
    assert books.lease(checks.ENV, "control", "one", 60.0, 5.0) == 3, "the server's clock was set back"


def test_of_many_that_want_a_lease_one_gets_it(address: str) -> None:
    got: list[int | None] = []

    def ask(number: int) -> None:
        with store.Store(address) as mine:
            start.wait()
            got.append(mine.lease(checks.ENV, "control", f"holder-{number}", 60.0, 0.0))

    start = threading.Barrier(6)
    asking = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    assert sorted(got, key=str) == [1, None, None, None, None, None]


def test_a_password_is_taken_from_the_environment_and_never_noted(server: postgresql.Server, tmp_path, monkeypatch) -> None:
    place = home.Home(tmp_path)
    whole = "postgresql://ana:hush@db.example:5433/gate?sslmode=require"
    location.note(place, whole)
    assert "hush" not in place.store_address.read_text()
    assert place.store_address.stat().st_mode & 0o777 == 0o600
    assert location.url(place) == "postgresql://ana@db.example:5433/gate?sslmode=require"
    monkeypatch.setenv(location.VARIABLE, whole)
    assert location.url(place) == whole
    monkeypatch.setenv(location.VARIABLE, "postgresql://ana:hush@other.example/gate")
    assert location.url(place) == "postgresql://ana@db.example:5433/gate?sslmode=require"
