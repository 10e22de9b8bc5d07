"""What a URL asks for. Resolved once for each URL seen and then remembered, so a request costs one look-up."""

import enum
import functools
import urllib.parse
from typing import NamedTuple

import httptools

from tidegate.dataplane.wire import frames

REMEMBERED = 2_048


class Ask(enum.Enum):
    """What is served."""

    INFER = "infer"
    RECORDS = "records"
    INVOCATIONS = "invocations"
    GRPC = "grpc"
    """An infer request as a protobuf message: by framed connections only, no path leads here."""
    OUTCOMES = "outcomes"
    SERVER = "server"
    LIVE = "live"
    READY = "ready"
    PROGRAM = "program"
    """Which Tidegate this is, as plain text."""
    MODELS = "models"
    MODEL = "model"
    MODEL_READY = "model ready"
    CONFIG = "config"
    OPENAPI = "openapi"
    PAGE = "page"
    ANYTHING = "anything"
    """OPTIONS *: the server as a whole."""
    NOTHING = "nothing"


CONTENT = {
    Ask.INFER: int(frames.Content.INFER),
    Ask.RECORDS: int(frames.Content.RECORDS),
    Ask.INVOCATIONS: int(frames.Content.INVOCATIONS),
    Ask.GRPC: int(frames.Content.GRPC),
}
"""What the body of a prediction is, by its path alone."""
POSTED = frozenset({*CONTENT, Ask.OUTCOMES})
_PLAIN = {
    ("outcomes",): Ask.OUTCOMES,
    ("invocations",): Ask.INVOCATIONS,
    ("ping",): Ask.READY,
    ("health",): Ask.READY,
    ("version",): Ask.PROGRAM,
    ("v2",): Ask.SERVER,
    ("v2", "health", "live"): Ask.LIVE,
    ("v2", "health", "ready"): Ask.READY,
    ("v2", "models"): Ask.MODELS,
    ("*",): Ask.ANYTHING,
}
_OF_MODEL = {(): Ask.MODEL, ("ready",): Ask.MODEL_READY, ("infer",): Ask.INFER, ("config",): Ask.CONFIG}
_OF_ENDPOINT = {
    (): Ask.PAGE,
    ("predict",): Ask.RECORDS,
    ("invocations",): Ask.INVOCATIONS,
    ("openapi.json",): Ask.OPENAPI,
}


class Target(NamedTuple):
    """A URL, understood."""

    ask: Ask
    endpoint: str = ""
    version: str = ""
    """As the client wrote it; empty: none named."""
    content: int = 0
    """CONTENT of the ask; 0: no prediction."""


def target(ask: Ask, endpoint: str = "", version: str = "") -> Target:
    """The target of an ask that has no URL."""
    return Target(ask, endpoint, version, CONTENT.get(ask, 0))


@functools.lru_cache(REMEMBERED)
def resolve(url: bytes) -> Target:
    """What this request target, path or whole URL, asks for. A query is ignored."""
    try:
        path = httptools.parse_url(url).path or b""
    except httptools.HttpParserInvalidURLError:
        path = url if url == b"*" else b""
    parts = tuple(urllib.parse.unquote(part) for part in path.decode("ascii", "replace").strip("/").split("/"))
    if parts in _PLAIN:
        return target(_PLAIN[parts])
    if len(parts) > 1 and "" in parts:
        return Target(Ask.NOTHING)
    if parts[:2] == ("v2", "models"):
        name, rest, version = parts[2], parts[3:], ""
        if rest[:1] == ("versions",) and len(rest) > 1:
            version, rest = rest[1], rest[2:]
        return target(_OF_MODEL.get(rest, Ask.NOTHING), name, version)
    if parts[0] == "endpoints" and len(parts) > 1:
        return target(_OF_ENDPOINT.get(parts[2:], Ask.NOTHING), parts[1])
    return Target(Ask.NOTHING)
