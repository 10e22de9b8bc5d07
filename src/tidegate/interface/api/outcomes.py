"""What came of predictions: how good versions were by the truth heard, and what of it could not be taken."""

import datetime as dt
import time
from typing import Any, Literal

import fastapi
import msgspec

from tidegate.core.spec import settings as specification
from tidegate.dataplane.predlog import catalogue
from tidegate.interface.api import making, moments, scopes, shelf
from tidegate.observability.joining import quarantine
from tidegate.observability.outcomes import fetching, performance


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its paths."""
    told = fastapi.APIRouter(prefix="/v1", tags=["reading"])

    @told.get("/endpoints/{endpoint}/performance")
    def standings(
        endpoint: str,
        _: scopes.Reader,
        since: str = "30d",
        until: str = "now",
        by: Literal["", "day", "week"] = "",
        segment: str = "",
    ) -> dict[str, Any]:
        """How good each version's predictions were: by when they were made, with the share that is labelled."""
        row = making.known(books.store(), books.environment, endpoint)
        begins, ends = moments.span((since, until), time.time(), dt.UTC, ("since", "until"))
        asked = performance.Asked(endpoint, begins, ends, by, segment)
        report: dict[str, Any] = msgspec.to_builtins(performance.read(books.home, specification.of(row.settings).outcomes, asked))
        return report

    @told.get("/endpoints/{endpoint}/outcomes/rejected")
    def rejected(endpoint: str, _: scopes.Reader, limit: int = fastapi.Query(default=100, ge=1, le=1000)) -> dict[str, Any]:
        """Outcomes that were put aside, and rows of the endpoint's table that are none, newest first."""
        making.known(books.store(), books.environment, endpoint)
        with catalogue.Catalogue(books.home.log, readonly=True) as known:
            counted = quarantine.counted(known.connection, endpoint)
            listed = quarantine.listed(known.connection, endpoint, limit)
        rows = msgspec.to_builtins(fetching.refused(books.home, endpoint, limit))
        return {"counted": counted, "newest": [quarantine.plain(one) for one in listed], "rows": rows}

    return told
