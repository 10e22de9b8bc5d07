"""A PostgreSQL server of the tests' own: in a directory of its own, on a unix socket, gone with the tests.

Debian's binaries, or those on the path, run as the account `postgres` where the tests run as root (the server refuses root).
"""

import contextlib
import os
import pathlib
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator

import psycopg
import pytest

from tidegate.control.store import store

ACCOUNT = "postgres"
TEMPLATE = "made"
SECRET = "secret"
"""A database that asks for a password; the account's is PASSWORD."""
PASSWORD = "tide-and-gate"
SETTINGS = ("fsync=off", "full_page_writes=off", "listen_addresses=", "max_connections=200", "shared_buffers=32MB")


def binaries() -> pathlib.Path | None:
    """Where initdb and pg_ctl are; the newest of Debian's where there are several."""
    debian = sorted(pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(debian[-1]) if debian else shutil.which("initdb")
    return pathlib.Path(found).resolve().parent if found else None


class Server:
    """One server with as many databases as are asked for."""

    def __init__(self) -> None:
        where = binaries()
        root = os.getuid() == 0
        missing = "the PostgreSQL binaries are not installed" if where is None else ""
        if root and ACCOUNT not in {one.pw_name for one in pwd.getpwall()}:
            missing = f"there is no account {ACCOUNT} to run the server as"
        if missing or where is None:
            (pytest.fail if os.environ.get("CI") else pytest.skip)(f"{missing}; `.ci/run` installs Debian's")
        self._binaries = where
        self._as = ["setpriv", "--reuid", ACCOUNT, "--regid", ACCOUNT, "--clear-groups"] if root else []
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tidegate-postgresql-"))
        if root:
            shutil.chown(self.folder, ACCOUNT)
        self._data = self.folder / "data"
        self._count = 0
        self._run("initdb", "-D", self._data, "--username", ACCOUNT, "--auth", "trust", "--no-sync", "--no-instructions")
        access = self._data / "pg_hba.conf"
        access.write_text(f"local {SECRET} all scram-sha-256\n{access.read_text()}")
        self.start()

    def start(self) -> None:
        options = " ".join(f"-c {one}" for one in (*SETTINGS, f"unix_socket_directories={self.folder}"))
        self._run("pg_ctl", "-D", self._data, "-l", self.folder / "log", "-w", "-t", "60", "-o", options, "start")

    def stop(self, how: str = "immediate") -> None:
        """`immediate` is as a crash."""
        self._run("pg_ctl", "-D", self._data, "-w", "-t", "60", "-m", how, "stop")

    def close(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://{ACCOUNT}@/{database}?host={self.folder}"

    def empty(self, name: str = "") -> str:
        """The address of a new database without tables."""
        return self._new(name)

    def database(self) -> str:
        """The address of a new database with the store's tables: as opening the store would make it, only sooner."""
        if not self._exists(TEMPLATE):
            store.Store(self._new(TEMPLATE)).close()
        return self._new("", TEMPLATE)

    def sql(self, url: str, statement: str) -> list[tuple[object, ...]]:
        """Run it there, outside any transaction."""
        with psycopg.connect(url, autocommit=True) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []

    def _new(self, name: str, template: str = "template0") -> str:
        self._count += 1
        made = name or f"t{self._count}"
        self.sql(self.url("postgres"), f"CREATE DATABASE {made} TEMPLATE {template}")
        return self.url(made)

    def _exists(self, name: str) -> bool:
        return bool(self.sql(self.url("postgres"), f"SELECT 1 FROM pg_database WHERE datname = '{name}'"))

    def _run(self, program: str, *words: object) -> None:
        argv = [*self._as, str(self._binaries / program), *map(str, words)]
        # What it leaves running must not hold a pipe of ours open.
        with (self.folder / "said").open("ab") as said:
            subprocess.run(argv, check=True, stdin=subprocess.DEVNULL, stdout=said, stderr=said, cwd="/")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    made = Server()
    try:
        yield made
    finally:
        made.close()
