"""The compiled form of a model in the place of the original, in the folder of a bundle in the making; and bundles put in place.

The original's files do not go along: `compiled_from` is the digest of the bundle they make by themselves, which is kept in
HOME/originals for whoever explains answers, and which making it again gives.
"""

import os
import pathlib
import shutil

import msgspec

from tidegate.core.vocabulary import errors, home, manifests
from tidegate.dataplane.models import bundles
from tidegate.delivery.compiling import converting

ENTRY = "model/model.onnx"


def adopted(folder: pathlib.Path, original: manifests.Manifest, found: converting.Compiled) -> manifests.Manifest:
    """The manifest with the compiled model, its file in place and the original's gone."""
    model = pathlib.PurePath(original.entry).parts[0]
    shutil.rmtree(folder / model)
    (folder / ENTRY).parent.mkdir(exist_ok=True)
    (folder.parent / converting.FILE).rename(folder / ENTRY)
    kept = [blob for blob in original.files if blob.path.partition("/")[0] != model]
    files = sorted((*kept, bundles.measure(folder, ENTRY)), key=lambda blob: blob.path)
    return msgspec.structs.replace(
        original,
        loader=found.loader,
        entry=ENTRY,
        files=tuple(files),
        lock=original.lock if original.runtime else found.lock,
        options={**found.options, manifests.COMPILED_FROM: f"{original.loader} {original.digest}"},
        trust="",
    )


def keep(folder: pathlib.Path, original: manifests.Manifest, place: home.Home) -> None:
    """Put a bundle of the original beside those that serve. Raises OSError."""
    beside = folder.with_name("original")
    shutil.copytree(folder, beside, copy_function=os.link)
    place.originals.mkdir(mode=0o700, exist_ok=True)
    placed(beside, place.originals, original)
    shutil.rmtree(beside, ignore_errors=True)


def placed(folder: pathlib.Path, shelf: pathlib.Path, manifest: manifests.Manifest) -> str:
    """Rename the finished bundle into place; one that is there and whole stays, one that is damaged makes room."""
    digest = manifest.digest
    (folder / bundles.MANIFEST).write_bytes(msgspec.json.encode(manifest, order="deterministic"))
    for path in folder.rglob("*"):
        if path.is_file():
            path.chmod(0o400)
    if (shelf / digest).exists():
        try:
            bundles.read(shelf, digest)
        except errors.ModelError:
            shutil.rmtree(shelf / digest, ignore_errors=True)
        else:
            return digest
    folder.rename(shelf / digest)
    return digest
