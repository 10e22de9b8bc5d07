"""Logging the models to MLflow and registering them, as a team would: run, parameters, metrics, data, signature, aliases.

MLflow keeps runs and registered models in one SQLite file, artifacts beside it; no server is needed.
"""

import contextlib
import dataclasses
import hashlib
import io
import logging
import os
import pathlib
import subprocess
import warnings
from collections.abc import Iterator
from importlib import metadata

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")

import mlflow
import mlflow.data
import mlflow.models
import mlflow.sklearn
import pandas as pd

from tidegate.interface.demo.flights import data, models

NAME = "flight-delay"
_REQUIREMENTS = ("scikit-learn", "pandas", "numpy", "skops")
_EXPERIMENT = "flights"
_TRUSTED = ("numpy.dtype",)
"""SimpleImputer keeps the dtype it was fitted on; making one runs no code, but skops asks to have it named."""


@dataclasses.dataclass(frozen=True)
class Registered:
    """One version in the registry."""

    version: int
    run_id: str
    sha256: str


def address(folder: pathlib.Path) -> str:
    """What MLFLOW_TRACKING_URI has to be for this one."""
    return f"sqlite:///{folder.absolute() / 'mlflow.db'}"


class Registry:
    """An MLflow of one's own in a directory."""

    def __init__(self, folder: pathlib.Path) -> None:
        """Make it, or open it where there is one."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder.absolute()
        artifacts = (folder.absolute() / "mlruns").as_uri()
        with _quiet():
            mlflow.set_tracking_uri(address(folder))
            mlflow.set_registry_uri(address(folder))
            self._client = mlflow.MlflowClient()
            found = self._client.get_experiment_by_name(_EXPERIMENT)
            self._experiment = found.experiment_id if found else self._client.create_experiment(_EXPERIMENT, artifacts)
        self._requirements = [f"{name}=={metadata.version(name)}" for name in _REQUIREMENTS]

    def log(self, trained: models.Trained, live: pd.DataFrame) -> Registered:
        """Log one fitted model and register it as the next version of `flight-delay`.

        `live`: rows as live requests have them. The team keeps one schema for all versions, taken from them: which
        columns may be missing is a fact of the traffic, not of the table one version happened to be trained on.
        """
        recipe = trained.recipe
        with _quiet(), mlflow.start_run(experiment_id=self._experiment, run_name=f"v{recipe.number}") as run:
            mlflow.log_params(trained.parameters)
            mlflow.log_metrics(trained.metrics)
            path, sha256 = self._kept(trained)
            mlflow.set_tags({"training_data_sha256": sha256, "title": recipe.title, **_revision()})
            table = mlflow.data.from_pandas(
                trained.table, name=f"flights-2013-v{recipe.number}", targets="late", source=str(path)
            )
            mlflow.log_input(table, context="training", tags={"sha256": sha256})
            logged = mlflow.sklearn.log_model(
                trained.model,
                name="model",
                signature=mlflow.models.infer_signature(live[[*data.FEATURES]], trained.model.predict_proba(trained.example)),
                input_example=trained.example,
                pip_requirements=self._requirements,
                pyfunc_predict_fn="predict_proba",
                skops_trusted_types=[*_TRUSTED],
                registered_model_name=NAME,
            )
        version = int(logged.registered_model_version)
        for alias in (recipe.alias, "candidate"):
            self._client.set_registered_model_alias(NAME, alias, str(version))
        return Registered(version, run.info.run_id, sha256)

    def _kept(self, trained: models.Trained) -> tuple[pathlib.Path, str]:
        """The table that a version was fitted on, as a file, and its sha256: the baseline profile is of it."""
        path = self._folder / f"trained-v{trained.recipe.number}.parquet"
        trained.table.to_parquet(path)
        return path, hashlib.sha256(path.read_bytes()).hexdigest()


def _revision() -> dict[str, str]:
    """The git revision that trained it, where the demo is run inside a repository."""
    try:
        found = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True)
    except (OSError, subprocess.SubprocessError):
        return {}
    return {"mlflow.source.git.commit": found.stdout.strip()}


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """MLflow tells a screen of things that are no news here; what goes wrong is raised, not logged."""
    loud = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    before = [one.level for one in loud]
    for one in loud:
        one.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        for one, level in zip(loud, before, strict=True):
            one.setLevel(level)
