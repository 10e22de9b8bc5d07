"""Paths from a prediction to where it came from, and from data to what came of it."""

from typing import Any

import fastapi
import msgspec

from tidegate.control.loop import lineage, openlineage, trace
from tidegate.core.vocabulary import errors
from tidegate.interface.api import making, scopes, shelf

Json = dict[str, Any]


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its paths."""
    made = fastapi.APIRouter(prefix="/v1", tags=["reading"])

    @made.get("/trace/{prediction_id}")
    def traced(prediction_id: str, holder: scopes.Anybody) -> Json:
        """From a prediction to version, release with gates and approvals, bundle, training run and data."""
        told: Json = msgspec.to_builtins(_traced(books, prediction_id, holder))
        return told

    @made.get("/trace/{prediction_id}/openlineage")
    def events(prediction_id: str, holder: scopes.Anybody) -> list[Json]:
        """The same as OpenLineage run events: the training's, then the prediction's."""
        return openlineage.events(_traced(books, prediction_id, holder))

    @made.get("/lineage")
    def lines(data: str, _: scopes.Reader) -> Json:
        """What came of the data whose sha256 is or begins so: versions, whether they serve, what they answered, in words too."""
        told: Json = msgspec.to_builtins(lineage.of(books.home, books.store(), books.environment, data))
        return told

    @made.get("/endpoints/{endpoint}/lineage")
    def origins(endpoint: str, _: scopes.Reader) -> list[Json]:
        """What its versions came from, the newest first."""
        store = books.store()
        row = making.known(store, books.environment, endpoint)
        told: list[Json] = msgspec.to_builtins(lineage.origins(books.home, store, row))
        return told

    return made


def _traced(books: shelf.Shelf, prediction_id: str, holder: Any) -> trace.Trace:
    """Raises PredictionUnknown, ScopeMissing where it is of an endpoint that this token may not read."""
    try:
        store = books.store()
    except errors.StoreUnavailable:
        store = None
    found = trace.trace(books.home, store, prediction_id)
    scopes.demand(holder, "read", found.prediction.endpoint)
    return found
