"""The MLmodel file of an MLflow model directory -> what a bundle needs to know, read without running anything of the model."""

import dataclasses
import pathlib
from typing import Any

import msgspec
import yaml

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.registry import examples, signatures

FILE = "MLmodel"
_DATA_ONLY = {"mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost", "mlflow.onnx"}
"""Loader modules of flavours whose files are data: loading them runs no code from the artifact."""
_OF_THE_MAKER = ("artifact_path", "model_id", "model_uuid", "run_id", "utc_time_created", "model_size_bytes")
"""Keys with a clock, a machine's path or a run in them: they would give the same model another digest each time."""

_BESIDE = ("input_example.json", "serving_input_example.json", "registered_model_meta")
"""Files of a model directory that decide no prediction."""


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
    pyfunc = flavors.get("python_function") or {}
    if not pyfunc:
        raise errors.LoaderMissing(
            f"the model has only the flavours {', '.join(sorted(flavors)) or '(none)'}, and none of them is python_function.",
            cure="Log it with an MLflow flavour that has pyfunc.",
        )
    signature = signatures.declared(described.get("signature") or {})
    form = (
        _sklearn(flavors["sklearn"], pyfunc) if pyfunc.get("loader_module") == "mlflow.sklearn" and "sklearn" in flavors else None
    )
    loader, entry, options, why = form or _pyfunc(pyfunc)
    return Draft(
        loader=loader,
        entry=entry,
        options=options,
        signature=signature,
        rows=examples.of_mlflow(folder, described.get("saved_input_example_info") or {}, signature),
        files=_files(folder, entry, options.get("code", "")),
        needs_trust=why,
        lock=_lock(folder, keep_mlflow=loader == "pyfunc"),
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


def _sklearn(flavor: dict[str, Any], pyfunc: dict[str, Any]) -> tuple[str, str, dict[str, str], str]:
    entry = str(flavor.get("pickled_model") or pyfunc.get("model_path") or "model.pkl")
    form = str(flavor.get("serialization_format") or "pickle")
    options = {"format": form, "method": str(pyfunc.get("predict_fn") or "predict")}
    if types := flavor.get("skops_trusted_types"):
        options["types"] = msgspec.json.encode(sorted(types)).decode()
    if code := flavor.get("code") or pyfunc.get("code"):
        options["code"] = str(code)
    why = f"{code}/ holds the model's own code" if code else f"{entry} is a {form}" if form != "skops" else ""
    return "sklearn", entry, options, why


def _pyfunc(pyfunc: dict[str, Any]) -> tuple[str, str, dict[str, str], str]:
    module = str(pyfunc.get("loader_module") or "")
    code = pyfunc.get("code")
    why = "" if module in _DATA_ONLY and not code else f"{module or 'the model'} loads code or pickles from the artifact"
    return "pyfunc", "", {"trust_needed": why} if why else {}, why


def _files(folder: pathlib.Path, entry: str, code: str) -> tuple[str, ...]:
    """What is loaded, no more: a bundle's digest is not to change with a file that decides nothing."""
    every = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    every = [path for path in every if "__pycache__" not in path]
    if not entry:
        return tuple(path for path in every if path not in _BESIDE)
    if entry not in every:
        raise errors.ModelSourceInvalid(f"{folder} lacks {entry}, which its MLmodel names.")
    return tuple(path for path in every if path == entry or (code and path.startswith(f"{code}/")))


def normalised(folder: pathlib.Path) -> bytes:
    """The MLmodel file without what names its maker's machine, run and clock."""
    kept = {key: value for key, value in _described(folder).items() if key not in _OF_THE_MAKER}
    return yaml.safe_dump(kept, sort_keys=True).encode()


def _lock(folder: pathlib.Path, *, keep_mlflow: bool) -> tuple[str, ...]:
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
