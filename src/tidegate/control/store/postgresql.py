"""PostgreSQL: a server, for control processes that stand by for each other and stores that others back up.

Writers queue up at one advisory lock of the database and schema, so that a writing transaction is alone, as it is with
SQLite: no deadlocks, no serialisation failures to repeat. Readers never wait. Passwords are libpq's affair (PGPASSWORD,
~/.pgpass, `?passfile=`); none is ever shown.
"""

import importlib.util
import time

import sqlalchemy as sa

from tidegate.core.vocabulary import errors

LOCK = 7_409
"""Our first key of pg_advisory_xact_lock; the second is the schema's name, hashed."""
LOOK_SECONDS = 0.05
"""How old another's write may be before it is noticed: the server is asked this often at most, and at once after our own."""
CONNECT_SECONDS = 5
CURE = "Predictions go on; releases wait."
_ALONE = sa.text(
    f"SELECT pg_advisory_xact_lock({LOCK}, hashtext(current_schema())), CASE WHEN :relaxed"
    " THEN set_config('synchronous_commit', 'off', true)"
    " WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END"
)
_COUNT = sa.text("SELECT count FROM writes")
_MEANING = {
    "28P01": ("the password was refused.", "Set PGPASSWORD, or a line in ~/.pgpass."),
    "28000": ("this account may not connect.", "See the server's pg_hba.conf."),
    "3D000": ("the server has no such database.", "Make it with `createdb`."),
    "42501": ("this account may not do that.", "Have the database owned by it, or granted to it."),
    "25006": ("the server takes no writes: it is a standby, or read-only.", "Name the primary in --store."),
    "53300": ("the server takes no more connections.", "Raise its max_connections; Tidegate needs about twenty."),
}
_FULL = frozenset({"53100"})
_LOCKED = frozenset({"55P03", "40P01"})


class Postgresql:
    """One database of a server; its tables are in the first schema of the search path."""

    path = None

    def __init__(self, url: sa.URL, patience: float) -> None:
        """`patience`: seconds to wait for another's transaction. Raises ExtraMissing where the driver is not installed."""
        installed()
        query = {key: value for key, value in url.query.items() if key != "timeout"}
        self._url = url.set(drivername="postgresql+psycopg", query=query)
        self._patience = patience
        self._watcher: sa.Connection | None = None
        self._seen: tuple[float, int] = (0.0, 0)

    @property
    def where(self) -> str:
        """Its name for people, without its password."""
        return bare(self._url)

    def find(self, *, create: bool) -> None:
        """Whether there is one shows when it is asked for its revision."""

    def engine(self) -> sa.Engine:
        """Connections to it: each is tried before it is used, so that a server that has restarted costs no transaction."""
        given = {
            "connect_timeout": CONNECT_SECONDS,
            "application_name": "tidegate",
            "keepalives_idle": 10,
            "keepalives_interval": 3,
            "keepalives_count": 3,
            "tcp_user_timeout": 20_000,
        }
        arguments = {key: value for key, value in given.items() if key not in self._url.query}
        # The same statements again and again, on connections that may be a pooler's: nothing is prepared behind our back.
        engine = sa.create_engine(
            self._url, pool_pre_ping=True, pool_timeout=self._patience, connect_args={**arguments, "prepare_threshold": None}
        )
        patience = round(self._patience * 1000)

        @sa.event.listens_for(engine, "connect")
        def connected(connection: sa.engine.interfaces.DBAPIConnection, _: object) -> None:
            cursor = connection.cursor()
            cursor.execute(f"SET lock_timeout = {patience}")
            cursor.execute("SET idle_in_transaction_session_timeout = 60000")
            cursor.close()
            connection.commit()

        return engine

    def prepare(self, engine: sa.Engine) -> None:
        """Nothing to set for good."""

    def opened(self) -> None:
        """A server has no file to watch."""

    def check(self) -> None:
        """A server that is gone says so by itself."""

    def reading(self, engine: sa.Engine) -> sa.Connection:
        """A connection whose transaction sees one state, however many statements it takes."""
        return engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)

    def writing(self, engine: sa.Engine, *, durable: bool) -> sa.Connection:  # noqa: ARG002 -- `begun` tells the server
        """A connection whose transaction writes. READ COMMITTED: what it reads is what the writer before it has left."""
        return engine.connect().execution_options(isolation_level="READ COMMITTED")

    def begun(self, connection: sa.Connection, *, durable: bool, alone: bool) -> None:
        """Wait for the writer before; have the commit wait for the disk, or not."""
        if alone:
            connection.execute(_ALONE, {"relaxed": not durable})

    def wrote(self) -> None:
        """What we have written ourselves is noticed at once."""
        self._seen = (0.0, self._seen[1])

    def changes(self, engine: sa.Engine) -> int:
        """The count of writes, which triggers keep whoever writes; leases are not counted."""
        until, count = self._seen
        now = time.monotonic()
        if now < until:
            return count
        if self._watcher is None:
            self._watcher = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            found = int(self._watcher.execute(_COUNT).scalar_one())
        except sa.exc.SQLAlchemyError:
            self.forget()
            raise
        self._seen = (now + LOOK_SECONDS, found)
        return found

    def forget(self) -> None:
        """Give the watching connection back."""
        watcher, self._watcher, self._seen = self._watcher, None, (0.0, 0)
        if watcher is not None:
            watcher.close()

    def meaning(self, failed: Exception) -> errors.TidegateError:
        """The database's error as ours."""
        cause = getattr(failed, "orig", None) or failed
        code = str(getattr(cause, "sqlstate", None) or "")
        if code in _FULL or "No space left" in str(cause):
            return errors.DiskFull("the disk of the store's server is full.", where=self.where)
        if code in _LOCKED:
            words = f"the store is locked by another program for over {self._patience:g} seconds."
            return errors.StoreUnavailable(words, where=self.where, cure=CURE)
        words, cure = _MEANING.get(code) or _MEANING.get(_told(cause), ("", ""))
        if words:
            return errors.StoreUnavailable(f"the store cannot be used: {words}", where=self.where, cure=f"{cure} {CURE}")
        said = " ".join(str(cause).split()).rstrip(".")
        return errors.StoreUnavailable(f"the store cannot be used: {said}.", where=self.where, cure=CURE)


def bare(url: sa.URL) -> str:
    """The address without its password."""
    return sa.URL.create(
        "postgresql", username=url.username, host=url.host, port=url.port, database=url.database, query=url.query
    ).render_as_string()


def installed() -> None:
    """Raises ExtraMissing where the driver is not."""
    if importlib.util.find_spec("psycopg") is None:
        raise errors.ExtraMissing(
            "a PostgreSQL store needs psycopg, which is not installed here.", cure="pip install 'tidegate[postgres]'"
        )


def _told(cause: BaseException) -> str:
    """The code of a connection that was refused: libpq has it in words only."""
    said = str(cause)
    signs = {
        "password authentication failed": "28P01",
        "no password supplied": "28P01",
        "no pg_hba.conf entry": "28000",
        "does not exist": "3D000",
        "too many clients": "53300",
        "remaining connection slots": "53300",
    }
    return next((code for sign, code in signs.items() if sign in said and (code != "3D000" or "database" in said)), "")
