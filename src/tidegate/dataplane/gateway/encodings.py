"""Compressed bodies, both ways: gzip, and deflate with or without its zlib frame, since clients send either by that name.

What comes in is undone only up to the limit of the endpoint, so a small body that unfolds without end costs no more than
the largest that may be sent plain. What goes out is compressed where the client asks for it and it is large enough to pay.
"""

import functools
import zlib
from collections.abc import Callable

from tidegate.core.vocabulary import errors

TAKEN = (b"gzip", b"deflate")
LEAST = 4_096
"""Bytes of an answer from which compressing it pays."""
LARGE = 1 << 18
"""Bytes of an answer whose compression would hold the event loop up for milliseconds."""
LEVEL = 1
_GZIP, _ZLIB, _RAW = 31, 15, -15
_MEMBERS = 64
"""Parts of a gzip body: each may be empty, and many of them would be slow for nothing."""


def undone(body: bytes, encoding: bytes, limit: int) -> bytes:
    """The body as it was before it was encoded. Raises BodyTooLarge, BodyMalformed, MediaRefused."""
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return body
    if name in (b"gzip", b"x-gzip"):
        return _members(body, limit)
    if name != b"deflate":
        given = name[:40].decode("latin-1")
        raise errors.MediaRefused(f"The content-encoding {given} is not taken.", cure="Send gzip, deflate, or none.")
    framed = len(body) > 1 and body[0] & 15 == 8 and not (body[0] << 8 | body[1]) % 31
    if not framed:
        return _whole(body, _RAW, limit)
    try:
        return _whole(body, _ZLIB, limit)
    except errors.BodyMalformed:
        return _whole(body, _RAW, limit)  # it only looked like a frame


def _members(body: bytes, limit: int) -> bytes:
    found: list[bytes] = []
    for _ in range(_MEMBERS):
        piece, body = _first(body, _GZIP, limit)
        limit -= len(piece)
        found.append(piece)
        if not body:
            return b"".join(found)
    raise errors.BodyMalformed(f"The body is over {_MEMBERS} gzip files in a row.")


def _whole(body: bytes, window: int, limit: int) -> bytes:
    piece, rest = _first(body, window, limit)
    if rest:
        raise errors.BodyMalformed("The compressed body has bytes behind its end.")
    return piece


def _first(body: bytes, window: int, limit: int) -> tuple[bytes, bytes]:
    """(what the first stream in `body` unfolds to, what follows it)."""
    stream = zlib.decompressobj(window)
    try:
        piece = stream.decompress(body, limit + 1)
    except zlib.error as broken:
        raise errors.BodyMalformed(f"The body cannot be decompressed: {broken}.") from broken
    if len(piece) > limit:
        raise errors.BodyTooLarge
    if not stream.eof:
        raise errors.BodyMalformed("The compressed body is cut off.")
    return piece, stream.unused_data


@functools.lru_cache(256)
def wished(accepted: bytes) -> bytes:
    """The encoding to answer in, by an accept-encoding header; empty: none. Of equals gzip is taken."""
    weights = dict(_weighed(part) for part in accepted.lower().split(b","))
    best, weight = b"", 0.0
    for name in TAKEN:
        mine = weights.get(name, weights.get(b"*", 0.0))
        if mine > weight:
            best, weight = name, mine
    return best if weight >= weights.get(b"identity", 0.0) else b""


def _weighed(part: bytes) -> tuple[bytes, float]:
    name, _, parameter = part.partition(b";")
    key, _, value = parameter.partition(b"=")
    if key.strip() != b"q":
        return name.strip(), 1.0
    try:
        return name.strip(), min(max(float(value), 0.0), 1.0)
    except ValueError:
        return name.strip(), 0.0


def compressor(encoding: bytes) -> Callable[[bytes], bytes]:
    """What turns a body into this encoding, one of `TAKEN`. It may be called in any thread."""
    return _gzip if encoding == b"gzip" else _deflate


def _gzip(body: bytes) -> bytes:
    stream = zlib.compressobj(LEVEL, wbits=_GZIP)
    return stream.compress(body) + stream.flush()


def _deflate(body: bytes) -> bytes:
    return zlib.compress(body, LEVEL)
