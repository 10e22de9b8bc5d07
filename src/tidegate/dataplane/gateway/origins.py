"""Web pages of other origins (CORS): their browsers are told that they may read answers, where the endpoint lists them.

Off unless an endpoint's file has `origins`. A request is answered the same either way: this is about who may read it in a
browser, not about who may ask, which is for tokens.
"""

from collections.abc import Collection, Iterable

EXPOSED = b", ".join(
    (
        b"tidegate-prediction-id",
        b"tidegate-version",
        b"tidegate-rescued",
        b"tidegate-fallback",
        b"tidegate-flagged",
        b"x-request-id",
        b"retry-after",
        b"inference-header-content-length",
    )
)
TAKEN = b", ".join(
    (
        b"authorization",
        b"content-type",
        b"content-encoding",
        b"inference-header-content-length",
        b"tidegate-timeout-ms",
        b"x-request-id",
    )
)
ALLOWED = b"access-control-allow-origin: "
ASKING = b"access-control-request-method"
"""The header by which a browser asks before it sends the request itself."""
SECONDS = 600
"""How long a browser may remember the answer to that."""
_LONGEST = 256


def lines(origin: bytes, listed: Collection[str]) -> bytes:
    """Header lines that let pages of this origin read the answer; none where it is not listed."""
    if "*" in listed:
        return b"%s*\r\naccess-control-expose-headers: %s\r\n" % (ALLOWED, EXPOSED)
    if len(origin) > _LONGEST or origin.decode("latin-1") not in listed:
        return b"vary: origin\r\n" if listed else b""
    return b"%s%s\r\nvary: origin\r\naccess-control-expose-headers: %s\r\n" % (ALLOWED, origin, EXPOSED)


def beforehand(methods: bytes, also: Iterable[bytes] = ()) -> bytes:
    """Further lines when a browser asks first: what it may send. `also`: headers that the endpoint draws by."""
    return b"access-control-allow-methods: %s\r\naccess-control-allow-headers: %s\r\naccess-control-max-age: %d\r\n" % (
        methods,
        b", ".join((TAKEN, *sorted(also))),
        SECONDS,
    )
