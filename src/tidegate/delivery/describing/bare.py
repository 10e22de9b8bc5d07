"""Model files that nobody has described: which loader reads them, and a signature read off an example.

.skops .joblib .pkl     scikit-learn         .onnx        ONNX
.txt .lgb               LightGBM's text      .json .ubj   XGBoost's own
.pt .pt2                TorchScript, torch.export
.py, PATH.py:CLASS, a folder with model.py   a Python class with predict(batch)
"""

import json
import pathlib

from tidegate.core.vocabulary import errors
from tidegate.delivery.describing import examples, mlmodel, signatures
from tidegate.delivery.sources import sources

MODULE = "model.py"
_SKLEARN = {".joblib": "joblib", ".pkl": "pickle", ".pickle": "pickle", ".skops": "skops"}
_TORCH = {".pt": "torchscript", ".pt2": "export"}
_LOADERS = {".onnx": "onnx", ".txt": "lightgbm", ".lgb": "lightgbm", ".json": "xgboost", ".ubj": "xgboost"}
_BEGINS = {"lightgbm": (b"tree",), "xgboost": (b"{",)}
SUFFIXES = (*_SKLEARN, *_LOADERS, *_TORCH, ".py")


def is_module(path: pathlib.Path) -> bool:
    """Whether a folder is a Python model: it has a model.py and is no MLflow model."""
    return (path / MODULE).is_file() and not (path / mlmodel.FILE).exists()


def read(source: sources.Local, example: pathlib.Path | None) -> mlmodel.Draft:
    """The draft of a model file. Raises LoaderMissing, SignatureMissing without an example, ModelSourceInvalid."""
    path = source.path
    loader, options, why = _python(source) if path.is_dir() or path.suffix == ".py" else _format(path)
    if example is None:
        cure = "Give --example rows.csv with some input rows; or log the model to MLflow with a signature."
        raise errors.SignatureMissing(f"{path.name} says nothing of its inputs.", cure=cure)
    rows = examples.read(example)
    signature = signatures.seen(rows)
    if loader == "python":
        folder, files = _module_files(path)
        lock = mlmodel.lock(folder, keep_mlflow=True) if path.is_dir() else ()
        return mlmodel.Draft(loader, "", options, signature, rows, files, why, lock, exact=False)
    return mlmodel.Draft(loader, path.name, options, signature, rows, (path.name,), why, exact=False)


def _format(path: pathlib.Path) -> tuple[str, dict[str, str], str]:
    """(loader, options, why it needs trust)."""
    suffix = path.suffix.lower()
    if form := _SKLEARN.get(suffix):
        why = "" if form == "skops" else f"{path.name} is a {form if form != 'joblib' else 'joblib pickle'}"
        return "sklearn", {"format": form, "method": "predict"}, why
    if form := _TORCH.get(suffix):
        return "torch", {"format": form}, f"{path.name} is a PyTorch model"
    loader = _LOADERS.get(suffix)
    if loader is None or not _begins(path, loader):
        cure = f"Known: {', '.join(SUFFIXES)}, and folders with an MLmodel or a {MODULE}."
        raise errors.LoaderMissing(f"{path.name} is no model file known here.", cure=cure)
    return loader, _wrapper(path) if loader == "xgboost" else {}, ""


def _begins(path: pathlib.Path, loader: str) -> bool:
    """Whether a text that anything may call so begins as this loader's do."""
    with path.open("rb") as file:
        head = file.read(64).lstrip()
    return head.startswith(_BEGINS.get(loader, (b"",)))


def _wrapper(path: pathlib.Path) -> dict[str, str]:
    """XGBoost's scikit-learn wrappers write down that they are one; without that it is a booster."""
    if path.suffix.lower() != ".json":
        return {}
    try:
        noted = json.loads(json.loads(path.read_bytes())["learner"]["attributes"].get("scikit_learn", "{}"))
    except (ValueError, KeyError, TypeError, AttributeError) as broken:
        raise errors.LoaderMissing(f"{path.name} is no XGBoost model.", cure="Save it with save_model('model.json').") from broken
    kind = {"classifier": "XGBClassifier", "regressor": "XGBRegressor", "ranker": "XGBRanker"}
    name = kind.get(str(noted.get("_estimator_type")), "")
    return {"class": name, "method": "predict"} if name else {}


def _python(source: sources.Local) -> tuple[str, dict[str, str], str]:
    file = MODULE if source.path.is_dir() else source.path.name
    if source.path.is_dir() and not is_module(source.path):
        cure = f"Known: {', '.join(SUFFIXES)}, and folders with an MLmodel or a {MODULE}."
        raise errors.LoaderMissing(f"{source.path} is no model folder known here.", cure=cure)
    return "python", {"class": f"{file}:{source.member}"}, f"{file} is Python code"


def _module_files(path: pathlib.Path) -> tuple[pathlib.Path, tuple[str, ...]]:
    """A file alone, or everything of a folder but what Python, git and editors leave there."""
    if path.is_file():
        return path.parent, (path.name,)
    every = [one.relative_to(path) for one in path.rglob("*") if one.is_file() and not one.is_symlink()]
    kept = [one for one in every if not any(part.startswith(".") or part == "__pycache__" for part in one.parts)]
    return path, tuple(sorted(one.as_posix() for one in kept))
