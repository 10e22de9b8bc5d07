"""SQLite: a file of this machine, in WAL mode, so that readers and the writer do not wait for each other."""

import contextlib
import os
import pathlib
import sqlite3
import time

import sqlalchemy as sa

from tidegate.core.vocabulary import errors

_RETRY_SECONDS = 0.02
_COUNT = "SELECT count FROM writes"
CURE = "Predictions go on; releases wait."


class Sqlite:
    """One file. Who reads says BEGIN, who writes BEGIN IMMEDIATE: it is then alone in writing."""

    def __init__(self, url: sa.URL, patience: float) -> None:
        """`patience`: seconds to wait for another's transaction."""
        self._url, self._patience = url, patience
        self.path = pathlib.Path(url.database or "")
        self._inode: tuple[int, int] | None = None
        self._watcher: sa.PoolProxiedConnection | None = None
        self._seen: tuple[int, int] = (-1, 0)

    @property
    def where(self) -> str:
        """Its name for people."""
        return str(self.path)

    def find(self, *, create: bool) -> None:
        """Raises StoreUnavailable where there is no file, and none may be made."""
        if not create and not self.path.exists():
            raise errors.StoreUnavailable("there is no store yet.", where=self.where, cure="It is made by `tidegate up`.")
        if not self.path.parent.is_dir():
            raise errors.StoreUnavailable("the store's directory does not exist.", where=str(self.path.parent))

    def engine(self) -> sa.Engine:
        """Connections to it."""
        engine = sa.create_engine(self._url, connect_args={"timeout": self._patience, "check_same_thread": False})
        sa.event.listen(engine, "connect", _connected)
        sa.event.listen(engine, "begin", _begun)
        return engine

    def prepare(self, engine: sa.Engine) -> None:
        """WAL, for good, before the first table is made."""
        _write_ahead(engine, self._patience)

    def opened(self) -> None:
        """Remember which file it was."""
        self._inode = self._file()

    def check(self) -> None:
        """A store that was moved away would still take writes, into a file nobody will read again: refuse instead.

        Raises StoreUnavailable.
        """
        if self._inode is not None and self._file() != self._inode:
            raise errors.StoreUnavailable(
                "the store's file was moved or replaced while in use.",
                where=self.where,
                cure=f"Put it back, or restart Tidegate on the new one. {CURE}",
            )

    def reading(self, engine: sa.Engine) -> sa.Connection:
        """A connection whose transaction sees one state."""
        return engine.connect()

    def writing(self, engine: sa.Engine, *, durable: bool) -> sa.Connection:
        """A connection whose transaction writes; not `durable`: it is flushed with the next that is."""
        return engine.connect().execution_options(tidegate="IMMEDIATE" if durable else "RELAXED")

    def begun(self, connection: sa.Connection, *, durable: bool, alone: bool) -> None:
        """BEGIN IMMEDIATE has said everything."""

    def wrote(self) -> None:
        """SQLite tells about our own writes as about any."""

    def changes(self, engine: sa.Engine) -> int:
        """The count of writes; read again only when SQLite says that anything was written, leases included."""
        if self._watcher is None:
            self._watcher = engine.raw_connection()  # one that never writes: its own commits would not count
        cursor = self._watcher.cursor()
        try:
            version: int = cursor.execute("PRAGMA data_version").fetchone()[0]
            if version != self._seen[0]:
                self._seen = (version, cursor.execute(_COUNT).fetchone()[0])
        finally:
            cursor.close()
        return self._seen[1]

    def forget(self) -> None:
        """Give the watching connection back."""
        if self._watcher is not None:
            self._watcher.close()
            self._watcher, self._seen = None, (-1, 0)

    def copy(self, engine: sa.Engine, path: pathlib.Path) -> None:
        """The whole file as of one moment into a new one, while others read and write."""
        with contextlib.closing(sqlite3.connect(path)) as copied:
            source = engine.raw_connection()
            try:
                source.driver_connection.backup(copied)  # type: ignore[union-attr]
            finally:
                source.close()

    def meaning(self, failed: Exception) -> errors.TidegateError:
        """The database's error as ours."""
        cause = getattr(failed, "orig", None) or failed
        code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
        if code == sqlite3.SQLITE_FULL or "No space left" in str(cause) or "disk full" in str(cause).lower():
            return errors.DiskFull(where=self.where)
        if code in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
            message = f"the store is locked by another program for over {self._patience:g} seconds."
        else:
            message = f"the store cannot be used: {cause}."
        return errors.StoreUnavailable(message, where=self.where, cure=CURE)

    def _file(self) -> tuple[int, int]:
        try:
            found = self.path.stat()
        except OSError:
            return (0, 0)
        return (found.st_dev, found.st_ino)


def url(path: pathlib.Path) -> str:
    """The address of a SQLite store."""
    return sa.URL.create("sqlite", database=os.fspath(path.absolute())).render_as_string()


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
    """WAL: readers and the writer no longer wait for each other."""
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
