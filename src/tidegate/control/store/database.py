"""Connections and transactions, and what the database's own errors mean in ours.

A transaction is a `with` block: it commits as a whole at its end, and leaves nothing behind when anything in it raises.
What SQLite and PostgreSQL do differently is in their modules; both offer the same verbs.
"""

import contextlib
import pathlib
import sqlite3
from collections.abc import Iterator

import sqlalchemy as sa

from tidegate.control.store import postgresql, schema, sqlite
from tidegate.core.vocabulary import errors

BUSY_SECONDS = 5.0
"""How long one process waits for another's transaction. Ours take milliseconds; a longer wait means something is stuck."""
Backend = sqlite.Sqlite | postgresql.Postgresql
sqlite_url = sqlite.url


class Database:
    """One database and its pool of connections; safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Open it and bring its tables up to date. `create=False`: one that does not exist yet is StoreUnavailable."""
        self._backend = _backend(url)
        self._backend.find(create=create)
        with self._named():
            self._engine = self._backend.engine()
            revision = self._revision()
        if not revision and not create and self.path is None:
            cure = "It is made by `tidegate up --store`."
            raise errors.StoreUnavailable("there is no store yet.", where=self.where, cure=cure)
        if revision != schema.REVISIONS[-1]:
            self._migrate(revision)
        self._backend.opened()

    @property
    def path(self) -> pathlib.Path | None:
        """The file of SQLite; None for a server."""
        return self._backend.path

    @property
    def where(self) -> str:
        """The database's name for people, without its password."""
        return self._backend.where

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one consistent state. Raises StoreUnavailable."""
        with self._named(), self._backend.reading(self._engine) as connection, connection.begin():
            self._backend.check()
            yield connection

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True, alone: bool = True) -> Iterator[sa.Connection]:
        """A transaction that is alone in writing; once left it is on the disk.

        `durable=False` spares the flush to disk, for what can be computed again: a power cut may undo it, never tear it.
        `alone=False`: for one statement that needs no queueing up, where the database can do without.
        Raises StoreUnavailable or DiskFull; nothing of it is kept then.
        """
        with self._named(), self._backend.writing(self._engine, durable=durable) as connection, connection.begin():
            self._backend.check()
            self._backend.begun(connection, durable=durable, alone=alone)
            yield connection
        self._backend.wrote()

    def changes(self) -> int:
        """Another number whenever anybody has written anything but a lease. Costs next to nothing.

        For one thread. Raises StoreUnavailable.
        """
        with self._named():
            self._backend.check()
            return self._backend.changes(self._engine)

    def copy(self, path: pathlib.Path) -> None:
        """Write a whole copy as of one moment to a new SQLite file, while others read and write.

        Raises StoreUnavailable, DiskFull.
        """
        if isinstance(self._backend, sqlite.Sqlite):
            with self._named():
                self._backend.copy(self._engine, path)
            return
        with contextlib.closing(Database(sqlite.url(path))) as copied, self.reading() as source, copied.writing() as target:
            move(source, target)

    def fill(self, source: "Database") -> None:
        """Take over all rows of another store into this one, which has none yet. Raises StoreUnavailable where it has some."""
        with source.reading() as given, self.writing() as taken:
            if taken.execute(sa.select(schema.HEADS.c.sequence)).first() or taken.execute(sa.select(schema.ENDPOINTS)).first():
                raise errors.StoreUnavailable(
                    "this database holds a store already.", where=self.where, cure="Name an empty one, or another schema."
                )
            move(given, taken)

    def close(self) -> None:
        """Give all connections back."""
        self._backend.forget()
        self._engine.dispose()

    def _revision(self) -> str:
        """The revision the tables are at; empty when there are none. A plain select, since every command asks this."""
        try:
            with self._engine.begin() as connection:
                return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "")
        except (sa.exc.OperationalError, sa.exc.ProgrammingError) as failed:
            if "no such table" in str(failed.orig) or getattr(failed.orig, "sqlstate", "") == "42P01":
                return ""
            raise

    def _migrate(self, revision: str) -> None:
        if revision and revision not in schema.REVISIONS:
            raise errors.StoreUnavailable(
                f"the store was written by a newer Tidegate (its revision is {revision}).",
                where=self.where,
                cure="Upgrade this one.",
            )
        # Alembic takes longer to import than a whole `tidegate status`, and is needed once in a store's life.
        from tidegate.control.store.migrations import running  # noqa: PLC0415

        with self._named():
            self._backend.prepare(self._engine)
            with self._backend.writing(self._engine, durable=True) as connection, connection.begin():
                self._backend.begun(connection, durable=True, alone=True)
                running.upgrade(connection)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """The database's errors as ours. A broken constraint is no state of the world but a fault of ours: it passes."""
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as failed:
            raise self._backend.meaning(failed) from failed
        except OSError as failed:
            raise errors.StoreUnavailable(
                f"the store cannot be used: {failed.strerror}.", where=self.where, cure=sqlite.CURE
            ) from failed


def move(source: sa.Connection, target: sa.Connection) -> None:
    """Every row of every table, unchanged: the chain of events still verifies. What only counts or lasts seconds stays."""
    for table in schema.METADATA.sorted_tables:
        if table in schema.PASSING:
            continue
        rows = [dict(row) for row in source.execute(sa.select(table)).mappings()]
        if rows:
            target.execute(table.insert(), rows)
    if target.dialect.name == "postgresql":
        # Commands came with their numbers; the next one has to be counted on from there.
        target.execute(
            sa.text("SELECT setval(pg_get_serial_sequence('commands', 'sequence'), (SELECT max(sequence) FROM commands))")
        )


def _backend(url: str) -> Backend:
    """Raises StoreInvalid for an address of neither kind, ExtraMissing."""
    try:
        made = sa.make_url(url)
        patience = float(str(made.query.get("timeout", BUSY_SECONDS)))
    except (sa.exc.ArgumentError, ValueError) as wrong:
        raise errors.StoreInvalid("this is no address of a store.") from wrong
    if made.get_backend_name() == "sqlite":
        return sqlite.Sqlite(made, patience)
    if made.get_backend_name() in {"postgresql", "postgres"}:
        return postgresql.Postgresql(made, patience)
    raise errors.StoreInvalid(f"no store is kept in {made.get_backend_name()}.")
