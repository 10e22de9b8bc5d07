"""Probing a table that a version depends on: it is there, in the version asked for."""

import decimal
import pathlib

import sqlalchemy as sa

from tidegate.core.vocabulary import dependencies, errors
from tidegate.delivery.gates import deadlines, secrets

SECONDS = 5.0
_PATIENCE = {
    "postgresql": {"connect_timeout": int(SECONDS)},
    "mysql": {"connect_timeout": int(SECONDS)},
    "sqlite": {"timeout": SECONDS},
}


def probe(wanted: dependencies.Requirement) -> str:
    """What was found. Raises RequirementMissing; its words hold nothing of the address but the kind of database and the host."""
    url = _url(wanted)
    try:
        found = deadlines.within(SECONDS, lambda: _look(url, wanted))
    except TimeoutError as slow:
        raise errors.RequirementMissing(f"{_shown(url)} did not answer within {SECONDS:g} s.", cure=_CURE) from slow
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as failed:
        said = getattr(failed, "orig", None) or failed
        words = secrets.plain(f"{type(said).__name__}: {said}", _hidden(url))
        raise errors.RequirementMissing(f"{_shown(url)} cannot be asked for {wanted.said}: {words}.", cure=_CURE) from None
    if not wanted.version:
        return f"the table {wanted.name} is there ({_shown(url)})."
    if _bare(found) != _bare(wanted.version):
        at = f"at version {str(found)[:40]}" if found is not None else "at no version"
        words = f"the table {wanted.name} is {at}, and the model needs {wanted.version} ({_shown(url)})."
        raise errors.RequirementMissing(words, cure=_CURE)
    return f"the table {wanted.name} is at version {wanted.version} ({_shown(url)})."


_CURE = "Bring it about, or correct `requires` in tidegate.yaml."


def _url(wanted: dependencies.Requirement) -> sa.URL:
    given = secrets.read(wanted.url)
    try:
        return sa.make_url(given)
    except sa.exc.ArgumentError:
        raise errors.RequirementMissing(
            f"{wanted.url} holds no SQLAlchemy address.", cure="postgresql://..., sqlite:///..."
        ) from None


def _look(url: sa.URL, wanted: dependencies.Requirement) -> object:
    """The version found; None where none was asked for."""
    place = url.database or ""
    if (
        url.get_backend_name() == "sqlite"
        and place
        and not place.startswith((":memory:", "file:"))
        and not pathlib.Path(place).is_file()
    ):
        raise FileNotFoundError("there is no such file")  # which connecting would make
    engine = sa.create_engine(url, poolclass=sa.NullPool, connect_args=_PATIENCE.get(url.get_backend_name(), {}))
    schema, _, name = wanted.name.rpartition(".")
    with engine.connect() as connection:
        if not sa.inspect(connection).has_table(name, schema=schema or None):
            raise sa.exc.NoSuchTableError("it has no such table")
        if not wanted.version:
            return None
        row = connection.execute(sa.text(wanted.query) if wanted.query else _newest(name, schema)).first()
    return row[0] if row else None


def _newest(name: str, schema: str) -> sa.Select[object]:
    """Where no query is given: the greatest value of the table's own column `version`."""
    column: sa.ColumnClause[object] = sa.column("version")
    return sa.select(sa.func.max(column)).select_from(sa.table(name, schema=schema or None))


def _bare(version: object) -> str:
    """v3, 3, 3.0 and " V3" are one version."""
    if isinstance(version, float | decimal.Decimal) and version == int(version):
        version = int(version)
    return str(version).strip().lower().removeprefix("v")


def _shown(url: sa.URL) -> str:
    return f"{url.get_backend_name()} at {url.host}" if url.host else url.get_backend_name()


def _hidden(url: sa.URL) -> tuple[str, ...]:
    """All of an address that may be nobody's business."""
    query = [value for values in url.query.values() for value in ((values,) if isinstance(values, str) else values)]
    whole = (url.render_as_string(hide_password=False), url.render_as_string())
    return (*whole, str(url.password or ""), url.username or "", *query)
