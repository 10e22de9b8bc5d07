"""Bundles of pickled estimators, for what takes their answers apart."""

import json
import pathlib
import pickle
from typing import Any

import msgspec
import numpy as np

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles

C = manifests.Column
CHANCE = np.random.default_rng(7)
X = CHANCE.normal(size=(200, 4))
Y = 2 * X[:, 0] - X[:, 1] + X[:, 2] * X[:, 3] + CHANCE.normal(scale=0.1, size=200)
NUMBERS = manifests.Signature("columns", tuple(C(name, "double") for name in "abcd"), (C("score", "double"),))


def bundled(
    folder: pathlib.Path, estimator: Any, signed: manifests.Signature = NUMBERS, rows: Any = None, **more: Any
) -> bundles.Bundle:
    """A bundle of a pickled estimator, its example the first rows of X."""
    example = rows if rows is not None else [dict(zip("abcd", row, strict=True)) for row in X[:50].tolist()]
    scratch = folder / "making"
    scratch.mkdir()
    (scratch / "model.pkl").write_bytes(pickle.dumps(estimator))
    (scratch / "example.json").write_text(json.dumps({"records": example}))
    files = tuple(bundles.measure(scratch, path) for path in ("example.json", "model.pkl"))
    options = {"format": "pickle", **more.pop("options", {})}
    manifest = manifests.Manifest(
        "m", "sklearn", "model.pkl", signed, files, options=options, trust="pickle", example="example.json", **more
    )
    (scratch / "manifest.json").write_bytes(msgspec.json.encode(manifest))
    scratch.rename(folder / manifest.digest)
    return bundles.Bundle(folder / manifest.digest, manifest)


def row(place: int = 100) -> dict[str, float]:
    """A row of X by the columns' names."""
    return dict(zip("abcd", X[place].tolist(), strict=True))
