"""Baseline profiles of bundles: what the columns were in the data that came with a model, and how much it depends on each.

Called by `hourly`, whose first frames they teach, by `lookout` and by `references`. Reads bundles, unverified: a worker has
verified what it serves.
"""

import collections
import logging
import pathlib
from collections.abc import Mapping

import msgspec

from tidegate.core.stats import counting
from tidegate.core.vocabulary import manifests, profiles

_KEPT = 16
log = logging.getLogger(__name__)
_decode = msgspec.json.Decoder(profiles.Baseline).decode


class Baselines:
    """Of the bundles in a folder; the latest are kept in memory."""

    def __init__(self, folder: pathlib.Path) -> None:
        self._folder = folder
        self._known: collections.OrderedDict[str, profiles.Baseline] = collections.OrderedDict()

    def of(self, digest: str) -> profiles.Baseline:
        """A bundle's; one without rows where it has none."""
        if digest not in self._known:
            self._known[digest] = self._read(digest)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return self._known[digest]

    def _read(self, digest: str) -> profiles.Baseline:
        try:
            return _decode((self._folder / digest / manifests.BASELINE).read_bytes())
        except FileNotFoundError:
            return profiles.Baseline()
        except (OSError, ValueError) as failed:
            log.warning("a baseline profile cannot be read", extra={"digest": digest, "why": str(failed)})
            return profiles.Baseline()


def fitted(one: profiles.Baseline, frames: Mapping[str, profiles.Frame]) -> profiles.Profile:
    """A baseline in these frames; without rows where there is none."""
    there = {name: known for name, known in one.columns.items() if name in frames}
    return profiles.Profile(one.rows, {name: counting.refitted(frames[name], known) for name, known in there.items()})


def taught(one: profiles.Baseline) -> dict[str, profiles.Frame]:
    """The frames that a baseline teaches, by column."""
    found = {name: counting.taught(name, known) for name, known in one.columns.items()}
    return {name: frame for name, frame in found.items() if frame is not None}
