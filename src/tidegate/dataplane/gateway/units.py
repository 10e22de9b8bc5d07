"""The unit that a request belongs to where its endpoint is sticky: its key, from a header, a cookie, or a field of its first row.

Clients choose their keys: that is what stickiness means. A request without one is a unit of its own, drawn by its prediction
id. A cookie that is absent is issued with the answer to the very request that lacked it, which is drawn by it already.
"""

import secrets
from collections.abc import Iterable

from tidegate.core.vocabulary import assignment, tables
from tidegate.dataplane.gateway import exchanges, fallbacks
from tidegate.dataplane.wire import frames

LONGEST = 256
"""Bytes of a key that is drawn by as it is; a longer one is drawn by its hash."""
COOKIE_SECONDS = 180 * 86_400
_COOKIE = b"cookie"
_CHANCE = 16
_CSV = int(frames.Content.CSV)


def headers(route: tables.Route) -> frozenset[bytes]:
    """Names of the headers, in lower case, that have to be read to know who gets what."""
    sticky, cohort = route.sticky, route.cohort
    found = set()
    if sticky is not None and sticky.by != "field":
        found.add(_COOKIE if sticky.by == "cookie" else sticky.name.lower().encode())
    if cohort is not None and cohort.header:
        found.add(cohort.header.lower().encode())
    return frozenset(found)


def all_headers(routes: Iterable[tables.Route]) -> frozenset[bytes]:
    """Those of all routes."""
    return frozenset().union(*map(headers, routes))


def drawn_by(key: bytes) -> bytes:
    """The unit of a key."""
    return key if len(key) <= LONGEST else assignment.digest(key)


class Units:
    """One route's."""

    def __init__(self, sticky: assignment.Sticky) -> None:
        self._by, self._field = sticky.by, sticky.name
        self._name = sticky.name.lower().encode()

    def key(self, exchange: exchanges.Exchange, content: int) -> bytes:
        """The request's key; empty where it has none. Issues the cookie that is absent: the answer will bring it."""
        if self._by == "field":
            return _of_field(self._field, exchange, content)
        if self._by == "header":
            return exchange.fields.get(self._name, b"").strip()
        found = cookie(exchange.fields.get(_COOKIE, b""), self._name)
        if found or exchange.half_read or not exchange.takes_cookies:
            return found
        made = secrets.token_hex(_CHANCE).encode()
        exchange.lines += b"set-cookie: %s=%s; Path=/; Max-Age=%d; HttpOnly; SameSite=Lax\r\n" % (
            self._field.encode(),
            made,
            COOKIE_SECONDS,
        )
        return made


def cookie(header: bytes, name: bytes) -> bytes:
    """The value of the first cookie of this name, in lower case, in a cookie header; empty where there is none."""
    for pair in header.split(b";"):
        given, _, value = pair.partition(b"=")
        if given.strip().lower() == name:
            return value.strip().strip(b'"')
    return b""


def _of_field(name: str, exchange: exchanges.Exchange, content: int) -> bytes:
    body, size = exchange.body, exchange.json_bytes
    if content == _CSV:
        return assignment.worded(fallbacks.cells(body).get(name))
    return assignment.worded(fallbacks.first(content, body if size < 0 else body[:size]).get(name))
