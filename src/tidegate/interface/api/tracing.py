"""Paths from a prediction to where it came from, and from data to what came of it."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import fastapi
import msgspec

from tidegate.control.batch import explaining, reasons
from tidegate.control.batch import recipe as recipes
from tidegate.control.loop import lineage, openlineage, trace
from tidegate.control.store import store as stores
from tidegate.core.vocabulary import errors
from tidegate.dataplane.predlog import reader
from tidegate.interface.api import making, scopes, shelf

WAIT_SECONDS = 30.0
"""For explanations that were asked for before."""
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

    @made.get("/explain/{prediction_id}")
    def explained(
        prediction_id: str,
        holder: scopes.Anybody,
        row: int = fastapi.Query(default=0, ge=0, lt=10**7),
        most: int = fastapi.Query(default=reasons.MOST, ge=1, le=50, alias="reasons"),
        adverse: bool = False,
        again: bool = False,
    ) -> Json:
        """Why a prediction came out as it did. It is computed in a process of its own, one at a time: that takes seconds."""
        known = _known(books)
        scopes.demand(holder, "read", _endpoint(books, prediction_id))
        with _turn():
            found = explaining.explain(books.home, known, f"{prediction_id}/{row}", again=again)
        told: Json = msgspec.to_builtins(found)
        return told | {"reasons": reasons.said(found, most, adverse=adverse)}

    @made.get("/endpoints/{endpoint}/versions/{ordinal}/recipe")
    def recipe(endpoint: str, _: scopes.Reader, ordinal: int = fastapi.Path(ge=1, lt=2**31)) -> Json:
        """How the version's model was made, and what is not known of that; its example is answered in a process of its own."""
        store = books.store()
        making.known(store, books.environment, endpoint)
        version = store.version(books.environment, endpoint, ordinal)
        if version is None:
            raise errors.VersionUnknown(f"{endpoint} has no v{ordinal}.")
        with _turn():
            told: Json = msgspec.to_builtins(recipes.of(books.home, version.digest))
        return told

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
    found = trace.trace(books.home, _known(books), prediction_id)
    scopes.demand(holder, "read", found.prediction.endpoint)
    return found


def _known(books: shelf.Shelf) -> stores.Store | None:
    try:
        return books.store()
    except errors.StoreUnavailable:
        return None


def _endpoint(books: shelf.Shelf, prediction_id: str) -> str:
    """Whose prediction it is. Raises PredictionUnknown."""
    identifier, _ = explaining.parsed(prediction_id)
    found = reader.find(books.home, identifier)
    if found is None:
        raise errors.PredictionUnknown(f"no prediction {prediction_id} is in the log.")
    return found.prediction.endpoint


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Alone: each explanation is a process with a model in it. Raises QueueFull where others take too long."""
    if not _ALONE.acquire(timeout=WAIT_SECONDS):
        raise errors.QueueFull("other explanations are under way.", cure="Try again in a minute.")
    try:
        yield
    finally:
        _ALONE.release()


_ALONE = threading.Lock()
