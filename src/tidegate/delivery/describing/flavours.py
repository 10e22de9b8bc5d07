"""MLflow's flavours -> our loaders: read natively where the answers are pyfunc's own, through pyfunc otherwise.

What pyfunc does at each call (schema enforcement, a frame, a wrapper) the codec has done already, or is not needed.
"""

import dataclasses
import pathlib
import re
from collections.abc import Callable
from typing import Any

import msgspec

_DATA_ONLY = {"mlflow.xgboost", "mlflow.lightgbm", "mlflow.catboost", "mlflow.onnx"}
"""Loader modules of flavours whose files are data: loading them runs no code from the artifact."""
_PICKLE_MODULES = ("mlflow.pytorch.pickle_module", "pickle", "cloudpickle")
_XGBOOST = re.compile(r"xgboost\.sklearn\.(XGB\w+)")


@dataclasses.dataclass(frozen=True)
class Reading:
    """How a model directory is loaded."""

    loader: str
    entry: str
    """Relative to the model directory; empty: the directory itself."""
    options: dict[str, str]
    why: str = ""
    """Why loading it runs code; empty where it does not."""


def reading(folder: pathlib.Path, flavors: dict[str, Any]) -> Reading:
    """How to load a model that has the flavour python_function."""
    pyfunc = flavors["python_function"]
    module = str(pyfunc.get("loader_module") or "")
    flavor = module.removeprefix("mlflow.")
    native = _NATIVE.get(flavor)
    if native is not None and flavor in flavors:
        found = native(folder, {**flavors[flavor], "code": flavors[flavor].get("code") or pyfunc.get("code")}, pyfunc)
        if found is not None:
            return found
    code = pyfunc.get("code")
    why = "" if module in _DATA_ONLY and not code else f"{module or 'the model'} loads code or pickles from the artifact"
    return Reading("pyfunc", "", {"trust_needed": why} if why else {}, why)


def _sklearn(_folder: pathlib.Path, flavor: dict[str, Any], pyfunc: dict[str, Any]) -> Reading:
    entry = str(flavor.get("pickled_model") or pyfunc.get("model_path") or "model.pkl")
    form = str(flavor.get("serialization_format") or "pickle")
    return _estimator(entry, form, flavor, str(pyfunc.get("predict_fn") or "predict"))


def _estimator(entry: str, form: str, flavor: dict[str, Any], method: str) -> Reading:
    """An estimator that was serialised as an object."""
    options = {"format": form, "method": method}
    if types := flavor.get("skops_trusted_types"):
        options["types"] = msgspec.json.encode(sorted(types)).decode()
    if code := flavor.get("code"):
        options["code"] = str(code)
    why = f"{code}/ holds the model's own code" if code else f"{entry} is a {form}" if form != "skops" else ""
    return Reading("sklearn", entry, options, why)


def _lightgbm(_folder: pathlib.Path, flavor: dict[str, Any], _pyfunc: dict[str, Any]) -> Reading | None:
    entry = str(flavor.get("data") or "model.lgb")
    if flavor.get("model_class", "lightgbm.basic.Booster") != "lightgbm.basic.Booster":
        return _estimator(entry, str(flavor.get("serialization_format") or "cloudpickle"), flavor, "predict")
    return None if flavor.get("code") else Reading("lightgbm", entry, {})


def _xgboost(_folder: pathlib.Path, flavor: dict[str, Any], _pyfunc: dict[str, Any]) -> Reading | None:
    kind = str(flavor.get("model_class") or "xgboost.core.Booster")
    wrapper = _XGBOOST.fullmatch(kind)
    if flavor.get("code") or not (wrapper or kind == "xgboost.core.Booster"):
        return None
    return Reading(
        "xgboost", str(flavor.get("data") or "model.xgb"), {"class": wrapper[1], "method": "predict"} if wrapper else {}
    )


def _onnx(_folder: pathlib.Path, flavor: dict[str, Any], _pyfunc: dict[str, Any]) -> Reading | None:
    return None if flavor.get("code") else Reading("onnx", str(flavor.get("data") or "model.onnx"), {})


def _pytorch(folder: pathlib.Path, flavor: dict[str, Any], _pyfunc: dict[str, Any]) -> Reading | None:
    data = str(flavor.get("model_data") or "data")
    code = {"code": str(flavor["code"])} if flavor.get("code") else {}
    if (folder / data / "model.pt2").is_file():
        return Reading("torch", f"{data}/model.pt2", {"format": "export", **code}, "model.pt2 is a PyTorch model")
    with_module = folder / data / "pickle_module_info.txt"
    unusual = not with_module.is_file() or with_module.read_text().strip() not in _PICKLE_MODULES
    if unusual or not (folder / data / "model.pth").is_file() or _forecasts(folder):
        return None
    return Reading("torch", f"{data}/model.pth", {"format": "pickle", **code}, "model.pth is a pickle")


def _forecasts(folder: pathlib.Path) -> bool:
    """pytorch-forecasting's models are called with a frame, by a method of their own."""
    listed = folder / "requirements.txt"
    return listed.is_file() and "forecasting" in listed.read_text()


_NATIVE: dict[str, Callable[[pathlib.Path, dict[str, Any], dict[str, Any]], Reading | None]] = {
    "sklearn": _sklearn,
    "lightgbm": _lightgbm,
    "xgboost": _xgboost,
    "onnx": _onnx,
    "pytorch": _pytorch,
}
