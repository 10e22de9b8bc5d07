"""Small real models of every format, and one way to ask them: through a loader, without a process."""

import pathlib
import warnings

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bundles, signature
from tidegate.dataplane.models.loaders import catalog
from tidegate.dataplane.wire import frames
from tidegate.delivery.describing import examples, mlmodel

C = manifests.Column


def columns(frame, *outputs: manifests.Column) -> manifests.Signature:
    """The signature that a frame of numbers and text has."""
    kinds = {"f": "double", "i": "long", "b": "boolean", "O": "string"}
    inputs = tuple(C(str(name), kinds[frame[name].dtype.kind], not frame[name].isna().any()) for name in frame.columns)
    return manifests.Signature("columns", inputs, outputs or (C("prediction", "double"),))


def manifest(given: manifests.Signature, loader: str, entry: str, **options: str) -> manifests.Manifest:
    return manifests.Manifest("m", loader, entry, given, (), options=options, trust="pickle")


def of_mlflow(folder: pathlib.Path, **options: str) -> bundles.Bundle:
    """A model directory as the bundle it becomes, read in place."""
    draft = mlmodel.read(folder)
    outputs = tuple(msgspec.structs.replace(one, name=one.name or "prediction") for one in draft.signature.outputs)
    given = msgspec.structs.replace(draft.signature, outputs=outputs)
    return bundles.Bundle(folder, manifest(given, draft.loader, draft.entry, **{**draft.options, **options}))


def asked(bundle: bundles.Bundle, rows: list) -> dict:
    """The values of a bundle's model for rows, decoded as a client's would be."""
    loaded = catalog.load(bundle)
    codec = signature.Codec(bundle.manifest)
    batch = codec.decode(examples.body(rows), frames.Content.RECORDS).batch
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return loaded.predict(batch)


def records(frame) -> list[dict]:
    """A frame's rows, to the last bit."""
    return frame.to_dict("records")
