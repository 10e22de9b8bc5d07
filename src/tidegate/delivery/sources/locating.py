"""Where MLflow keeps its records."""

import os
import pathlib
import urllib.parse

from tidegate.core.vocabulary import errors

_OLD = "is an old MLflow file store, which MLflow itself no longer reads."
_MIGRATE = "Move it once: mlflow migrate-filestore --source . --target sqlite:///mlflow.db"
_SQLITE = "sqlite:///"


def uri() -> str:
    """MLFLOW_TRACKING_URI, else ./mlflow.db, else ./mlruns.db. Raises ModelSourceInvalid, with the way out of an old ./mlruns."""
    given = os.environ.get("MLFLOW_TRACKING_URI", "")
    if not given:
        for name in ("mlflow.db", "mlruns.db"):
            if pathlib.Path(name).is_file():
                return f"{_SQLITE}{pathlib.Path(name).absolute()}"
        if pathlib.Path("mlruns").is_dir():
            raise errors.ModelSourceInvalid(f"./mlruns {_OLD}", cure=_MIGRATE)
        cure = "Set MLFLOW_TRACKING_URI, or work where mlflow.db is."
        raise errors.ModelSourceInvalid("no MLflow found: there is no ./mlflow.db and MLFLOW_TRACKING_URI is not set.", cure=cure)
    if urllib.parse.urlsplit(given).scheme in ("", "file"):
        raise errors.ModelSourceInvalid(f"MLFLOW_TRACKING_URI={given} {_OLD}", cure=_MIGRATE)
    path = sqlite(given)
    if path is not None and not path.is_file():
        # MLflow would make an empty one and then say that the model does not exist.
        raise errors.ModelSourceInvalid(f"MLFLOW_TRACKING_URI={given}: there is no such file.")
    return given


def sqlite(where: str) -> pathlib.Path | None:
    """The database file of an SQLite address, else None."""
    return pathlib.Path(where.removeprefix(_SQLITE).partition("?")[0]) if where.startswith(_SQLITE) else None


def shown(where: str) -> str:
    """An address without the password it may hold."""
    parts = urllib.parse.urlsplit(where)
    return where.replace(f":{parts.password}@", ":***@") if parts.password else where
