"""The application: paths to functions, errors to JSON. Every path reads, or hands a command to control and waits."""

import contextlib
import logging
import time
from collections.abc import AsyncIterator
from typing import Any

import fastapi
from fastapi import exceptions, responses
from starlette import exceptions as http

from tidegate.control.store import commands
from tidegate.core.vocabulary import errors
from tidegate.dataplane.wire import tablefile
from tidegate.interface.api import (
    access,
    alarming,
    answers,
    asked,
    drifted,
    forgetting,
    issuing,
    judged,
    live,
    look,
    making,
    measured,
    orders,
    outcomes,
    page,
    pages,
    past,
    records,
    returning,
    scopes,
    session,
    shelf,
    standing,
    tracing,
)

log = logging.getLogger(__name__)
DESCRIPTION = "The control API of Tidegate: releases and what is known of them. Predictions are the gateway's."
_FAILURES: dict[int | str, dict[str, Any]] = {"4XX": {"model": answers.Failure}, "5XX": {"model": answers.Failure}}


def app(books: shelf.Shelf, *, hosts: frozenset[str], token: str) -> fastapi.FastAPI:
    """The application over one store and home, for requests to `hosts`. `token` is the home's own; it holds admin."""
    known, door, shown = scopes.known(books, token), session.Door(token), live.Live(books)

    @contextlib.asynccontextmanager
    async def lifespan(_: fastapi.FastAPI) -> AsyncIterator[None]:
        yield
        shown.close()
        books.close()

    made = fastapi.FastAPI(
        title="Tidegate",
        version="1",
        description=DESCRIPTION,
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        responses=_FAILURES,
    )
    made.state.live = shown
    made.add_middleware(access.Access, hosts=hosts, known=known, of_cookie=page.of_cookie(door, known))
    made.add_exception_handler(errors.TidegateError, _refused)
    made.add_exception_handler(exceptions.RequestValidationError, _malformed)
    made.add_exception_handler(http.HTTPException, _unknown)
    made.add_exception_handler(Exception, _internal)
    made.include_router(_reading(books))
    made.include_router(past.router(books))
    made.include_router(outcomes.router(books))
    made.include_router(tracing.router(books))
    made.include_router(drifted.router(books))
    made.include_router(measured.router(books))
    made.include_router(issuing.router(books))
    made.include_router(returning.router(books))
    made.include_router(forgetting.router(books))
    made.include_router(alarming.router(books))
    made.include_router(_telling(books))
    made.include_router(page.router(books, door, known, shown))

    @made.get("/docs", include_in_schema=False, response_class=responses.HTMLResponse)
    def docs() -> str:
        return pages.paths(made.openapi())

    return made


def _reading(books: shelf.Shelf) -> fastapi.APIRouter:
    reading = fastapi.APIRouter(prefix="/v1", tags=["reading"])

    @reading.get("/status")
    def status(_: scopes.Reader) -> standing.Status:
        """Everything on one screen; answers with the store gone too."""
        return look.seen(books)

    @reading.get("/endpoints/{endpoint}")
    def endpoint(endpoint: str, _: scopes.Reader) -> standing.Endpoint:
        """One endpoint, with its settings."""
        store = books.store()
        row = making.known(store, books.environment, endpoint)
        found = look.endpoint(books.home, store, row, tablefile.read(books.home.table), time.time())
        return found.model_copy(update={"settings": row.settings})

    @reading.get("/releases/{identifier}")
    def release(identifier: str, holder: scopes.Anybody) -> standing.Release:
        """One release, with what it waits for and its verdict."""
        store = books.store()
        found = store.release(identifier)
        scopes.demand(holder, "read", found.endpoint)
        return records.release(store, found)

    @reading.get("/releases/{identifier}/verdict")
    def verdict(identifier: str, holder: scopes.Anybody) -> judged.Verdict:
        """How the evidence stood at the last look."""
        store = books.store()
        scopes.demand(holder, "read", store.release(identifier).endpoint)
        found = store.verdict(identifier)
        if found is None:
            raise errors.ReleaseUnknown(f"release {identifier} has not been judged.", cure="Nothing was compared yet.")
        return records.verdict(found)

    return reading


