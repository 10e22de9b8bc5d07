"""A plain Python class of the model's maker. It is code, so it needs trust.

Options: `class` (FILE.py:NAME, relative to the entry's folder). The class is made without arguments; if it has `load(folder)`,
that is called once with the folder the file lies in. `predict(batch)` answers a batch:

- models of columns are given {column name: [values, one a row]}, models of tensors {input name: array}
- with `takes = "records"` on the class, [{column name: value}, ...]; with `takes = "frame"`, a pandas DataFrame

A missing number is NaN, any other missing value None. It answers one value a row (list or array), or a dict of those by output
name. What it raises counts as its failure to predict.
`classes` and `columns` on it, where they are, tell which classes it knows and which columns it wants.
"""

import importlib.util
import math
import pathlib
import sys
from collections.abc import Callable
from typing import Any

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bundles, datatypes
from tidegate.dataplane.models.loaders import arrays, trusted


class Model:
    """An instance of the class."""

    def __init__(self, made: Any, bundle: bundles.Bundle) -> None:
        """Raises ModelLoadFailed when it has no `predict`, or wants its batches in no form that there is."""
        if not callable(getattr(made, "predict", None)):
            raise errors.ModelLoadFailed(f"{type(made).__name__} has no method predict(batch)")
        self._made, self._outputs = made, bundle.manifest.signature.outputs
        self._read = _reader(getattr(made, "takes", "columns"), bundle.manifest.signature)
        self.classes: tuple[Any, ...] = tuple(getattr(made, "classes", ()))
        self.columns: tuple[str, ...] = tuple(map(str, getattr(made, "columns", ())))

    def answer(self, batch: batches.Batch) -> Any:
        """What the model says, untouched."""
        return self._made.predict(self._read(batch))

    def predict(self, batch: batches.Batch) -> batches.Values:
        """Values by output name."""
        return arrays.values(self.answer(batch), self._outputs)

    def under(self, bundle: bundles.Bundle) -> "Model":
        """The same instance under another manifest of the same files."""
        return Model(self._made, bundle)


def _reader(takes: str, signature: manifests.Signature) -> Callable[[batches.Batch], Any]:
    if signature.kind == "tensor":
        each = {column.name: arrays.tensor(column) for column in signature.inputs}
        return lambda batch: {name: read(batch) for name, read in each.items()}
    if takes == "frame":
        return arrays.reader(signature)
    if takes not in ("columns", "records"):
        raise errors.ModelLoadFailed(f"`takes` is {takes!r}; it can be columns, records or frame")
    names = [column.name for column in signature.inputs]
    numbers = {column.name for column in signature.inputs if datatypes.of(column).family == "number"}

    def columns(batch: batches.Batch) -> dict[str, list[Any]]:
        given = {name: batches.entries(values) for name, values in batches.columns(batch, names).items()}
        return {name: _numbers(values) if name in numbers else values for name, values in given.items()}

    def records(batch: batches.Batch) -> list[dict[str, Any]]:
        return [dict(zip(names, row, strict=True)) for row in zip(*columns(batch).values(), strict=True)]

    return records if takes == "records" else columns


def _numbers(values: list[Any]) -> list[Any]:
    return [math.nan if value is None else value for value in values] if None in values else values


def load(bundle: bundles.Bundle) -> Model:
    """The model. Raises TrustRequired before anything is read when nobody has trusted it, ModelLoadFailed without the class."""
    trusted.demand(bundle, f"{bundle.manifest.entry} is Python code")
    file, _, name = bundle.manifest.options["class"].partition(":")
    path = bundle.entry / file
    module = _module(path)
    found = getattr(module, name, None) if name else _only(module, path)
    if not isinstance(found, type):
        raise errors.ModelLoadFailed(f"{file} has no class {name}", cure="Name it: PATH/model.py:NAME.")
    made = found()
    if callable(getattr(made, "load", None)):
        made.load(path.parent)
    return Model(made, bundle)


def _module(path: pathlib.Path) -> Any:
    """The file as a module, its folder on the path for what lies beside it."""
    trusted.put_on_path(path.parent)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise errors.ModelLoadFailed(f"{path.name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # so that classes defined in it can be pickled and found
    spec.loader.exec_module(module)
    return module


def _only(module: Any, path: pathlib.Path) -> Any:
    """The class called Model, else the only one with a `predict` that the file itself defines."""
    own = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    able = [one for one in own if callable(getattr(one, "predict", None))]
    named = [one for one in able if one.__name__ == "Model"]
    if len(named or able) != 1:
        names = ", ".join(one.__name__ for one in able) or "none"
        raise errors.ModelLoadFailed(f"{path.name} has {names} with predict(batch).", cure=f"Name one: PATH/{path.name}:NAME.")
    return (named or able)[0]
