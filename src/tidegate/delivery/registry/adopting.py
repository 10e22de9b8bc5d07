"""The compiled form of a model in the place of the original, in the folder of a bundle in the making.

The original's files do not go along: the provenance says where they are, `compiled_from` is the digest of the bundle they would
have made, and making that again gives it.
"""

import pathlib
import shutil

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles
from tidegate.delivery.registry import compiling

ENTRY = "model/model.onnx"


def adopted(folder: pathlib.Path, original: manifests.Manifest, found: compiling.Compiled) -> manifests.Manifest:
    """The manifest with the compiled model, its file in place and the original's gone."""
    model = pathlib.PurePath(original.entry).parts[0]
    shutil.rmtree(folder / model)
    (folder / ENTRY).parent.mkdir(exist_ok=True)
    (folder.parent / compiling.FILE).rename(folder / ENTRY)
    kept = [blob for blob in original.files if blob.path.partition("/")[0] != model]
    files = sorted((*kept, bundles.measure(folder, ENTRY)), key=lambda blob: blob.path)
    return msgspec.structs.replace(
        original,
        loader=found.loader,
        entry=ENTRY,
        files=tuple(files),
        lock=original.lock if original.runtime else found.lock,
        options={**found.options, "compiled_from": f"{original.loader} {original.digest}"},
        trust="",
    )
