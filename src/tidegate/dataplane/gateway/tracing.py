"""Whether a request is traced, and its spans: W3C Trace Context in, the worker's and the model's spans back, one record out.

No library of traces comes near here: what a request took is noted in plain values (`wire.spans`), and the monitor exports it. A
request of an endpoint that does not trace costs one look at a flag.
"""

import os
import random
import re
from collections.abc import Mapping
from typing import NamedTuple

from tidegate.core.vocabulary import errors, ids, marks, monitoring
from tidegate.dataplane.wire import frames, spans

PARENT, STATE = b"traceparent", b"tracestate"
HEADERS = frozenset({PARENT, STATE})
STATE_BYTES = 512
_PARENT = re.compile(rb"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")
_SAMPLED = 1


class Context(NamedTuple):
    """What a client says of its trace."""

    trace: bytes
    span: bytes
    sampled: bool
    state: str


class Trace:
    """One request that is traced."""

    __slots__ = ("id", "parent", "remote", "span", "spans", "state")

    def __init__(self, given: Context | None) -> None:
        self.remote = given is not None
        self.id = given.trace if given else os.urandom(16)
        self.parent = given.span if given else b""
        self.state = given.state if given else ""
        self.span = os.urandom(8)
        self.spans: list[spans.Span] = []

    @property
    def context(self) -> bytes:
        """What the worker is told: whose spans its own are."""
        return self.id + self.span + self.state.encode("latin-1")

    def add(self, reply: frames.Reply) -> None:
        """A worker's spans of this request."""
        self.spans += reply.traced[: spans.MOST_SPANS - len(self.spans)]

    def ended(self, times: tuple[int, int], attributes: dict[str, str | int | float | bool], error: str) -> spans.Traced:
        """All of it; `times` are (start, end) in Unix nanoseconds."""
        own = spans.Span(f"predict {attributes['tidegate.endpoint']}", self.span, self.parent, *times, attributes, error)
        return spans.Traced(self.id, self.state, self.remote, [own, *self.spans])


def begun(fields: Mapping[bytes, bytes], wanted: monitoring.Traces) -> Trace | None:
    """The trace of a request with these headers; None where it is not to be traced.

    A client's context is the parent whoever decides. Its flag decides where that is wanted; chance does otherwise.
    """
    given = parsed(fields) if fields and PARENT in fields else None
    sampled = given.sampled if given is not None and wanted.follow else random.random() < wanted.sample
    return Trace(given) if sampled else None


def parsed(fields: Mapping[bytes, bytes]) -> Context | None:
    """The context in the headers; None where it is none by the standard: the trace then begins here."""
    found = _PARENT.fullmatch(fields[PARENT].strip())
    if found is None or found[1] == b"ff" or (found[1] == b"00" and len(found[0]) != 55):
        return None
    trace, span = bytes.fromhex(found[2].decode()), bytes.fromhex(found[3].decode())
    if not any(trace) or not any(span):
        return None
    state = fields.get(STATE, b"").strip()
    shown = state.decode("latin-1") if len(state) <= STATE_BYTES and state.isascii() else ""
    return Context(trace, span, bool(int(found[4], 16) & _SAMPLED), shown)


def told(
    identifier: bytes, request_id: str, stamp: tuple[object, ...], mark: int, status: int
) -> dict[str, str | int | float | bool]:
    """A request's attributes. `stamp`: `endpoints.Side.stamp`."""
    said: dict[str, str | int | float | bool] = {
        "tidegate.prediction_id": ids.text(identifier),
        "tidegate.endpoint": str(stamp[1]),
        "tidegate.version": f"v{stamp[5]}",
        "tidegate.release": str(stamp[2]),
        "tidegate.arm": int(str(stamp[7])),
        "tidegate.mark": marks.Mark(mark).name.lower(),
        "http.response.status_code": status,
    }
    return said | ({"tidegate.request_id": request_id} if request_id else {})


def failed(mark: int, failure: errors.TidegateError | None, error: str) -> str:
    """Why the request counts as failed for whoever looks at its trace, as a code: a model's own words may hold inputs."""
    if failure is not None:
        return failure.code
    return error.partition(":")[0] or marks.Mark(mark).name.lower() if mark in marks.BAD else ""
