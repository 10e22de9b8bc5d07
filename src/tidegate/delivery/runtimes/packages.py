"""What models of each loader are made with, and which of it is installed here. Standard library only: a model is profiled in its
own runtime, which has nothing else of ours.
"""

import importlib.metadata

_MADE_WITH = {
    "sklearn": ("scikit-learn", "numpy", "pandas", "skops", "joblib"),
    "onnx": ("onnxruntime", "numpy"),
    "lightgbm": ("lightgbm", "numpy"),
    "xgboost": ("xgboost", "numpy"),
    "torch": ("torch", "numpy"),
    "pyfunc": ("mlflow", "numpy", "pandas"),
}
_STANDS_IN = {"mlflow": "mlflow-skinny", "xgboost": "xgboost-cpu"}
"""A package that does for another of the same version."""


def installed(package: str) -> tuple[str, str]:
    """(name, version) of what is installed here of a package, or does for it; ("", "") where there is none. Imports nothing."""
    for name in filter(None, (package, _STANDS_IN.get(package))):
        try:
            return name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "", ""


def here(loader: str) -> tuple[str, ...]:
    """The packages that models of a loader are made with, NAME==VERSION, as they are installed here."""
    found = map(installed, _MADE_WITH.get(loader, ()))
    return tuple(f"{name}=={version}" for name, version in found if name)
