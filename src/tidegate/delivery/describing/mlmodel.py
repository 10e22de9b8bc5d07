"""The MLmodel file of an MLflow model directory -> what a bundle needs to know, read without running anything of the model."""

import dataclasses
import pathlib
from typing import Any

import yaml

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.describing import examples, flavours, signatures

FILE = "MLmodel"
_OF_THE_MAKER = ("artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created", "model_size_bytes")
"""Keys with a clock, a machine's path or a run in them: they would give the same model another digest each time."""

_BESIDE = ("input_example.json", "serving_input_example.json", "registered_model_meta")
"""Files of a model directory that decide no prediction."""
_DESCRIBING = (*_BESIDE, FILE, "conda.yaml", "python_env.yaml", "requirements.txt")


@dataclasses.dataclass(frozen=True)
class Draft:
    """A bundle in the making: all but its outputs, its profile and its digest."""

    loader: str
    entry: str
    """Relative to the model directory; empty: the directory itself."""
    options: dict[str, str]
    signature: manifests.Signature
    """Its outputs are what the model's maker declared; empty where nothing was."""
    rows: list[Any]
    """Example rows; empty where the model has none."""
    files: tuple[str, ...]
    """What belongs into the bundle, relative to the model directory."""
    needs_trust: str = ""
    """Why loading it runs code; empty where it does not."""
    lock: tuple[str, ...] = ()
    python: str = ""
    exact: bool = True
    """Whether the signature was declared; False: it was read off an example, and the model may know better."""


def read(folder: pathlib.Path) -> Draft:
    """The draft of a model directory. Raises ModelSourceInvalid, SignatureMissing or LoaderMissing."""
    described = _described(folder)
    flavors = described.get("flavors") or {}
    pyfunc = flavors.get("python_function")
    if not pyfunc:
        raise errors.LoaderMissing(
            f"the model has only the flavours {', '.join(sorted(flavors)) or '(none)'}, and none of them is python_function.",
            cure="Log it with an MLflow flavour that has pyfunc.",
        )
    signature = signatures.declared(described.get("signature") or {})
    how = flavours.reading(folder, flavors)
    return Draft(
        loader=how.loader,
        entry=how.entry,
        options=how.options,
        signature=signature,
        rows=examples.of_mlflow(folder, described.get("saved_input_example_info") or {}, signature),
        files=_files(folder, how),
        needs_trust=how.why,
        lock=lock(folder, keep_mlflow=how.loader == "pyfunc"),
        python=str(pyfunc.get("python_version") or ""),
    )


def _described(folder: pathlib.Path) -> dict[str, Any]:
    try:
        described = yaml.safe_load((folder / FILE).read_text())
    except FileNotFoundError as gone:
        raise errors.ModelSourceInvalid(f"{folder} has no MLmodel file, so it is no MLflow model.") from gone
    except (yaml.YAMLError, UnicodeDecodeError) as broken:
        raise errors.ModelSourceInvalid(f"{folder}/MLmodel cannot be read: {broken}") from broken
    if not isinstance(described, dict):
        raise errors.ModelSourceInvalid(f"{folder}/MLmodel is no MLflow model.")
    return described


def _files(folder: pathlib.Path, how: flavours.Reading) -> tuple[str, ...]:
    """What is loaded, no more: a bundle's digest is not to change with a file that decides nothing."""
    every = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    every = [path for path in every if "__pycache__" not in path]
    entry, code = how.entry, how.options.get("code", "")
    if not entry:
        return tuple(path for path in every if path not in _BESIDE)
    if entry not in every:
        raise errors.ModelSourceInvalid(f"{folder} lacks {entry}, which its MLmodel names.")
    # The weights of a large ONNX model lie beside it.
    weights = [path for path in every if how.loader == "onnx" and path not in _DESCRIBING]
    return tuple(path for path in every if path == entry or path in weights or (code and path.startswith(f"{code}/")))


def normalised(folder: pathlib.Path) -> bytes:
    """The MLmodel file without what names its maker's machine, run and clock."""
    kept = {key: value for key, value in _described(folder).items() if key not in _OF_THE_MAKER}
    return yaml.safe_dump(kept, sort_keys=True).encode()


def lock(folder: pathlib.Path, *, keep_mlflow: bool) -> tuple[str, ...]:
    """The model's own requirements; MLflow itself only where the loader needs it."""
    lines: list[str] = []
    if (folder / "requirements.txt").is_file():
        lines = (folder / "requirements.txt").read_text().splitlines()
    elif (folder / "conda.yaml").is_file():
        conda = yaml.safe_load((folder / "conda.yaml").read_text()) or {}
        lines = [line for part in conda.get("dependencies") or () if isinstance(part, dict) for line in part.get("pip") or ()]
    wanted = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
    return tuple(line for line in wanted if keep_mlflow or _package(line) not in ("mlflow", "mlflow-skinny"))


def _package(requirement: str) -> str:
    name = requirement
    for mark in "[<>=!~; ":
        name = name.partition(mark)[0]
    return name.lower().replace("_", "-")
