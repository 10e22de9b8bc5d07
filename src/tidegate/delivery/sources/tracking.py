"""MLflow's own client: versions, files and runs of any server or database. The only module that imports it, inside functions.

It runs in a process of its own (`children`), since the import takes seconds and 80 MB. `database` is asked first.
"""

import os
import pathlib
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors
from tidegate.delivery.sources import locating, runs, sources


class Wanted(msgspec.Struct, frozen=True):
    """A request to find, or to fetch into a folder."""

    reference: str
    folder: str = ""


class Listed(msgspec.Struct, frozen=True):
    """References of what is registered."""

    references: tuple[str, ...]


def find(source: sources.Registered) -> runs.Found:
    """The version a reference means, with its run. Raises ModelUnknown listing what there is, or ModelSourceInvalid."""
    client = _client()
    try:
        if source.alias:
            version = client.get_model_version_by_alias(source.name, source.alias)
        else:
            version = client.get_model_version(source.name, source.version)
    except Exception as raised:
        raise _unknown(client, source, raised) from raised
    if version.status not in ("READY", None):
        raise errors.ModelSourceInvalid(f"{source} is not ready: {version.status} {version.status_message or ''}")
    number = str(version.version)  # an int from an SQL store, though it is typed str
    reference, run_id = f"mlflow://{source.name}/{number}", version.run_id or ""
    run = _run(client, run_id)
    return runs.Found(
        source.name, number, runs.provenance(reference, run_id, version.source or "", run), training=runs.training(run)
    )


def fetch(source: sources.Registered, folder: pathlib.Path) -> runs.Found:
    """Find it and copy its files into `folder`. Raises as `find` does, and ModelSourceInvalid when the files cannot be had."""
    found = find(source)
    import mlflow  # noqa: PLC0415 - seconds and 80 MB: only in the process that fetches

    try:
        mlflow.artifacts.download_artifacts(artifact_uri=f"models:/{found.name}/{found.version}", dst_path=str(folder))
    except Exception as raised:
        cure = "See whether its artifact store can be reached from here."
        raise errors.ModelSourceInvalid(
            f"the files of {found.provenance.source} cannot be read: {raised}.", cure=cure
        ) from raised
    return found


def available() -> list[str]:
    """References of what is registered: mlflow://NAME@ALIAS for each alias, else mlflow://NAME/VERSION of the newest."""
    listed: list[str] = []
    for model in _client().search_registered_models(max_results=200):
        newest = max((int(version.version) for version in model.latest_versions or ()), default=0)
        aliases = sorted(model.aliases or {})
        listed += [f"mlflow://{model.name}@{alias}" for alias in aliases] or [f"mlflow://{model.name}/{newest}"]
    return listed


def _client() -> Any:
    where = locating.uri()
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
    os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "30")
    os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"
    os.environ["MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"] = "false"
    try:
        import mlflow  # noqa: PLC0415 - seconds and 80 MB: only in the process that fetches
    except ModuleNotFoundError as absent:
        raise errors.ModelSourceInvalid("mlflow is not installed here.", cure="pip install 'tidegate[mlflow]'") from absent
    mlflow.set_tracking_uri(where)
    try:
        return mlflow.MlflowClient()
    except Exception as raised:
        raise errors.ModelSourceInvalid(f"MLflow at {locating.shown(where)} cannot be used: {raised}") from raised


def _unknown(client: Any, source: sources.Registered, raised: Exception) -> errors.TidegateError:
    code = getattr(raised, "error_code", "")
    if code not in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE", "NOT_FOUND"):
        where = locating.shown(locating.uri())
        return errors.ModelSourceInvalid(
            f"MLflow at {where} does not answer: {str(raised)[:300]}", cure="Check MLFLOW_TRACKING_URI."
        )
    versions = list(client.search_model_versions(f"name='{source.name}'")) if "'" not in source.name else []
    if versions:
        aliases = client.get_registered_model(source.name).aliases or {}
        return sources.unknown(source, [int(version.version) for version in versions], list(aliases))
    return sources.unknown_name(source, [model.name for model in client.search_registered_models(max_results=50)])


def _run(client: Any, run_id: str) -> runs.Run | None:
    try:
        run = client.get_run(run_id) if run_id else None
    except Exception:
        return None  # deleted since: what is known is the version
    if run is None:
        return None
    given = getattr(run.inputs, "dataset_inputs", None) or ()
    inputs = [runs.Input(one.dataset.name, one.dataset.source, {tag.key: tag.value for tag in one.tags or ()}) for one in given]
    params = {name: str(value) for name, value in run.data.params.items()}
    return runs.Run(params, dict(run.data.tags), {name: float(value) for name, value in run.data.metrics.items()}, tuple(inputs))
