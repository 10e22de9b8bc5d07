"""The original of a compiled model is loaded only where every byte of it is what its digest says."""

import os
import pathlib
import pickle
import shutil
from collections.abc import Callable

import msgspec
import pytest

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles
from tidegate.dataplane.models.explaining import originals

COLUMNS = (manifests.Column("x", "double"),)
SIGNATURE = manifests.Signature("columns", COLUMNS, COLUMNS)


class Runs:
    """A pickle that leaves a trace where it is loaded."""

    def __init__(self, trace: pathlib.Path) -> None:
        self._trace = trace

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._trace),)


def put(shelf: pathlib.Path, model: object) -> pathlib.Path:
    """A bundle that holds a pickle."""
    folder = shelf / "new"
    folder.mkdir(parents=True)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    files, options = (bundles.measure(folder, "model.pkl"),), {"format": "pickle"}
    manifest = manifests.Manifest("m", "sklearn", "model.pkl", SIGNATURE, files, options=options, trust="pickle")
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest))
    return folder.rename(shelf / manifest.digest)


def _replaced(good: pathlib.Path, evil: pathlib.Path) -> None:
    shutil.rmtree(good)
    evil.rename(good)


def _linked(good: pathlib.Path, evil: pathlib.Path) -> None:
    shutil.rmtree(good)
    good.symlink_to(evil)


def _link_inside(good: pathlib.Path, evil: pathlib.Path) -> None:
    (good / "model.pkl").unlink()
    (good / "model.pkl").symlink_to(evil / "model.pkl")


def _a_file(good: pathlib.Path, _: pathlib.Path) -> None:
    shutil.rmtree(good)
    good.write_text("no folder")


def _no_manifest(good: pathlib.Path, _: pathlib.Path) -> None:
    (good / bundles.MANIFEST).unlink()
    (good / bundles.MANIFEST).mkdir()


@pytest.mark.parametrize(
    "spoil",
    [
        _replaced,
        _linked,
        _link_inside,
        _a_file,
        _no_manifest,
        lambda good, _: shutil.rmtree(good),
        lambda good, evil: shutil.copy(evil / "model.pkl", good / "model.pkl"),
        lambda good, _: (good / "model.pkl").write_bytes(b""),
        lambda good, _: (good / bundles.MANIFEST).write_bytes(b"\xff{"),
        lambda good, _: (good / "sitecustomize.py").write_text("raise SystemExit"),
    ],
)
def test_what_is_not_its_digest_is_refused_with_words_and_never_loaded(
    tmp_path: pathlib.Path, spoil: Callable[[pathlib.Path, pathlib.Path], object]
) -> None:
    trace = tmp_path / "ran"
    good, evil = put(tmp_path / "originals", 1), put(tmp_path / "originals", Runs(trace))
    options = {manifests.COMPILED_FROM: f"sklearn {good.name}"}
    compiled = manifests.Manifest("m", "onnx", "model.onnx", SIGNATURE, (), options=options)
    assert bundles.read(good.parent, good.name)
    spoil(good, evil)
    found = originals.found(str(good.parent), compiled)
    assert found.bundle is found.loaded is None
    assert found.why.startswith("the sklearn model it was compiled from ")
    assert not trace.exists()
