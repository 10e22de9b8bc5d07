"""Between what HTTP says and what gRPC says: status codes, headers and metadata."""

import string
import urllib.parse
from collections.abc import Iterable, Iterator

import grpc
import msgspec

from tidegate.dataplane.gateway import admission

CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    401: grpc.StatusCode.UNAUTHENTICATED,
    403: grpc.StatusCode.PERMISSION_DENIED,
    404: grpc.StatusCode.NOT_FOUND,
    405: grpc.StatusCode.UNIMPLEMENTED,
    408: grpc.StatusCode.DEADLINE_EXCEEDED,
    413: grpc.StatusCode.RESOURCE_EXHAUSTED,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    499: grpc.StatusCode.CANCELLED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}
ERROR = "tidegate-error"
"""Trailing metadata: the error's stable code."""
FALLBACK = "tidegate-fallback"
TIMEOUT = b"tidegate-timeout-ms"
_MEANT = frozenset({b"authorization", b"x-request-id", TIMEOUT})
_KEPT_BACK = frozenset(name.decode() for name in admission.READ - _MEANT) | {"user-agent", "te"}
"""Names of metadata that would say to a gateway how a body is written or an answer is sent, and gRPC's own."""
_GIVEN_TOO = frozenset({"retry-after", "x-request-id"})
_VISIBLE = string.punctuation + " "
_LONGEST = 999_999_999


class Failure(msgspec.Struct):
    """The body of an error."""

    error: str = "Something went wrong."
    code: str = ""


_decode = msgspec.json.Decoder(Failure).decode


def code(status: int) -> grpc.StatusCode:
    """The code of gRPC for an HTTP status that is no success."""
    found = CODES.get(status)
    if found is not None:
        return found
    return grpc.StatusCode.INVALID_ARGUMENT if 400 <= status < 500 else grpc.StatusCode.INTERNAL


def failure(body: bytes) -> Failure:
    """What an error's JSON says."""
    try:
        return _decode(body)
    except msgspec.DecodeError:
        return Failure()


def fields(metadata: Iterable[tuple[str, str | bytes]], remaining: float | None) -> dict[bytes, bytes]:
    """A client's metadata as header fields: all of it that may matter, since an endpoint may draw by any header, and only the
    gateway knows at any moment which. `remaining`: seconds until its deadline; it shortens what it asked for besides.
    """
    found = {}
    for name, value in metadata:
        if name not in _KEPT_BACK and not name.startswith("grpc-") and not name.endswith("-bin"):
            found[name.encode()] = value if isinstance(value, bytes) else value.encode("latin-1", "replace")
    if remaining is not None:
        left = min(max(int(remaining * 1000), 1), _LONGEST)
        asked = found.get(TIMEOUT)
        if asked is None or (asked.isdigit() and int(asked[:10]) > left):
            found[TIMEOUT] = b"%d" % left
    return found


def trailing(lines: bytes) -> Iterator[tuple[str, str]]:
    """An answer's header lines as trailing metadata: ours, and what HTTP and gRPC have in common. Metadata is visible ASCII:
    other characters (of a rule about a column, say) are percent-encoded.
    """
    for line in lines.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(": ")
        if name.startswith("tidegate-") or name in _GIVEN_TOO:
            yield name, urllib.parse.quote(value.encode("latin-1"), safe=_VISIBLE)
