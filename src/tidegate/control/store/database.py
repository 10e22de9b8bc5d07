"""Connections and transactions, and what the database's own errors mean in ours.

A transaction is a `with` block: it commits as a whole at its end, and leaves nothing behind when anything in it raises.
"""

import contextlib
import os
import pathlib
import sqlite3
import time
from collections.abc import Iterator

import sqlalchemy as sa

from tidegate.control.store import schema
from tidegate.core.vocabulary import errors

BUSY_SECONDS = 5.0
"""How long one process waits for another's transaction. Ours take milliseconds; a longer wait means something is stuck."""
_RETRY_SECONDS = 0.02
_FULL_DISK = frozenset({sqlite3.SQLITE_FULL})
_CURE = "Predictions go on; releases wait."


class Database:
    """One database and its pool of connections; safe to share between threads, not across a fork."""

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Open it and bring its tables up to date. `create=False`: one that does not exist yet is StoreUnavailable."""
        self.url = sa.make_url(url)
        self.path = pathlib.Path(self.url.database) if self._is_sqlite and self.url.database else None
        self._inode: tuple[int, int] | None = None
        self._watcher: sa.PoolProxiedConnection | None = None
        if self.path and not create and not self.path.exists():
            raise errors.StoreUnavailable("there is no store yet.", where=str(self.path), cure="It is made by `tidegate up`.")
        if self.path and not self.path.parent.is_dir():
            raise errors.StoreUnavailable("the store's directory does not exist.", where=str(self.path.parent))
        with self._named():
            self._engine = self._connectable()
            revision = self._revision()
        if revision != schema.REVISIONS[-1]:
            self._migrate(revision)
        self._inode = self._file()

    @property
    def _patience(self) -> float:
        """Seconds to wait for another's transaction: `?timeout=` in the address, or BUSY_SECONDS."""
        return float(str(self.url.query.get("timeout", BUSY_SECONDS)))

    @property
    def _is_sqlite(self) -> bool:
        return self.url.get_backend_name() == "sqlite"

    @contextlib.contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that sees one consistent state. Raises StoreUnavailable."""
        with self._named(), self._engine.begin() as connection:
            self._same_file()
            yield connection

    @contextlib.contextmanager
    def writing(self, *, durable: bool = True) -> Iterator[sa.Connection]:
        """A transaction that is alone in writing; once left it is on the disk.

        `durable=False` spares the flush to disk, for what can be computed again: a power cut may undo it, never tear it.
        Raises StoreUnavailable or DiskFull; nothing of it is kept then.
        """
        mode = "IMMEDIATE" if durable else "RELAXED"
        with self._named(), self._engine.connect().execution_options(tidegate=mode) as connection, connection.begin():
            self._same_file()
            yield connection

    def changes(self) -> int | None:
        """Another number whenever anybody has written since; None where the database cannot tell. Costs next to nothing.

        For one thread. Raises StoreUnavailable.
        """
        if not self._is_sqlite:
            return None
        with self._named():
            self._same_file()
            if self._watcher is None:
                self._watcher = self._engine.raw_connection()  # one that never writes: its own commits would not count
            cursor = self._watcher.cursor()
            found: int = cursor.execute("PRAGMA data_version").fetchone()[0]
            cursor.close()
            return found

    def copy(self, path: pathlib.Path) -> None:
        """Write a whole copy as of one moment to a new file, while others read and write. SQLite only.

        Raises StoreUnavailable, DiskFull.
        """
        with self._named(), contextlib.closing(sqlite3.connect(path)) as copied:
            source = self._engine.raw_connection()
            try:
                source.driver_connection.backup(copied)  # type: ignore[union-attr]
            finally:
                source.close()

    def close(self) -> None:
        """Give all connections back."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher = None
        self._engine.dispose()

    def _connectable(self) -> sa.Engine:
        if not self._is_sqlite:
            return sa.create_engine(self.url, pool_pre_ping=True)
        engine = sa.create_engine(self.url, connect_args={"timeout": self._patience, "check_same_thread": False})
        sa.event.listen(engine, "connect", _connected)
        sa.event.listen(engine, "begin", _begun)
        return engine

    def _revision(self) -> str:
        """The revision the tables are at; empty when there are none. A plain select, since every command asks this."""
        try:
            with self._engine.begin() as connection:
                return str(connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar() or "")
        except (sa.exc.OperationalError, sa.exc.ProgrammingError) as failed:
            if "no such table" in str(failed.orig) or "does not exist" in str(failed.orig):
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
            if self._is_sqlite:
                _write_ahead(self._engine, self._patience)
            with self._engine.connect().execution_options(tidegate="IMMEDIATE") as connection, connection.begin():
                running.upgrade(connection)

    @property
    def where(self) -> str:
        """The database's name for people, without its password."""
        return str(self.path) if self.path else self.url.render_as_string(hide_password=True)

    def _file(self) -> tuple[int, int] | None:
        if self.path is None:
            return None
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)

    def _same_file(self) -> None:
        """A store that was moved away would still take writes, into a file nobody will read again: refuse instead."""
        if self._inode is not None and self._file() != self._inode:
            raise errors.StoreUnavailable(
                "the store's file was moved or replaced while in use.",
                where=self.where,
                cure=f"Put it back, or restart Tidegate on the new one. {_CURE}",
            )

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """The database's errors as ours. A broken constraint is no state of the world but a fault of ours: it passes."""
        try:
            yield
        except sa.exc.IntegrityError:
            raise
        except (sa.exc.DBAPIError, sa.exc.TimeoutError, sqlite3.Error) as failed:
            raise _meaning(failed, self.where, self._patience) from failed
        except OSError as failed:
            raise errors.StoreUnavailable(
                f"the store cannot be used: {failed.strerror}.", where=self.where, cure=_CURE
            ) from failed


