"""One release as its checks see it."""

import dataclasses
import functools

from tidegate.core.vocabulary import home, manifests, releases
from tidegate.dataplane.models import bundles
from tidegate.delivery.gates import freezing, room


@dataclasses.dataclass(frozen=True)
class Case:
    """What all checks are given."""

    place: home.Home
    release: releases.Release
    running: room.Running | None = None
    """Workers that are up; None where nobody has looked."""
    before: tuple[freezing.Frozen, ...] | None = None
    """The data as it was at the first check; None at that check itself."""
    data: tuple[freezing.Frozen, ...] = ()
    """The data as it is now."""

    @functools.cached_property
    def candidate(self) -> manifests.Manifest:
        """What the candidate's bundle says of itself. Raises BundleMissing, DigestMismatch."""
        return bundles.read_manifest(self.place.bundles / self.release.candidate.digest)

    @functools.cached_property
    def stable(self) -> manifests.Manifest | None:
        """What stable's says; None at a first release. Raises BundleMissing, DigestMismatch."""
        version = self.release.stable
        return None if version is None else bundles.read_manifest(self.place.bundles / version.digest)
