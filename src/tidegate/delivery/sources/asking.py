"""Questions to the registry. What its database file does not answer plainly is asked of MLflow's client, in a process of its own:
callers never import it.
"""

import os
import pathlib

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.delivery.sources import children, database, locating, runs, sources, tracking

SECONDS = 120.0
FETCH_SECONDS = 900.0


class _Nothing(msgspec.Struct):
    pass


def resolve(reference: str) -> str:
    """The reference with nothing left open: mlflow://NAME/3, file:///models/x.joblib.

    Raises ModelSourceInvalid (no such form, no MLflow found, an old file store, no such path) or ModelUnknown, which lists what
    there is.
    """
    source = sources.parse(reference)
    return str(source) if isinstance(source, sources.Local) else _found(source).provenance.source


def training(reference: str) -> runs.Training:
    """How the run behind a registered model was started. Raises as `resolve` does; of a file nothing is known."""
    source = sources.parse(reference)
    return runs.Training() if isinstance(source, sources.Local) else _found(source).training


def fetch(source: sources.Registered, folder: pathlib.Path) -> runs.Found:
    """The version, its files on this machine: where MLflow keeps them, or copied into `folder`. Raises as `resolve` does."""
    found = _direct(source)
    if found is not None:
        return found
    folder.mkdir()
    wanted = tracking.Wanted(str(source), str(folder))
    return children.run("fetch", wanted, runs.Found, env=children.open_environment(), seconds=FETCH_SECONDS)


def near(source: sources.Registered) -> pathlib.Path | None:
    """Where the version's files are on this machine; None where MLflow's client has to be asked. Raises as `resolve` does."""
    found = _direct(source)
    return pathlib.Path(found.files) if found and found.files else None


def noted(reference: str) -> manifests.Provenance:
    """What is known of the run behind a reference without asking MLflow's client. Raises as `resolve` does."""
    source = sources.parse(reference)
    found = None if isinstance(source, sources.Local) else _direct(source)
    return found.provenance if found else manifests.Provenance(reference)


def available() -> tuple[str, ...]:
    """References of what MLflow has registered. Raises ModelSourceInvalid where there is no MLflow to ask."""
    path = locating.sqlite(locating.uri())
    listed = database.available(path) if path and _one_store() else None
    if listed is not None:
        return listed
    return children.run("list", _Nothing(), tracking.Listed, env=children.open_environment(), seconds=SECONDS).references


def _found(source: sources.Registered) -> runs.Found:
    found = _direct(source)
    if found is not None:
        return found
    return children.run("resolve", tracking.Wanted(str(source)), runs.Found, env=children.open_environment(), seconds=SECONDS)


def _direct(source: sources.Registered) -> runs.Found | None:
    path = locating.sqlite(locating.uri())
    return database.find(path, source) if path and _one_store() else None


def _one_store() -> bool:
    """Whether the registry is where the runs are: MLflow allows it to be elsewhere."""
    return not os.environ.get("MLFLOW_REGISTRY_URI")
