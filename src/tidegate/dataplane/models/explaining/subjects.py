"""The number that is taken apart. An answer that is one is that; a class is told by its probability, or by whether it holds."""

from collections.abc import Callable
from typing import Any

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.dataplane.models import batches, bins, bundles, model
from tidegate.dataplane.models.loaders import arrayed, catalog

ANSWER = "the answer"
Score = Callable[[batches.Batch], list[float]]


class Subject(msgspec.Struct, frozen=True):
    """What is explained of one answer."""

    words: str
    score: Score
    """One number a row. Raises NotExplainable where the model has none, and whatever the model raises."""
    place: int = -1
    """Of the class among a classifier's probabilities; -1: no probability is explained."""


def of(bundle: bundles.Bundle, loaded: catalog.Model, answered: batches.Values) -> Subject:
    """What can be explained of the answer to one row. Raises NotExplainable for answers that are vectors."""
    manifest = bundle.manifest
    first = manifest.signature.outputs[0]
    (entry,) = batches.entries(answered[first.name])
    if isinstance(entry, list):
        return _of_list(manifest, loaded, entry)
    if isinstance(entry, str) or (entry is not None and _is_class(manifest, loaded, bins.said(entry))):
        return _of_class(bundle, loaded, first.name, entry)
    if entry is None:
        raise errors.NotExplainable("its answer is missing (not a number): there is nothing to take apart.")
    place = int(manifest.options.get("positive") or -1)
    words = f"the probability of {_class(loaded, place)}" if place >= 0 else ANSWER
    return Subject(words, lambda batch: _numbers(loaded.predict(batch)[first.name]), place)


def _is_class(manifest: manifests.Manifest, loaded: catalog.Model, said: str) -> bool:
    """Whether a number is the name of a class: by the baseline profile, or since a classifier predicts it."""
    predicts = manifest.options.get("method", "predict") == "predict" and not manifest.options.get("positive")
    return said in manifest.profile.classes or (predicts and said in map(bins.said, loaded.classes))


def _class(loaded: catalog.Model, place: int) -> str:
    return bins.said(loaded.classes[place]) if place < len(loaded.classes) else "the positive class"


def _of_list(manifest: manifests.Manifest, loaded: catalog.Model, entry: list[Any]) -> Subject:
    name = manifest.signature.outputs[0].name
    classes = msgspec.json.decode(manifest.options.get("classes") or "[]", type=list[str])
    if len(entry) == 1 and not isinstance(entry[0], list):
        return Subject(ANSWER, lambda batch: _numbers([row[0] for row in batches.entries(loaded.predict(batch)[name])]))
    if len(classes) != len(entry):
        raise errors.NotExplainable(
            f"its answer is {len(entry):,} numbers a row and not one: there is no single thing to explain."
        )
    place = max(range(len(entry)), key=entry.__getitem__)
    words = f"the probability of {classes[place]}"
    return Subject(words, lambda batch: _numbers([row[place] for row in batches.entries(loaded.predict(batch)[name])]), place)


def _of_class(bundle: bundles.Bundle, loaded: catalog.Model, name: str, entry: Any) -> Subject:
    said = bins.said(entry)
    known = [bins.said(one) for one in loaded.classes]
    if isinstance(loaded, arrayed.Model) and hasattr(loaded.original, "predict_proba") and said in known:
        place, probable = known.index(said), _probable(bundle, loaded, len(known))
        words = f"the probability of {said}"
        score = lambda batch: _numbers([row[place] for row in batches.entries(probable(batch))])  # noqa: E731 - named in two places
        return Subject(words, score, place)
    holds = lambda batch: [float(bins.said(one) == said) for one in batches.entries(loaded.predict(batch)[name])]  # noqa: E731
    return Subject(f"whether the answer is {said} (1: it is)", holds)


def _probable(bundle: bundles.Bundle, loaded: catalog.Model, classes: int) -> Callable[[batches.Batch], Any]:
    """The same model asked for probabilities."""
    output = manifests.Column("probabilities", "FP64", shape=(-1, classes))
    asked = msgspec.structs.replace(bundle.manifest.signature, outputs=(output,))
    options = {name: value for name, value in bundle.manifest.options.items() if name != "positive"} | {"method": "predict_proba"}
    other = msgspec.structs.replace(bundle.manifest, signature=asked, options=options)
    answering = loaded.under(bundles.Bundle(bundle.folder, other))
    return lambda batch: answering.predict(batch)[output.name]


def _numbers(values: Any) -> list[float]:
    listed = batches.entries(values)
    if any(one is None or one != one for one in listed):  # noqa: PLR0124 - NaN alone differs from itself
        raise errors.NotExplainable("the model has no number for some mixtures of this input with typical ones.")
    return [float(one) for one in listed]


def failed(raised: BaseException) -> errors.NotExplainable:
    """What is told where the model raises on a mixture."""
    return errors.NotExplainable(f"the model refuses mixtures of this input with typical ones: {model.words(raised)[:300]}")
