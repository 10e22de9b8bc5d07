"""Models under the digests that they go by now: versions, releases and holds of a home that an earlier Tidegate has written go by
digests over all files of a bundle (`Manifest.former_model_digest`). A control looks when it begins to decide, once a store.
"""

import logging

from tidegate.control.loop import transitions
from tidegate.core.vocabulary import errors, home
from tidegate.dataplane.models import bundles

log = logging.getLogger(__name__)
_NOTE, _MENDED = "model_digests", "2"


def mend(desk: transitions.Desk, place: home.Home) -> None:
    """Have what is noted of a model be found by its digest. Raises StoreUnavailable, DiskFull.

    A hold on a model whose bundle is gone cannot be found by it any more, and is told of: it is held under the old one only.
    """
    if desk.store.fact(desk.environment, "", _NOTE) == _MENDED:
        return
    for row in desk.rows():
        known = desk.store.versions(desk.environment, row.name)
        for version in known:
            try:
                manifest = bundles.read_manifest(place.bundles / version.digest)
            except errors.ModelError:
                continue
            if version.model_digest == manifest.former_model_digest != manifest.model_digest:
                desk.store.rename_model((desk.environment, row.name), version.model_digest, manifest.model_digest)
        lost = {one.model_digest for one in known if not (place.bundles / one.digest).exists()}
        for hold in desk.store.holds(desk.environment, row.name):
            if hold.model_digest in lost:
                told = {"endpoint": row.name, "digest": hold.model_digest, "why": hold.reason}
                log.warning("the bundle of a held model is gone: made again by this version it may not be held", extra=told)
    desk.store.note(desk.environment, "", _NOTE, _MENDED)
