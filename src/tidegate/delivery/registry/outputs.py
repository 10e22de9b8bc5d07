"""What a model's outputs are, as its own answer to the example shows: their names and types, and the classes it tells apart.

Called by `profiling`, in the model's process.
"""

from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bins, datatypes

_ROUNDING = 1e-3
"""By how much probabilities in FP16 may add up to something else than 1."""
_KINDS = {"f": "double", "i": "long", "u": "long", "b": "boolean", "M": "datetime"}
_TENSORS = {"f": "FP64", "i": "INT64", "u": "INT64", "b": "BOOL"}


def of(answer: Any, manifest: manifests.Manifest, known: tuple[Any, ...]) -> tuple[tuple[manifests.Column, ...], dict[str, str]]:
    """The outputs, and what the loader has to know of them: declared names are kept, the model's own answer decides the rest.

    `known`: the model's own classes. Raises OutputInvalid.
    """
    declared = manifest.signature.outputs
    shape = tuple(getattr(answer, "shape", ()))
    if manifest.options.get("method") == "predict_proba" and not hasattr(answer, "columns"):
        if len(shape) != 2:
            raise errors.OutputInvalid("the model answers probabilities for several outputs at once, which cannot be served.")
        listed = msgspec.json.encode([bins.said(one) for one in known]).decode()
        if len(declared) == shape[1] > 1 and all(column.name for column in declared):
            return declared, {"classes": listed} if len(known) == len(declared) else {}
        name = declared[0].name if len(declared) == 1 else ""
        if shape[1] == 2:
            return (manifests.Column(name or "probability", "double"),), {"positive": "1"}
        return (manifests.Column(name or "probabilities", "FP64", shape=(-1, shape[1])),), {"classes": listed}
    if declared:
        unnamed = "prediction" if len(declared) == 1 else "prediction_{}"
        return tuple(
            column if column.name else msgspec.structs.replace(column, name=unnamed.format(place))
            for place, column in enumerate(declared)
        ), {}
    return _inferred(answer), {}


def _inferred(answer: Any) -> tuple[manifests.Column, ...]:
    """Outputs as the answer itself shows them: a frame's columns, a dict's entries, or one called prediction."""
    import numpy as np  # noqa: PLC0415 - the model's own package

    if hasattr(answer, "columns"):
        return tuple(manifests.Column(str(name), _KINDS.get(answer[name].dtype.kind, "string")) for name in answer.columns)
    if isinstance(answer, dict) and answer:
        return tuple(_shown(str(name), np.asarray(entries)) for name, entries in answer.items())
    if isinstance(answer, list) or hasattr(answer, "dtype"):
        return (_shown("prediction", np.asarray(answer)),)
    raise errors.OutputInvalid(
        f"the model answers a {type(answer).__name__}, and its signature says no outputs.",
        cure="Log it with signature=infer_signature(X, model.predict(X)).",
    )


def _shown(name: str, entries: Any) -> manifests.Column:
    kind, shape = entries.dtype.kind, entries.shape
    if len(shape) < 2 or shape[1:] == (1,):
        return manifests.Column(name, _KINDS.get(kind, "string"))
    return manifests.Column(name, _TENSORS.get(kind, "BYTES"), shape=(-1, *shape[1:]))


def classes(manifest: manifests.Manifest, values: batches.Values, known: tuple[Any, ...]) -> list[str]:
    """The classes whose probabilities an output is, where nothing has said so: each row of it adds up to 1.

    By the model's own names where it has as many; else by the label that it answers beside them, where that always is the
    likeliest one's; else by their places, from 0. Empty where no output is probabilities.
    """
    columns = manifest.signature.outputs
    wide = [one for one in columns if len(one.shape) == 2 and one.shape[1] > 1 and datatypes.of(one).family == "number"]
    found = next((one for one in wide if _are_probabilities(batches.entries(values[one.name]))), None)
    if found is None or manifest.options.get("classes"):
        return []
    if len(known) == found.shape[1]:
        return [bins.said(one) for one in known]
    names = [str(place) for place in range(found.shape[1])]
    if len(columns[0].shape) <= 1:
        labels = batches.entries(values[columns[0].name])
        places = [max(range(len(row)), key=row.__getitem__) for row in batches.entries(values[found.name])]
        told = {place: bins.said(label) for place, label in zip(places, labels, strict=True)}
        if len(told) == len(names) and all(told[place] == bins.said(label) for place, label in zip(places, labels, strict=True)):
            return [told[place] for place in range(len(names))]
    return names


def _are_probabilities(table: list[list[float]]) -> bool:
    return all(None not in row and min(row) >= 0 and abs(sum(row) - 1) <= _ROUNDING for row in table)
