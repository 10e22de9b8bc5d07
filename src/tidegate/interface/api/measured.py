"""/metrics for Prometheus, and what one endpoint's service is like."""

import fastapi
from fastapi import responses

from tidegate.interface.api import look, scopes, shelf
from tidegate.observability.metrics import exposition


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its paths."""
    measured = fastapi.APIRouter(tags=["reading"])

    @measured.get("/metrics", response_class=responses.Response)
    def metrics(request: fastapi.Request, _: scopes.Reader) -> responses.Response:
        """Everything that can be measured, in Prometheus' text format, or in OpenMetrics where the scraper prefers it."""
        status, table = look.seen(books), look.routing(books.home)[0]
        body, kind = exposition.page(books.home, status.model_dump(), table, request.headers.get("accept", ""))
        return responses.Response(body, media_type=kind)

    return measured
