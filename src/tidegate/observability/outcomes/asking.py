"""Asking a table for outcomes: rows from a watermark on, in its order, some at a time.

DuckDB by itself (`duckdb:///FILE`, or no address at all where the query reads files); any other database by its SQLAlchemy
address. Nothing is written there, and no word of an error holds the address. Called by `fetching`.
"""

import contextlib
import pathlib
from collections.abc import Iterator, Sequence
from typing import Any

import duckdb
import sqlalchemy as sa

from tidegate.core.vocabulary import errors, monitoring
from tidegate.dataplane.predlog import engine

AT_ONCE = 500
PATIENCE_SECONDS = 10
Rows = list[dict[str, Any]]
_DUCKDB = "duckdb:"
_PATIENCE = {
    "postgresql": {"connect_timeout": PATIENCE_SECONDS},
    "mysql": {"connect_timeout": PATIENCE_SECONDS},
    "sqlite": {"timeout": PATIENCE_SECONDS},
}
_CURE = "Correct `outcomes.query` or `outcomes.url` in tidegate.yaml, or have the table answer."


def rows(truth: monitoring.Truth, url: str, since: Any = None) -> Iterator[Rows]:
    """The query's rows by column name, those whose watermark is `since` or later in its order; None: from the beginning.

    Raises OutcomeInvalid in words without the address.
    """
    try:
        if not url or url.startswith(_DUCKDB):
            yield from _of_duckdb(truth, url, since)
        else:
            yield from _of_others(truth, url, since)
    except (sa.exc.SQLAlchemyError, duckdb.Error, ImportError, OSError) as failed:
        said = getattr(failed, "orig", None) or failed
        words = next(iter(str(said).strip().splitlines()), "")
        for secret in _secrets(url):
            words = words.replace(secret, "***")
        kind = type(said).__name__
        raise errors.OutcomeInvalid(f"the table cannot be asked: {kind}: {words[:200]}.", cure=_CURE) from None


def _of_duckdb(truth: monitoring.Truth, url: str, since: Any) -> Iterator[Rows]:
    place = url.removeprefix(f"{_DUCKDB}///")  # as SQLAlchemy has it: four slashes begin an absolute path
    if place and not pathlib.Path(place).is_file():
        raise FileNotFoundError("there is no such file")  # which connecting would make
    with duckdb.connect(place or ":memory:", read_only=bool(place), config=engine.CONFIG) as connection:
        told = connection.execute(_asked(truth, since, "$since"), {} if since is None else {"since": since})
        names = [column[0] for column in told.description or ()]
        while some := told.fetchmany(AT_ONCE):
            yield _named(names, some)


def _of_others(truth: monitoring.Truth, url: str, since: Any) -> Iterator[Rows]:
    try:
        address = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise errors.OutcomeInvalid(
            f"{truth.url} holds no SQLAlchemy address.", cure="postgresql://..., sqlite:///..., duckdb:///..."
        ) from None
    backend = address.get_backend_name()
    if backend == "sqlite" and address.database and not pathlib.Path(address.database).is_file():
        raise FileNotFoundError("there is no such file")
    database = sa.create_engine(address, poolclass=sa.NullPool, connect_args=_PATIENCE.get(backend, {}))
    quoted = database.dialect.identifier_preparer.quote_identifier(truth.watermark) if truth.watermark else ""
    query = sa.text(_asked(truth, since, ":since", quoted))
    with contextlib.closing(database.connect().execution_options(stream_results=True)) as connection:
        told = connection.execute(query, {} if since is None else {"since": since})
        names = list(told.keys())
        while some := told.fetchmany(AT_ONCE):
            yield _named(names, some)


def _asked(truth: monitoring.Truth, since: Any, mark: str, quoted: str = "") -> str:
    """The whole query. In SQLAlchemy's a colon of the query's own is no parameter."""
    query = truth.query.strip().rstrip(";")
    if mark.startswith(":"):
        query = query.replace(":", r"\:")
    if not truth.watermark:
        return query
    column = quoted or '"' + truth.watermark.replace('"', '""') + '"'
    held = f"{column} >= {mark}" if since is not None else f"{column} IS NOT NULL"
    return f"SELECT * FROM ({query}) AS truth WHERE {held} ORDER BY {column}"  # noqa: S608 - the file's own query


def _named(names: Sequence[str], some: Sequence[Any]) -> Rows:
    return [dict(zip(names, row, strict=True)) for row in some]


def _secrets(url: str) -> list[str]:
    """What of an address may be in a driver's words, the longest first."""
    try:
        told = sa.make_url(url)
    except sa.exc.ArgumentError:
        return [url] if url else []
    return [one for one in (url, str(told.password or ""), told.username or "") if one]
