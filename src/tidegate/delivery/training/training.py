"""Which training data a bundle's baseline profile is of: what the file names, else what the model's run names and can be read.

What the file names has to be readable. What the run names need not be: its bundle is made all the same, of the example that came
with the model, and says why.
"""

import dataclasses
import pathlib
from collections.abc import Iterator
from typing import Any
from urllib import parse

import msgspec

from tidegate.core.vocabulary import errors, manifests, profiles
from tidegate.delivery.describing import mlmodel
from tidegate.delivery.sources import children
from tidegate.delivery.training import digests

CURE = "Training data is a CSV file with a header or Parquet, with the columns that the model takes; any others are passed over."
SCHEMES = frozenset({"", "file", "s3", "gs", "gcs", "abfs", "abfss", "hdfs"})
SECONDS = 1_800.0
ROLE = "training"


class Asked(msgspec.Struct, frozen=True):
    """Which data, and for which columns."""

    source: str
    columns: tuple[manifests.Column, ...]
    exact: bool
    """Whether the model takes all of them: those that have to be there must be in the data."""


class Surveyed(msgspec.Struct, frozen=True):
    """What it is."""

    rows: int
    columns: dict[str, profiles.Known]
    sample: list[dict[str, Any]]
    """Rows as requests would have them, evenly over all."""
    sha256: str
    """Of the file, or of a folder's files with their names; empty: a folder that is elsewhere."""


@dataclasses.dataclass(frozen=True)
class Found:
    """What is known of it."""

    surveyed: Surveyed | None = None
    dataset: manifests.Dataset | None = None
    wanted: bool = False
    """Whether the file names it."""
    note: str = ""
    """Why there is none, where the model's run names some."""

    def without(self, why: str) -> "Found":
        """None, since the model does not answer it."""
        return Found(note=f"{self.dataset.source if self.dataset else ''}: {why}")


def look(named: str, provenance: manifests.Provenance, draft: mlmodel.Draft) -> Found:
    """Read all of it. `named`: by the file, or empty. Raises ModelSourceInvalid for what that cannot be."""
    if named:
        if draft.signature.kind != "columns":
            raise errors.ModelSourceInvalid(
                "the model takes a tensor, and only columns have a baseline profile.", cure="Take `training` away."
            )
        surveyed = _survey(named, draft)
        same = next(
            (one for one in _named(provenance) if not unread(one.source) and _address(one.source) == _address(named)), None
        )
        name = pathlib.PurePosixPath(parse.unquote(parse.urlsplit(_address(named)).path)).name
        one = same or manifests.Dataset(name, ROLE, source=_address(named))
        return Found(surveyed, msgspec.structs.replace(one, sha256=surveyed.sha256), wanted=True)
    notes = []
    for one in _named(provenance) if draft.signature.kind == "columns" else ():
        why = unread(one.source)
        try:
            if not why:
                told = _survey(one.source, draft)
                return Found(told, msgspec.structs.replace(one, sha256=told.sha256))
        except errors.TidegateError as failed:
            why = failed.message
        notes.append(f"the run's data set {one.name} is not read: {why.rstrip('.')}")
    return Found(note="; ".join(notes))


def foreseen(named: str, provenance: manifests.Provenance) -> str:
    """What `look` would read, in a sentence, without reading it; empty where no data is named. Raises ModelSourceInvalid."""
    if named:
        path = _near(named)
        if path and (why := _absent(path, named)):
            raise errors.ModelSourceInvalid(f"the training data cannot be read: {why}.", cure=CURE)
        return f"Its baseline profile would be of all rows of {named}."
    told = [(one, unread(one.source)) for one in _named(provenance)]
    for one, why in told:
        if not why:
            return f"Its baseline profile would be of all rows of {one.source}, the training data that its run names."
    name, why = next(((one.name, why) for one, why in told), ("", ""))
    return f"Its run's training data {name} would not be read: {why}. `training: PATH` in the file names what is." if why else ""


def noted(provenance: manifests.Provenance, found: Found) -> manifests.Provenance:
    """With the sha256 of what was read, beside what the run has noted of it."""
    one = found.dataset
    if one is None or any(each.sha256 == one.sha256 and each.role == ROLE for each in provenance.data if each.sha256):
        return provenance
    others = [each for each in provenance.data if each.sha256 or (each.role, each.name) != (one.role, one.name)]
    data = sorted([*others, one], key=lambda each: (each.role, each.name, each.sha256))
    return msgspec.structs.replace(provenance, data=tuple(data))


def _named(provenance: manifests.Provenance) -> Iterator[manifests.Dataset]:
    return (one for one in provenance.data if one.role == ROLE and one.source)


def _address(source: str) -> str:
    """A source as a URL, however it is written."""
    near = _near(source)
    return near.absolute().as_uri() if near else source


def _survey(source: str, draft: mlmodel.Draft) -> Surveyed:
    asked = Asked(source, draft.signature.inputs, draft.exact)
    try:
        return children.run("survey", asked, Surveyed, env=children.open_environment(), seconds=SECONDS)
    except errors.ModelLoadFailed as ended:
        raise errors.ModelSourceInvalid(
            ended.message, cure="Name a part of it: a million rows drawn evenly say as much."
        ) from ended


def unread(source: str) -> str:
    """Why a source is none that could be read; empty where it may be."""
    try:
        parts, near = parse.urlsplit(source), digests.local(source)
    except ValueError:
        return f"{source} is neither a path nor a URL"
    if parts.scheme not in SCHEMES or not source:
        return f"nothing here reads {parts.scheme}://" if parts.scheme else "its source is not named"
    if near is not None and not near.is_absolute():
        return f"{source} is no whole path"
    return _absent(near, source) if near is not None else ""


def _absent(path: pathlib.Path, source: str) -> str:
    """Why there is nothing to read; empty where there is."""
    try:
        return "" if path.exists() else f"there is nothing at {source}"
    except OSError as failed:  # it may be somebody else's
        return f"{source} cannot be looked at: {failed.strerror}"


def _near(named: str) -> pathlib.Path | None:
    """Where what the file names is on this machine; None for another. Raises ModelSourceInvalid."""
    try:
        return digests.local(named)
    except ValueError as wrong:
        raise errors.ModelSourceInvalid("the training data is named by neither a path nor a URL.", cure=CURE) from wrong