def _telling(books: shelf.Shelf) -> fastapi.APIRouter:
    telling = fastapi.APIRouter(prefix="/v1", tags=["telling"])

    @telling.post("/endpoints/{endpoint}/releases", status_code=201)
    def begin(endpoint: str, body: asked.Release, holder: scopes.Operator) -> answers.Done:
        """Release a model: its bundle is made and checked first, so that a bad model is refused here and now."""
        ordered = making.ready(books, endpoint, body)
        return orders.carry_out(books, commands.RELEASE, body, holder, ordered, endpoint=endpoint)

    @telling.post("/groups/{group}/releases", status_code=201)
    def begin_group(group: str, body: asked.Group, holder: scopes.Operator) -> answers.Done:
        """Release the members of a group together, all or none: each is checked before any begins."""
        ready = [making.ready(books, str(one.settings.get("endpoint", "")), one) for one in body.members]
        ordered = {"group": group, "members": ready}
        return orders.carry_out(books, commands.GROUP, body, holder, ordered)

    @telling.post("/endpoints/{endpoint}/follow")
    def follow(endpoint: str, body: asked.Follow, holder: scopes.Operator) -> answers.Done:
        """Release by itself whatever the endpoint's model comes to mean; a model that is not there yet is waited for."""
        wanted = asked.Release(settings={**body.settings, "follow": body.follow})
        ordered = {"settings": making.plain(books, endpoint, wanted)}
        return orders.carry_out(books, commands.FOLLOW, body, holder, ordered, endpoint=endpoint)

    @telling.post("/endpoints/{endpoint}/{verb}")
    def tell(endpoint: str, verb: str, body: asked.Verb, holder: scopes.Anybody) -> answers.Done:
        """promote, pause, resume, abort, retry, approve, reject; rollback (`to` an ordinal, or `to_ref` a git revision),
        hold (`to`), unhold (`digest`), rehearse (`seconds`).
        """
        if verb not in orders.VERBS:
            raise errors.PathUnknown(f"there is no verb {verb!r}.", cure=f"The verbs are {', '.join(orders.VERBS)}.")
        scopes.demand(holder, scopes.VERBS.get(verb, "operate"), endpoint)
        making.known(books.store(), books.environment, endpoint)
        given: dict[str, dict[str, Any]] = {
            "rollback": returning.aim(books, endpoint, body) if verb == "rollback" else {},
            "hold": {"version": body.to},
            "unhold": {"digest": body.digest},
            "rehearse": {"seconds": body.seconds} | ({"aa": True, "pool": body.pool} if body.aa else {}),
        }
        payload = {name: value for name, value in given.get(verb, {}).items() if value is not None}
        return orders.carry_out(books, verb, body, holder, payload, endpoint=endpoint)

    @telling.post("/adopt")
    def adopt(body: asked.Asked, holder: scopes.Admin) -> answers.Done:
        """Take the routing table on disk as the truth, after a store was restored from the past."""
        return orders.carry_out(books, commands.ADOPT, body, holder, {})

    @telling.post("/workers/replace", status_code=202)
    def replace(body: asked.Replace, holder: scopes.Admin) -> answers.Done:
        """Have these workers replaced one by one, without losing a request. `GET /v1/status` shows who is left."""
        ordered = {"instances": body.instances}
        return orders.carry_out(books, commands.REPLACE, body, holder, ordered)

    return telling


def _said(error: errors.TidegateError) -> responses.JSONResponse:
    headers = {"retry-after": "2"} if error.retryable and error.status == 503 else {}
    return responses.JSONResponse(access.failure(error), error.status, headers)


async def _refused(_: fastapi.Request, error: Exception) -> responses.JSONResponse:
    assert isinstance(error, errors.TidegateError)
    if error.fault == "us":
        log.warning(str(error), extra={"code": error.code})
    return _said(error)


async def _malformed(_: fastapi.Request, error: Exception) -> responses.JSONResponse:
    """The first thing wrong with a body or a query, with its place."""
    assert isinstance(error, exceptions.RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    return _said(errors.BodyMalformed(f"{place}: {first['msg']}.", cure="GET /openapi.json has every body's schema."))


async def _unknown(request: fastapi.Request, error: Exception) -> responses.JSONResponse:
    assert isinstance(error, http.HTTPException)
    if error.status_code == 405:
        return _said(errors.MethodRefused(f"{request.url.path} does not take {request.method}."))
    if error.status_code == 404:
        return _said(errors.PathUnknown(f"nothing is served at {request.url.path}.", cure="GET /docs lists what is."))
    return _said(errors.BodyMalformed(str(error.detail)))


async def _internal(request: fastapi.Request, error: Exception) -> responses.JSONResponse:
    """A bug: operators get the stack, whoever asked gets none of it."""
    log.error("internal", exc_info=error, extra={"path": request.url.path})
    cure = "`tidegate logs` has what happened; please report it."
    return _said(errors.TidegateError("something went wrong inside Tidegate.", cure=cure))
