"""What the files say, for when the control API does not answer."""

import time
from typing import Any

from tidegate.control.store import location
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors, home
from tidegate.interface.api import look


def status(place: home.Home) -> dict[str, Any]:
    """`standing.Status` as JSON, with `api` false."""
    try:
        store, trouble = stores.Store(location.url(place), create=False), ""
    except errors.StoreUnavailable as gone:
        store, trouble = None, str(gone)
    try:
        seen = look.status(place, home.environment(), store, time.time(), trouble)
    finally:
        if store is not None:
            store.close()
    return seen.model_copy(update={"api": False}).model_dump(mode="json")
