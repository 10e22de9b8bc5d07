"""The model from which a bundle's ONNX was compiled: it has the trees and coefficients that an ONNX graph has no more.

It is a bundle of its own, named by the digest that the compiled one's manifest says (`compiled_from`). Loading it needs what it
was trained with, where the compiled one runs; where it is a pickle, somebody has accepted that when it was compiled.
"""

import pathlib

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import agreement, batches, bundles, signature
from tidegate.dataplane.models.loaders import catalog


class Original(msgspec.Struct, frozen=True):
    """What was found."""

    bundle: bundles.Bundle | None = None
    loaded: catalog.Model | None = None
    why: str = ""
    """Why it is not there, where there should be one."""


NONE = Original()


def found(folder: str, compiled: manifests.Manifest) -> Original:
    """The original of a bundle, every byte checked; none for one that was not compiled."""
    loader, _, digest = compiled.options.get(manifests.COMPILED_FROM, "").partition(" ")
    if not digest:
        return NONE
    try:
        bundle = bundles.read(pathlib.Path(folder), digest)
        return Original(bundle, catalog.load(bundle))
    except errors.BundleMissing:
        return Original(why=f"the {loader} model it was compiled from is not kept here")
    except (errors.TidegateError, OSError) as failed:
        words = failed.message if isinstance(failed, errors.TidegateError) else failed.strerror
        return Original(why=f"the {loader} model it was compiled from cannot be loaded where the compiled one runs: {words}")


def apart(codec: signature.Codec, one: catalog.Model, other: catalog.Model, asked: batches.Batch) -> float:
    """By how much two models' answers differ at most, relatively (`agreement`). Raises whatever they raise."""
    ours, theirs = (codec.checked(model.predict(asked), asked.rows) for model in (one, other))
    return max(
        agreement.apart(*pair)
        for name in ours
        for pair in zip(batches.entries(ours[name]), batches.entries(theirs[name]), strict=True)
    )