def sqlite_url(path: pathlib.Path) -> str:
    """The address of a SQLite store."""
    return sa.URL.create("sqlite", database=os.fspath(path.absolute())).render_as_string()


def _meaning(failed: Exception, where: str, patience: float) -> errors.TidegateError:
    cause = getattr(failed, "orig", None) or failed
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL_DISK or "No space left" in str(cause) or "disk full" in str(cause).lower():
        return errors.DiskFull(where=where)
    if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        message = f"the store is locked by another program for over {patience:g} seconds."
    else:
        message = f"the store cannot be used: {cause}."
    return errors.StoreUnavailable(message, where=where, cure=_CURE)


def _connected(connection: sqlite3.Connection, _: object) -> None:
    connection.isolation_level = None  # or sqlite3 would begin and commit on its own; `_begun` does it
    connection.execute("PRAGMA foreign_keys=ON")
    connection.execute("PRAGMA synchronous=FULL")


def _begun(connection: sa.Connection) -> None:
    mode = connection.get_execution_options().get("tidegate", "")
    # Outside a transaction only; a relaxed commit is flushed by the next full one at the latest, order kept.
    connection.exec_driver_sql("PRAGMA synchronous=NORMAL" if mode == "RELAXED" else "PRAGMA synchronous=FULL")
    # A reader that turned writer in mid-transaction could fail with SQLITE_BUSY at once: writers say so at the start.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode else "BEGIN")


def _write_ahead(engine: sa.Engine, patience: float) -> None:
    """WAL, for good: readers and the writer no longer wait for each other."""
    deadline = time.monotonic() + patience
    connection = engine.raw_connection()  # it cannot be set inside a transaction, which any other way would begin
    try:
        while True:
            try:
                connection.cursor().execute("PRAGMA journal_mode=WAL").close()
            except sqlite3.OperationalError:
                # Two that make a store at the same moment: SQLite does not wait here, so we do.
                if time.monotonic() > deadline:
                    raise
                time.sleep(_RETRY_SECONDS)
            else:
                return
    finally:
        connection.close()
