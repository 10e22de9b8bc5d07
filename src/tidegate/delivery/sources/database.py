"""MLflow's SQLite file, read directly and read-only: milliseconds, where MLflow's client takes seconds of both cores.

Only what is plain is answered from here. A schema that is not as expected, more than one workspace, files that are not on this
machine: `None`, and the client is asked.
"""

import contextlib
import pathlib
import sqlite3
import urllib.parse
from collections.abc import Iterator

from tidegate.core.vocabulary import errors
from tidegate.delivery.sources import runs, sources

_VERSION = (
    "SELECT version, run_id, source, storage_location, status, status_message FROM model_versions WHERE name = ? AND version = ?"
)
_ALIAS = "SELECT version FROM registered_model_aliases WHERE name = ? AND alias = ?"
_INPUTS = """
    SELECT i.input_uuid, d.name, d.dataset_source FROM inputs i JOIN datasets d ON d.dataset_uuid = i.source_id
    WHERE i.destination_id = ? AND i.source_type = 'DATASET' AND i.destination_type = 'RUN' ORDER BY i.input_uuid"""


def find(path: pathlib.Path, source: sources.Registered) -> runs.Found | None:
    """The version a reference means, or None where MLflow's client has to be asked. Raises ModelUnknown, ModelSourceInvalid."""
    with contextlib.suppress(sqlite3.Error), _open(path) as database:
        return _find(database, source)
    return None


def available(path: pathlib.Path) -> tuple[str, ...] | None:
    """References of what is registered, or None where MLflow's client has to be asked."""
    listed: list[str] = []
    with contextlib.suppress(sqlite3.Error), _open(path) as database:
        for (name,) in database.execute("SELECT name FROM registered_models ORDER BY name").fetchall():
            aliases = _aliases(database, name)
            versions = _versions(database, name)
            listed += [f"mlflow://{name}@{alias}" for alias in aliases] or [f"mlflow://{name}/{max(versions, default=1)}"]
        return tuple(listed)
    return None


@contextlib.contextmanager
def _open(path: pathlib.Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(f"file:{urllib.parse.quote(str(path.absolute()))}?mode=ro", uri=True, timeout=5)
    try:
        yield database
    finally:
        database.close()


def _find(database: sqlite3.Connection, source: sources.Registered) -> runs.Found | None:
    number = source.version
    if source.alias:
        aliased = database.execute(_ALIAS, (source.name, source.alias)).fetchall()
        if len(aliased) != 1:
            return _none(database, source, len(aliased))
        number = str(aliased[0][0])
    found = database.execute(_VERSION, (source.name, int(number))).fetchall()
    if len(found) != 1:
        return _none(database, source, len(found))
    _, run_id, origin, location, status, message = found[0]
    if status not in (None, "READY"):
        raise errors.ModelSourceInvalid(f"{source} is not ready: {status} {message or ''}")
    files = _local(location or origin or "")
    if files is None:
        return None
    reference = f"mlflow://{source.name}/{number}"
    if not files.is_dir():
        cure = "Was the folder moved? Log the model again, or give its folder's path."
        raise errors.ModelSourceInvalid(f"{reference}: its files should be in {files}, which is not there.", cure=cure)
    run = _run(database, run_id or "")
    given = runs.provenance(reference, run_id or "", origin or "", run)
    return runs.Found(source.name, number, given, str(files), runs.training(run))


def _none(database: sqlite3.Connection, source: sources.Registered, found: int) -> runs.Found | None:
    """Raise ModelUnknown; return where there is more than one, which is for the client to tell apart."""
    if found:
        return None
    versions = _versions(database, source.name)
    if versions:
        raise sources.unknown(source, versions, _aliases(database, source.name))
    raise sources.unknown_name(source, [name for (name,) in database.execute("SELECT name FROM registered_models")])


def _versions(database: sqlite3.Connection, name: str) -> list[int]:
    asked = "SELECT version FROM model_versions WHERE name = ? AND current_stage IS NOT 'Deleted_Internal'"
    return [int(version) for (version,) in database.execute(asked, (name,))]


def _aliases(database: sqlite3.Connection, name: str) -> list[str]:
    return [
        alias
        for (alias,) in database.execute("SELECT alias FROM registered_model_aliases WHERE name = ? ORDER BY alias", (name,))
    ]


def _local(location: str) -> pathlib.Path | None:
    """A model directory on this machine; None for other stores and for MLflow's own references."""
    if location.startswith("file:"):
        return pathlib.Path(urllib.parse.unquote(urllib.parse.urlsplit(location).path))
    return pathlib.Path(location) if location.startswith("/") else None


def _run(database: sqlite3.Connection, run_id: str) -> runs.Run | None:
    if not database.execute("SELECT 1 FROM runs WHERE run_uuid = ?", (run_id,)).fetchone():
        return None
    inputs = [
        runs.Input(
            name, source or "", dict(database.execute("SELECT name, value FROM input_tags WHERE input_uuid = ?", (place,)))
        )
        for place, name, source in database.execute(_INPUTS, (run_id,)).fetchall()
    ]
    metrics = database.execute("SELECT key, value FROM latest_metrics WHERE run_uuid = ? AND NOT is_nan", (run_id,))
    return runs.Run(
        params=dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run_id,))),
        tags=dict(database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run_id,))),
        metrics={key: float(value) for key, value in metrics},
        inputs=tuple(inputs),
    )
