"""The data that a model came from, digested: at the check, and again right before the model is exposed.

A bundle names its data sets with where they came from and, mostly, a sha256 that whoever trained noted. That one is part of the
bundle's digest and cannot change. What can is the data itself: a source that is a file or a folder of this machine is read
here, and held against what it was at the check. Any other source is said not to have been compared.
"""

import pathlib
from collections.abc import Iterator

import msgspec

from tidegate.core.vocabulary import errors, manifests
from tidegate.delivery.gates import findings
from tidegate.delivery.training import digests

NAME = "data"
MOST_BYTES = 8 << 30
"""Of one data set; reading a larger one would hold a release up for too long."""
MOST_FILES = 10_000


class Frozen(msgspec.Struct, frozen=True):
    """One data set as it was found."""

    name: str
    role: str
    source: str
    sha256: str = ""
    """Of the file, or of a folder's files with their names; empty: it could not be looked at."""
    why: str = ""
    """Why not."""
    noted: str = ""
    """What whoever trained has noted."""

    @property
    def said(self) -> str:
        """For a sentence."""
        return f"{self.role} data {self.name}" + (f" ({self.source})" if self.source else "")


def look(manifest: manifests.Manifest, beside: pathlib.Path) -> tuple[Frozen, ...]:
    """All data sets that the bundle names, as they are now. Relative sources are looked for `beside` the home."""
    return tuple(_look(one, beside) for one in manifest.provenance.data)


def compared(before: tuple[Frozen, ...] | None, now: tuple[Frozen, ...]) -> Iterator[findings.Finding]:
    """A finding for each data set; `before` None: this is the first look."""
    if not now:
        yield findings.unseen(NAME, "the bundle names no data that it came from: nothing is compared.")
    known = {(one.role, one.name, one.source): one for one in before or ()}
    for one in now:
        earlier = known.get((one.role, one.name, one.source))
        if not one.sha256:
            yield findings.unseen(NAME, f"{one.said} is not compared: {one.why}.")
        elif before is None:
            yield _first(one)
        elif earlier is None or not earlier.sha256:
            yield findings.unseen(NAME, f"{one.said} is not compared: at the first check it could not be looked at.")
        elif earlier.sha256 != one.sha256:
            yield findings.refused(NAME, _changed(earlier, one))
        else:
            yield findings.good(NAME, f"{one.said} is what it was at the check: sha256 {one.sha256[:12]}.")


def _first(one: Frozen) -> findings.Finding:
    if one.noted == one.sha256:
        return findings.good(NAME, f"{one.said} has the sha256 that was noted in training: {one.sha256[:12]}.")
    # Many note the sha256 of a table in memory, which is another one than its file's.
    noted = f"; in training {one.noted[:12]} was noted, which is not the file's" if one.noted else ""
    return findings.good(NAME, f"{one.said} has the sha256 {one.sha256[:12]}{noted}.")


def _changed(before: Frozen, now: Frozen) -> errors.DataChanged:
    words = f"{now.said} was changed since the release was checked: its sha256 was {before.sha256[:12]} and is {now.sha256[:12]}."
    return errors.DataChanged(words, cure="Put the data back, or release again: the check is then about the data as it is.")


def _look(one: manifests.Dataset, beside: pathlib.Path) -> Frozen:
    found = Frozen(one.name, one.role, one.source, noted=one.sha256)
    try:
        path = digests.located(one.source, beside)
        if path is None:
            return msgspec.structs.replace(found, why="its source is not named as a file of this machine")
        why = _much(path)
        return msgspec.structs.replace(found, why=why) if why else msgspec.structs.replace(found, sha256=digests.of(path))
    except OSError as failed:
        return msgspec.structs.replace(found, why=failed.strerror or str(failed))
    except ValueError:
        return msgspec.structs.replace(found, why="its source is neither a path nor a URL")


def _much(path: pathlib.Path) -> str:
    """Why a source is more than is looked at here; empty: it is not. Raises OSError."""
    files = digests.files(path)
    if len(files) > MOST_FILES:
        return f"it has {len(files):,} files, and {MOST_FILES:,} are read at most"
    size = sum(one.stat().st_size for one in files)
    return f"it has {size >> 30:,} GB, and {MOST_BYTES >> 30} are read at most" if size > MOST_BYTES else ""
