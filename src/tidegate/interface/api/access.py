"""Who may ask: the holder of a token, at this API's own address, in JSON. What a holder may ask is for `scopes` to say.

A token even on loopback, since any program and any web page on this machine can reach a port there. Host is checked
against DNS rebinding, Origin against other pages, the content type against plain HTML forms.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any

from starlette import concurrency

from tidegate.core.vocabulary import errors, tokens

BODY_MAX = 1 << 20
OPEN = frozenset({"/docs", "/openapi.json", "/page/enter"})
"""Served without the token: they say what could be asked, and hold nothing of this Tidegate; a code of its own opens the last."""
FRONT, STREAM = "/", "/page/stream"
"""What a browser's cookie opens as well. Without either the first says how to come in; it tells nothing else."""
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HOLDER = "tidegate.holder"
"""Where the ASGI scope of a request says whose it is."""
Headers = dict[bytes, list[bytes]]
Known = Callable[[str], tokens.Token | None]
"""The token with this sha256, or None."""
OfCookie = Callable[[Headers], tokens.Token | None]
"""Whose cookie these headers show; None without a good one."""


def own_hosts(port: int) -> frozenset[str]:
    """What Host may say."""
    return frozenset(f"{name}:{port}" for name in _LOOPBACK)


def check(headers: Headers, *, method: str, hosts: Iterable[str]) -> None:
    """Raises OriginRefused for a request that was not meant for this API."""
    host = only(headers, b"host")
    if host not in hosts:
        raise errors.OriginRefused(f"Host is {host!r}, which is not this API's address.")
    if b"origin" in headers:
        origin = only(headers, b"origin")
        if origin not in {f"http://{name}" for name in hosts}:
            raise errors.OriginRefused(f"Origin is {origin!r}: pages of other sites may not ask.")
    if method not in {"GET", "HEAD"} and only(headers, b"content-type").partition(";")[0].strip().lower() != "application/json":
        raise errors.OriginRefused("the body has to be JSON.", cure="Send Content-Type: application/json.")


def identify(headers: Headers, known: Known) -> tokens.Token:
    """Whose request it is. Raises TokenMissing, and StoreUnavailable where that cannot be told."""
    scheme, _, given = only(headers, b"authorization").partition(" ")
    token = given.strip().encode()
    found = known(tokens.digest(token)) if token and scheme.lower() == "bearer" else None
    if found is None:
        raise errors.TokenMissing()
    return found


def only(headers: Headers, name: bytes) -> str:
    """The header's value; empty when it is missing, or sent twice: two readers could then see two values."""
    found = headers.get(name, [])
    return found[0].decode("latin-1") if len(found) == 1 else ""


class Access:
    """ASGI middleware around the whole application."""

    def __init__(self, app: Any, *, hosts: frozenset[str], known: Known, of_cookie: OfCookie) -> None:
        self._app, self._hosts, self._known, self._of_cookie = app, hosts, known, of_cookie

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Let the request pass, or answer it with why not."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers: Headers = {}
        for name, value in scope["headers"]:
            headers.setdefault(name.lower(), []).append(value)
        try:
            check(headers, method=scope["method"], hosts=self._hosts)
            if scope["path"] not in OPEN:
                # it may have to look into the store, which may be busy
                scope[HOLDER] = await concurrency.run_in_threadpool(self._holder, headers, scope["path"])
            body = await _body(receive)
        except errors.TidegateError as refused:
            await _answer(send, refused)
            return
        await self._app(scope, _replayed(body, receive), send)

    def _holder(self, headers: Headers, path: str) -> tokens.Token | None:
        """Whose request it is; None only where nobody in particular may ask too."""
        if path not in {FRONT, STREAM} or b"authorization" in headers:
            return identify(headers, self._known)
        found = self._of_cookie(headers)
        if found is None and path == STREAM:
            raise errors.TokenMissing()
        return found


async def _body(receive: Any) -> bytes:
    """The whole body, within its limit; commands are small."""
    parts, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            break
        part = message.get("body", b"")
        size += len(part)
        if size > BODY_MAX:
            raise errors.BodyTooLarge(f"a command has at most {BODY_MAX} bytes.")
        parts.append(part)
        more = message.get("more_body", False)
    return b"".join(parts)


def _replayed(body: bytes, receive: Any) -> Any:
    given = False

    async def again() -> Any:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


async def _answer(send: Any, refused: errors.TidegateError) -> None:
    raw = json.dumps(failure(refused)).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(raw)).encode())]
    if isinstance(refused, errors.TokenMissing):
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": refused.status, "headers": headers})
    await send({"type": "http.response.body", "body": raw})


def failure(error: errors.TidegateError) -> dict[str, str]:
    """The body of an error, the same shape everywhere."""
    said = f"{error.where}: {error.message}" if error.where else error.message
    return {"error": said, "code": error.code} | ({"cure": error.cure} if error.cure else {})
