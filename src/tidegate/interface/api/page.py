"""The release page: `/`, the stream that keeps it current, and the way in. It reads; nothing here takes a command."""

import secrets
from collections.abc import Callable

import fastapi
from fastapi import responses

from tidegate.core.vocabulary import errors, tokens
from tidegate.interface.api import access, answers, asked, live, painting, scopes, session, shelf

HTML = responses.HTMLResponse
_SAFE = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
}


def router(books: shelf.Shelf, door: session.Door, known: access.Known, shown: live.Live) -> fastapi.APIRouter:
    """The paths. `known`: tokens by their hash, asked again as long as a stream lasts."""
    made = fastapi.APIRouter(tags=["page"])

    @made.post("/v1/page", status_code=201)
    def admit(_: asked.Asked, holder: scopes.Anybody) -> answers.Entry:
        """A code that lets one browser see the page: good once, for a minute, at /page/enter?code=."""
        _may_read(holder)
        return answers.Entry(code=door.code(holder.sha256), seconds=session.CODE_SECONDS)

    @made.get("/page/enter", include_in_schema=False)
    def enter(request: fastapi.Request, code: str = fastapi.Query(default="", max_length=100)) -> responses.Response:
        try:
            cookie = door.exchange(code)
        except errors.TokenMissing as refused:
            return _closed(f"{refused.message} {refused.cure}")
        entered = responses.RedirectResponse("/", 303, _SAFE)
        name = session.name((request.headers.get("host") or "").rpartition(":")[2])
        entered.set_cookie(name, cookie, max_age=session.COOKIE_SECONDS, path="/", httponly=True, samesite="strict")
        return entered

    @made.get("/", include_in_schema=False)
    def page(request: fastapi.Request) -> responses.Response:
        holder = request.scope.get(access.HOLDER)
        if holder is None:
            return _closed("This browser has not been let in, or no longer is.")
        _may_read(holder)
        nonce = secrets.token_urlsafe(16)
        parts = shown.paint().parts(holder)
        return HTML(painting.page(parts, nonce=nonce, environment=books.environment), headers=_headers(nonce))

    @made.get("/page/stream", include_in_schema=False)
    async def stream(request: fastapi.Request, holder: scopes.Anybody, seen: str = "") -> responses.StreamingResponse:
        _may_read(holder)
        shown.admit()
        had = request.headers.get("last-event-id", seen)
        events = shown.follow(_again(known, holder), had[:64])
        return responses.StreamingResponse(events, media_type="text/event-stream", headers=_SAFE)

    return made


def of_cookie(door: session.Door, known: access.Known) -> Callable[[access.Headers], tokens.Token | None]:
    """Whose cookie a request shows; None without a good one. Raises StoreUnavailable where that cannot be told."""

    def find(headers: access.Headers) -> tokens.Token | None:
        # a browser may split them over several headers
        shown = b"; ".join(headers.get(b"cookie", [])).decode("latin-1")
        sha256 = door.holder(session.given(shown, access.only(headers, b"host")))
        return known(sha256) if sha256 else None

    return find


def _may_read(holder: tokens.Token) -> None:
    """Raises ScopeMissing; a token for some endpoints sees these."""
    scopes.demand(holder, "read", *holder.endpoints[:1])


def _again(known: access.Known, holder: tokens.Token) -> live.Who:
    def who() -> tokens.Token | None:
        try:
            found = known(holder.sha256)
        except errors.StoreUnavailable:
            return holder  # it was good, and nobody can say that it is not
        return found if found is not None and found.may("read", *found.endpoints[:1]) else None

    return who


def _closed(words: str) -> responses.Response:
    nonce = secrets.token_urlsafe(16)
    return HTML(painting.closed(words, nonce=nonce), 401, headers=_headers(nonce))


def _headers(nonce: str) -> dict[str, str]:
    policy = (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return {**_SAFE, "content-security-policy": policy}
