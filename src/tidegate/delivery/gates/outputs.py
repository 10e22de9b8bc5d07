"""The outputs of two versions side by side: names, types, tensors' shapes, categories, classes."""

from collections.abc import Sequence

import msgspec

from tidegate.core.vocabulary import manifests
from tidegate.dataplane.models import bins

_SHOWN = 5
_KNOWING = frozenset({"sklearn", "xgboost"})
"""Loaders that read a classifier's classes off the model itself. The classes of others may only be those seen on the example."""


def broken(stable: manifests.Manifest, candidate: manifests.Manifest) -> str:
    """What clients would miss in the candidate's answers; empty when nothing."""
    before, after = stable.signature.outputs, candidate.signature.outputs
    promised, answers = [(one.name, one.type) for one in before], [(one.name, one.type) for one in after]
    if answers != promised:
        return f"stable answers {_named(promised)}, the candidate {_named(answers)}."
    probabilities = _listed(stable), _listed(candidate)
    for one, other in zip(before, after, strict=True):
        gone = [each for each in one.categories if other.categories and each not in other.categories]
        if gone:
            return f"stable answers {some(gone)} for {_name(one)}, the candidate never does."
        if all(probabilities) and _longer(one.shape, other.shape, *probabilities):
            continue
        if not covers(one.shape, other.shape):
            return f"stable answers {_name(one)} in the shape {one.shape}, the candidate in {other.shape}."
    return _classes(stable, candidate)


def uncompared(stable: manifests.Manifest, candidate: manifests.Manifest) -> str:
    """What of the classes could not be compared; empty when nothing."""
    missing = [one for one in stable.profile.classes if one not in candidate.profile.classes]
    if not missing or _complete(candidate) or _listed(stable):
        return ""
    return f"whether the candidate ever answers {some(missing)} is not known: its classes are those its example showed."


def covers(wide: tuple[int, ...], narrow: tuple[int, ...]) -> bool:
    """Whether every tensor of the shape `narrow` is one of `wide`; -1 is any size."""
    return len(wide) == len(narrow) and all(one in (-1, other) for one, other in zip(wide, narrow, strict=True))


def some(names: Sequence[str]) -> str:
    """The first few of them, for a sentence."""
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return f"{shown} and {len(names) - _SHOWN} more" if len(names) > _SHOWN else shown


def _classes(stable: manifests.Manifest, candidate: manifests.Manifest) -> str:
    before, after = _listed(stable), _listed(candidate)
    if before and after[: len(before)] != before:
        return f"stable answers probabilities of {some(before)} in this order, the candidate of {some(after)}."
    if before and not after:
        return f"stable answers probabilities of {some(before)}, the candidate does not say of what."
    missing = [one for one in stable.profile.classes if one not in candidate.profile.classes]
    if missing and candidate.profile.classes and _complete(candidate):
        return f"stable answers the classes {some(missing)}, which the candidate does not know."
    return ""


def _listed(manifest: manifests.Manifest) -> tuple[str, ...]:
    """Whose probabilities the answer's places are, in order; empty where the answer is no list of probabilities."""
    try:
        return tuple(msgspec.json.decode(manifest.options.get("classes", "[]"), type=tuple[str, ...]))
    except msgspec.DecodeError:
        return ()


def _longer(before: tuple[int, ...], after: tuple[int, ...], known: tuple[str, ...], more: tuple[str, ...]) -> bool:
    """Whether a list of probabilities has become one of more classes: those before stay where they were."""
    grown = before[:-1] == after[:-1] and before[-1:] == (len(known),) and after[-1:] == (len(more),)
    return grown and more[: len(known)] == known


def _complete(manifest: manifests.Manifest) -> bool:
    """Whether the profile's classes are all that the model knows."""
    original = manifest.options.get(manifests.COMPILED_FROM, "").partition(" ")[0]
    return bool({manifest.loader, original} & _KNOWING) and len(manifest.profile.classes) < bins.OTHER


def _name(column: manifests.Column) -> str:
    return repr(column.name or "output")


def _named(columns: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{name or 'output'}: {kind}" for name, kind in columns)
