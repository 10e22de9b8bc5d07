"""From a git revision to the version that was built from it. A SHA, or its beginning, needs the bundles' manifests and no git.

A branch, a tag, or anything else that git resolves means the newest version at or before it that has owned the endpoint and is
not held: what `main` or `v2.3.0` stood for when it was last served.
"""

import dataclasses
import pathlib
import re
from collections.abc import Sequence

from tidegate.core.vocabulary import errors, home, tables
from tidegate.dataplane.models import bundles
from tidegate.interface.api import git

_SHA = re.compile("[0-9a-fA-F]{4,64}")
_SHOWN = 12


@dataclasses.dataclass(frozen=True)
class Built:
    """A version and what it was built from."""

    ordinal: int
    digest: str
    revision: str = ""
    """The commit; empty where the bundle does not say, or is gone."""
    released: bool = True
    """Whether it has owned the endpoint and came through."""
    held: bool = False
    here: bool = True
    """Whether its bundle is."""

    @property
    def name(self) -> str:
        """v1, v2, ..."""
        return f"v{self.ordinal}"


def built(place: home.Home, ordinal: int, digest: str) -> Built:
    """A version as its bundle's manifest has it, unverified."""
    try:
        manifest = bundles.read_manifest(place.bundles / digest)
    except (errors.ModelError, OSError):
        return Built(ordinal, digest, here=False)
    return Built(ordinal, digest, manifest.provenance.code_revision.strip().lower())


def of_route(place: home.Home, route: tables.Route) -> list[Built]:
    """The versions that the routing table lists, newest first: all that can be gone back to with everything else down."""
    found = sorted({(one.ordinal, one.digest) for one in route.versions}, reverse=True)
    kept = {one.ordinal for one in (route.owner, *route.kept)}
    return [dataclasses.replace(built(place, *one), released=one[0] in kept or one[0] == route.stable.ordinal) for one in found]


def find(ref: str, there: Sequence[Built], folder: pathlib.Path) -> int:
    """The ordinal that a SHA, tag or branch comes to. `folder`: in the project's repository.

    Raises RevisionUnknown listing what there is, where it comes to none, or to several different models.
    """
    if _SHA.fullmatch(ref):
        exact = [one for one in there if one.revision.startswith(ref.lower())]
        if exact:
            return _only(ref, exact)
        if not _named(folder, ref):
            raise _unknown(f"no version was built from the revision {ref}.", there)
    commit = git.commit(folder, ref)
    if not commit:
        raise _unknown(f"{ref!r} is no tag, branch or commit of the repository in {folder}.", there)
    good = [one for one in there if one.revision and one.released and not one.held]
    reached = [one for one in good if one.revision == commit or git.precedes(folder, one.revision, commit)]
    if not reached:
        raise _unknown(f"no version that was released was built from {ref} ({commit[:_SHOWN]}) or anything before it.", there)
    return max(one.ordinal for one in reached)


def _only(ref: str, exact: list[Built]) -> int:
    """The newest of one model: a rehearsal, or a release after a rollback, gives it another ordinal."""
    if len({one.digest for one in exact}) > 1:
        raise _unknown(f"{ref} is not one version but several.", exact)
    return max(exact, key=lambda one: (one.released, one.ordinal)).ordinal


def _named(folder: pathlib.Path, ref: str) -> bool:
    """Whether something that reads like a SHA is a branch's or a tag's name."""
    try:
        return git.is_named(folder, ref)
    except errors.RevisionUnknown:
        return False


def _unknown(words: str, there: Sequence[Built]) -> errors.RevisionUnknown:
    shown = ", ".join(f"{one.name} {one.revision[:_SHOWN] or '(no revision)'}" for one in there[:20]) or "no version"
    return errors.RevisionUnknown(words, cure=f"There are: {shown}. `--to V` names a version.")
