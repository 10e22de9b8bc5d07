"""What MLflow says of a run and a model version, in our words: the same whether its database, server or client was asked."""

import math

import msgspec

from tidegate.core.vocabulary import manifests, urls


class Training(msgspec.Struct, frozen=True):
    """How a run came to be started, as far as it noted that. No part of a bundle: it is asked for when a recipe is written."""

    repository: str = ""
    """Of its code: the tag `mlflow.source.git.repoURL`."""
    branch: str = ""
    entry: str = ""
    """The script, or the entry point of an MLflow project."""
    command: str = ""
    """All of it: the tag `tidegate.command`, which whoever trains may set."""


class Found(msgspec.Struct, frozen=True):
    """A model version with nothing left open."""

    name: str
    version: str
    provenance: manifests.Provenance
    files: str = ""
    """The model directory, where it is on this machine."""
    training: Training = Training()


class Input(msgspec.Struct, frozen=True):
    """A data set that a run was given."""

    name: str
    source: str
    tags: dict[str, str]


class Run(msgspec.Struct, frozen=True):
    """A run, as far as it concerns a bundle."""

    params: dict[str, str]
    tags: dict[str, str]
    metrics: dict[str, float]
    inputs: tuple[Input, ...] = ()


def model_id(source: str) -> str:
    """The logged model's id: it is inside a version's source; the field made for it is empty outside Databricks."""
    return source.removeprefix("models:/") if source.startswith("models:/m-") else ""


def provenance(reference: str, run_id: str, source: str, run: Run | None) -> manifests.Provenance:
    """Where a version came from; without its run (deleted since, or never one) only its names are known."""
    if run is None:
        return manifests.Provenance(reference, run_id, model_id(source))
    notes = {**run.params, **run.tags}
    return manifests.Provenance(
        reference,
        run_id,
        model_id(source),
        code_revision=notes.get("mlflow.source.git.commit") or notes.get("tidegate.code_revision", ""),
        parameters=dict(sorted(run.params.items())),
        metrics={name: value for name, value in sorted(run.metrics.items()) if math.isfinite(value)},
        data=_data(run.inputs, notes),
    )


def training(run: Run | None) -> Training:
    """How the run was started."""
    tags = run.tags if run else {}
    entry = tags.get("mlflow.project.entryPoint") or tags.get("mlflow.source.name", "")
    return Training(
        tags.get("mlflow.source.git.repoURL", ""),
        tags.get("mlflow.source.git.branch", ""),
        entry,
        tags.get("tidegate.command", ""),
    )


def _data(inputs: tuple[Input, ...], notes: dict[str, str]) -> tuple[manifests.Dataset, ...]:
    """The run's data sets, each with a sha256 that somebody computed over all of it.

    MLflow's own digest is 8 digits over the first 10,000 rows: no content hash, so it is left out.
    """
    data: list[manifests.Dataset] = []
    for given in inputs:
        role = given.tags.get("mlflow.data.context", "training")
        own = given.tags.get("sha256") or given.tags.get("tidegate.sha256")
        sha256 = own or _noted(notes, given.name) or _noted(notes, f"{role}_data")
        data.append(manifests.Dataset(given.name, role, sha256, _origin(given.source)))
    for role in ("training", "validation", "test"):
        # What the run noted of a role stands for itself where no data set of that role was logged.
        if (sha256 := _noted(notes, f"{role}_data")) and not any(one.role == role for one in data):
            data.append(manifests.Dataset(f"{role} data", role, sha256))
    return tuple(sorted(data, key=lambda one: (one.role, one.name, one.sha256)))


def _noted(notes: dict[str, str], what: str) -> str:
    return notes.get(f"{what}_sha256") or notes.get(f"tidegate.{what}_sha256", "")


def _origin(source: str) -> str:
    """Where a data set came from, out of MLflow's JSON; what else is in there (users, secrets) stays out of the bundle."""
    try:
        given = msgspec.json.decode(source)
    except ValueError:
        return urls.bare(source)[:500]
    if not isinstance(given, dict):
        return ""
    return next((urls.bare(str(given[key]))[:500] for key in ("uri", "url", "path", "table_name") if given.get(key)), "")
