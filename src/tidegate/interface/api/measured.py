"""/metrics for Prometheus, and what one endpoint's service is like."""

import datetime as dt
import time

import fastapi
from fastapi import responses

from tidegate.interface.api import look, making, measures, moments, scopes, shelf
from tidegate.observability.metrics import availability, exposition, probes


def router(books: shelf.Shelf) -> fastapi.APIRouter:
    """Its paths."""
    measured = fastapi.APIRouter(tags=["reading"])

    @measured.get("/metrics", response_class=responses.Response)
    def metrics(request: fastapi.Request, _: scopes.Reader) -> responses.Response:
        """Everything that can be measured, in Prometheus' text format, or in OpenMetrics where the scraper prefers it."""
        status, table = look.seen(books), look.routing(books.home)[0]
        body, kind = exposition.page(books.home, status.model_dump(), table, request.headers.get("accept", ""))
        return responses.Response(body, media_type=kind)

    @measured.get("/v1/endpoints/{endpoint}/service")
    def service(endpoint: str, _: scopes.Reader, since: str = "1h", until: str = "now") -> measures.Service:
        """How it is served: times, errors, batches and queues by version, and what its processes use."""
        making.known(books.store(), books.environment, endpoint)
        begins, ends = moments.span((since, until), time.time(), dt.UTC, ("since", "until"))
        return measures.service(books.home, endpoint, begins, ends)

    @measured.get("/v1/endpoints/{endpoint}/uptime")
    def uptime(endpoint: str, _: scopes.Reader, since: str = "7d", until: str = "now") -> measures.Uptime:
        """How available it was, as the probe from outside has seen it; a time without a zone is UTC."""
        making.known(books.store(), books.environment, endpoint)
        begins, ends = moments.span((since, until), time.time(), dt.UTC, ("since", "until"))
        return measures.uptime(availability.report(endpoint, probes.listed(books.home, endpoint, begins, ends), begins, ends))

    return measured
